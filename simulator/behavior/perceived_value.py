"""What a partner sees of a program: prices of claims, and through them the value of each activity.

A partner sees a program only through its payout. For each component the price of one more claim is the closed form of
`simulator.program.schedule` at the attainment so far plus a forecast of the rest of the window; work done now may land
in the next window, so price = F now + (1 - F) next. Tier status is one more jump, on the trailing year. The value of
an activity is the sum over components of what a unit of it brings times that price, plus the partner's own margin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr

from simulator.behavior.contests import prize_price
from simulator.behavior.expectations import ComponentForecast, Expectations
from simulator.behavior.lead_times import (
    active,
    active_weeks,
    fund_value_share,
    granted,
    landing_price,
    payment_probability,
    spent_share,
)
from simulator.behavior.participation import ParticipationValue, certainty_equivalent
from simulator.core.arrays import Array, Bools, Ints
from simulator.program.compiled import CompiledProgram, TierCriterion, resolve_groups
from simulator.program.measures import MEASURES, TALLIES, Event
from simulator.program.schedule import Schedule, claim_price, expected_payout, expected_square
from simulator.program.support import Prize
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR, Setting

Factors = Sequence[Array] | None
"""Factors of components by which governance moved them, (R, 1) each; None where it moves nothing."""


class AccountState(Protocol):
    """What a partner knows of its standing in a program; arrays (R, P)."""

    @property
    def attained(self) -> Sequence[Array]: ...
    @property
    def smooth(self) -> Sequence[Schedule]: ...
    @property
    def opening(self) -> Sequence[Array]: ...
    @property
    def benefits(self) -> Sequence[Array]: ...
    @property
    def status(self) -> Ints: ...
    @property
    def pace(self) -> Array: ...
    @property
    def rates(self) -> Factors: ...
    @property
    def trust(self) -> Array | None: ...
    @property
    def scores(self) -> Sequence[Array]: ...
    @property
    def rivals(self) -> Bools: ...
    def kept(self, measure: str, quarters: int) -> Array:
        """Trailing total of a tier measure that still counts `quarters` quarter-ends from now."""


@dataclass(frozen=True)
class ActivityValues:
    """Perceived values. activity: four arrays of cents per week; price: per component, cents per unit of credit now;
    prizes: the same per prize."""

    activity: tuple[Array, Array, Array, Array]
    price: tuple[Array, ...]
    prizes: tuple[Array, ...] = ()


class PerceivedValue:
    """How the partners of a setting see one program. rate: base opportunities per week, (R, P)."""

    def __init__(
        self,
        setting: Setting,
        program: CompiledProgram,
        expectations: Expectations,
        forecasts: Sequence[ComponentForecast],
        tier_forecasts: dict[str, ComponentForecast],
        rate: Array,
    ) -> None:
        self.setting, self.program, self.expectations, self.rate = setting, program, expectations, rate
        self.forecasts, self.tier_forecasts = tuple(forecasts), tier_forecasts
        p = setting.partners
        self._own_revenue = rate * expectations.revenue
        self._certified = np.broadcast_to(p.certification_rate, rate.shape)
        self._cosell = 0.5 * setting.behavior("cosell_win") * expectations.loss
        self._skill = setting.behavior("skill_elasticity")
        self._churn = setting.behavior("success_churn")
        self._discount = (setting.behavior("discount_rate") + p.cost_of_capital) / WEEKS_PER_YEAR
        self._shape = rate.shape
        self._clarity = self._clear_share()
        self.spent = [spent_share(c, rate / p.mean_rate) for c in program.components]
        components = program.components
        self.fund_value_share = [fund_value_share(c, spent) for c, spent in zip(components, self.spent, strict=True)]
        self.payout_value_share = [
            share * payment_probability(c, forecast)
            for share, c, forecast in zip(self.fund_value_share, components, self.forecasts, strict=True)
        ]
        self._flow = [(self._certified if c.measure.event == Event.CERTIFIED else rate) for c in program.components]

    def forecast(
        self, forecast: ComponentForecast, flow: Array, weeks: float, pace: Array, paced: bool
    ) -> tuple[Array, Array]:
        """Mean and standard deviation of the credit of the coming `weeks`; the spread is at least half a claim."""
        mean = flow * forecast.credit * weeks
        if paced:
            mean = mean * pace
        sd = np.sqrt(flow * forecast.square * weeks)
        return mean, np.maximum(sd, 0.5 * forecast.claim)

    def usual(self, component: int, start: int, end: int) -> Array:
        """What partners attain under the baseline from week `start` to before `end`, (R, P)."""
        weeks = active_weeks(self.program.components[component], start, float(end - start))
        return np.asarray(self._flow[component] * self.forecasts[component].credit * weeks + np.zeros(self._shape))

    def reference(self, component: int, last_year: Array, week: int) -> Array:
        """Unit of a component's thresholds in the window of `week`: 1, the partner's expected baseline result, or last
        year's result."""
        c = self.program.components[component]
        if c.reference == "quota":
            weeks = active_weeks(c, week - week % c.window, float(c.window)) or float(c.window)
            return self._flow[component] * self.forecasts[component].credit * weeks
        if c.reference == "growth":
            return np.maximum(last_year, c.minimum_base)
        return np.ones((1, 1))

    def open_window(
        self, component: int, last_year: Array, pace: Array, week: int, targets: Factors = None
    ) -> tuple[Schedule, Schedule, Array]:
        """The schedule of the window that starts in `week`, exact and smooth, and the price of a claim at the start of
        the next."""
        c = self.program.components[component]
        exact = c.schedule
        if c.reference != "money":
            exact = exact.scaled(self.reference(component, last_year, week))
        if targets is not None:
            exact = exact.scaled(targets[component])
        smooth = exact.smooth()
        if c.by_claim:
            return exact, smooth, self.forecasts[component].price
        coming = week - week % c.window + c.window
        mean, sd = self.ahead(component, coming, float(c.window), pace)
        return exact, smooth, claim_price(smooth, mean, sd, self.forecasts[component].claim)

    def ahead(self, component: int, week: float, weeks: float, pace: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of a component's credit in the `weeks` from `week` on in which it is active."""
        c = self.program.components[component]
        paced, weeks = c.measure.event != Event.CERTIFIED, active_weeks(c, week, weeks)
        return self.forecast(self.forecasts[component], self._flow[component], weeks, pace, paced)

    def tier_benefits(self, smooth: Sequence[Schedule], pace: Array, week: int, rates: Factors = None) -> list[Array]:
        """What each tier adds to the one below until the next review, in cents at the expected result."""
        tiers = self.program.tiers
        if tiers is None:
            return []
        total = [np.zeros(self._shape) for _ in tiers.levels]
        for k, c in enumerate(self.program.components):
            if np.ptp(c.tier_multiple) == 0:
                continue
            weeks = float(c.window or WEEKS_PER_QUARTER)
            mean, sd = self.ahead(k, week, weeks, pace)
            pays = mean * self.forecasts[k].price if c.by_claim else expected_payout(smooth[k], mean, sd)
            pays = pays + granted(c, week)
            pays = self._expected(k, pays if rates is None else pays * rates[k])
            quarters = weeks / WEEKS_PER_QUARTER / tiers.upgrade_every
            for level in range(len(tiers.levels)):
                step = c.tier_multiple[:, level + 1, None] - c.tier_multiple[:, level, None]
                total[level] = total[level] + step * pays / quarters
        return total

    def _expected(self, component: int, value: Array) -> Array:
        """What a payout or price is worth to a partner that may not be eligible or may miss the gate."""
        return value * self._clarity * self.payout_value_share[component]

    def _clear_share(self) -> Array:
        """(1 - c)^(components beyond those of the baseline), which calibrated volumes contain."""
        scenario = self.setting.scenario
        more = len(self.program.components) - len(scenario.programs["baseline"].components)
        lost = self.setting.behavior("complexity_discount")
        return np.asarray(np.power(1.0 - lost, float(more)))

    def multiple(self, component: int, status: Ints, rates: Factors) -> Array:
        """Payout multiple of each partner's tier, and of the program's review."""
        multiple = self._tier_multiple(component, status)
        return multiple if rates is None else multiple * rates[component]

    def _tier_multiple(self, component: int, status: Ints) -> Array:
        table = self.program.components[component].tier_multiple
        if table.shape[1] == 1:
            return table
        if table.shape[0] == 1:
            return np.asarray(table[0, status])
        return np.asarray(np.take_along_axis(table, status, axis=1))

    def view(self, week: int, account: AccountState) -> ActivityValues:
        """Values of activities and prices of claims at the start of `week`."""
        prices = [self._price_now(k, week, account) for k in range(len(self.program.components))]
        prices = self._exclusive(week, account, prices)
        revenue = self._own_revenue
        p = self.setting.partners
        source = revenue * p.own_margin
        cosell = self._cosell * source
        enable = self._certified * p.own_certification_value
        success = revenue * p.own_success_margin
        shown: list[Array] = []
        for k, c in enumerate(self.program.components):
            left = self._left(c.window, week)
            multiple = self._expected(k, self.multiple(k, account.status, account.rates))
            lag = self._lag(k)
            now = prices[k] * (multiple * np.exp(-self._discount * (left + lag)))
            later = account.opening[k] * (multiple * np.exp(-self._discount * (left + c.window + lag)))
            shown.append(active(c, week) * now + np.zeros(self._shape))
            brought = self._flow[k] * self.forecasts[k].brought
            if c.measure.event == Event.CERTIFIED:
                enable = enable + active(c, week) * brought * now
                continue
            event = int(c.measure.event)
            sourced = brought * landing_price(self.expectations.source_lands[:, :, event], c, week, left, now, later)
            worked = brought * landing_price(self.expectations.cosell_lands[:, :, event], c, week, left, now, later)
            source = source + sourced
            cosell = cosell + self._cosell * self.expectations.stage_share[:, :, event] * worked
            more = self.forecasts[k].success
            if more is not None:
                lands = self.expectations.success_lands[:, :, event]
                success = success + self.rate * more * landing_price(lands, c, week, left, now, later)
            success = success + active(c, week) * self._churn * self.forecasts[k].clawed * brought * now
        source, cosell, enable = self._add_tiers(week, account, source, cosell, enable)
        prizes: list[Array] = []
        for k, prize in enumerate(self.program.prizes):
            now, (more_source, more_cosell, more_enable) = self._prize(week, prize, account.scores[k], account)
            source, cosell, enable = source + more_source, cosell + more_cosell, enable + more_enable
            prizes.append(now)
        if account.trust is not None:  # own margin needs none
            own = revenue * p.own_margin
            source = own + account.trust * (source - own)
            cosell = self._cosell * own + account.trust * (cosell - self._cosell * own)
            certified = self._certified * p.own_certification_value
            enable = certified + account.trust * (enable - certified)
            success = revenue * p.own_success_margin + account.trust * (success - revenue * p.own_success_margin)
            shown, prizes = ([price * account.trust for price in prices] for prices in (shown, prizes))
        enable = enable + self._skill * source
        return ActivityValues((source, cosell, enable, success), tuple(shown), tuple(prizes))

    def _prize(
        self, week: int, prize: Prize, score: Array, account: AccountState
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        """Price of a prize's measure now, and what the prize adds to the value of source, cosell and enable."""
        forecast, event = self.tier_forecasts[prize.measure], MEASURES[prize.measure].event
        certified = event == Event.CERTIFIED
        flow, left = self._certified if certified else self.rate, self._left(WEEKS_PER_QUARTER, week)
        mean, sd = self.forecast(forecast, flow, left, account.pace, not certified)
        now = prize_price(prize.value, score + mean, sd, prize.winners, account.rivals)
        now = now * np.exp(-self._discount * left)
        brought, zero = flow * forecast.credit, np.zeros(self._shape)
        if certified:
            return now, (zero, zero, brought * now)
        mean, sd = self.forecast(forecast, flow, float(WEEKS_PER_QUARTER), account.pace, True)
        later = prize_price(prize.value, mean + zero, sd, prize.winners, account.rivals)
        later = later * np.exp(-self._discount * (left + WEEKS_PER_QUARTER))
        lands = [
            a[:, :, int(event), int(left)] for a in (self.expectations.source_lands, self.expectations.cosell_lands)
        ]
        sourced, worked = (brought * (soon * now + (1 - soon) * later) for soon in lands)
        return now, (sourced, self._cosell * self.expectations.stage_share[:, :, int(event)] * worked, zero)

    def worth(self, week: int, account: AccountState) -> ParticipationValue:
        """What taking part in a quarter from `week` on is worth.

        Payouts of components move together, as they rest on the same deals: their standard deviations add up.
        """
        pays: list[Array] = []
        spreads: list[Array] = []
        for k, c in enumerate(self.program.components):
            weeks = float(c.window or WEEKS_PER_QUARTER)
            mean, sd = self.ahead(k, week, weeks, account.pace)
            pay, spread = mean * self.forecasts[k].price, sd * self.forecasts[k].price
            if not c.by_claim:
                pay = expected_payout(account.smooth[k], mean, sd)
                square = expected_square(account.smooth[k], mean, sd)
                spread = np.sqrt(np.maximum(square - pay * pay, 0.0))
            pay = pay + granted(c, week)
            quarters = weeks / WEEKS_PER_QUARTER
            late = np.exp(-self._discount * self._lag(k))
            scale = self._expected(k, self.multiple(k, account.status, account.rates)) * late + np.zeros(self._shape)
            if account.trust is not None:
                scale = scale * account.trust
            pays.append(scale * pay / quarters)
            spreads.append(scale * spread / np.sqrt(quarters))
        kept = resolve_groups(self.program, pays, by_claim=False)
        total, sd = np.zeros(self._shape), np.zeros(self._shape)
        for pay, best, spread in zip(pays, kept, spreads, strict=True):
            total, sd = total + best, sd + np.where(best == pay, spread, 0.0)
        p = self.setting.partners
        own = self._own_revenue * (p.own_margin + p.own_success_margin) * account.pace
        own = (own + self._certified * p.own_certification_value) * WEEKS_PER_QUARTER
        paperwork = self.program.paperwork_per_year * (WEEKS_PER_QUARTER / WEEKS_PER_YEAR)
        return certainty_equivalent(
            own=own,
            pay=total,
            variance=sd * sd,
            paperwork=paperwork,
            risk_aversion=self.setting.number("participation", "risk_aversion"),
            elasticity=self.setting.behavior("elasticity"),
        )

    def _lag(self, component: int) -> Array:
        """Expected weeks from a window's end to payment, disputes included."""
        lag, disputed = self.program.components[component].terms.payout_lag_weeks, self.forecasts[component].disputed
        return lag if disputed is None else lag + disputed * self.setting.number("disputes", "delay_weeks")

    def _left(self, window: int, week: int) -> float:
        return float(window - week % window) if window else 0.0

    def _price_now(self, k: int, week: int, account: AccountState) -> Array:
        c = self.program.components[k]
        if c.by_claim:
            return self.forecasts[k].price
        if account.smooth[k].linear:
            return account.smooth[k].base
        mean, sd = self.ahead(k, week, self._left(c.window, week), account.pace)
        return claim_price(account.smooth[k], account.attained[k] + mean, sd, self.forecasts[k].claim)

    def _exclusive(self, week: int, account: AccountState, prices: list[Array]) -> list[Array]:
        """In a group of windows only the component with the highest expected payout has a price."""
        for group in self.program.groups:
            if self.program.components[group[0]].by_claim:
                continue
            expected = [np.zeros(self._shape)] * len(prices)
            for k in group:
                mean, sd = self.ahead(k, week, self._left(self.program.components[k].window, week), account.pace)
                total = self._expected(k, expected_payout(account.smooth[k], account.attained[k] + mean, sd))
                expected[k] = total * self.multiple(k, account.status, account.rates) + np.zeros(self._shape)
            best = resolve_groups(self.program, expected, by_claim=False)
            for k in group:
                prices[k] = np.where(best[k] > 0, prices[k], 0.0)
        return prices

    def _add_tiers(
        self, week: int, account: AccountState, source: Array, cosell: Array, enable: Array
    ) -> tuple[Array, Array, Array]:
        """Add the value of reaching or keeping tiers at the next review."""
        tiers = self.program.tiers
        if tiers is None or not any(b.any() for b in account.benefits):
            return source, cosell, enable
        ahead, quarters = self._review(week, tiers.upgrade_every)
        downgrade = (week // WEEKS_PER_QUARTER + quarters) % tiers.downgrade_every == 0
        for level, criteria in enumerate(tiers.levels):
            benefit = account.benefits[level]
            if not downgrade:
                benefit = np.where(account.status > level, 0.0, benefit)
            odds = [self._odds(c, ahead, quarters, account) for c in criteria]
            for i, name, more in [(i, name, more) for i, (_, terms) in enumerate(odds) for name, more in terms]:
                others = benefit
                for j, (eligibility, _) in enumerate(odds):
                    if j != i:
                        others = others * eligibility
                forecast, event = self.tier_forecasts[name], TALLIES[name].measure.event
                price = others * more / forecast.claim
                if event == Event.CERTIFIED:
                    enable = enable + self._certified * forecast.credit * price
                    continue
                brought = self.rate * forecast.credit * price
                weeks = min(int(ahead), WEEKS_PER_YEAR)
                source = source + brought * self.expectations.source_lands[:, :, int(event), weeks]
                share = self._cosell * self.expectations.stage_share[:, :, int(event)]
                cosell = cosell + share * brought * self.expectations.cosell_lands[:, :, int(event), weeks]
        return source, cosell, enable

    def _review(self, week: int, every: int) -> tuple[float, int]:
        """Weeks and quarter-ends until the next review that may raise a tier."""
        quarter = week // WEEKS_PER_QUARTER
        quarters = every - quarter % every
        return float((quarter + quarters) * WEEKS_PER_QUARTER - week), quarters

    def _odds(
        self, criterion: TierCriterion, ahead: float, quarters: int, account: AccountState
    ) -> tuple[Array, list[tuple[str, Array]]]:
        """Probability of meeting a criterion at the next review, and what one more claim of each tally adds to it."""
        mean, sd = self.points_ahead(criterion, ahead, account.pace, lambda name: account.kept(name, quarters))
        eligibility = ndtr((mean - criterion.at_least) / sd)
        return eligibility, [
            (name, ndtr((mean + weight * self.tier_forecasts[name].claim - criterion.at_least) / sd) - eligibility)
            for name, weight in criterion.terms
        ]

    def points_ahead(
        self, criterion: TierCriterion, weeks: float, pace: Array, kept: Callable[[str], Array]
    ) -> tuple[Array, Array]:
        """Mean and standard deviation of a criterion's total after the coming `weeks`, its terms independent.

        kept: what of a tally is there already.
        """
        mean, sd = np.zeros((1, 1)), np.zeros((1, 1))
        for name, weight in criterion.terms:
            certified = TALLIES[name].measure.event == Event.CERTIFIED
            flow = self._certified if certified else self.rate
            more, spread = self.forecast(self.tier_forecasts[name], flow, weeks, pace, not certified)
            mean, sd = mean + weight * (more + kept(name)), np.hypot(sd, weight * spread)
        return mean, sd
