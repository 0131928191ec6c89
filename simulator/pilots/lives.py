"""Pilots lived: as each plan says, and the same worlds with nobody and with everybody on the candidate.

One burn-in under the baseline is lived and forked: once with nobody on the candidate, once with everybody, and once
per plan. All meet the same customers and the same luck, so that

    estimand = outcome with everybody on it - outcome with nobody on it,

per partner and period, is the effect of a full rollout without sampling error, and a candidate equal to the baseline
gives exactly 0.

What a pilot does to those who are not on the candidate has channels. Where partners talk, the pilot is lived again with
their talk off, channel by channel: what goes is what the channel did. What is left without any talk comes of rivalry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.engines.rollout import Rollout
from simulator.engines.settle import settle
from simulator.engines.vector import VectorLife
from simulator.model.hearsay import partners_talk
from simulator.model.setting import WEEKS_PER_YEAR, Setting
from simulator.pilots.assign import Assigned, History, assign
from simulator.pilots.panel import Panel
from simulator.pilots.plan import Plan
from simulator.pilots.reading import OUTCOMES, Periods, payout, shared_deals, sourced
from simulator.pilots.trial import CHANNELS, Beside, over_cells, spill
from simulator.program.compiled import Ints
from simulator.program.numbers import Array
from simulator.run import Stage

WARM_UP = 39
"""Weeks of the burn-in in which the pipeline is not mature, so that no period before launch reaches into them."""


@dataclass(frozen=True)
class Tried:
    """R pilots of one plan, and the truth beside them. Money of panels in the scenario's currency.

    panels: by outcome, as the pilot sees it, signatures on the dates on which they were filed; off, on: by outcome,
    (R, P, T), the same partners with nobody and with everybody on the candidate, signatures on their true dates;
    totals: "off", "on", "pilot" -> total of `simulator.engines.settle` -> (R,), money in cents, of all partners and of
    the vendor's own deals up to the horizon. beside: by outcome. honest: (R, P, T), payout in the same pilot had nobody
    gamed, None where no limit asks for it.
    """

    assigned: Assigned
    panels: Mapping[str, Panel]
    off: Mapping[str, Array]
    on: Mapping[str, Array]
    totals: Mapping[str, Mapping[str, Ints]]
    beside: Mapping[str, Beside]
    honest: Array | None = None

    def estimand(self, outcome: str) -> Array:
        """Effect of a full rollout by partner and period, (R, P, T)."""
        return self.on[outcome] - self.off[outcome]


def periods_before(setting: Setting, weeks: int) -> Periods:
    """Whole periods of `weeks` weeks before launch: those of a year, or what a shorter burn-in has of mature ones."""
    count = count_before(setting.burn_in, weeks)
    return Periods(-count * weeks, weeks, count)


def count_before(burn_in: int, weeks: int) -> int:
    """How many periods of `weeks` weeks a pilot sees before launch."""
    return max(0, min(WEEKS_PER_YEAR, burn_in - WARM_UP)) // weeks


def live(
    stage: Stage, plans: Sequence[Plan], *, outcomes: Sequence[str] = tuple(OUTCOMES), gaming: bool = True
) -> list[Tried]:
    """Live the replications of a stage under every plan; all plans must be of one candidate.

    stage: from `simulator.run.prepare`, with the candidate among its programs; a horizon as long as the longest plan
    takes the least time. outcomes: names in `OUTCOMES`; gaming: whether opportunists game. Every replication has an
    assignment of its own, so replications are independent pilots.
    """
    candidate, world, horizon = plans[0].candidate, stage.world, stage.world.setting.horizon
    start = VectorLife(world, stage.rollout("baseline"), stage.conduct[gaming]).run(-stage.world.setting.burn_in, 0)
    history = history_of(start)
    off, on = (start.fork(stage.rollout(n)).run(0, horizon).finish() for n in ("baseline", candidate))
    totals = {"off": settle(off).totals, "on": settle(on).totals}
    found, honest = [], None
    for plan in plans:
        assigned = assign(world, plan, history)
        rollout = Rollout(tuple(stage.offers[n] for n in ("baseline", candidate, *plan.beside)), assigned.schedule)
        tried = _read(plan, assigned, (_by_channel(start, rollout), off, on), totals, outcomes)
        if plan.guardrails.max_gaming_share is not None and gaming:
            if honest is None:
                honest = VectorLife(world, stage.rollout("baseline"), stage.conduct[False]).run(
                    -world.setting.burn_in, 0
                )
            fair = payout(honest.fork(rollout).run(0, horizon).finish(), _periods(plan))
            tried = replace(tried, honest=fair)
        found.append(tried)
    return found


def _periods(plan: Plan) -> Periods:
    return Periods(0, plan.design.period_weeks, plan.periods)


def _by_channel(start: VectorLife, rollout: Rollout) -> dict[str, VectorLife]:
    """The pilot with ever less talk between partners, by the channel that is next to go: the first as it is."""
    found: dict[str, VectorLife] = {}
    life, horizon = start.fork(rollout), start.setting.horizon
    for channel in CHANNELS:
        path = f"pilot.{channel}"
        if channel == "rivalry":
            found[channel] = life.run(0, horizon).finish()
        elif life.setting.numbers(path).any():
            found[channel] = life.run(0, horizon).finish()
            setting = replace(life.setting, numbers=life.setting.numbers.zero(path))
            life = start.fork(rollout)
            life.setting, life.talking = setting, partners_talk(setting)
    return found


def history_of(life: VectorLife) -> History:
    """What is known of partners at launch."""
    year = Periods(-WEEKS_PER_YEAR, WEEKS_PER_YEAR, 1)
    o, size = life.opps, life.shape[0] * life.shape[1]
    since = np.full(size, np.inf)
    mine = o["attached"][:]
    np.minimum.at(since, o["cell"][mine], o["start"][mine])
    return History(OUTCOMES["bookings"].read(life, year, True)[..., 0], since.reshape(life.shape))


def _read(
    plan: Plan,
    assigned: Assigned,
    lives: tuple[Mapping[str, VectorLife], VectorLife, VectorLife],
    totals: Mapping[str, Mapping[str, Ints]],
    outcomes: Sequence[str],
) -> Tried:
    pilots, off, on = lives
    pilot = next(iter(pilots.values()))
    periods = _periods(plan)
    before = periods_before(pilot.setting, periods.weeks)
    a = assigned

    def panel(name: str) -> Panel:
        after, past = (OUTCOMES[name].read(pilot, span, True) for span in (periods, before))
        return Panel(after, past, a.treated, a.observed, a.cluster, a.stratum)

    deals, shared = shared_deals(pilot, a.observed, periods)
    panels = {name: panel(name) for name in outcomes}
    nobody = {name: OUTCOMES[name].read(off, periods, False) for name in outcomes}

    def beside(name: str) -> Beside:
        read, seen, on_it = OUTCOMES[name].read, panels[name], a.treated & a.observed
        true = [*(read(life, periods, False) for life in pilots.values()), nobody[name]]
        shift = seen.outcome - true[0]
        if before.count:
            shift = shift - (seen.before - read(pilot, before, False)).mean(axis=2)[..., None]
        credited = sourced(pilot, OUTCOMES[name], periods, on_it) / np.maximum(on_it.sum(axis=(1, 2)), 1)
        spilled = {c: spill(seen, one - two) for c, one, two in zip(pilots, true[:-1], true[1:], strict=True)}
        return Beside(credited, over_cells(shift, on_it), deals, shared, spilled)

    return Tried(
        a,
        panels,
        nobody,
        {name: OUTCOMES[name].read(on, periods, False) for name in outcomes},
        {**totals, "pilot": settle(pilot).totals},
        {name: beside(name) for name in outcomes},
    )
