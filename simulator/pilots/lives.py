"""Pilots lived: as each plan says, and the same worlds with nobody and with everybody on the candidate.

One burn-in under the baseline is lived and forked: once with nobody on the candidate, once with everybody, and once
per plan. All meet the same customers and the same luck, so that

    estimand = outcome with everybody on it - outcome with nobody on it,

per partner and period, is the effect of a full rollout without sampling error, and a candidate equal to the baseline
gives exactly 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.engines.rollout import Rollout
from simulator.engines.settle import settle
from simulator.engines.vector import VectorLife
from simulator.model.setting import WEEKS_PER_YEAR, Setting
from simulator.pilots.assign import Assigned, History, assign
from simulator.pilots.panel import Panel
from simulator.pilots.plan import Plan
from simulator.pilots.reading import OUTCOMES, Periods, shared_deals, sourced
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
    the vendor's own deals up to the horizon.
    credited: by outcome of deals, (R,), what an attribution by source would have credited the candidate with in the
    pilot; deals, shared: (R,), qualified deals of the observed partners, and those of them with a second partner on
    another program, which are under two programs at once.
    """

    assigned: Assigned
    panels: Mapping[str, Panel]
    off: Mapping[str, Array]
    on: Mapping[str, Array]
    totals: Mapping[str, Mapping[str, Ints]]
    credited: Mapping[str, Array]
    deals: Array
    shared: Array

    def estimand(self, outcome: str) -> Array:
        """Effect of a full rollout by partner and period, (R, P, T)."""
        return self.on[outcome] - self.off[outcome]

    def attributed(self, outcome: str) -> Array:
        """Effect that an attribution by source reports: all that partners on the candidate found themselves, per
        partner and period; (R,), nan where it is not counted in deals."""
        panel = self.panels[outcome]
        return np.asarray(self.credited[outcome] / np.maximum((panel.treated & panel.observed).sum(axis=(1, 2)), 1))


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
    offers = (stage.offers["baseline"], stage.offers[candidate])
    start = VectorLife(world, stage.rollout("baseline"), stage.conduct[gaming]).run(-stage.world.setting.burn_in, 0)
    history = history_of(start)
    off, on = (start.fork(stage.rollout(n)).run(0, horizon).finish() for n in ("baseline", candidate))
    totals = {"off": settle(off).totals, "on": settle(on).totals}
    found = []
    for plan in plans:
        assigned = assign(world, plan, history)
        pilot = start.fork(Rollout(offers, assigned.schedule)).run(0, horizon).finish()
        found.append(_read(plan, assigned, (pilot, off, on), totals, outcomes))
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
    lives: tuple[VectorLife, VectorLife, VectorLife],
    totals: Mapping[str, Mapping[str, Ints]],
    outcomes: Sequence[str],
) -> Tried:
    pilot, off, on = lives
    periods = Periods(0, plan.design.period_weeks, plan.periods)
    before = periods_before(pilot.setting, periods.weeks)
    a = assigned

    def panel(name: str) -> Panel:
        after, past = (OUTCOMES[name].read(pilot, span, True) for span in (periods, before))
        return Panel(after, past, a.treated, a.observed, a.cluster, a.stratum)

    deals, shared = shared_deals(pilot, a.observed, periods)
    return Tried(
        a,
        {name: panel(name) for name in outcomes},
        {name: OUTCOMES[name].read(off, periods, False) for name in outcomes},
        {name: OUTCOMES[name].read(on, periods, False) for name in outcomes},
        {**totals, "pilot": settle(pilot).totals},
        {name: sourced(pilot, OUTCOMES[name], periods, a.treated & a.observed) for name in outcomes},
        deals,
        shared,
    )
