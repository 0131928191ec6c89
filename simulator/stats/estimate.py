r"""Estimates from replications, each with its Monte Carlo error.

A statistic theta of N independent replications is kept with the influence u_i of every
replication on it, so that

    se(theta) = sqrt( sum_i u_i^2 / (N (N - 1)) ).

    mean          u_i = x_i - mean
    ratio A / B   u_i = (N - 1) (mean_j theta_(j) - theta_(i)),  theta_(i) = (A - a_i) / (B - b_i)
    tail mean     u_i = q + (x_i - q)^+ / alpha - theta

with A, B the totals of a_i, b_i: the delete-one jackknife in closed form (Efron and Tibshirani 1993, ch. 11),
which is the ordinary standard error where every b_i is the same; and the influence of the expected shortfall
(Rockafellar and Uryasev 2000). The influence on a difference of two statistics of the same replications is
the difference of the influences, so paired errors need no covariance, and equal inputs give a difference of
exactly 0 with error 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Array = NDArray[np.float64]

CONFIDENCE = 0.95
TAIL_ONE_IN = 20
"""The tail mean is over the worst one in so many replications."""
ONE_SAMPLE = "all of the denominator comes from a single replication"
IN_NOISE = "the denominator is not distinguishable from 0"
SHORT_TAIL = f"needs at least {TAIL_ONE_IN} replications"
_NONE: Array = np.zeros(0)


@dataclass(frozen=True)
class Statistic:
    """A statistic of N replications; all in the unit of the statistic.

    value: None where it is undefined, for the `reason` given. influence: (N,), empty where no error can be
    given. each: values of single replications where that has a meaning, undefined ones left out; otherwise
    empty. smallest_se: what the error is at least, for a share of replications that is 0 or 1 by luck.
    """

    value: float | None
    influence: Array
    each: Array
    reason: str = ""
    smallest_se: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """mean with Monte Carlo standard error, and quantiles over replications; None where undefined."""

    mean: float | None
    se: float | None
    p10: float | None
    p50: float | None
    p90: float | None
    reason: str = ""


@dataclass(frozen=True)
class Difference:
    """Paired difference with standard error and confidence limits; None where undefined."""

    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    reason: str = ""

    @property
    def distinguishable(self) -> bool:
        """Whether the confidence interval leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def undefined(reason: str) -> Statistic:
    """A statistic without a value."""
    return Statistic(None, _NONE, _NONE, reason)


def mean_of(x: Array) -> Statistic:
    """Mean of (N,) values."""
    mean = float(np.mean(x))
    return Statistic(mean, x - mean, x)


def ratio_of(a: Array, b: Array, *, missing: str, signed: bool = False) -> Statistic:
    """Ratio of the totals of (N,) numerators and denominators.

    missing: why there is no value if the denominators are 0. signed: the denominator is itself a difference,
    so that the ratio has a meaning only where it is above 0 by more than its own error.
    """
    top, bottom = float(np.sum(a)), float(np.sum(b))
    if bottom == 0:
        return undefined(missing)
    if signed and bottom <= _half_width(b):
        return undefined(IN_NOISE if bottom >= -_half_width(b) else missing)
    defined = b > 0 if signed else b != 0
    each = _NONE if signed and not defined.all() else a[defined] / b[defined]
    left = bottom - b
    if (left == 0).any():
        return Statistic(top / bottom, _NONE, each, ONE_SAMPLE)
    without = (top - a) / left
    influence = (len(b) - 1) * (np.mean(without) - without)
    # Rounding would leave noise of the last bits where all replications agree.
    same = bool((a * bottom == b * top).all())
    return Statistic(top / bottom, np.zeros_like(influence) if same else influence, each)


def probability_of(event: NDArray[np.bool_]) -> Statistic:
    """Share of replications with an event.

    The error of a share of 0 or 1 is not 0: it is at least what two more replications of either outcome would
    give (Agresti and Coull 1998).
    """
    x = event.astype(float)
    n = len(x) + 4.0
    p = (float(np.sum(x)) + 2.0) / n
    plain = mean_of(x)
    edge = plain.value in (0.0, 1.0)
    return replace(plain, each=_NONE, smallest_se=float(np.sqrt(p * (1.0 - p) / n)) if edge else 0.0)


def tail_mean_of(x: Array) -> Statistic:
    """Mean of the largest values, one in `TAIL_ONE_IN`; the last counts in part if N is no multiple."""
    n = len(x)
    whole = n // TAIL_ONE_IN
    if whole == 0:
        return undefined(SHORT_TAIL)
    quantile = float(np.partition(x, n - whole - 1)[n - whole - 1])
    shortfall = quantile + np.maximum(x - quantile, 0.0) * TAIL_ONE_IN
    return replace(mean_of(shortfall), each=_NONE)


def scaled(statistic: Statistic, per: float) -> Statistic:
    """The statistic in a unit of which `per` old units make one."""
    if statistic.value is None:
        return statistic
    return Statistic(
        statistic.value / per,
        statistic.influence / per,
        statistic.each / per,
        statistic.reason,
        statistic.smallest_se / per,
    )


def estimate(statistic: Statistic) -> Estimate:
    """Mean, error and quantiles of a statistic."""
    if statistic.value is None:
        return Estimate(None, None, None, None, None, statistic.reason)
    p10, p50, p90 = (quantile(statistic.each, p) if len(statistic.each) else None for p in (10, 50, 90))
    return Estimate(statistic.value, _error(statistic), p10, p50, p90, statistic.reason)


def difference(one: Statistic, other: Statistic) -> Difference:
    """one - other on the same replications, with a Student t interval."""
    if one.value is None or other.value is None:
        return Difference(None, None, None, None, one.reason or other.reason)
    mean = one.value - other.value
    if not len(one.influence) or not len(other.influence):
        return Difference(mean, None, None, None, one.reason or other.reason)
    influence = one.influence - other.influence
    se = _root_mean(influence)
    half = se * float(stdtrit(len(influence) - 1, 0.5 + CONFIDENCE / 2))
    return Difference(mean, se, mean - half, mean + half)


def quantile(x: Array, percent: int) -> float:
    """The smallest value with at least `percent` % of values at or below it, so some replication had it."""
    return float(np.sort(x)[rank(len(x), percent)])


def rank(count: int, percent: int) -> int:
    """Position of the `percent` % quantile among `count` sorted values."""
    return max(0, -(-count * percent // 100) - 1)


def replication_at(x: Array, percent: int) -> int:
    """The replication whose value is the quantile; the first of equals."""
    return int(np.flatnonzero(x == quantile(x, percent))[0])


def _error(statistic: Statistic) -> float | None:
    if not len(statistic.influence):
        return None
    return max(_root_mean(statistic.influence), statistic.smallest_se)


def _root_mean(influence: Array) -> float:
    """sqrt(sum u^2 / (N (N - 1)))."""
    n = len(influence)
    return float(np.sqrt(np.sum(influence * influence) / (n * (n - 1))))


def _half_width(x: Array) -> float:
    """Half the confidence interval of the total of x."""
    n = len(x)
    return n * _root_mean(x - np.mean(x)) * float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2))
