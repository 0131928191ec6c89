"""What a week brings in the vector engine: opportunities, certifications and false claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.disputes import NONE
from simulator.engines.course import go_alone, schedule
from simulator.engines.seconds import other_cells
from simulator.engines.tables import NEVER
from simulator.model import gaming
from simulator.model.planning import registration_shares, squatting_shares
from simulator.program.compiled import Ints
from simulator.program.measures import MEASURES, Event
from simulator.program.numbers import Array
from simulator.program.sharing import ALONE

if TYPE_CHECKING:
    from simulator.engines.vector import VectorLife

_PADDED = tuple(name for name, m in MEASURES.items() if m.padded)


def arrive(life: VectorLife, week: int) -> None:
    w = life.world
    first = life.opps.rows
    rows = w.sourced(week, life.planner.multiple)
    _found(life, rows, np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool), vendor=False)
    rows = w.vendor(week)
    if len(rows):
        _vendor_deals(life, rows)
    fresh = np.arange(first, life.opps.rows)
    for b in life.books:
        b.registry.file(week, fresh, life.opps, b.followed)
    _certify(life, week)
    if "padding" in life.conduct.gaming:
        _pad(life, week)


def _vendor_deals(life: VectorLife, rows: Ints) -> None:
    w, c = life.world, life.world.candidates
    honest, claimed = registration_shares(
        life.setting, life.planner.working(0), life.temptation, w.misreport_cost, w.opportunist,
        claiming="credit_claiming" in life.conduct.gaming,
    )  # fmt: skip
    rep, found, mark = (c[name].take(rows) for name in ("rep", "who", "mark"))
    who, known = np.maximum(found, 0), found >= 0
    cell = rep.astype(np.intp) * life.shape[1] + who
    worked = known & (mark < honest.take(cell))
    false = known & ~worked & (mark < claimed.take(cell))
    if "squatting" not in life.conduct.gaming:
        _found(life, rows, worked, false, vendor=True)
        return
    share = squatting_shares(life.setting, life.temptation, w.misreport_cost, w.opportunist)
    first, other = w.squatters(rows)
    taken = (first >= 0) & (other < share[rep, np.maximum(first, 0)])
    _found(life, rows, worked & ~taken, false | taken, np.where(taken, first, who), vendor=True)


def _found(
    life: VectorLife, rows: Ints, worked: np.ndarray, false: np.ndarray, by: Ints | None = None, *, vendor: bool
) -> None:
    """Open opportunities for candidates; `false` ones are registered without joint work.

    by: the partner of each, where it is not the candidate's.
    """
    if not len(rows):
        return
    w = life.world
    c, d = w.candidates, w.deals
    deal = w.deals_of(rows)
    rep, who = c["rep"].take(rows).astype(np.intp), np.maximum(c["who"].take(rows), 0) if by is None else by
    cell, start = rep * life.shape[1] + who, c["time"].take(rows)
    x, work = life.planner.intensity.take(cell), life.work.take(cell)
    first = d["durations"].take(deal * d["durations"].shape[1])
    due = start + first / np.where(worked, life.planner.speed.take(cell), 1.0)
    opp = life.opps.append(
        len(rows), deal=deal, cell=cell, start=start, amount=d["amount"].take(deal), code=d["code"].take(deal),
        attached=worked | false, worked=worked, false=false, vendor=vendor,
        since=work + x * (start - np.floor(start)), stage=0, due=due,
        qualified=NEVER, decided=NEVER, lost=False, filed=False, conceded=0.0, discount=0.0, ends=NEVER,
        other=other_cells(life, deal, rep, worked),
    )  # fmt: skip
    life.opened.append(cell.take(np.flatnonzero(worked)))
    go_alone(life, opp.take(np.flatnonzero(~(worked | false))))
    registered = np.flatnonzero(worked | false)
    schedule(life, opp.take(registered), due.take(registered))


def _certify(life: VectorLife, week: int) -> None:
    rep, who = life.world.certified(week, life.planner.working(2))
    if len(rep):
        _claim_activity(life, Event.CERTIFIED, week, rep, who, np.zeros(len(rep), dtype=bool), np.ones(len(rep)))


def _pad(life: VectorLife, week: int) -> None:
    for name in _PADDED:
        event = MEASURES[name].event
        if event not in life.temptation.activity:
            continue
        rate = gaming.false_claim_rate(life.temptation.activity[event], life.world.misreport_cost)
        rate = np.where(life.world.opportunist, np.minimum(rate, life.world.most_false), 0.0)
        rep, who, audit = life.world.false_claims(name, week, rate)
        if len(rep):
            _claim_activity(life, event, week, rep, who, np.ones(len(rep), dtype=bool), audit)


def _claim_activity(
    life: VectorLife, event: Event, week: int, rep: Ints, who: Ints, false: np.ndarray, audit: Array
) -> None:
    life.claims.append(
        len(rep), event=int(event), cell=rep * life.shape[1] + who, opp=-1, week=week, time=float(week),
        start=float(week), amount=0.0, code=-1, false=false, audit=audit, moved=0, conceded=0.0,
        deal=-1, role=ALONE, disputed=NONE,
    )  # fmt: skip
