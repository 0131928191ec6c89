"""Switching values: at which value of an input the better of two programs is no longer the better.

The difference of the two programs is regressed on the input (`smooth`, 4 knots: a difference is seldom more bent over
such a range), so that chance and all other inputs are averaged over. Where the curve crosses 0 the ranking flips. Its
error comes from the curve's own pointwise band (White's covariance in the HC3 form, MacKinnon and White 1985): the
limits of a switching value are the ends of the stretch around it where the band covers 0, the set of Fieller. A flip
is claimed only if the curve is below 0 by more than its error somewhere and above 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from simulator.core.arrays import Array
from simulator.stats.intervals import CONFIDENCE
from simulator.stats.sensitivity.factors import Factor
from simulator.stats.sensitivity.spline_regression import MOST_LEVELS, columns_of

_KNOTS = 4
_GRID = 201

Verdict = Literal["flips", "does not flip", "cannot be told"]


@dataclass(frozen=True)
class OutcomeCurve:
    """Mean difference along an input: at, mean, se, low, high, each (G,)."""

    at: Array
    mean: Array
    se: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Crossing:
    """A value at which the curve crosses 0, with limits; None where the limit is not within the range."""

    at: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Switch:
    """verdict: whether the ranking flips over the range of the input; crossings: where; start, end: the range."""

    factor: str
    verdict: Verdict
    crossings: tuple[Crossing, ...]
    curve: OutcomeCurve

    @property
    def distinguishable(self) -> bool:
        """Whether the ranking flips for sure."""
        return self.verdict == "flips"

    @property
    def start(self) -> float:
        """Least value of the input that was seen."""
        return float(self.curve.at[0])

    @property
    def end(self) -> float:
        """Greatest value of the input that was seen."""
        return float(self.curve.at[-1])


def switching(x: Array, y: Array, factors: Sequence[Factor]) -> list[Switch]:
    """Switching values of single inputs among (N, K) on differences (N,) of two programs; groups have none."""
    return [_switch(f.name, curve(x[:, f.columns[0]], y)) for f in factors if f.single]


def curve(x: Array, y: Array) -> OutcomeCurve:
    """E[Y | X] over the range of (N,) values, with a pointwise band."""
    levels = np.unique(x)
    at = levels if len(levels) <= MOST_LEVELS else np.linspace(levels[0], levels[-1], _GRID)
    basis = np.column_stack([np.ones(len(x)), columns_of(x, _KNOTS)])
    there = np.column_stack([np.ones(len(at)), columns_of(x, _KNOTS, at)])
    inverse = np.linalg.pinv(basis.T @ basis)
    weights = inverse @ basis.T
    leverage = np.einsum("ij,ji->i", basis, weights)
    residual = (y - basis @ (weights @ y)) / np.maximum(1.0 - leverage, 1e-9)
    reach = there @ weights
    mean, se = reach @ y, np.sqrt((reach**2) @ (residual**2))
    half = se * float(stdtrit(len(x) - basis.shape[1], 0.5 + CONFIDENCE / 2))
    return OutcomeCurve(at, mean, se, mean - half, mean + half)


def _switch(name: str, c: OutcomeCurve) -> Switch:
    above, below = bool((c.low > 0).any()), bool((c.high < 0).any())
    open_ = (c.low <= 0) & (c.high >= 0)
    same_side = bool((c.mean > 0).all() or (c.mean < 0).all())
    verdict: Verdict = "cannot be told"
    if above and below:
        verdict = "flips"
    elif not open_.any() and same_side:
        verdict = "does not flip"
    return Switch(name, verdict, tuple(_crossings(c)), c)


def _crossings(c: OutcomeCurve) -> list[Crossing]:
    turns = np.flatnonzero((c.mean[:-1] > 0) != (c.mean[1:] > 0))
    return [Crossing(_root(c.at, c.mean, k), _end(c, k, -1), _end(c, k + 1, 1)) for k in map(int, turns)]


def _root(at: Array, value: Array, k: int) -> float:
    """Where the line from point k to k + 1 is 0."""
    rise = value[k + 1] - value[k]
    return float(at[k] - value[k] * (at[k + 1] - at[k]) / rise)


def _end(c: OutcomeCurve, k: int, step: int) -> float | None:
    """From point k on in a direction: where the band no longer covers 0; None if it does to the end."""
    while 0 <= k < len(c.at) and c.low[k] <= 0 <= c.high[k]:
        k += step
    return float(c.at[k]) if 0 <= k < len(c.at) else None
