"""What a week brings in the vector engine: opportunities, certifications and false claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.gaming.false_claims import false_claim_rate, registration_shares, squatting_shares
from simulator.core.arrays import Array, Ints
from simulator.engines.records import NEVER
from simulator.engines.vector.deals import go_alone, schedule
from simulator.engines.vector.joint_deals import other_cells
from simulator.program.credit_splits import ALONE
from simulator.program.measures import MEASURES, Event
from simulator.world.disputes import NONE

if TYPE_CHECKING:
    from simulator.engines.vector.engine import VectorRun

_PADDED = tuple(name for name, m in MEASURES.items() if m.padded)


def arrive(run: VectorRun, week: int) -> None:
    w = run.world
    first = run.opps.rows
    rows = w.sourced(week, run.effort.multiple)
    _found(run, rows, np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool), vendor=False)
    rows = w.vendor(week)
    if len(rows):
        _vendor_deals(run, rows)
    fresh = np.arange(first, run.opps.rows)
    for b in run.accounts:
        b.registry.file(week, fresh, run.opps, b.followed)
    _certify(run, week)
    if "padding" in run.mode.gaming:
        _pad(run, week)


def _vendor_deals(run: VectorRun, rows: Ints) -> None:
    w, c = run.world, run.world.candidates
    without_gaming, claimed = registration_shares(
        run.setting, run.effort.working(0), run.false_claim_gains, w.misreport_cost, w.opportunist,
        claiming="credit_claiming" in run.mode.gaming,
    )  # fmt: skip
    rep, found, mark = (c[name].take(rows) for name in ("rep", "who", "mark"))
    who, known = np.maximum(found, 0), found >= 0
    cell = rep.astype(np.intp) * run.shape[1] + who
    worked = known & (mark < without_gaming.take(cell))
    false = known & ~worked & (mark < claimed.take(cell))
    if "squatting" not in run.mode.gaming:
        _found(run, rows, worked, false, vendor=True)
        return
    share = squatting_shares(run.setting, run.false_claim_gains, w.misreport_cost, w.opportunist)
    first, other = w.squatters(rows)
    taken = (first >= 0) & (other < share[rep, np.maximum(first, 0)])
    _found(run, rows, worked & ~taken, false | taken, np.where(taken, first, who), vendor=True)


def _found(
    run: VectorRun, rows: Ints, worked: np.ndarray, false: np.ndarray, by: Ints | None = None, *, vendor: bool
) -> None:
    """Open opportunities for candidates; `false` ones are registered without joint work.

    by: the partner of each, where it is not the candidate's.
    """
    if not len(rows):
        return
    w = run.world
    c, d = w.candidates, w.deals
    deal = w.deals_of(rows)
    rep, who = c["rep"].take(rows).astype(np.intp), np.maximum(c["who"].take(rows), 0) if by is None else by
    cell, start = rep * run.shape[1] + who, c["time"].take(rows)
    x, work = run.effort.intensity.take(cell), run.work.take(cell)
    first = d["durations"].take(deal * d["durations"].shape[1])
    due = start + first / np.where(worked, run.effort.speed.take(cell), 1.0)
    opp = run.opps.append(
        len(rows), deal=deal, cell=cell, start=start, amount=d["amount"].take(deal), code=d["code"].take(deal),
        attached=worked | false, worked=worked, false=false, vendor=vendor,
        since=work + x * (start - np.floor(start)), stage=0, due=due,
        qualified=NEVER, decided=NEVER, lost=False, filed=False, conceded=0.0, discount=0.0, ends=NEVER,
        other=other_cells(run, deal, rep, worked),
    )  # fmt: skip
    run.opened.append(cell.take(np.flatnonzero(worked)))
    go_alone(run, opp.take(np.flatnonzero(~(worked | false))))
    registered = np.flatnonzero(worked | false)
    schedule(run, opp.take(registered), due.take(registered))


def _certify(run: VectorRun, week: int) -> None:
    rep, who = run.world.certified(week, run.effort.working(2))
    if len(rep):
        _claim_activity(run, Event.CERTIFIED, week, rep, who, np.zeros(len(rep), dtype=bool), np.ones(len(rep)))


def _pad(run: VectorRun, week: int) -> None:
    for name in _PADDED:
        event = MEASURES[name].event
        if event not in run.false_claim_gains.activity:
            continue
        rate = false_claim_rate(run.false_claim_gains.activity[event], run.world.misreport_cost)
        rate = np.where(run.world.opportunist, np.minimum(rate, run.world.most_false), 0.0)
        rep, who, audit = run.world.false_claims(name, week, rate)
        if len(rep):
            _claim_activity(run, event, week, rep, who, np.ones(len(rep), dtype=bool), audit)


def _claim_activity(
    run: VectorRun, event: Event, week: int, rep: Ints, who: Ints, false: np.ndarray, audit: Array
) -> None:
    run.claims.append(
        len(rep), event=int(event), cell=rep * run.shape[1] + who, opp=-1, week=week, time=float(week),
        start=float(week), amount=0.0, code=-1, false=false, audit=audit, moved=0, conceded=0.0,
        deal=-1, role=ALONE, disputed=NONE,
    )  # fmt: skip
