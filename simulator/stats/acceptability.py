r"""Acceptability: for which weights on the criteria, and how often, is a program the best one?

Stochastic multicriteria acceptability analysis (Lahdelma, Hokkanen and Salminen 1998). Criterion c of program i in
replication r, x_ric, is put on a scale on which 0 is the worst program's mean and 1 the best one's:

    s_ric = (x_ric - worst_c) / (best_c - worst_c)          score_ri(w) = sum_c w_c s_ric,   w >= 0, sum w = 1

A weight is thus what the whole step from the worst to the best program on a criterion is worth. The acceptability of a
program is the share of (replication, weights) in which its score is the highest, with weights spread evenly over the
simplex or as declared; its central weights are the mean of those for which its mean score is the highest. Evenly
spread weights are the compositions of m into as many parts as there are criteria, moved to the centre of their cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from simulator.stats.estimate import Array, Estimate, estimate
from simulator.stats.selection import best_shares, share_of

_POINTS = 400
"""Fewest weights that are spread over the simplex."""
_ROWS = 512
"""Replications scored together, which bounds memory."""


@dataclass(frozen=True)
class Acceptability:
    """Of one program. share: with its Monte Carlo error over replications; on_means: share of the weights for which its
    mean score is the highest; central: the mean of those weights, None where there are none."""

    share: Estimate
    on_means: float
    central: tuple[float, ...] | None


def acceptability(criteria: Array, higher: tuple[bool, ...], weights: Array) -> tuple[Acceptability, ...]:
    """Acceptability per program.

    criteria: (N, k, C) of N replications in the same worlds; higher: whether more of a criterion is better; weights:
    (W, C), rows sum to 1.
    """
    scale = _scaled(criteria, higher)
    shares = np.concatenate(
        [_best(scale[r : r + _ROWS], weights).mean(axis=1) for r in range(0, len(scale), _ROWS)], axis=0
    )
    on_means = _best(scale.mean(axis=0, keepdims=True), weights)[0]
    return tuple(
        Acceptability(estimate(share_of(shares[:, k])), float(on_means[:, k].mean()), _central(on_means[:, k], weights))
        for k in range(criteria.shape[1])
    )


def even_weights(criteria: int) -> Array:
    """Weights spread evenly over the simplex, shape (W, criteria) with W at least `_POINTS`; a single row for one."""
    if criteria == 1:
        return np.ones((1, 1))
    m = 1
    while _compositions(m, criteria) < _POINTS:
        m += 1
    bars = np.array(list(combinations(range(m + criteria - 1), criteria - 1)))
    edges = np.concatenate((np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), m + criteria - 1)), axis=1)
    parts = np.diff(edges, axis=1) - 1
    return np.asarray((parts + 1.0 / criteria) / (m + 1.0))


def _compositions(m: int, parts: int) -> int:
    count = 1
    for j in range(1, parts):
        count = count * (m + j) // j
    return count


def _scaled(criteria: Array, higher: tuple[bool, ...]) -> Array:
    """0 is the mean of the worst program, 1 that of the best; a criterion that tells no two means apart is 0."""
    signed = criteria * np.where(higher, 1.0, -1.0)
    means = signed.mean(axis=0)
    low, step = means.min(axis=0), np.ptp(means, axis=0)
    return np.asarray(np.where(step > 0, (signed - low) / np.where(step > 0, step, 1.0), 0.0))


def _best(scale: Array, weights: Array) -> Array:
    """Whether a program's score is the highest, ties shared, shape (N, W, k)."""
    scores = np.einsum("nkc,wc->nwk", scale, weights)
    return best_shares(scores.reshape(-1, scores.shape[-1])).reshape(scores.shape)


def _central(best: Array, weights: Array) -> tuple[float, ...] | None:
    total = best.sum()
    return None if total == 0 else tuple((best @ weights / total).tolist())
