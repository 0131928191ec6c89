"""Correlation of uncertain numbers: a Gaussian copula.

The coordinates of the numbers are Phi(z_k), z normal with correlation matrix R, so that every number keeps its own
distribution. What a file states is the rank correlation (Spearman's), which is what data and experts give and does not
depend on the distributions; under the copula it belongs to the normal correlation

    rho = 2 sin(pi rank / 6)        (Pearson 1907; McNeil, Frey and Embrechts 2015, theorem 7.42).

Of a discrete number it is the rank correlation of the scores behind it; of its values, which are tied, it is smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from simulator.program.numbers import Array
from simulator.scenario.schema import Correlation

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
