r"""Conditions on what a component pays, besides its schedule.

Eligibility: a claim counts if its partner is named, if it is made in [from_week, until_week), and if it is made at most
`within_weeks` after its start (the opportunity was found; for what happens after the sale, the contract was signed).
Partners know all of it: the price of a claim outside is 0, and forecasts end with the component.

Gate: when a window closes it looks at the partner's own deals: what was conceded on those signed in the window, as a
share of their list value, how many of those signed in the last 52 weeks are still customers, what share has services
attached, and how many of those decided in the window were won. Unmet, nothing accrues. Without deals it is met.

Budget: shared by all partners. Once the accruals of its period pass it, those that accrue at the same time are scaled
down alike, to whole cents, rounded down.

Marketing fund: of a grant only what is spent and proved is reimbursed. The odds that a unit stays unspent are

    u / (1 - u) exp(b lag / 13) (v / v_mean)^-c,

u being the share that a mean partner leaves when reimbursed at once, lag in weeks and v the partner's volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from simulator.core.arrays import Array, Bools, Ints, take


@dataclass(frozen=True)
class Eligibility:
    """partners: 1 where a partner is eligible, (1, P), None for all; first, last: active weeks [first, last);
    within: most weeks from start to claim, (R or 1, 1), None for any."""

    partners: Array | None
    first: float
    last: float
    within: Array | None

    @property
    def dated(self) -> bool:
        """Whether the component is not always active."""
        return self.first > -inf or self.last < inf

    def active(self, week: int) -> bool:
        """Whether claims of a week count."""
        return self.first <= week < self.last

    def ahead(self, week: float) -> tuple[float, float]:
        """Weeks from `week` on until the component starts and until it ends, both at least 0."""
        return max(0.0, self.first - week), max(0.0, self.last - week)

    def active_weeks(self, start: float, weeks: float) -> float:
        """How many of the `weeks` from `start` on are active."""
        return max(0.0, min(start + weeks, self.last) - max(start, self.first))

    def counts(self, *, rep: Ints, who: Ints, week: Ints, waited: Array, dated: bool = True) -> Bools:
        """Which claims count, by partner, week of the claim and weeks since its start; (n,). dated: mind the week."""
        good = np.ones(who.shape, dtype=bool)
        if dated:
            good = (week >= self.first) & (week < self.last)
        if self.partners is not None:
            good = good & (self.partners[0, who] > 0)
        if self.within is not None:
            good = good & (waited <= take(self.within, rep))
        return good


@dataclass(frozen=True)
class Registration:
    """Protection window in weeks, shape (R or 1, 1), and registrations accepted per partner and quarter.

    second: what a second registrant is credited of what the first one is, (R or 1, 1); None without second ones.
    """

    protection_weeks: Array
    per_quarter: int
    second: Array | None = None


@dataclass(frozen=True)
class Quality:
    """Deals of partners, arrays of one shape. amount, conceded, attached: cents of the window's, and of those with
    services attached; signed, kept: number of the last 52 weeks' and of those still customers; decided, won: of the
    window's."""

    amount: Array
    conceded: Array
    signed: Array
    kept: Array
    attached: Array
    decided: Array
    won: Array


@dataclass(frozen=True)
class Gate:
    """Conditions of shape (R or 1, 1), None where there is none."""

    max_discount: Array | None
    min_retention: Array | None
    min_attach: Array | None = None
    min_win_share: Array | None = None

    def passes(self, q: Quality) -> Bools:
        """Whether all conditions are met, in the shape of `q`."""
        met = np.ones(q.amount.shape, dtype=bool)
        if self.max_discount is not None:
            met = met & (q.conceded <= self.max_discount * q.amount)
        if self.min_retention is not None:
            met = met & (q.kept >= self.min_retention * q.signed)
        if self.min_attach is not None:
            met = met & (q.attached >= self.min_attach * q.amount)
        if self.min_win_share is not None:
            met = met & (q.won >= self.min_win_share * q.decided)
        return met


@dataclass(frozen=True)
class CompiledBudget:
    """A budget of `amount` cents, shape (R or 1, 1), in every period of so many weeks."""

    amount: Array
    weeks: int

    def times(self, factor: Array) -> CompiledBudget:
        """The budget moved by a factor (R, 1), in whole cents."""
        return CompiledBudget(np.rint(self.amount * factor), self.weeks)


def prorated(accrued: Array, left: Array) -> Array:
    """Accruals (R, n) of one moment, in whole cents, cut to what is `left` (R, 1), in whole cents."""
    total = accrued.sum(axis=1, keepdims=True)
    over = total > left
    scale = np.where(over, left / np.where(over, total, 1.0), 1.0)
    cut = np.where(over, np.floor(accrued * scale), accrued)
    # A product that rounds up to a whole cent may leave a cent too much.
    spare = cut.sum(axis=1, keepdims=True) > left
    return np.where(spare, np.floor(np.maximum(accrued * scale - 1e-3, 0.0)), cut)


@dataclass(frozen=True)
class MarketingFund:
    """How a fund is used, numbers of shape (R or 1, 1). grant: cents per window on proposal; worth: of a unit spent."""

    grant: Array
    unspent: Array
    lag_effect: Array
    size_effect: Array
    worth: Array

    def spent_share(self, lag: Array, volume: Array) -> Array:
        """Share of a grant that is spent and proved. lag: weeks to reimbursement; volume: over the mean, (R, P)."""
        odds = self.unspent / (1.0 - self.unspent) * np.exp(self.lag_effect * lag / 13.0)
        return np.asarray(1.0 / (1.0 + odds * np.power(volume, -self.size_effect)))
