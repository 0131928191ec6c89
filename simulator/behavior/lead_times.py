"""Where what a partner brings about lands in time, and how likely it is to be paid at all.

Work done now is claimed after a lag with distribution L. It lands in this window with probability L(left), in a later
one otherwise, and price = L(left) now + (1 - L(left)) later. Of a component that is active only from a to b weeks from
now, what lands outside is worth nothing: the probabilities become those of [0, left) and [left, inf) cut by [a, b).
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from simulator.behavior.expectations import ComponentForecast
from simulator.core.arrays import Array
from simulator.program.compiled import CompiledComponent
from simulator.program.measures import Event


def likely_share(c: CompiledComponent, forecast: ComponentForecast) -> Array | None:
    """Share of a component's payout that a partner expects to get; None where it expects all. (R or 1, P or 1).

    Nothing where it is not eligible, otherwise the probability of meeting the gate under the baseline, and of a
    countersign.
    """
    parts = [None if c.eligibility is None else c.eligibility.partners, forecast.passing]
    if c.terms.refusal.any() and c.measure.event != Event.CERTIFIED:
        parts.append(1.0 - c.terms.refusal)
    there = [part for part in parts if part is not None]
    return None if not there else reduce(np.multiply, there)


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
