"""Splitting and bundling: one deal filed as several claims, or two deals as one.

Several claims pay more than one where pay is per deal, concave or capped in the deal; one claim pays more than two
where small deals do not count or large ones count for more. Where pay adds up in revenue neither gains.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array


def pieces(amount: Array, count: int) -> tuple[Array, Array]:
    """(first, each other) of `count` pieces of amounts in whole cents; the first takes what is left over."""
    other = np.floor(amount / count)
    return amount - (count - 1) * other, other


def filing_cost(money: Array) -> Array:
    """Own cost per filing in cents; at least ten, so that the rounding of claims to cents never decides."""
    return np.maximum(money * 100, 10.0)


def filing_gains(worth: Array, cost: Array) -> Array:
    """Gain of each way of filing. worth (n, options): whole, in 2, 3, ... pieces, and last with an earlier claim, of
    which the worth is net; cost (n,): own cost per filing more or undone."""
    extra = np.arange(worth.shape[1])
    extra[-1] = 1
    return worth - worth[:, :1] - cost[:, None] * extra
