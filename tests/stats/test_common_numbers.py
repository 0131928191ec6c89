"""What common random numbers are worth: variance of a difference of payouts, independent over common draws.

Closed forms, for X ~ N(100, 20^2). Linear: (.10^2 + .11^2)/(.01^2) = 221.0. Bonus of 5 at 100 against
105: 25 (p q + p' q')/(25 r (1 - r)) with p = 1/2, p' = P(X > 105) = .401294, r = p - p' = .098706: 5.51. Accelerator of
5 %, 8 % above 100 against 110: 168.2, by quadrature.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from simulator.core.arrays import Array
from simulator.core.streams import Streams
from simulator.program.schedule import Schedule
from simulator.stats.estimate import difference, mean_of
from tests.program.build import schedule

BLOCKS, SIZE = 100, 4000
CASES = {
    "linear": (schedule(0.10, []), schedule(0.11, []), 221.0),
    "accelerator": (schedule(0.05, [(100, 0.03, 0)]), schedule(0.05, [(110, 0.03, 0)]), 168.2),
    "bonus": (schedule(0.0, [(100, 0, 5)]), schedule(0.0, [(105, 0, 5)]), 5.51),
}


def sales(stream: str, block: int) -> Array:
    drawn = Streams(4).draw(stream, block * SIZE + np.arange(SIZE), 0)[0]
    return np.asarray(100 + 20 * ndtri(drawn))


def variance(one: Schedule, other: Schedule, x: Array, y: Array) -> float:
    se = difference(mean_of(one.payout(x)[0]), mean_of(other.payout(y)[0])).se
    assert se is not None
    return se * se


def ratios(one: Schedule, other: Schedule, common: str) -> Array:
    """Ratio of the variances by block of draws, from the errors that estimates come with."""
    found = []
    for block in range(BLOCKS):
        x, y = sales("sales", block), sales("other sales", block)
        found.append(variance(one, other, x, y) / variance(one, other, x, x if common == "common" else y))
    return np.array(found)


@pytest.mark.parametrize(("one", "other", "expected"), CASES.values(), ids=CASES.keys())
def test_common_draws_shrink_the_variance_of_a_difference(one: Schedule, other: Schedule, expected: float) -> None:
    got = ratios(one, other, "common")
    # 4 standard errors over the blocks; rounding of the published ratio; bias of a block's ratio, below 1 in SIZE.
    slack = 4 * got.std(ddof=1) / np.sqrt(BLOCKS) + 0.0005 * expected
    assert abs(got.mean() - expected) < slack
    assert slack < 0.02 * expected


def test_draws_that_are_not_shared_would_be_seen() -> None:
    one, other, _ = CASES["bonus"]
    assert np.all(ratios(one, other, "not") == 1.0)
