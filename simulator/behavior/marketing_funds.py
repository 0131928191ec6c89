"""What partners make of co-marketing funds: how much they spend, what they feel of it, and what is granted."""

from __future__ import annotations

from simulator.behavior.lead_times import active
from simulator.core.arrays import Array
from simulator.program.compiled import CompiledComponent


def spent_share(c: CompiledComponent, volume: Array) -> Array | None:
    """Share of a fund's grants that partners spend, (R, P); None for a component that is no fund. volume: over mean."""
    return None if c.spending is None else c.spending.spent_share(c.terms.payout_lag_weeks, volume)


def felt_share(c: CompiledComponent, spent: Array | None) -> Array | None:
    """What a unit that accrues is worth to partners, (R, P); None where it is worth itself."""
    return None if spent is None or c.spending is None else spent * c.spending.worth


def both(a: Array | None, b: Array | None) -> Array | None:
    """Product of two shares, each None where it is 1."""
    return b if a is None else a if b is None else a * b


def granted(c: CompiledComponent, week: int) -> Array | float:
    """What a fund grants on proposal in the window that starts in `week`, cents, (R or 1, P or 1)."""
    if c.spending is None:
        return 0.0
    grant = c.spending.grant * active(c, week)
    return grant if c.eligibility is None or c.eligibility.partners is None else grant * c.eligibility.partners
