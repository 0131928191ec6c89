"""Regression of an outcome on one or several inputs: E[Y | inputs], which averages luck and all else out.

One input enters as a natural cubic spline, linear beyond its outer knots (Harrell 2015, "Regression Modeling
Strategies", 2.4.5), with knots at even quantiles; an input with few distinct values enters by its values. Several
inputs add up, with products of pairs. The candidates rise in richness; the one with the least leave-one-out error is
taken, which needs no random split, since e_i / (1 - h_i) is the residual at i of the fit without i.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from simulator.core.arrays import Array

MOST_LEVELS = 8
"""An input with no more distinct values than this is taken by its values."""
_OUTER = 0.025
_FEWEST_PER_COLUMN = 5
"""A candidate needs this many replications per column."""


@dataclass(frozen=True)
class SplineFit:
    """Least squares on an orthonormal basis. basis: (N, p), constant first; leverage: (N,)."""

    basis: Array
    leverage: Array

    @property
    def columns(self) -> int:
        """Columns beside the constant."""
        return int(self.basis.shape[1]) - 1

    def fitted(self, y: Array) -> Array:
        """Fitted values of (N,) or (N, D) outcomes."""
        return np.asarray(self.basis @ (self.basis.T @ y))

    def left_out_error(self, y: Array) -> float:
        """Sum of squared leave-one-out residuals."""
        residual = (y - self.fitted(y)).reshape(len(y), -1)
        return float(np.sum((residual / np.maximum(1.0 - self.leverage, 1e-9)[:, None]) ** 2))


def knots_for(count: int) -> int:
    """Knots of a spline on so many replications."""
    return int(np.clip(round(1.3 * count ** (1 / 3)), 4, 12))


def columns_of(x: Array, knots: int, at: Array | None = None) -> Array:
    """Columns of one input without the constant, evaluated at `at` or at x itself; (len(at), p).

    x: (N,) sample that places the knots; 0 columns where it has a single value. knots: 2 for a straight line.
    """
    where = x if at is None else at
    levels = np.unique(x)
    if len(levels) <= MOST_LEVELS:
        return np.asarray((where[:, None] == levels[None, 1:]).astype(float))
    centre, scale = float(np.mean(x)), float(np.std(x))
    z, t = (where - centre) / scale, _knots(x, knots, centre, scale)
    return np.column_stack([z, *_bends(z, t)]) if len(t) > 2 else z[:, None]


def fit_on(columns: Array) -> SplineFit:
    """Fit with a constant on (N, p) columns; those that add nothing are dropped."""
    n = len(columns)
    q, r = np.linalg.qr(np.column_stack([np.ones(n), columns]))
    size = np.abs(np.diag(r))
    basis = q[:, size > 1e-9 * size.max()]
    return SplineFit(basis, np.sum(basis * basis, axis=1))


def smooth(x: Array, knots: int | None = None) -> SplineFit:
    """Fit on one input (N,), with the knots that N allows."""
    return fit_on(columns_of(x, knots or knots_for(len(x))))


def best_fit(x: Array, y: Array) -> SplineFit:
    """The candidate for inputs (N, k) with the least leave-one-out error for outcomes (N,) or (N, D)."""
    fits = [fit_on(columns) for columns in _candidates(x)]
    roomy = [fit for fit in fits if fit.columns * _FEWEST_PER_COLUMN <= len(x)] or fits[:1]
    return min(roomy, key=lambda fit: fit.left_out_error(y))


def _candidates(x: Array) -> Iterator[Array]:
    inputs = [x[:, k] for k in range(x.shape[1])]
    products = _products(inputs)
    for knots in dict.fromkeys((2, 4, knots_for(len(x)))):
        alone = [columns_of(one, knots) for one in inputs]
        yield np.column_stack(alone)
        if products:
            yield np.column_stack([*alone, *products])
    if products:
        bent = [columns_of(one, 3) for one in inputs]
        crossed = [(a[:, :, None] * b[:, None, :]).reshape(len(x), -1) for a, b in combinations(bent, 2)]
        yield np.column_stack([*(columns_of(one, knots_for(len(x))) for one in inputs), *crossed])


def _products(inputs: list[Array]) -> list[Array]:
    scaled = [(one - np.mean(one)) / (np.std(one) or 1.0) for one in inputs]
    return [(a * b)[:, None] for a, b in combinations(scaled, 2)]


def _knots(x: Array, knots: int, centre: float, scale: float) -> Array:
    places = np.linspace(_OUTER, 1 - _OUTER, knots)
    return np.unique((np.quantile(x, places) - centre) / scale)


def _bends(z: Array, t: Array) -> list[Array]:
    """Truncated cubics combined so that all is linear beyond the outer knots."""
    last, before, width = t[-1], t[-2], (t[-1] - t[0]) ** 2

    def cube(knot: float) -> Array:
        return np.asarray(np.maximum(z - knot, 0.0) ** 3)

    return [
        (cube(k) - cube(before) * (last - k) / (last - before) + cube(last) * (before - k) / (last - before)) / width
        for k in t[:-2]
    ]
