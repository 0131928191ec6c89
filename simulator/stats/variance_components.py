r"""Splitting variance into luck and ignorance, from a crossed design of K vectors in the same R worlds.

A result y_kj of vector k in world j is, without assuming any form,

    y_kj = mean + a_k + b_j + c_kj

a what depends on the uncertain numbers alone, b on the world alone, c on both together. With mean squares of the
two-way table without replication,

    E[MS_a] = R var(a) + var(c),   E[MS_b] = K var(b) + var(c),   E[MS_c] = var(c)

so that var(a) = (MS_a - MS_c)/R and so on are unbiased (Searle, Casella and McCulloch 1992, section 4.6). The plain
variance of the means over worlds would be too large by var(c)/R. Ignorance is var(a), the variance of what is expected
given the uncertain numbers; luck is the rest, var(b) + var(c), the mean variance given them (law of total variance).

Errors are by the jackknife over vectors and over worlds, added: each leaves one of them out, so that what depends on
both is counted twice and the error errs on the large side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array


@dataclass(frozen=True)
class VarianceComponents:
    """Variances in squared units, and shares of their total; None where there is no variance.

    ignorance: of the uncertain numbers alone; world: of the world alone; both: of the two together. luck is world and
    both. Estimates of a variance can come out below 0 where it is small; shares are kept in [0, 1].
    """

    ignorance: float
    world: float
    both: float
    ignorance_share: float | None
    ignorance_share_se: float | None

    @property
    def luck_share(self) -> float | None:
        """Share of luck; its error is that of ignorance."""
        return None if self.ignorance_share is None else 1.0 - self.ignorance_share

    @property
    def total(self) -> float:
        """Variance of one replication."""
        return self.ignorance + self.world + self.both


def split_variance(results: Array) -> VarianceComponents:
    """The split of results (K, R) of K >= 3 vectors in R >= 3 worlds."""
    parts = components(results)
    ignorance, world, both = (float(part) for part in parts)
    share = _share(parts)
    if share is None:
        return VarianceComponents(ignorance, world, both, None, None)
    variance = sum(_jackknife(results, axis) for axis in (0, 1))
    return VarianceComponents(ignorance, world, both, share, float(np.sqrt(variance)))


def components(results: Array) -> Array:
    """Unbiased estimates of var(a), var(b), var(c), (3,)."""
    k, r = results.shape
    row, column, mean = results.mean(axis=1), results.mean(axis=0), results.mean()
    rest = results - row[:, None] - column[None, :] + mean
    ms_a = r * np.sum((row - mean) ** 2) / (k - 1)
    ms_b = k * np.sum((column - mean) ** 2) / (r - 1)
    ms_c = np.sum(rest * rest) / ((k - 1) * (r - 1))
    return np.array([(ms_a - ms_c) / r, (ms_b - ms_c) / k, ms_c])


def _share(parts: Array) -> float | None:
    total = float(parts.sum())
    return None if total <= 0 else float(np.clip(parts[0] / total, 0.0, 1.0))


def _jackknife(results: Array, axis: int) -> float:
    n = results.shape[axis]
    found = [_share(components(np.delete(results, i, axis=axis))) for i in range(n)]
    left = np.array([x for x in found if x is not None])
    return float((n - 1) / n * np.sum((left - left.mean()) ** 2)) if len(left) else 0.0
