"""Effort: how activity follows value.

With output proportional to hours^gamma and hours priced at the outside option the best choice of activity a is

    q_a* = (V_a / V0_a)^eps,   eps = gamma / (1 - gamma)
    hours_a = hours0_a q_a^((1 + eps) / eps) = hours0_a q_a V_a / V0_a

where V0_a is the value at which activity is 1. Above the partner's capacity all hours shrink by one factor, which is
the constrained optimum where V0 is proportional to the baseline hours (one wage for all of them).
Activity moves to its target by partial adjustment.

The state of all partners' effort and its weekly update, one call for all partners at the planning moment.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from simulator.behavior.enablement import SupportEffects
from simulator.behavior.expectations import Expectations
from simulator.behavior.participation import ParticipationState, ParticipationValue
from simulator.behavior.trust import TrustState
from simulator.core.arrays import Array, Bools, Ints, column, partner_sum
from simulator.world import opportunities
from simulator.world.setting import ACTIVITIES, WEEKS_PER_YEAR, Setting
from simulator.world.shocks import CompiledShocks


def target_activity(
    values: Sequence[Array],
    usual: Sequence[Array],
    elasticity: Array,
    shares: Sequence[Array],
    capacity: Array,
) -> tuple[Array, ...]:
    """Chosen activity levels, 1 being what the partner does under the baseline.

    values, usual: V_a and V0_a per activity, same units; elasticity: eps, 0 for a partner that never re-optimises;
    shares: baseline hours by activity; capacity: most hours in multiples of baseline hours.
    """
    ratios = [np.maximum(v, 0.0) / u for v, u in zip(values, usual, strict=True)]
    chosen = [np.power(r, elasticity) for r in ratios]
    hours = np.zeros(chosen[0].shape)
    for share, q, r in zip(shares, chosen, ratios, strict=True):
        hours = hours + share * (q * r)
    over = (hours > capacity) & (elasticity > 0)
    if over.any():
        factor = np.where(over, capacity / np.where(over, hours, 1.0), 1.0)
        cut = np.power(factor, elasticity / (1.0 + elasticity))
        chosen = [q * cut for q in chosen]
    return tuple(chosen)


def adjust(current: Array, target: Array, weeks: Array) -> Array:
    """Partial adjustment of activity over a week, with time constant `weeks`."""
    return current + (target - current) / weeks


def sourcing_multiple(skill: Array, source: Array, rivalrous: Array, territory_mean: Array) -> Array:
    """m = skill q ((1 - rho) + rho / qbar): what a partner's base rate is multiplied by."""
    return skill * source * ((1.0 - rivalrous) + rivalrous / np.maximum(territory_mean, 1e-6))


def territory_means(weight: Array, activity: Array, territory: Ints, count: int, usual: Array | None = None) -> Array:
    """Weighted mean of `activity` by territory, laid out per partner; (R, P). Sums run in partner order.

    usual: the share of each partner's activity that is there under the baseline, where not everyone is.
    """
    present = weight if usual is None else weight * usual
    out = np.ones(activity.shape)
    for t in range(count):
        members = np.flatnonzero(territory == t)
        if len(members):
            mean = partner_sum(weight[:, members] * activity[:, members]) / partner_sum(present[:, members])
            out[:, members] = mean[:, None]
    return out


def intensity(cosell: Array, usual_open: Array, open_deals: Array) -> Array:
    """Co-sell work per open deal; 1 is usual."""
    return cosell * usual_open / np.maximum(1.0, open_deals)


def pace(recent: Array, expected: Array, prior_deals: Array, weeks: Array) -> Array:
    """Recent closings over expected ones, shrunk to 1 by `prior_deals`; recent and expected in deals per week."""
    return (recent * weeks + prior_deals) / (expected * weeks + prior_deals)


def sourcing_lift(stock: Array, most: Array, scale: Array) -> Array:
    """1 + a (1 - exp(-s/s0)); stock and scale in the same unit."""
    return np.asarray(1.0 - most * np.expm1(-stock / scale))


