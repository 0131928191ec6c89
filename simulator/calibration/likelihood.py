"""Maximum likelihood with standard errors from the observed information, integrals over a random effect, and whether
numbers look lognormal.

For a group with random effect u ~ N(0, 1) the likelihood is an integral of exp(l(u)) * phi(u). It is computed by
adaptive Gauss-Hermite quadrature: nodes are centred at the mode of the integrand and scaled by its curvature there (Liu
and Pierce 1994, Biometrika 81), so that groups of 2 and of 800 rows are integrated equally well.

With thousands of rows any test rejects any distribution, so the verdict on a lognormal is about the size of the misfit:
the largest gap between the empirical and the fitted distribution function (Kolmogorov-Smirnov distance), and only then
about chance. Of several separate peaks, only a small gap is forgiven.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.signal import find_peaks
from scipy.stats import gaussian_kde, kstest

from simulator.core.arrays import Array

_POINTS = 15
_NODES, _RAW_WEIGHTS = np.polynomial.hermite_e.hermegauss(_POINTS)
_LOG_WEIGHTS = np.log(_RAW_WEIGHTS / _RAW_WEIGHTS.sum())
AT_ZERO = 1e-3
"""Standard deviations of random effects below this are reported as 0; log units or logits."""
_OPTIONS: Any = {"gtol": 1e-4}
_STEP = 0.1
"""Step of the numerical Hessian in units of a first guess of the standard error."""


@dataclass(frozen=True)
class Maximum:
    """Where a log-likelihood is highest. covariance: inverse observed information; nan where it has none."""

    at: Array
    log_likelihood: float
    covariance: Array

    def se(self, position: int) -> float | None:
        """Standard error of one parameter; None where the likelihood does not give one."""
        variance = float(self.covariance[position, position])
        return float(np.sqrt(variance)) if np.isfinite(variance) and variance > 0 else None


def maximum(log_likelihood: Callable[[Array], float], *, start: Array) -> Maximum:
    """The maximum of a smooth log-likelihood near `start` with its covariance."""

    def loss(at: Array) -> float:
        return -log_likelihood(at)

    found = minimize(loss, start, method="BFGS", options=_OPTIONS)
    at = np.asarray(found.x, dtype=float)
    guess = np.sqrt(np.clip(np.diag(np.asarray(found.hess_inv)), 1e-8, 1.0))
    information = -hessian(log_likelihood, at, _STEP * guess)
    try:
        covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    except np.linalg.LinAlgError:
        covariance = np.full_like(information, np.nan)
    return Maximum(at, -float(found.fun), covariance)


def standard_deviation(best: Maximum, groups: int) -> tuple[float, float | None]:
    """The last parameter, the standard deviation of either sign of so many groups' effects, with its standard error.

    Both are larger than at the maximum by sqrt(groups / (groups - 1)), as the mean of the effects is estimated too. A
    likelihood even in it stops a hair beside 0 where 0 is best; there the curvature is no measure of the error.
    """
    value, error, more = abs(float(best.at[-1])), best.se(len(best.at) - 1), float(np.sqrt(groups / (groups - 1)))
    return (value * more, None if error is None else error * more) if value > AT_ZERO else (0.0, None)


def hessian(function: Callable[[Array], float], at: Array, step: Array) -> Array:
    """Second derivatives by central differences with the given step per coordinate."""
    size = len(at)
    result = np.empty((size, size))
    moves = np.diag(step)
    centre = function(at)
    for i in range(size):
        result[i, i] = (function(at + moves[i]) - 2 * centre + function(at - moves[i])) / step[i] ** 2
        for j in range(i):
            same = function(at + moves[i] + moves[j]) + function(at - moves[i] - moves[j])
            across = function(at + moves[i] - moves[j]) + function(at - moves[i] + moves[j])
            result[i, j] = result[j, i] = (same - across) / (4 * step[i] * step[j])
    return result


def log_integrals(
    value: Callable[[Array], Array], slope_and_curvature: Callable[[Array], tuple[Array, Array]], groups: int
) -> Array:
    """Per group the log of the integral of exp(l(u)) * phi(u).

    value: l at effects of shape (groups, nodes); slope_and_curvature: first derivative and minus the second
    of l at effects of shape (groups,). l must be concave.
    """
    mode = np.zeros(groups)
    for _ in range(40):
        slope, curvature = slope_and_curvature(mode)
        move = (slope - mode) / (curvature + 1.0)
        # Full Newton steps can overshoot far from the mode of a Poisson likelihood.
        mode = mode + np.clip(move, -1.0, 1.0)
        if np.abs(move).max() < 1e-8:
            break
    scale = 1.0 / np.sqrt(slope_and_curvature(mode)[1] + 1.0)
    effects = mode[:, None] + scale[:, None] * _NODES
    inside = value(effects) - effects**2 / 2 + _NODES**2 / 2 + _LOG_WEIGHTS
    return np.asarray(np.logaddexp.reduce(inside, axis=1) + np.log(scale))


def normal_mean(function: Callable[[Array], Array]) -> Array:
    """E f(Z) for a standard normal Z; function: from nodes (k,) to values (k, ...)."""
    return np.asarray(np.exp(_LOG_WEIGHTS) @ function(np.asarray(_NODES)))


def by_group(values: Array, group: NDArray[np.intp], groups: int) -> Array:
    """Sums of a column by group."""
    return np.asarray(np.bincount(group, weights=values, minlength=groups), dtype=np.float64)


ROUGH, POOR = 0.05, 0.10
"""A gap of .05 means that 5 % of deals lie on the wrong side of some size; judgement."""
LILLIEFORS = 1.035
"""1 % critical value of the distance times sqrt(n) where mean and sd are estimated (Lilliefors 1967)."""


@dataclass(frozen=True)
class LognormalFit:
    """fits: yes, roughly or no; distance: largest gap of distribution functions; modes: separate peaks."""

    fits: Literal["yes", "roughly", "no"]
    distance: float
    modes: int

    def __str__(self) -> str:
        words = {
            "yes": "fits a lognormal",
            "roughly": "fits a lognormal roughly",
            "no": "does not fit a lognormal",
        }
        peaks = f", {self.modes} separate peaks" if self.modes > 1 else ""
        return f"{words[self.fits]} (largest gap of the distribution functions {self.distance:.3f}{peaks})"


def lognormal_verdict(logs: Array) -> LognormalFit:
    """Judge logs of a quantity against a normal distribution with their mean and standard deviation."""
    sd = logs.std(ddof=1)
    if len(logs) < 3 or sd == 0:
        return LognormalFit("no", 1.0, 1)
    distance = float(kstest((logs - logs.mean()) / sd, "norm").statistic)
    modes = _modes(logs)
    beyond_chance = distance > LILLIEFORS / np.sqrt(len(logs))
    fits: Literal["yes", "roughly", "no"] = "yes"
    if beyond_chance and distance > ROUGH:
        fits = "no" if distance > POOR or modes > 1 else "roughly"
    return LognormalFit(fits, distance, modes)


def _modes(logs: Array) -> int:
    """Peaks of a kernel density with Silverman's bandwidth that stand out by 5 % of the highest."""
    grid = np.linspace(logs.min() - logs.std(), logs.max() + logs.std(), 400)
    density = gaussian_kde(logs, bw_method="silverman")(grid)
    peaks, _ = find_peaks(density, prominence=0.05 * density.max())
    return max(1, len(peaks))
