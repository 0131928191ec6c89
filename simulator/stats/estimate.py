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

Intervals are Student's t about the value, with one degree of freedom less than there are influences; of a tail mean
with one less than there are replications in the tail. Probabilities and quantiles have intervals of their own, and
several differences can have joint ones: see `simulator.stats.interval`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.stats.intervals import quantile_limits, simultaneous_quantile, t_quantile, wilson

Array = NDArray[np.float64]

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
    degrees: degrees of freedom of its error where they are fewer than usual. share_of: for a share of replications,
    of how many. smooth: whether it is a mean or a ratio of means, so that controls help.
    """

    value: float | None
    influence: Array
    each: Array
    reason: str = ""
    smallest_se: float = 0.0
    degrees: int | None = None
    share_of: int | None = None
    smooth: bool = True


@dataclass(frozen=True)
class Estimate:
    """mean with Monte Carlo standard error and 95 % confidence limits, and quantiles over replications with theirs.

    None where undefined, or where there are too few replications for a limit.
    """

    mean: float | None
    se: float | None
    p10: float | None
    p50: float | None
    p90: float | None
    reason: str = ""
    low: float | None = None
    high: float | None = None
    p10_low: float | None = None
    p10_high: float | None = None
    p50_low: float | None = None
    p50_high: float | None = None
    p90_low: float | None = None
    p90_high: float | None = None


@dataclass(frozen=True)
class Difference:
    """Paired difference with standard error and confidence limits; None where undefined.

    low, high: limits of this difference taken alone; joint_low, joint_high: limits that hold for all candidates of
    the study at once, wider where there are several.
    """

    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    reason: str = ""
    joint_low: float | None = None
    joint_high: float | None = None

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The joint limits; where there are none, its own."""
        return (self.low, self.high) if self.joint_low is None else (self.joint_low, self.joint_high)

    @property
    def distinguishable(self) -> bool:
        """Whether the limits leave 0 out."""
        low, high = self.limits
        return low is not None and high is not None and (low > 0 or high < 0)


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
    smallest = float(np.sqrt(p * (1.0 - p) / n)) if edge else 0.0
    return replace(plain, each=_NONE, smallest_se=smallest, share_of=len(x), smooth=False)


def tail_mean_of(x: Array) -> Statistic:
    """Mean of the largest values, one in `TAIL_ONE_IN`; the last counts in part if N is no multiple."""
    n = len(x)
    whole = n // TAIL_ONE_IN
    if whole == 0:
        return undefined(SHORT_TAIL)
    quantile = float(np.partition(x, n - whole - 1)[n - whole - 1])
    shortfall = quantile + np.maximum(x - quantile, 0.0) * TAIL_ONE_IN
    return replace(mean_of(shortfall), each=_NONE, degrees=max(whole - 1, 1), smooth=False)


def scaled(statistic: Statistic, per: float) -> Statistic:
    """The statistic in a unit of which `per` old units make one."""
    if statistic.value is None:
        return statistic
    return replace(
        statistic,
        value=statistic.value / per,
        influence=statistic.influence / per,
        each=statistic.each / per,
        smallest_se=statistic.smallest_se / per,
    )


def estimate(statistic: Statistic) -> Estimate:
    """Mean, error, quantiles and limits of a statistic."""
    if statistic.value is None:
        return Estimate(None, None, None, None, None, statistic.reason)
    se = _error(statistic)
    low, high = _limits(statistic, se)
    found: dict[str, float | None] = {"low": low, "high": high}
    ordered = np.sort(statistic.each)
    for p in (10, 50, 90):
        found[f"p{p}"] = float(ordered[rank(len(ordered), p)]) if len(ordered) else None
        found[f"p{p}_low"], found[f"p{p}_high"] = quantile_limits(ordered, p) if len(ordered) else (None, None)
    return Estimate(mean=statistic.value, se=se, reason=statistic.reason, **found)


def difference(one: Statistic, other: Statistic) -> Difference:
    """one - other on the same replications, with a Student t interval."""
    if one.value is None or other.value is None:
        return Difference(None, None, None, None, one.reason or other.reason)
    mean = one.value - other.value
    if not len(one.influence) or not len(other.influence):
        return Difference(mean, None, None, None, one.reason or other.reason)
    influence = one.influence - other.influence
    se = _root_mean(influence)
    half = se * t_quantile(min(_degrees(one), _degrees(other)))
    return Difference(mean, se, mean - half, mean + half)


def joint_differences(ones: Sequence[Statistic], other: Statistic) -> list[Difference]:
    """Each of `ones` less `other`, with limits that hold for all at once beside those of each alone."""
    found = [difference(one, other) for one in ones]
    known = [k for k, gap in enumerate(found) if gap.se is not None]
    if len(known) < 2:
        return found
    influences = np.stack([ones[k].influence - other.influence for k in known])
    critical = simultaneous_quantile(influences, min(_degrees(s) for s in (*(ones[k] for k in known), other)))
    for k in known:
        mean, half = found[k].mean or 0.0, (found[k].se or 0.0) * critical
        found[k] = replace(found[k], joint_low=mean - half, joint_high=mean + half)
    return found


def quantile(x: Array, percent: int) -> float:
    """The smallest value with at least `percent` % of values at or below it, so some replication had it."""
    return float(np.sort(x)[rank(len(x), percent)])


def rank(count: int, percent: int) -> int:
    """Position of the `percent` % quantile among `count` sorted values."""
    return max(0, -(-count * percent // 100) - 1)


def replication_at(x: Array, percent: int) -> int:
    """The replication whose value is the quantile; the first of equals."""
    return int(np.flatnonzero(x == quantile(x, percent))[0])


def _degrees(statistic: Statistic) -> int:
    usual = len(statistic.influence) - 1
    return usual if statistic.degrees is None else min(usual, statistic.degrees)


def _limits(statistic: Statistic, se: float | None) -> tuple[float | None, float | None]:
    """Confidence limits of a defined statistic."""
    if statistic.value is None or se is None:
        return None, None
    if statistic.share_of is not None:
        return wilson(statistic.value, statistic.share_of)
    half = se * t_quantile(_degrees(statistic))
    return statistic.value - half, statistic.value + half


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
    return n * _root_mean(x - np.mean(x)) * t_quantile(n - 1)
