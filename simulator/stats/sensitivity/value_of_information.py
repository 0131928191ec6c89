"""What knowing is worth: the expected gain from choosing among programs after an uncertainty is resolved.

    EVPI  = E[max_d E[V_d | all inputs]] - max_d E[V_d]
    EVPPI = E[max_d E[V_d | these inputs]] - max_d E[V_d]

V_d is the value of program d in a replication. E[V_d | inputs] is a regression on the runs that were made
(`smooth`; Strong, Oakley and Brennan 2014), which takes the luck out: the maximum over programs of single replications
would count luck as if it could be foreseen. Only differences to the first program are regressed, as luck that programs
share drops out of them.

The maximum of noisy curves is too high on average. The Bayesian bootstrap (Rubin 1981) repeats the whole estimate under
other weights of the replications; how much higher the repeats are on average is the bias that is taken off, their
spread the error. Estimates are floored at 0, as information never harms; and the lower limit is 0 unless the
differences depend on the inputs at all, by an F test at 5 % (over the programs, Bonferroni), as else there is nothing
to learn. Where two programs are best by the same mean, estimates are a little low, as one of them looks better by luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from simulator.core.arrays import Array
from simulator.stats.intervals import CONFIDENCE
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, figure, uniforms
from simulator.stats.sensitivity.spline_regression import SplineFit, best_fit

_REPEATS = 120
FEWEST = 50


@dataclass(frozen=True)
class LearningValue:
    """worth: of knowing a factor before choosing, at least 0; bias: what was taken off."""

    factor: str
    worth: EstimateWithCI
    bias: float


def value_of_knowing(x: Array, values: Array, factors: Sequence[Factor], seed: int) -> list[LearningValue]:
    """Worth of knowing each factor. x: (N, K) inputs; values: (N, D) of the programs."""
    gaps = values - values[:, :1]
    weights = -np.log(uniforms(seed, "bootstrap", _REPEATS, len(x)))
    weights /= weights.sum(axis=1, keepdims=True)
    return [_worth(f.name, best_fit(x[:, list(f.columns)], gaps), gaps, weights) for f in factors]


def _worth(name: str, fit: SplineFit, gaps: Array, weights: Array) -> LearningValue:
    n = len(gaps)
    plain = _gain(fit.basis, gaps, np.full(n, 1.0 / n))
    repeats = np.array([_gain(fit.basis, gaps, w) for w in weights])
    bias = float(repeats.mean()) - plain
    found = figure(plain - bias, float(repeats.std(ddof=1)))
    low = max(found.low, 0.0) if _depends(fit, gaps) else 0.0
    floored = EstimateWithCI(max(found.value, 0.0), found.se, low, max(found.high, 0.0))
    return LearningValue(name, floored, bias)


def _depends(fit: SplineFit, gaps: Array) -> bool:
    """Whether any difference depends on the inputs, by more than chance."""
    n, p = len(gaps), fit.columns
    moving = gaps[:, np.var(gaps, axis=0) > 0]
    if p == 0 or n - p < 2 or moving.shape[1] == 0:
        return False
    curves = fit.fitted(moving)
    explained = np.sum((curves - moving.mean(axis=0)) ** 2, axis=0) / p
    left = np.maximum(np.sum((moving - curves) ** 2, axis=0) / (n - p - 1), 1e-300)
    return bool(stats.f.sf(explained / left, p, n - p - 1).min() * moving.shape[1] < 1 - CONFIDENCE)


def _gain(basis: Array, gaps: Array, weight: Array) -> float:
    """E[max_d g_d] - max_d E[g_d] of the weighted least-squares curves g."""
    weighted = basis * weight[:, None]
    curves = basis @ np.linalg.solve(weighted.T @ basis, weighted.T @ gaps)
    return float(weight @ curves.max(axis=1) - (weight @ curves).max())
