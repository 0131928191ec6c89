"""What a week brings in the vector engine: opportunities, certifications and false claims."""

from __future__ import annotations

import numpy as np

from simulator.behavior.gaming.false_claims import false_claim_rate, registration_shares, squatting_shares
from simulator.core.arrays import Array, Ints
from simulator.engines.records import NEVER
from simulator.engines.vector.deals import go_alone, schedule
from simulator.engines.vector.joint_deals import other_cells
from simulator.engines.vector.state import VectorState
from simulator.program.credit_splits import ALONE
from simulator.program.measures import MEASURES, Event
from simulator.world.disputes import NONE

_PADDED = tuple(name for name, m in MEASURES.items() if m.padded)


def arrive(state: VectorState, week: int) -> None:
    w = state.world
    first = state.opps.rows
    rows = w.sourced(week, state.effort.multiple)
    _found(state, rows, np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool), vendor=False)
    rows = w.vendor(week)
    if len(rows):
        _vendor_deals(state, rows)
    fresh = np.arange(first, state.opps.rows)
    for b in state.accounts:
        b.registry.file(week, fresh, state.opps, b.followed)
    _certify(state, week)
    if "padding" in state.mode.gaming:
        _pad(state, week)


def _vendor_deals(state: VectorState, rows: Ints) -> None:
    w, c = state.world, state.world.candidates
    without_gaming, claimed = registration_shares(
        state.setting, state.effort.working(0), state.false_claim_gains, w.misreport_cost, w.opportunist,
        claiming="credit_claiming" in state.mode.gaming,
    )  # fmt: skip
    rep, found, mark = (c[name].take(rows) for name in ("rep", "who", "mark"))
    who, known = np.maximum(found, 0), found >= 0
    cell = rep.astype(np.intp) * state.shape[1] + who
    worked = known & (mark < without_gaming.take(cell))
    false = known & ~worked & (mark < claimed.take(cell))
    if "squatting" not in state.mode.gaming:
        _found(state, rows, worked, false, vendor=True)
        return
    share = squatting_shares(state.setting, state.false_claim_gains, w.misreport_cost, w.opportunist)
    first, other = w.squatters(rows)
    taken = (first >= 0) & (other < share[rep, np.maximum(first, 0)])
    _found(state, rows, worked & ~taken, false | taken, np.where(taken, first, who), vendor=True)


def _found(
    state: VectorState, rows: Ints, worked: np.ndarray, false: np.ndarray, by: Ints | None = None, *, vendor: bool
) -> None:
    """Open opportunities for candidates; `false` ones are registered without joint work.

    by: the partner of each, where it is not the candidate's.
    """
    if not len(rows):
        return
    w = state.world
    c, d = w.candidates, w.deals
    deal = w.deals_of(rows)
    rep, who = c["rep"].take(rows).astype(np.intp), np.maximum(c["who"].take(rows), 0) if by is None else by
    cell, start = rep * state.shape[1] + who, c["time"].take(rows)
    x, work = state.effort.intensity.take(cell), state.work.take(cell)
    first = d["durations"].take(deal * d["durations"].shape[1])
    due = start + first / np.where(worked, state.effort.speed.take(cell), 1.0)
    opp = state.opps.append(
        len(rows), deal=deal, cell=cell, start=start, amount=d["amount"].take(deal), code=d["code"].take(deal),
        attached=worked | false, worked=worked, false=false, vendor=vendor,
        since=work + x * (start - np.floor(start)), stage=0, due=due,
        qualified=NEVER, decided=NEVER, lost=False, filed=False, conceded=0.0, discount=0.0, ends=NEVER,
        other=other_cells(state, deal, rep, worked),
    )  # fmt: skip
    state.opened.append(cell.take(np.flatnonzero(worked)))
    go_alone(state, opp.take(np.flatnonzero(~(worked | false))))
    registered = np.flatnonzero(worked | false)
    schedule(state, opp.take(registered), due.take(registered))


def _certify(state: VectorState, week: int) -> None:
    rep, who = state.world.certified(week, state.effort.working(2))
    if len(rep):
        _claim_activity(state, Event.CERTIFIED, week, rep, who, np.zeros(len(rep), dtype=bool), np.ones(len(rep)))


def _pad(state: VectorState, week: int) -> None:
    for name in _PADDED:
        event = MEASURES[name].event
        if event not in state.false_claim_gains.activity:
            continue
        rate = false_claim_rate(state.false_claim_gains.activity[event], state.world.misreport_cost)
        rate = np.where(state.world.opportunist, np.minimum(rate, state.world.most_false), 0.0)
        rep, who, audit = state.world.false_claims(name, week, rate)
        if len(rep):
            _claim_activity(state, event, week, rep, who, np.ones(len(rep), dtype=bool), audit)


def _claim_activity(
    state: VectorState, event: Event, week: int, rep: Ints, who: Ints, false: np.ndarray, audit: Array
) -> None:
    state.claims.append(
        len(rep), event=int(event), cell=rep * state.shape[1] + who, opp=-1, week=week, time=float(week),
        start=float(week), amount=0.0, code=-1, false=false, audit=audit, moved=0, conceded=0.0,
        deal=-1, role=ALONE, disputed=NONE,
    )  # fmt: skip