class EffortState:
    """Activity, skill, co-sell intensity and forecasts of partners; arrays (R, P). Arrays are replaced, never written.

    rate: base opportunities per week; inert: partners that never re-optimise; responding False freezes everyone at
    the baseline's usual activity. presence: share of its effort that a partner puts in at all, None where everyone is
    there. help: what enablement does for partners this week; set before planning.
    """

    def __init__(
        self,
        setting: Setting,
        rate: Array,
        inert: Bools,
        expectations: Expectations,
        shocks: CompiledShocks,
        responding: bool,
    ) -> None:
        self.setting, self.rate, self.responding = setting, rate, responding
        self._shocks = shocks
        self.presence: Array | None = None
        self.membership: ParticipationState | None = None
        self.trust = None if setting.scenario.trust is None else TrustState(setting, rate.shape)
        self.help: SupportEffects | None = None
        self.help_total, self.depth_total = np.zeros((2, len(rate))), np.zeros((2, len(rate)))
        one = np.ones(rate.shape)
        self.activity: list[Array] = [one for _ in ACTIVITIES]
        self.values: list[Array] = [one for _ in ACTIVITIES]
        self.skill, self.skilled = one, one
        self.intensity, self.speed = one, one
        self.multiple = one
        self.stock: Array | None = None
        self.lift = one
        self._usual_lift = expectations.lift
        self._year = rate * expectations.revenue * WEEKS_PER_YEAR
        self.expected_wins = rate * expectations.wins
        self.recent = self.expected_wins
        eps = setting.behavior("elasticity") * (1.0 if responding else 0.0)
        self._elasticity = np.where(inert, 0.0, eps + np.zeros(rate.shape))
        self._usual = [np.ascontiguousarray(rate * expectations.value[:, :, a]) for a in range(len(ACTIVITIES))]
        self._usual_open = rate * expectations.open_deals
        self._shares = [column(share) for share in setting.scenario.behavior.effort_shares]

    def copy(self) -> EffortState:
        """An independent continuation."""
        other = copy.copy(self)
        other.activity = list(self.activity)
        other.membership = None if self.membership is None else self.membership.copy()
        other.trust = None if self.trust is None else self.trust.copy()
        return other

    def trusted(self) -> Array | None:
        """Factor of trust on what payouts are worth, None where it is 1."""
        return None if self.trust is None else self.trust.factor()

    def pace(self) -> Array:
        """Recent closings over expected ones, shrunk to 1."""
        s = self.setting
        prior, weeks = s.behavior("pace_prior_deals"), s.behavior("pace_weeks")
        return pace(self.recent, self.expected_wins, prior, weeks)

    def working(self, a: int) -> Array:
        """Activity `a` of the partners that are there."""
        return self.activity[a] if self.presence is None else self.activity[a] * self.presence

    def plan(self, week: int, values: Sequence[Array], open_deals: Array) -> None:
        """Effort of the coming week from the value of each activity and the deals open now."""
        s, p = self.setting, self.setting.partners
        count = len(s.territories.names)
        usual_presence = None if self.membership is None else self.membership.usual
        sourcing = self._productivity() * self.working(0)
        found = territory_means(self.rate, sourcing, p.territory, count, usual_presence)
        self.values = list(values)
        if self.responding:
            capacity = s.behavior("hours_capacity")
            wage = self._shocks.wage_in(week)
            usual = self._usual if wage is None else [u * wage for u in self._usual]
            target = target_activity(values, usual, self._elasticity, self._shares, capacity)
            weeks = s.behavior("adjustment_weeks")
            self.activity = [adjust(q, t, weeks) for q, t in zip(self.activity, target, strict=True)]
            trained = self.activity[2] if self.help is None else self.activity[2] + self.help.skill
            self.skill = adjust(self.skill, trained, s.behavior("skill_decay_weeks"))
            self.skilled = np.power(self.skill, s.behavior("skill_elasticity") + np.zeros(self.rate.shape))
        self.intensity = intensity(self.activity[1], self._usual_open, open_deals)
        orphaned = self._shocks.orphaned_in(week)
        if orphaned is not None:
            self.intensity = np.where(orphaned, 0.0, self.intensity)
        if week >= 0:
            deep = [partner_sum(x) for x in (self.intensity * open_deals, open_deals)]
            self.depth_total = self.depth_total + np.stack(deep)
        self.presence = self._present(week)
        self.speed = opportunities.speed(self.intensity, s.behavior("cosell_speed"))
        if self.help is not None:
            self.speed = self.speed * self.help.speed
            self._count_help(week, self.help)
        rivalrous = s.behavior("rivalrous_share")
        self._use_funds()
        self.multiple = sourcing_multiple(self._productivity(), self.working(0), rivalrous, found)

    def spend(self, amount: Array) -> None:
        """Add what was spent of co-marketing funds, cents, to the stock that raises sourcing."""
        self.stock = amount if self.stock is None else self.stock + amount

    def _use_funds(self) -> None:
        """Lift of this week's sourcing by past spending; the stock decays."""
        if not self.responding or (self.stock is None and self._usual_lift is None):
            return
        s = self.setting
        stock = np.zeros(self.rate.shape) if self.stock is None else self.stock
        self.lift = sourcing_lift(stock, s.behavior("fund_lift"), s.behavior("fund_scale") * self._year)
        self.stock = stock * np.exp(-1.0 / s.behavior("fund_weeks"))

    def _productivity(self) -> Array:
        """What a unit of sourcing finds, over what it finds under the baseline."""
        if self.stock is None or not self.responding:
            return self.skilled
        return self.skilled * (self.lift if self._usual_lift is None else self.lift / self._usual_lift)

    def _count_help(self, week: int, given: SupportEffects) -> None:
        if week >= 0:
            week_of = np.stack([partner_sum(x) for x in (given.use, given.access)])
            self.help_total = self.help_total + week_of

    def _present(self, week: int) -> Array | None:
        gone = self._shocks.gone_in(week)
        here = None if gone is None else np.where(gone, 0.0, 1.0)
        if self.membership is None:
            return here
        share = self.membership.share(week)
        here = share if here is None else here * share
        if week >= 0:
            self.membership.count(here)
        return here

    def review(self, week: int, worth: ParticipationValue, marks: tuple[Array, Array]) -> None:
        """Partners reconsider at a quarter's end whether to take part."""
        assert self.membership is not None
        self.membership.review(week, worth, self._shocks.wage_in(week), marks)

    def remember(self, wins: Array) -> None:
        """Take the week's signed deals into the memory that forecasts rest on.

        Who is not there, or ramps up, expects what its type does.
        """
        if self.membership is not None and self.presence is not None:
            wins = np.where(self.presence < 1.0, self.expected_wins, wins)
        self.recent = self.recent + (wins - self.recent) / self.setting.behavior("pace_weeks")
