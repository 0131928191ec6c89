"""Where what a partner brings about lands in time, how likely it is to be paid, and what a fund's money is worth.

Work done now is claimed after a lag with distribution L. It lands in this window with probability L(left), in a later
one otherwise, and price = L(left) now + (1 - L(left)) later. Of a component that is active only from a to b weeks from
now, what lands outside is worth nothing: the probabilities become those of [0, left) and [left, inf) cut by [a, b).
Of a co-marketing fund partners spend a share, and value what they spend at its worth to them.
"""

from __future__ import annotations

import numpy as np

from simulator.behavior.expectations import ComponentForecast
from simulator.core.arrays import Array
from simulator.program.compiled import CompiledComponent
from simulator.program.measures import Event


def payment_probability(c: CompiledComponent, forecast: ComponentForecast) -> Array:
    """Share of a component's payout that a partner expects to get, (R or 1, P or 1).

    Nothing where it is not eligible, otherwise the probability of meeting the gate under the baseline, and of a
    countersign.
    """
    share = np.ones((1, 1))
    if c.eligibility is not None and c.eligibility.partners is not None:
        share = c.eligibility.partners
    if forecast.passing is not None:
        share = share * forecast.passing
    return share if c.measure.event == Event.CERTIFIED else share * (1.0 - c.terms.refusal)


def spent_share(c: CompiledComponent, volume: Array) -> Array | None:
    """Share of a fund's grants that partners spend, (R, P); None for a component that is no fund. volume: over mean."""
    return None if c.spending is None else c.spending.spent_share(c.terms.payout_lag_weeks, volume)


def fund_value_share(c: CompiledComponent, spent: Array | None) -> Array:
    """What a unit that accrues is worth to partners: of a fund what they spend times its worth, else 1; (R, P)."""
    return np.ones((1, 1)) if spent is None or c.spending is None else spent * c.spending.worth


def granted(c: CompiledComponent, week: int) -> Array | float:
    """What a fund grants on proposal in the window that starts in `week`, cents, (R or 1, P or 1)."""
    if c.spending is None:
        return 0.0
    grant = c.spending.grant * active(c, week)
    return grant if c.eligibility is None or c.eligibility.partners is None else grant * c.eligibility.partners


def active(c: CompiledComponent, week: int) -> float:
    """1 in weeks in which a component is active, else 0."""
    return 1.0 if c.eligibility is None or c.eligibility.active(week) else 0.0


def active_weeks(c: CompiledComponent, start: float, weeks: float) -> float:
    """Weeks of [start, start + weeks) in which a component is active."""
    return weeks if c.eligibility is None else c.eligibility.active_weeks(start, weeks)


def landing_price(lands: Array, c: CompiledComponent, week: int, left: float, now: Array, later: Array) -> Array:
    """Price of what is set off in `week`, by when it lands; lands: L by whole weeks, (R or 1, P, weeks + 1)."""
    if c.eligibility is None or not c.eligibility.dated:
        if c.by_claim:
            return now
        soon = lands[:, :, min(int(left), lands.shape[2] - 1)]
        return np.asarray(soon * now + (1 - soon) * later)
    first, last = c.eligibility.ahead(week)
    if c.by_claim:
        return np.asarray(_between(lands, first, last) * now)
    this = _between(lands, min(first, left), min(last, left))
    return np.asarray(this * now + _between(lands, max(first, left), max(last, left)) * later)


def _between(lands: Array, first: float, last: float) -> Array:
    """Probability of landing in [first, last) weeks; nothing lands before now, everything by infinity."""

    def up_to(weeks: float) -> Array | float:
        if weeks <= 0:
            return 0.0
        return 1.0 if np.isinf(weeks) else lands[:, :, min(int(weeks), lands.shape[2] - 1)]

    return np.asarray(up_to(last) - up_to(first))
