"""First-order indices from runs that were made anyway: S = Var(E[Y | X]) / Var(Y), the share of the variance of a
replication that goes with an input alone.

E[Y | X] is a regression (`smooth`), so S = R^2, and R^2 is corrected for the columns it was fitted with (Ezekiel 1930):
S = 1 - (1 - R^2) (N - 1) / (N - p - 1). Its variance is that of the influence ((1 - S) d^2 - e^2) / Var(Y), with d the
deviation and e the residual, less 4 p (1 - S)^2 / N^2, which is what p fitted columns of noise add to it, plus the
variance 2 p (1 - S)^2 / N^2 of the chi-square that R^2 has where S is 0. Luck is part of Var(Y), so the indices add up
to less than 1 even without interactions. With correlated inputs an index counts what goes with an input, also through
others that move along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, figure
from simulator.stats.sensitivity.spline_regression import SplineFit, best_fit, smooth


@dataclass(frozen=True)
class FirstOrder:
    """first: the index of one factor; of a group, all that its inputs do alone and together."""

    factor: str
    first: EstimateWithCI

    @property
    def distinguishable(self) -> bool:
        """Whether the index is above 0 by more than its error."""
        return self.first.low > 0


def first_order(x: Array, y: Array, factors: Sequence[Factor]) -> list[FirstOrder]:
    """Indices of inputs (N, K) on outcomes (N,)."""
    return [FirstOrder(f.name, _index(_fit(x, y, f), y)) for f in factors]


def _fit(x: Array, y: Array, factor: Factor) -> SplineFit:
    if factor.single:
        return smooth(x[:, factor.columns[0]])
    return best_fit(x[:, list(factor.columns)], y)


def _index(fit: SplineFit, y: Array) -> EstimateWithCI:
    n, p = len(y), fit.columns
    deviation, residual = y - np.mean(y), y - fit.fitted(y)
    variance = float(np.mean(deviation**2))
    if variance == 0 or p == 0:
        return figure(0.0, 0.0)
    share = float(np.mean(residual**2)) / variance * (n - 1) / (n - p - 1)
    influence = (share * deviation**2 - residual**2) / variance
    of_columns = p * (share / n) ** 2
    plain = max(float(np.var(influence)) / n - 4 * of_columns, 0.0)
    return figure(1.0 - share, float(np.sqrt(plain + 2 * of_columns)))
