"""Sobol' indices, first order and total, by a design: S = Var(E[Y | X]) / Var(Y), T = E[Var(Y | all but X)] / Var(Y).

Two matrices A and B of points, and for each factor A with the factor's columns from B (Saltelli 2010). B and that
matrix share the factor alone, A and it share all else. With m and v the mean and variance pooled over both of a pair
(Janon et al. 2014): S = (mean(f_B f_AB) - m^2) / v, and T = mean((f_A - f_AB)^2) / 2 v (Jansen 1999), which is exactly
0 for a factor without effect.

Points are Sobol' points in independent scrambles; the error is the delete-one jackknife over scrambles, which keeps
the precision of even points. Every row is lived in the same R worlds and averaged: noise of its own in each row would
count as interaction of everything. The indices are those of that average, in those worlds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array
from simulator.core.quasi_random import sobol_points
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, figure

SCRAMBLES = 8


@dataclass(frozen=True)
class Indices:
    """first: share of the variance that a factor explains alone; total: with all its interactions.

    luck: share of the variance of rows that is luck which R worlds leave in their average, of the whole design.
    """

    factor: str
    first: EstimateWithCI
    total: EstimateWithCI
    luck: float

    @property
    def distinguishable(self) -> bool:
        """Whether one of the indices is above 0 by more than its error."""
        return self.first.low > 0 or self.total.low > 0


def design(factors: Sequence[Factor], inputs: int, points: int, seed: int) -> Array:
    """Points ((2 + F) n, K): A, B, then A with each factor from B. Inputs of no factor stay at their medians.

    points: n, a multiple of `SCRAMBLES`; a power of two fills the space best.
    """
    names = [f"sobol {half} {k}" for half in "AB" for k in range(inputs)]
    drawn = sobol_points(names, seed, np.arange(points), SCRAMBLES)
    a, b = drawn[:, :inputs], drawn[:, inputs:]
    moved = {column for f in factors for column in f.columns}
    for still in set(range(inputs)) - moved:
        a[:, still] = b[:, still] = 0.5
    mixed = [a.copy() for _ in factors]
    for matrix, f in zip(mixed, factors, strict=True):
        matrix[:, f.columns] = b[:, f.columns]
    return np.concatenate([a, b, *mixed])


def indices(y: Array, factors: Sequence[Factor]) -> list[Indices]:
    """Indices from the outcomes ((2 + F) n, R) of a design."""
    rows = np.mean(y, axis=1).reshape(2 + len(factors), -1)
    whole = _both(rows)
    part = np.arange(rows.shape[1]) % SCRAMBLES
    without = np.stack([_both(rows[:, part != k]) for k in range(SCRAMBLES)])
    spread = np.sum((without - without.mean(axis=0)) ** 2, axis=0)
    se = np.sqrt(spread * (SCRAMBLES - 1) / SCRAMBLES)
    luck = _luck(y)
    first, total = ([_figure(v, s) for v, s in zip(*r, strict=True)] for r in zip(whole, se, strict=True))
    return [Indices(f.name, s, t, luck) for f, s, t in zip(factors, first, total, strict=True)]


def _figure(value: float, se: float) -> EstimateWithCI:
    return figure(float(value), float(se), SCRAMBLES - 1)


def _luck(y: Array) -> float:
    """Variance of the average over worlds that is not of the row, over the variance between rows."""
    between = float(np.var(y.mean(axis=1), ddof=1))
    if y.shape[1] < 2 or between == 0:
        return 0.0
    rest = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0) + y.mean()
    degrees = (y.shape[0] - 1) * (y.shape[1] - 1)
    return float(np.sum(rest**2) / degrees / y.shape[1] / between)


def _both(rows: Array) -> Array:
    """First-order and total indices, (2, F), of rows (2 + F, n)."""
    centred = rows - np.mean(rows[:2])
    a, b, mixed = centred[0], centred[1], centred[2:]
    first = _over(np.mean(b * mixed, axis=1) - _mean(b, mixed) ** 2, _variance(b, mixed))
    total = _over(np.mean((a - mixed) ** 2, axis=1) / 2, _variance(a, mixed))
    return np.stack([first, total])


def _mean(one: Array, others: Array) -> Array:
    return np.asarray((np.mean(one) + np.mean(others, axis=1)) / 2)


def _variance(one: Array, others: Array) -> Array:
    return np.asarray(np.mean(one**2 + others**2, axis=1) / 2 - _mean(one, others) ** 2)


def _over(top: Array, bottom: Array) -> Array:
    """top / bottom, 0 where nothing varies."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
