"""Confidence intervals that do not rest on a standard error alone.

quantile      order statistics: l and u with P(B < l) <= a/2 and P(B >= u) <= a/2, B ~ Binomial(N, p), so that
              P(x_(l) <= quantile < x_(u)) = P(l <= B < u) >= 1 - a whatever the distribution (David and Nagaraja
              2003, section 7.1)
probability   Wilson (1927): the shares that a score test at level a does not reject
several       max-|t|: |t_j| <= c for all j at once, c the 1 - a quantile of max_j |T_j|, T multivariate t with
              the correlations of the influences (Hothorn, Bretz and Westfall 2008; by Gaussian multipliers,
              Chernozhukov, Chetverikov and Kato 2013)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import bdtr, gammaincinv, ndtri, stdtrit

from simulator.core.arrays import Array
from simulator.core.streams import Streams

CONFIDENCE = 0.95
_DRAWS = 8192
"""Draws of max |T|; the critical value has a standard error of about 0.01."""


def t_quantile(degrees: int) -> float:
    """Two-sided critical value of Student's t."""
    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))


@lru_cache(maxsize=256)
def order_ranks(count: int, percent: float) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the order statistics that bound the `percent` % quantile of `count` values.

    None for an end that no value bounds: there are too few.
    """
    below = bdtr(np.arange(count + 1, dtype=float), count, percent / 100)  # P(B <= k), k = 0..count
    tail = (1 - CONFIDENCE) / 2
    low = int(np.searchsorted(below, tail, side="right"))  # the largest l with P(B <= l - 1) <= tail
    high = int(np.searchsorted(below, 1 - tail)) + 1  # the smallest u with P(B <= u - 1) >= 1 - tail
    return (low if low >= 1 else None), (high if high <= count else None)


def quantile_limits(ordered: Array, percent: float) -> tuple[float | None, float | None]:
    """Confidence limits of a quantile from values in rising order; None where there are too few values."""
    low, high = order_ranks(len(ordered), percent)
    return (None if low is None else float(ordered[low - 1])), (None if high is None else float(ordered[high - 1]))


def wilson(share: float, count: int) -> tuple[float, float]:
    """Confidence limits of a probability from its share in `count` replications."""
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return (0.0 if share == 0.0 else middle - half), (1.0 if share == 1.0 else middle + half)


def simultaneous_quantile(influences: Array, degrees: int) -> float:
    """Critical value c of max |t| for statistics with the given influences (J, N); that of Student's t for one."""
    scale = np.sqrt(np.sum(influences * influences, axis=1))
    moving = influences[scale > 0] / scale[scale > 0, None]
    if len(moving) < 2:
        return t_quantile(degrees)
    values, design = np.linalg.eigh(moving @ moving.T)
    root = design * np.sqrt(np.maximum(values, 0.0))
    largest = np.abs(root @ _normals(len(moving))).max(axis=0) / _spread(degrees)
    return max(t_quantile(degrees), float(np.quantile(largest, CONFIDENCE)))


@lru_cache(maxsize=64)
def _normals(count: int) -> Array:
    """Standard normals (count, draws); more of them leave the first as they are."""
    drawn = Streams(0).draw("simultaneous", np.arange(_DRAWS)[None, :], np.arange(count)[:, None])
    return np.asarray(ndtri(drawn[0]).reshape(count, _DRAWS))


@lru_cache(maxsize=64)
def _spread(degrees: int) -> Array:
    """sqrt(chi-squared / degrees), (draws,)."""
    u = Streams(0).draw("simultaneous spread", np.arange(_DRAWS), 0)[0]
    return np.asarray(np.sqrt(gammaincinv(degrees / 2, u) * 2 / degrees))
