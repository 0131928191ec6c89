r"""A smooth function through the points of an expensive one: radial basis functions with a linear tail.

    f(x) = sum_i w_i |x - x_i|^3 + c_0 + c'x,     (Phi + lambda I) w + P c = y,  P'w = 0

The smoothing lambda is the one of a few with the least leave-one-out error, which needs no refitting: leaving point i
out, f misses y_i by w_i over the i-th diagonal element of the inverse of the whole system (Rippa 1999, "An algorithm
for selecting a good value for the parameter c in radial basis function interpolation").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.stats.estimate import Array

_SMOOTHING = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True)
class Surrogate:
    """points: (n, d) in the unit cube; weights: (n + 1 + d,); error: root mean square leave-one-out error."""

    points: Array
    weights: Array
    error: float

    def __call__(self, x: Array) -> Array:
        """Values at x (m, d), shape (m,)."""
        return np.asarray(np.concatenate((_cubes(x, self.points), _tail(x)), axis=1) @ self.weights)


def fit_surrogate(points: Array, values: Array) -> Surrogate:
    """The surrogate of `values` (n,) at distinct `points` (n, d) of the unit cube; n must be above d + 1."""
    n, size = len(points), float(np.std(values)) or 1.0
    best: Surrogate | None = None
    tail = _tail(points)
    for smoothing in _SMOOTHING:
        system = np.zeros((n + tail.shape[1],) * 2)
        system[:n, :n] = _cubes(points, points) + smoothing * np.eye(n)
        system[:n, n:], system[n:, :n] = tail, tail.T
        inverse = np.linalg.pinv(system, rcond=1e-12, hermitian=True)
        weights = inverse @ np.concatenate(((values - values.mean()) / size, np.zeros(tail.shape[1])))
        diagonal = np.diag(inverse)[:n]
        missed = weights[:n] / np.where(np.abs(diagonal) > 1e-12, diagonal, np.inf)
        error = float(np.sqrt(np.mean(missed * missed))) * size
        if best is None or error < best.error:
            weights = weights * size
            weights[n] += values.mean()
            best = Surrogate(points, weights, error)
    assert best is not None
    return best


def _cubes(x: Array, points: Array) -> Array:
    gap = x[:, None, :] - points[None, :, :]
    return np.asarray(np.sqrt((gap * gap).sum(axis=-1)) ** 3)


def _tail(x: Array) -> Array:
    return np.concatenate((np.ones((len(x), 1)), x), axis=1)
