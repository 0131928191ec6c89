"""Do 95 % intervals hold the truth 95 times in 100? 1,000 repeated small studies of each kind of interval.

Studies are cheap: their replications are drawn here, with known truths, and go through the estimators that real ones go
through. The tolerance is 4 binomial standard errors of 1,000 trials, 4 sqrt(.95 x .05/1000) = .0276 (false alarm 6e-5).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator

from simulator.runs.designs import SOBOL, Sobol
from simulator.stats.estimate import (
    Estimate,
    Statistic,
    difference,
    estimate,
    joint_differences,
    mean_of,
    probability_of,
    ratio_of,
    tail_mean_of,
)
from simulator.stats.intervals import order_ranks
from simulator.stats.variance_reduction import Sampling

STUDIES = 1000
TOLERANCE = 4 * math.sqrt(0.95 * 0.05 / STUDIES)


def coverage(study: Callable[[Generator], bool]) -> float:
    luck = np.random.default_rng(20_250)
    return float(np.mean([study(luck) for _ in range(STUDIES)]))


def holds(low: float | None, truth: float, high: float | None) -> bool:
    assert low is not None
    assert high is not None
    return low <= truth <= high


def of(statistic: Callable[[Generator], Statistic], truth: float) -> Callable[[Generator], bool]:
    def study(luck: Generator) -> bool:
        got = estimate(statistic(luck))
        return holds(got.low, truth, got.high)

    return study


def ratio(luck: Generator) -> Statistic:
    b = luck.gamma(4.0, size=200)
    return ratio_of(0.3 * b + luck.gamma(2.0, size=200), b, missing="")


CASES = {
    "mean": of(lambda luck: mean_of(luck.gamma(4.0, size=100)), 4.0),
    # E[top] / E[bottom] = .3 + 2/4.
    "ratio": of(ratio, 0.8),
    "probability": of(lambda luck: probability_of(luck.random(150) < 0.12), 0.12),
    "rare probability": of(lambda luck: probability_of(luck.random(100) < 0.03), 0.03),
    # phi(1.644854) / .05.
    "tail mean": of(lambda luck: tail_mean_of(luck.normal(size=400)), 2.062713),
}


@pytest.mark.parametrize("study", CASES.values(), ids=CASES.keys())
def test_an_interval_holds_the_truth_as_often_as_it_says(study: Callable[[Generator], bool]) -> None:
    assert abs(coverage(study) - 0.95) < TOLERANCE


@pytest.mark.parametrize(("percent", "truth"), [(10, -math.log(0.9)), (50, math.log(2)), (90, math.log(10))])
def test_quantiles_are_bounded_by_order_statistics(percent: int, truth: float) -> None:
    def study(luck: Generator) -> bool:
        got: Estimate = estimate(mean_of(luck.exponential(size=150)))
        return holds(getattr(got, f"p{percent}_low"), truth, getattr(got, f"p{percent}_high"))

    assert abs(coverage(study) - 0.95) < TOLERANCE


def test_median_of_a_hundred_lies_between_the_40th_and_the_61st() -> None:
    # Coverage P(40 <= B <= 60), B ~ Binomial(100, 1/2): 0.9648.
    assert order_ranks(100, 50) == (40, 61)
    exact = sum(math.comb(100, k) for k in range(40, 61)) / 2**100
    assert abs(exact - 0.9648) < 5e-5
    assert order_ranks(20, 1) == (None, 2)
    assert order_ranks(20, 99) == (19, None)


def test_paired_differences() -> None:
    def study(luck: Generator) -> bool:
        x = luck.gamma(4.0, size=80)
        got = difference(mean_of(x * 1.1 + luck.exponential(size=80)), mean_of(x))
        return holds(got.low, 1.4, got.high)

    assert abs(coverage(study) - 0.95) < TOLERANCE


def several(luck: Generator) -> tuple[list[Statistic], Statistic]:
    """Six candidates: each the baseline, what three have in common, and luck of its own; all differences are 0."""
    x, common, own = luck.normal(size=60), luck.normal(size=60), luck.normal(size=(6, 60))
    return [mean_of(x + (k < 3) * common + own[k]) for k in range(6)], mean_of(x)


def test_joint_intervals_hold_all_truths_at_once() -> None:
    def study(luck: Generator) -> bool:
        return not any(got.distinguishable for got in joint_differences(*several(luck)))

    assert abs(coverage(study) - 0.95) < TOLERANCE


def test_intervals_of_each_alone_would_not() -> None:
    def study(luck: Generator) -> bool:
        ones, other = several(luck)
        return not any(difference(one, other).distinguishable for one in ones)

    assert coverage(study) < 0.86


def test_one_candidate_has_its_own_interval_and_equal_ones_too() -> None:
    ones, other = several(np.random.default_rng(1))
    alone = joint_differences(ones[:1], other)[0]
    assert alone == difference(ones[0], other)
    twice = joint_differences([ones[0], ones[0]], other)[0]
    assert twice.joint_low == pytest.approx(twice.low, rel=0.02)
    itself = joint_differences([other, ones[0], ones[1]], other)[0]
    assert (itself.mean, itself.joint_low, itself.joint_high, itself.distinguishable) == (0.0, 0.0, 0.0, False)


def known(unit: np.ndarray, luck: Generator) -> np.ndarray:
    """Mostly ignorance: mean of (2u)^2 (1 + v) is 4/3 x 3/2 = 2, and luck of mean 0."""
    return 4 * unit[:, 0] ** 2 * (1 + unit[:, 1]) + 0.3 * luck.normal(size=len(unit))


def quasi(design: Sobol, sampling: Sampling) -> Callable[[Generator], tuple[float, bool]]:
    def study(luck: Generator) -> tuple[float, bool]:
        unit = design.unit(("a", "b"), int(luck.integers(2**40)), np.arange(128))
        got = estimate(sampling.refined(mean_of(known(unit, luck))))
        assert got.se is not None
        return got.se, holds(got.low, 2.0, got.high)

    return study


def test_scrambles_give_the_error_of_quasi_random_points() -> None:
    luck = np.random.default_rng(5)
    apart = np.array([quasi(Sobol(16), Sampling(16))(luck) for _ in range(STUDIES)])
    naive = np.array([quasi(SOBOL, Sampling())(luck) for _ in range(STUDIES // 4)])
    assert abs(apart[:, 1].mean() - 0.95) < TOLERANCE
    assert naive[:, 1].mean() > 0.99  # valid, and far too wide
    assert apart[:, 0].mean() < 0.6 * naive[:, 0].mean()


def test_controls_take_out_what_they_explain_and_no_more() -> None:
    # y = 3 + c + z with c of known mean 0 and variance 4: a fifth of the variance is left.
    def study(luck: Generator) -> tuple[float, float, bool]:
        c, noise = luck.normal(size=(2, 80))
        y = mean_of(3 + 2 * c + noise)
        controls = np.stack([c, 2 * c, luck.normal(size=80)], axis=1)
        plain, got = estimate(y), estimate(Sampling(controls=controls).refined(y))
        assert plain.se is not None
        assert got.se is not None
        return plain.se, got.se, holds(got.low, 3.0, got.high)

    luck = np.random.default_rng(6)
    got = np.array([study(luck) for _ in range(STUDIES)])
    assert abs(got[:, 2].mean() - 0.95) < TOLERANCE
    assert 0.19 < (got[:, 1] ** 2).mean() / (got[:, 0] ** 2).mean() < 0.22


def test_controls_keep_sums_and_differences() -> None:
    luck = np.random.default_rng(7)
    x, y, c = luck.gamma(2.0, size=(3, 50))
    sampling = Sampling(controls=(c - 2.0)[:, None])
    whole, one, other = (sampling.refined(mean_of(v)) for v in (x + y, x, y))
    assert whole.value == pytest.approx((one.value or 0) + (other.value or 0), rel=1e-13)
    np.testing.assert_allclose(whole.influence, one.influence + other.influence, atol=1e-12)
    share = probability_of(x > 2)
    assert sampling.refined(share).value == share.value
    same = difference(one, sampling.refined(mean_of(x)))
    assert (same.mean, same.se) == (0.0, 0.0)


def test_a_constant_control_changes_nothing() -> None:
    x = mean_of(np.random.default_rng(8).gamma(2.0, size=50))
    got = Sampling(controls=np.zeros((50, 2))).refined(x)
    np.testing.assert_allclose(got.influence, x.influence, rtol=1e-12)
    assert got.value == x.value
