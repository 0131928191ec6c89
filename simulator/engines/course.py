"""The course of deals in the vector engine: stages, signatures and their claims, each touched once when due."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from simulator.disputes import NONE
from simulator.engines.disputing import disputed
from simulator.engines.dumping import propose
from simulator.engines.outcomes import expect
from simulator.engines.seconds import join_in
from simulator.engines.tables import DONE, SIGNING
from simulator.model import gaming, opportunity
from simulator.model.help import helped_logit
from simulator.program.compiled import Bools, Ints, take
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.program.sharing import ALONE

if TYPE_CHECKING:
    from simulator.engines.vector import VectorLife


def schedule(life: VectorLife, opp: Ints) -> None:
    """Put opportunities into the calendar by the week they are due in."""
    if not len(opp):
        return
    week = np.floor(life.opps["due"][opp]).astype(np.int64)
    order = np.argsort(week, kind="stable")
    opp, week = opp[order], week[order]
    starts = [0, *(np.flatnonzero(week[1:] != week[:-1]) + 1).tolist(), len(opp)]
    for start, stop in pairwise(starts):
        life.calendar.setdefault(int(week[start]), []).append(opp[start:stop])


def progress(life: VectorLife, week: int) -> None:
    rows = life.calendar.pop(week, [])
    todo = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    while len(todo):
        stage = life.opps["stage"][todo]
        signing = todo[stage == SIGNING]
        if len(signing):
            _sign(life, signing)
        todo = _stage_end(life, todo[stage < SIGNING])
        soon = life.opps["due"][todo] < week + 1
        schedule(life, todo[~soon])
        todo = todo[soon]


def _stage_end(life: VectorLife, opp: Ints) -> Ints:
    """Decide the stages that end; returns the opportunities that go on, with their next due time."""
    if not len(opp):
        return opp
    o, d, s = life.opps, life.world.deals, life.setting
    deal, cell, due, stage = o["deal"][opp], o["cell"][opp], o["due"][opp], o["stage"][opp]
    rep, worked = cell // life.shape[1], o["worked"][opp]
    x = life.planner.intensity.reshape(-1)[cell]
    mean = opportunity.mean_intensity(
        work=life.work.reshape(-1)[cell] + x * (due - np.floor(due)),
        since=o["since"][opp],
        now=due,
        start=o["start"][opp],
    )
    with_work = opportunity.win_logit(
        base=d["with_logit"][deal], cosell_win=take(s.behavior("cosell_win"), rep), intensity=mean
    )
    if (help_now := life.planner.help) is not None:
        with_work = helped_logit(
            with_work, complexity=d["complexity"][deal], account=d["account"][deal],
            hard=help_now.complex.reshape(-1)[cell], named=help_now.named.reshape(-1)[cell],
        )  # fmt: skip
    logit = np.where(worked, with_work, d["direct_logit"][deal])
    if "discount_dumping" in life.conduct.gaming:
        logit = logit + take(s.behavior("discount_win"), rep) * o["discount"][opp]
    passed = d["hurdles"][deal, stage] < logit
    decided = ~passed | (stage == 3)
    o["decided"][opp[decided]] = due[decided]
    o["lost"][opp[~passed]] = True
    o["stage"][opp[~passed]] = DONE
    done = cell[decided & worked]
    life.open = life.open - np.bincount(done, minlength=life.open.size).reshape(life.shape)
    o["qualified"][opp[passed & (stage == 0)]] = due[passed & (stage == 0)]
    on = opp[passed]
    claim_deals(life, on[(stage[passed] < 3) & o["attached"][on]], stage_of_claim=True)
    if "discount_dumping" in life.conduct.gaming:
        offered = passed & (stage == 2)
        propose(life, opp[offered], logit[offered])
    _next_stage(life, on, stage[passed], cell[passed], due[passed])
    return np.asarray(on)


def _next_stage(life: VectorLife, opp: Ints, stage: Ints, cell: Ints, due: Array) -> None:
    o, d = life.opps, life.world.deals
    fast = np.where(o["worked"][opp] & (stage < 3), life.planner.speed.reshape(-1)[cell], 1.0)
    o["due"][opp] = due + d["durations"][o["deal"][opp], stage + 1] / fast
    o["stage"][opp] = stage + 1


def _sign(life: VectorLife, opp: Ints) -> None:
    o, d, s = life.opps, life.world.deals, life.setting
    o["stage"][opp] = DONE
    deal, cell = o["deal"][opp], o["cell"][opp]
    rep = cell // life.shape[1]
    active = np.where(o["worked"][opp], life.planner.activity[3].reshape(-1)[cell], 1.0)
    hazard = take(s.markets.churn_per_week, rep, d["market"][deal])
    # Before its signature a deal is only filed where it was pulled.
    hazard = np.where(o["filed"][opp], hazard * take(s.gaming("rushed_churn"), rep), hazard)
    with np.errstate(divide="ignore"):
        kept = d["life"][deal] / hazard * np.power(active, take(s.behavior("success_churn"), rep))
    o["ends"][opp] = o["due"][opp] + kept
    mine = opp[o["attached"][opp]]
    wins = np.bincount(o["cell"][mine[o["worked"][mine]]], minlength=life.open.size).astype(float)
    wins = wins.reshape(life.shape)
    life.wins = wins if life.wins is None else life.wins + wins
    claim_deals(life, mine[~o["filed"][mine]], stage_of_claim=False)
    expect(life, mine, active[o["attached"][opp]])


def claim_deals(life: VectorLife, opp: Ints, *, stage_of_claim: bool) -> None:
    """Claims of opportunities at their due time: of the stage just passed, or of the signature."""
    if len(opp):
        o = life.opps
        event = o["stage"][opp] if stage_of_claim else np.full(len(opp), int(Event.SIGNED))
        rows = life.claims.append(
            len(opp), event=event, cell=o["cell"][opp], opp=opp, week=np.floor(o["due"][opp]).astype(np.int64),
            time=o["due"][opp], start=o["start"][opp], amount=o["amount"][opp] - o["conceded"][opp],
            code=o["code"][opp], moved=0, conceded=o["conceded"][opp], **truth(life, opp),
            deal=o["deal"][opp], role=ALONE, disputed=NONE if stage_of_claim else disputed(life, opp),
        )  # fmt: skip
        join_in(life, rows)


def truth(life: VectorLife, opp: Ints) -> dict[str, Array | Bools]:
    """Whether claims on deals are false or rest on an unwarranted concession, and their audit marks."""
    o = life.opps
    false, audit, dumped = o["false"][opp], life.world.deals["audit"][o["deal"][opp]], o["discount"][opp] > 0
    if dumped.any():
        seen = take(life.setting.gaming("discount_detection"), o["cell"][opp] // life.shape[1])
        audit = np.where(dumped, gaming.audit_mark(audit, seen), audit)
    return {"false": false | dumped, "audit": audit}
