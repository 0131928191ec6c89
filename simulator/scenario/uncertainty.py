"""Distributions of uncertain numbers: parameters, and values from uniforms by inverse distribution functions.

A draw never leaves the bounds of the number: low, high and values must be permitted values, and a normal or
lognormal is clipped to the bounds and at five standard deviations (of the log). So every distribution has a
known support. A PERT is the beta on [low, high] with shapes 1 + 4 (mode - low)/(high - low) and
1 + 4 (high - mode)/(high - low). An empirical distribution goes in straight lines through its sorted sample x_i at
the probabilities (i - 1/2)/n (Hazen 1914) and is flat outside, so it has the sample's mean, least and greatest value.

Correlation of uncertain numbers: a Gaussian copula.

The coordinates of the numbers are Phi(z_k), z normal with correlation matrix R, so that every number keeps its own
distribution. What a file states is the rank correlation (Spearman's), which is what data and experts give and does not
depend on the distributions; under the copula it belongs to the normal correlation

    rho = 2 sin(pi rank / 6)        (Pearson 1907; McNeil, Frey and Embrechts 2015, theorem 7.42).

Of a discrete number it is the rank correlation of the scores behind it; of its values, which are tied, it is smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from simulator.core.arrays import Array
from simulator.scenario.schema import Correlation, Uncertain

SD_LIMIT = 5.0
"""Standard deviations at which a normal and the log of a lognormal end; each tail beyond holds 3e-7."""

_PARAMETERS: dict[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "pert": ("low", "mode", "high"),
    "normal": ("mean", "sd"),
    "lognormal": ("median", "log_sd"),
    "beta": ("a", "b", "low", "high"),
    "discrete": ("values",),
    "empirical": ("values",),
}
_OPTIONAL = {"discrete": ("weights",)}
_ALL = ("low", "high", "mode", "mean", "sd", "median", "log_sd", "a", "b", "values", "weights")


def quantile(uncertain: Uncertain, u: Array, low: float, high: float) -> Array:
    """Values of the distribution at probabilities `u`, clipped to [low, high], the bounds of the number.

    uncertain: a distribution without `parameter_faults`; u: any shape, in [0, 1]; the result has its shape.
    """
    probability = np.asarray(u, dtype=float)
    values = _INVERSE[uncertain.distribution](uncertain, probability)
    return np.clip(values, low, high)


def support(uncertain: Uncertain, low: float, high: float) -> tuple[float, float]:
    """The least and the greatest value that `quantile` gives."""
    ends = quantile(uncertain, np.array([0.0, 1.0]), low, high)
    return float(ends[0]), float(ends[1])


def stated_values(uncertain: Uncertain) -> Iterator[tuple[str, int | None, float]]:
    """(parameter, position in a list, value) of every parameter that is itself a value of the number."""
    for name in ("low", "mode", "high", "mean", "median"):
        value = getattr(uncertain, name)
        if value is not None:
            yield name, None, float(value)
    for position, value in enumerate(uncertain.values):
        yield "values", position, value


def parameter_faults(uncertain: Uncertain) -> Iterator[tuple[str, str]]:
    """(parameter, rule) of every fault of the parameters among themselves."""
    kind = uncertain.distribution
    needed = _PARAMETERS[kind]
    given = [name for name in _ALL if getattr(uncertain, name) not in (None, ())]
    missing = [name for name in needed if name not in given]
    for name in missing:
        yield name, f"is required by a {kind} distribution"
    for name in given:
        if name not in needed + _OPTIONAL.get(kind, ()):
            yield name, f"is no parameter of a {kind} distribution, which has {', '.join(needed)}"
    if not missing:
        yield from _disorder(uncertain)


def _disorder(uncertain: Uncertain) -> Iterator[tuple[str, str]]:
    low, mode, high = uncertain.low, uncertain.mode, uncertain.high
    if low is not None and high is not None:
        if low >= high:
            yield "high", f"must be above low, which is {low:g}"
        elif mode is not None and not low <= mode <= high:
            yield "mode", f"must be between low, which is {low:g}, and high, which is {high:g}"
    values, weights = uncertain.values, uncertain.weights
    if uncertain.distribution == "empirical":
        if len(set(values)) < 2:
            yield "values", "must hold at least two different values"
    elif any(later <= earlier for earlier, later in pairwise(values)):
        yield "values", "must rise from one to the next"
    if weights and len(weights) != len(values):
        yield "weights", f"must be as many as the values, which are {len(values)}"
    if weights and (min(weights) < 0 or sum(weights) <= 0):
        yield "weights", "must be at least 0 and not all 0"


def _parameters(uncertain: Uncertain, *names: str) -> list[float]:
    return [float(getattr(uncertain, name)) for name in names]


def _uniform(uncertain: Uncertain, u: Array) -> Array:
    low, high = _parameters(uncertain, "low", "high")
    return np.asarray(stats.uniform.ppf(u, loc=low, scale=high - low))


def _triangular(uncertain: Uncertain, u: Array) -> Array:
    low, mode, high = _parameters(uncertain, "low", "mode", "high")
    return np.asarray(stats.triang.ppf(u, (mode - low) / (high - low), loc=low, scale=high - low))


def _pert(uncertain: Uncertain, u: Array) -> Array:
    low, mode, high = _parameters(uncertain, "low", "mode", "high")
    width = high - low
    a, b = 1 + 4 * (mode - low) / width, 1 + 4 * (high - mode) / width
    return np.asarray(stats.beta.ppf(u, a, b, loc=low, scale=width))


def _beta(uncertain: Uncertain, u: Array) -> Array:
    a, b, low, high = _parameters(uncertain, "a", "b", "low", "high")
    return np.asarray(stats.beta.ppf(u, a, b, loc=low, scale=high - low))


def _score(u: Array) -> Array:
    return np.clip(np.asarray(stats.norm.ppf(u)), -SD_LIMIT, SD_LIMIT)


def _normal(uncertain: Uncertain, u: Array) -> Array:
    mean, sd = _parameters(uncertain, "mean", "sd")
    return mean + sd * _score(u)


def _lognormal(uncertain: Uncertain, u: Array) -> Array:
    median, log_sd = _parameters(uncertain, "median", "log_sd")
    return median * np.exp(log_sd * _score(u))


def _discrete(uncertain: Uncertain, u: Array) -> Array:
    values = np.array(uncertain.values)
    weights = np.array(uncertain.weights or np.ones(len(values)))
    values, weights = values[weights > 0], weights[weights > 0]
    below = np.cumsum(weights)[:-1] / weights.sum()
    return np.asarray(values[np.searchsorted(below, u, side="right")])


def _empirical(uncertain: Uncertain, u: Array) -> Array:
    sample = np.sort(np.array(uncertain.values))
    return np.asarray(np.interp(u, (np.arange(len(sample)) + 0.5) / len(sample), sample))


_INVERSE: dict[str, Callable[[Uncertain, Array], Array]] = {
    "uniform": _uniform,
    "triangular": _triangular,
    "pert": _pert,
    "normal": _normal,
    "lognormal": _lognormal,
    "beta": _beta,
    "discrete": _discrete,
    "empirical": _empirical,
}


_LEAST_EIGENVALUE = 1e-6
_EDGE = 2.0**-32
"""Coordinates stay this far from 0 and 1, like those of uncorrelated numbers."""


def normal_correlations(paths: Sequence[str], stated: Sequence[Correlation], strength: float = 1.0) -> Array:
    """The matrix R of the numbers at `paths`, (K, K). strength: what every rank correlation is multiplied by."""
    place = {path: k for k, path in enumerate(paths)}
    matrix = np.eye(len(paths))
    for pair in stated:
        one, other = place[pair.a], place[pair.b]
        matrix[one, other] = matrix[other, one] = 2.0 * np.sin(np.pi * strength * pair.rank / 6.0)
    return matrix


def hold_together(matrix: Array) -> bool:
    """Whether a matrix of correlations is positive definite, so that the numbers can have all of them at once."""
    return bool(np.linalg.eigvalsh(matrix)[0] > _LEAST_EIGENVALUE)


def correlated(unit: Array, matrix: Array) -> Array:
    """Independent coordinates (N, K) as coordinates with the normal correlations of `matrix`.

    Columns of numbers that depend on none before them stay as they are. Sums run term by term, so that a row does not
    depend on the others.
    """
    lower = np.linalg.cholesky(matrix)
    moved = unit.copy()
    for k in np.flatnonzero((np.tril(lower, -1) != 0).any(axis=1)):
        score = lower[k, k] * ndtri(unit[:, k])
        for j in np.flatnonzero(lower[k, :k]):
            score = score + lower[k, j] * ndtri(unit[:, j])
        moved[:, k] = np.clip(ndtr(score), _EDGE, 1.0 - _EDGE)
    return moved
