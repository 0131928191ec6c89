"""How good a prediction was: interval coverage and CRPS, and the naive predictions that it must beat.

CRPS = E|X - y| - E|X - X'| / 2 for a prediction X and what came true y (Gneiting and Raftery 2007, JASA 102): the
absolute error of a point, less what an honest spread is worth; in the unit of y, less is better. A naive rule has the
spread of its own past errors at the same distance, taken normal; with fewer than three of those it is a point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import ndtri

from simulator.calibrate.likelihood import Array

Rule = Callable[[Array, int], float]
_POINTS = ndtri((np.arange(200) + 0.5) / 200)
MIN_ERRORS = 3


def crps(sample: Array, truth: float) -> float:
    """Continuous ranked probability score of a sample (n,); the second term by its sorted form."""
    x = np.sort(sample)
    n = len(x)
    spread = float(np.sum((2 * np.arange(1, n + 1) - n - 1) * x)) / n**2
    return float(np.abs(x - truth).mean()) - spread


def last_year(past: Array, _ahead: int) -> float:
    """Mean of the last four quarters."""
    return float(past[-4:].mean())


def mean_of_quarters(past: Array, _ahead: int) -> float:
    """Mean of all quarters."""
    return float(past.mean())


def seasonal_naive(past: Array, ahead: int) -> float:
    """The same quarter of the last year that is known; the last quarter where the past is shorter."""
    back = 4 * -(-ahead // 4) - ahead + 1
    return float(past[-back] if back <= len(past) else past[-1])


RULES: Mapping[str, Rule] = {
    "last year": last_year,
    "mean of quarters": mean_of_quarters,
    "seasonal naive": seasonal_naive,
}


def naive(past: Array, ahead: int, rule: Rule) -> Array:
    """Prediction of a rule `ahead` quarters on, as a sample. past: (Q,) values of the quarters so far, oldest first."""
    known = past[np.isfinite(past)]
    point = rule(known, ahead)
    errors = np.array([known[t] - rule(known[: t - ahead + 1], ahead) for t in range(ahead + 3, len(known))])
    if len(errors) < MIN_ERRORS:
        return np.array([point])
    return np.asarray(point + float(np.sqrt((errors**2).mean())) * _POINTS)
