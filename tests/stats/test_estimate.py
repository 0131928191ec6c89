"""Estimates and their errors, against values worked by hand or known in closed form."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtri

from simulator.stats.estimate import (
    IN_NOISE,
    ONE_SAMPLE,
    SHORT_TAIL,
    difference,
    estimate,
    mean_of,
    probability_of,
    quantile,
    ratio_of,
    replication_at,
    tail_mean_of,
)


def test_mean_has_the_ordinary_standard_error() -> None:
    # Variance of 1, 2, 3, 4 is 5/3; over 4 and rooted: 0.6454972.
    got = estimate(mean_of(np.array([1.0, 2.0, 3.0, 4.0])))
    assert got.mean == 2.5
    assert_allclose(got.se, math.sqrt(5 / 12), rtol=1e-14)


def test_ratio_of_totals_has_the_jackknife_error() -> None:
    # 1/2, 2/3, 3/5: total 6/10; leaving out one at a time 5/8, 4/7, 3/5.
    without = [Fraction(5, 8), Fraction(4, 7), Fraction(3, 5)]
    middle = sum(without) / 3
    variance = Fraction(2, 3) * sum((w - middle) ** 2 for w in without)
    got = estimate(ratio_of(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0]), missing="none"))
    assert got.mean == 0.6
    assert_allclose(got.se, math.sqrt(variance), rtol=1e-12)
    assert (got.p10, got.p50, got.p90) == (0.5, 0.6, 2 / 3)


def test_ratio_with_equal_denominators_is_a_mean() -> None:
    x = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    ratio, mean = estimate(ratio_of(x, np.full(5, 2.0), missing="")), estimate(mean_of(x / 2))
    assert_allclose([ratio.mean, ratio.se], [mean.mean, mean.se], rtol=1e-13)


def test_ratio_that_is_the_same_everywhere_has_no_error() -> None:
    b = np.array([3.0, 7.0, 11.0])
    assert estimate(ratio_of(b * 0.1, b, missing="")).se == 0.0


def test_difference_of_ratios_is_the_jackknife_of_the_difference() -> None:
    a, b = np.array([5.0, 1.0, 7.0, 2.0]), np.array([8.0, 9.0, 10.0, 4.0])
    c, d = np.array([2.0, 2.0, 3.0, 4.0]), np.array([7.0, 6.0, 9.0, 5.0])
    keep = ~np.eye(4, dtype=bool)
    without = np.array([a[k].sum() / b[k].sum() - c[k].sum() / d[k].sum() for k in keep])
    expected = math.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    got = difference(ratio_of(a, b, missing=""), ratio_of(c, d, missing=""))
    assert_allclose(got.se, expected, rtol=1e-12)
    assert_allclose(got.mean, a.sum() / b.sum() - c.sum() / d.sum(), rtol=1e-14)


def test_paired_difference_has_a_student_interval() -> None:
    # Differences 1, 2, 3, 6: mean 3, variance 14/3, standard error sqrt(14/12); t(3) at 97.5 % is 3.182446.
    x = np.array([10.0, 20.0, 30.0, 40.0])
    got = difference(mean_of(x + np.array([1.0, 2.0, 3.0, 6.0])), mean_of(x))
    half = 3.182446305284263 * math.sqrt(14 / 12)
    assert_allclose([got.mean, got.se, got.low, got.high], [3, math.sqrt(14 / 12), 3 - half, 3 + half], rtol=1e-9)
    assert not got.distinguishable


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_gap_beyond_the_error_is_distinguishable(shift: float) -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert difference(mean_of(x + shift), mean_of(x)).distinguishable


def test_a_thing_differs_from_itself_by_exactly_nothing() -> None:
    x, b = np.random.default_rng(3).normal(size=(2, 50)) + 10
    for statistic in (mean_of(x), ratio_of(x, b, missing=""), tail_mean_of(x), probability_of(x > 10)):
        got = difference(statistic, statistic)
        assert (got.mean, got.se, got.low, got.high) == (0.0, 0.0, 0.0, 0.0)
        assert not got.distinguishable


def test_probability_has_the_binomial_error() -> None:
    # p (1 - p) / (N - 1) is the unbiased variance of a share.
    got = estimate(probability_of(np.arange(10) < 3))
    assert got.mean == 0.3
    assert_allclose(got.se, math.sqrt(0.3 * 0.7 / 9), rtol=1e-14)
    assert (got.p10, got.p50, got.p90) == (None, None, None)


@pytest.mark.parametrize("event", [True, False])
def test_a_probability_never_seen_or_always_seen_is_not_certain(event: bool) -> None:
    # Two of either outcome added to 10 replications: 2/14 or 12/14.
    got = estimate(probability_of(np.full(10, event)))
    assert got.mean == float(event)
    assert_allclose(got.se, math.sqrt(2 / 14 * 12 / 14 / 14), rtol=1e-14)


def test_tail_mean_of_a_normal() -> None:
    # phi(z)/0.05 = 2.062713 at z = 1.644854; the influence z + (x - z)^+ / 0.05 has, with a = 0.05,
    # variance ((1 + z^2) a - z phi - (phi - z a)^2) / a^2.
    n = 200_000
    got = estimate(tail_mean_of(ndtri((np.arange(n) + 0.5) / n)))
    z, a = 1.6448536269514722, 0.05
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    variance = ((1 + z * z) * a - z * density - (density - z * a) ** 2) / a**2
    assert_allclose(got.mean, 2.062713, atol=2e-4)
    assert_allclose(got.se, math.sqrt(variance / n), rtol=2e-3)


def test_tail_mean_counts_a_replication_in_part() -> None:
    # One and a half of 30: all of 30 and half of 29.
    assert_allclose(estimate(tail_mean_of(np.arange(1.0, 31.0))).mean, (30 + 14.5) / 1.5, rtol=1e-14)
    assert estimate(tail_mean_of(np.arange(1.0, 41.0))).mean == 39.5


def test_tail_mean_error_covers_what_it_should() -> None:
    # 400 samples of 1,000 exponentials; the truth is 1 + ln 20. The share covered by two errors is 0.95
    # within four binomial errors of 0.011 (false alarm 6e-5), less up to 0.03 for the skewness of the tail.
    luck = np.random.default_rng(11).exponential(size=(400, 1000))
    found = [estimate(tail_mean_of(x)) for x in luck]
    covered = np.mean([abs(e.mean - 1 - math.log(20)) < 1.96 * e.se for e in found])  # type: ignore[operator]
    assert 0.95 - 0.044 - 0.03 < covered < 0.95 + 0.044


def test_quantiles_are_values_that_some_replication_had() -> None:
    x = np.array([7.0, 1.0, 9.0, 3.0, 5.0, 2.0, 8.0, 4.0, 6.0, 10.0])
    assert [quantile(x, p) for p in (10, 50, 90, 100)] == [1.0, 5.0, 9.0, 10.0]
    assert [replication_at(x, p) for p in (10, 50, 90, 100)] == [1, 4, 2, 9]
    assert replication_at(np.array([2.0, 2.0, 1.0]), 100) == 0


def test_what_is_undefined_has_a_reason() -> None:
    zero, one = np.zeros(30), np.ones(30)
    got = estimate(ratio_of(one, zero, missing="no closed deals"))
    assert (got.mean, got.se, got.p50, got.reason) == (None, None, None, "no closed deals")
    gap = difference(mean_of(one), ratio_of(one, zero, missing="no closed deals"))
    assert (gap.mean, gap.low, gap.reason) == (None, None, "no closed deals")
    assert estimate(tail_mean_of(np.ones(19))).reason == SHORT_TAIL


def test_ratio_that_rests_on_one_replication_has_no_error() -> None:
    got = estimate(ratio_of(np.array([0.0, 3.0]), np.array([0.0, 4.0]), missing=""))
    assert (got.mean, got.se, got.reason) == (0.75, None, ONE_SAMPLE)
    assert got.p50 == 0.75


def test_ratio_to_a_difference_needs_a_difference() -> None:
    top = np.ones(4)
    noise = np.array([1.0, -1.5, 2.0, -1.0])
    assert estimate(ratio_of(top, noise, missing="", signed=True)).reason == IN_NOISE
    assert estimate(ratio_of(top, -top, missing="costs less", signed=True)).reason == "costs less"
    got = estimate(ratio_of(top, np.array([1.0, 1.1, 0.9, 1.0]), missing="", signed=True))
    assert got.mean == 1.0
    assert got.p50 is not None


def test_ratio_to_a_difference_has_quantiles_only_if_every_replication_has_one() -> None:
    bottom = np.array([5.0, 6.0, -0.1, 5.5, 6.5, 5.0, 6.0, 5.0])
    got = estimate(ratio_of(np.ones(8), bottom, missing="", signed=True))
    assert got.mean is not None
    assert got.p50 is None
