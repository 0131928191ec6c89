"""Agents that pick their output: a dealer with quadratic costs against a bonus, and games with two periods."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from simulator.program.schedule import Schedule
from tests.program.build import paid, schedule

PRICE, CURVE, LUMP = 1.0, 0.1, 8.0
"""p, b and K of Sohoni et al. 2011. The market x is N(90, 15). A dealer that sells z earns S(z) - b/2 (z - x - p/b)^2
plus what does not depend on z: without a bonus it sells x + p/b. That is profit p z - b/2 (z - x)^2 with a linear
margin p, and the four published numbers come out only where x + p/b ~ N(100, 15), the bonus standing at R = 100."""


@lru_cache
def dealers_schedule(quota: float) -> Schedule:
    return schedule(PRICE, [(quota, 0.0, LUMP)])


def best_response(x: float, quota: float) -> float:
    """Sales with the highest profit: a search on either side of the quota, and the quota itself."""
    pay = dealers_schedule(quota)

    def loss(z: float) -> float:
        return CURVE / 2 * (z - x) ** 2 - paid(pay, z)

    found = [quota]
    for low, high in ((x - 1, quota - 1e-9), (quota, x + 40)):
        if low < high:
            found.append(float(optimize.minimize_scalar(loss, bounds=(low, high), method="bounded").x))
    return min(found, key=loss)


def jumper(quota: float) -> float:
    """The market at which a dealer is indifferent between going to the quota and staying below."""
    low, high = quota - 40.0, quota - 10.0 - 1e-6
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if best_response(middle, quota) >= quota - 1e-9 else (middle, high)
    return high


def moments(quota: float) -> tuple[float, float]:
    """Mean and variance of sales, by Gauss-Legendre between the market's ends, the jumper and the quota."""
    edges = [90 - 120.0, jumper(quota), quota - PRICE / CURVE, 90 + 120.0]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    first = second = 0.0
    for a, b in itertools.pairwise(edges):
        x = (a + b) / 2 + (b - a) / 2 * nodes
        mass = weights * (b - a) / 2 * stats.norm.pdf(x, 90, 15)
        sales = np.array([best_response(float(one), quota) for one in x])
        first, second = first + float(mass @ sales), second + float(mass @ sales**2)
    return first, second - first**2


def test_a_bonus_pulls_dealers_up_to_quota() -> None:
    """Reach sqrt(2K/b) = 12.6491, mass on the quota .300462, mean 101.790549, variance 207.2350 (free: 100, 225)."""
    least = jumper(100.0)
    assert 100 - (least + PRICE / CURVE) == pytest.approx(12.6491, abs=1e-4)
    assert stats.norm.cdf(90, 90, 15) - stats.norm.cdf(least, 90, 15) == pytest.approx(0.300462, abs=1e-5)
    mean, variance = moments(100.0)
    assert mean == pytest.approx(101.790549, abs=1e-4)
    assert variance == pytest.approx(207.2350, abs=1e-2)


def test_all_between_the_jumper_and_the_quota_land_on_it_and_nobody_in_the_hole() -> None:
    sales = np.array([best_response(x, 100.0) for x in np.linspace(60, 110, 101)])
    free = np.linspace(60, 110, 101) + 10
    assert not ((sales > 100 - 12.64) & (sales < 100 - 1e-9)).any()
    assert (sales[(free > 87.4) & (free < 100)] == 100).all()
    assert sales[free < 87.3] == pytest.approx(free[free < 87.3], abs=1e-4)
    assert sales[free > 100] == pytest.approx(free[free > 100], abs=1e-4)


def test_a_far_quota_raises_the_variance() -> None:
    mean, variance = moments(130.0)
    assert variance > 225
    assert mean > 100


rising = st.lists(st.tuples(st.floats(1, 200), st.floats(0, 0.3)), max_size=4, unique_by=lambda k: k[0]).map(sorted)


@given(rate=st.floats(0, 0.3), steps=rising, total=st.floats(1, 400), share=st.floats(0, 1), other=st.floats(0, 1))
def test_convex_pay_never_punishes_joining_two_periods_and_its_gain_is_bounded(
    rate: float, steps: list[tuple[float, float]], total: float, share: float, other: float
) -> None:
    """Jensen 2003: no split pays more than P(Q) + P(0) and none less than 2 P(Q/2)."""
    pay = schedule(rate, [(at, change, 0.0) for at, change in steps])

    def over_two(part: float) -> float:
        return paid(pay, total * part) + paid(pay, total * (1 - part))

    joined = paid(pay, total) + paid(pay, 0.0)
    assert joined >= over_two(share) - 1e-9
    assert over_two(other) - over_two(share) <= joined - 2 * paid(pay, total / 2) + 1e-9
    if not steps:
        assert joined == pytest.approx(over_two(share), abs=1e-12 * total)
