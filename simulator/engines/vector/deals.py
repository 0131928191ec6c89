"""The course of deals in the vector engine: stages, signatures and their claims, each touched once when due.

A deal that no partner has registered meets nothing on its way that a program could move: its whole course is known
when it is found, and it never enters the calendar.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from simulator.behavior.enablement import helped_logit
from simulator.behavior.gaming import kinds
from simulator.core.arrays import Array, Bools, Ints, take
from simulator.engines.records import DONE, SIGNING
from simulator.engines.vector.after_sale import expect
from simulator.engines.vector.disputes import disputed
from simulator.engines.vector.gaming.discount_dumping import propose
from simulator.engines.vector.joint_deals import join_in
from simulator.engines.vector.state import VectorState
from simulator.program.credit_splits import ALONE
from simulator.program.measures import Event
from simulator.world import opportunities
from simulator.world.disputes import NONE

_FAR = 16_000.0
"""A week that is never reached; with later ones cut to it slots fit short integers, which sort faster."""


def slot(week: int, *, signing: bool) -> int:
    """Where the calendar keeps the opportunities whose stage ends in `week`, and those that are signed in it."""
    return 2 * week + signing


def schedule(state: VectorState, opp: Ints, due: Array, signing: Bools | bool = False) -> None:
    """Put opportunities into the calendar by the week they are due in. signing: which wait for their signature."""
    if not len(opp):
        return
    slots = 2 * np.floor(np.minimum(due, _FAR)).astype(np.int16) + signing
    order = np.argsort(slots, kind="stable")
    opp, slots = opp.take(order), slots.take(order)
    starts = [0, *(np.flatnonzero(slots[1:] != slots[:-1]) + 1).tolist(), len(opp)]
    for start, stop in pairwise(starts):
        state.calendar.setdefault(int(slots[start]), []).append(opp[start:stop])


def progress(state: VectorState, week: int) -> None:
    """Live what is due in a week, signatures first, until nothing more comes due in it."""
    ends, signed = slot(week, signing=False), slot(week, signing=True)
    while ends in state.calendar or signed in state.calendar:
        if signed in state.calendar:
            _sign(state, np.concatenate(state.calendar.pop(signed)))
        if ends in state.calendar:
            _stage_end(state, np.concatenate(state.calendar.pop(ends)))


def _places(state: VectorState, opp: Ints) -> tuple[Ints, Ints]:
    """Deals and cells of opportunities, as integers that index without being converted each time."""
    return state.opps["deal"].take(opp).astype(np.intp), state.opps["cell"].take(opp).astype(np.intp)


def _stage_end(state: VectorState, opp: Ints) -> None:
    """Decide the stages that end, and schedule what comes next."""
    o, hurdles = state.opps, state.world.deals["hurdles"]
    due, worked, (deal, cell) = o["due"].take(opp), o["worked"].take(opp), _places(state, opp)
    stage = o["stage"].take(opp)
    logit = _log_odds(state, opp, deal, cell, due, worked)
    passed = hurdles.take(deal * hurdles.shape[1] + stage) < logit
    over = ~passed | (stage == 3)
    decided = np.flatnonzero(over)
    o["decided"][opp.take(decided)] = due.take(decided)
    state.decided.append(cell.take(np.flatnonzero(over & worked)))
    failed = opp.take(np.flatnonzero(~passed))
    o["lost"][failed] = True
    o["stage"][failed] = DONE
    going = np.flatnonzero(passed)
    opp, stage, deal, cell = (x.take(going) for x in (opp, stage, deal, cell))
    due, worked = due.take(going), worked.take(going)
    first, claimed = np.flatnonzero(stage == 0), np.flatnonzero(state.claimed.take(stage))
    o["qualified"][opp.take(first)] = due.take(first)
    opps, deals, cells = (x.take(claimed) for x in (opp, deal, cell))
    claim_deals(state, opps, deals, cells, due.take(claimed), stage.take(claimed))
    if "discount_dumping" in state.mode.gaming:
        propose(state, opp[stage == 2], logit[going[stage == 2]])
    durations, stage = state.world.deals["durations"], stage + 1
    signing = stage == SIGNING
    fast = np.where(worked & ~signing, state.effort.speed.take(cell), 1.0)
    o["due"][opp] = due = due + durations.take(deal * durations.shape[1] + stage) / fast
    o["stage"][opp] = stage
    schedule(state, opp, due, signing)


def go_alone(state: VectorState, opp: Ints) -> None:
    """The whole course of opportunities that no partner has registered, as far as the horizon."""
    if not len(opp):
        return
    o, d, s = state.opps, state.world.deals, state.setting
    deal, cell = _places(state, opp)
    odds = d["direct_logit"].take(deal)
    passed = np.logical_and.accumulate(d["hurdles"].take(deal, axis=0) < odds[:, None], axis=1)
    ends = d["durations"].take(deal, axis=0)
    ends[:, 0] += o["start"].take(opp)
    np.add.accumulate(ends, axis=1, out=ends)
    stages, won = passed.sum(axis=1), passed[:, -1]
    due = ends[np.arange(len(opp)), stages]
    qualified = passed[:, 0]
    o["qualified"][opp[qualified]] = ends[qualified, 0]
    o["decided"][opp] = np.where(won, ends[:, -2], due)
    o["due"][opp], o["lost"][opp] = due, ~won
    o["stage"][opp] = np.where(due < s.horizon, DONE, 0)
    hazard = take(s.markets.churn_per_week, cell // state.shape[1], d["market"][deal])
    with np.errstate(divide="ignore"):
        o["ends"][opp[won]] = (due + d["life"][deal] / hazard)[won]


def _log_odds(state: VectorState, opp: Ints, deal: Ints, cell: Ints, due: Array, worked: Bools) -> Array:
    """Log-odds of opportunities at the end of a stage."""
    o, d, s = state.opps, state.world.deals, state.setting
    rep, x = cell // state.shape[1], state.effort.intensity.take(cell)
    mean = opportunities.mean_intensity(
        work=state.work.take(cell) + x * (due - np.floor(due)), since=o["since"].take(opp), now=due,
        start=o["start"].take(opp),
    )  # fmt: skip
    cosell_win = take(s.behavior("cosell_win"), rep)
    logit = opportunities.win_logit(base=d["with_logit"].take(deal), cosell_win=cosell_win, intensity=mean)
    if (help_now := state.effort.help) is not None:
        logit = helped_logit(
            logit, complexity=d["complexity"][deal], account=d["account"][deal],
            hard=help_now.complex.reshape(-1)[cell], named=help_now.named.reshape(-1)[cell],
        )  # fmt: skip
    alone = np.flatnonzero(~worked)
    logit[alone] = d["direct_logit"].take(deal.take(alone))
    if "discount_dumping" in state.mode.gaming:
        logit = logit + take(s.behavior("discount_win"), rep) * o["discount"][opp]
    return logit


def _sign(state: VectorState, opp: Ints) -> None:
    o, s = state.opps, state.setting
    o["stage"][opp] = DONE
    due, worked, (deal, cell) = o["due"].take(opp), o["worked"].take(opp), _places(state, opp)
    rep, filed = cell // state.shape[1], o["filed"].take(opp)
    active = np.where(worked, state.effort.activity[3].take(cell), 1.0)
    hazard = take(s.markets.churn_per_week, rep, state.world.deals["market"].take(deal))
    # Before its signature a deal is only filed where it was pulled.
    if filed.any():
        hazard = np.where(filed, hazard * take(s.gaming("rushed_churn"), rep), hazard)
    with np.errstate(divide="ignore"):
        kept = state.world.deals["life"].take(deal) / hazard * np.power(active, take(s.behavior("success_churn"), rep))
    o["ends"][opp] = due + kept
    state.won.append(cell.take(np.flatnonzero(worked)))
    claimed = np.flatnonzero(~filed)
    claim_deals(state, opp.take(claimed), deal.take(claimed), cell.take(claimed), due.take(claimed))
    expect(state, opp, active)


def claim_deals(state: VectorState, opp: Ints, deal: Ints, cell: Ints, due: Array, stage: Ints | None = None) -> None:
    """Claims of opportunities at their due time: of the stage just passed, or of the signature if None."""
    if len(opp):
        o = state.opps
        conceded = o["conceded"].take(opp)
        rows = state.claims.append(
            len(opp), event=int(Event.SIGNED) if stage is None else stage, cell=cell, opp=opp, week=np.floor(due),
            time=due, start=o["start"].take(opp), amount=o["amount"].take(opp) - conceded, code=o["code"].take(opp),
            moved=0, conceded=conceded, **truth(state, opp), deal=deal, role=ALONE,
            disputed=disputed(state, opp) if stage is None else NONE,
        )  # fmt: skip
        join_in(state, rows)


def truth(state: VectorState, opp: Ints) -> dict[str, Array | Bools]:
    """Whether claims on deals are false or rest on an unwarranted concession, and their audit marks."""
    o = state.opps
    false, audit = o["false"].take(opp), state.world.deals["audit"].take(o["deal"].take(opp))
    if "discount_dumping" not in state.mode.gaming:
        return {"false": false, "audit": audit}
    dumped = o["discount"][opp] > 0
    if dumped.any():
        seen = take(state.setting.gaming("discount_detection"), o["cell"][opp] // state.shape[1])
        audit = np.where(dumped, kinds.audit_mark(audit, seen), audit)
    return {"false": false | dumped, "audit": audit}
