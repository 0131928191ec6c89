r"""Which program to choose: how often each is best, what choosing it loses, and how sure its mean is.

With v_ri the value of program i in replication r, all programs in the same worlds,

    regret   g_ri = max_j v_rj - v_ri          (of choosing i, had one known world r)
    best     b_ri = 1 / (programs tied for the highest) if v_ri is one of them, else 0

A replication has both a draw of the uncertain numbers and luck of its own, so the mean of b is the chance that a
program turns out best, and the mean of g what is lost on average by choosing it. That its *expectation* is the highest
is another question, which luck blurs less: the probability of that, given the Monte Carlo error alone, is read off
normal draws of the k means with their common covariance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from simulator.core.streams import Streams
from simulator.stats.estimate import Array, Estimate, Statistic, estimate, mean_of

_DRAWS = 4096
_TIE = 1e-9
"""Values closer than this share of the largest are tied: the last bits of a sum decide nothing."""


@dataclass(frozen=True)
class Choice:
    """What is known of choosing one program.

    value: of the program over the horizon; best: share of replications in which it is best; highest: probability that
    its expectation is the highest, given the Monte Carlo error; regret: mean, error and quantiles of what choosing it
    loses; worst: the largest loss of any replication.
    """

    program: str
    value: Estimate
    best: Estimate
    highest: float
    regret: Estimate
    worst: float


def choices(programs: Sequence[str], values: Array) -> tuple[Choice, ...]:
    """A `Choice` per program; values: (N, k), of N replications in the same worlds."""
    best, regret, highest = best_shares(values), regrets(values), highest_mean(values)
    return tuple(
        Choice(
            name,
            estimate(mean_of(values[:, k])),
            estimate(share_of(best[:, k])),
            float(highest[k]),
            estimate(mean_of(regret[:, k])),
            float(regret[:, k].max()),
        )
        for k, name in enumerate(programs)
    )


def best_shares(values: Array) -> Array:
    """1 where a program is best in a replication, shared between those tied; shape (N, k), rows sum to 1."""
    top = values.max(axis=1, keepdims=True)
    tied = values >= top - _TIE * np.abs(top)
    return np.asarray(tied / tied.sum(axis=1, keepdims=True))


def regrets(values: Array) -> Array:
    """What choosing a program loses against the best of the replication, shape (N, k), at least 0."""
    return np.asarray(values.max(axis=1, keepdims=True) - values)


def highest_mean(values: Array) -> Array:
    """Probability of each program that its expectation is the highest, shape (k,), sums to 1.

    From `_DRAWS` normal draws of the means with their covariance over replications; programs with the same values in
    all replications share it.
    """
    count, k = values.shape
    centred = values - values.mean(axis=0)
    size, axes = np.linalg.eigh(centred.T @ centred / (count * (count - 1)))
    z = ndtri(_uniforms(_DRAWS, k))
    means = values.mean(axis=0) + z * np.sqrt(np.maximum(size, 0.0)) @ axes.T
    means = means[:, _first_of_equals(values)]
    return np.asarray(best_shares(means).mean(axis=0))


def share_of(x: Array) -> Statistic:
    """Mean of (N,) shares in [0, 1]; where all are 0 or all are 1 the error is that of two more of either kind."""
    plain, n = mean_of(x), len(x) + 4.0
    edge = plain.value in (0.0, 1.0)
    p = (float(np.sum(x)) + 2.0) / n
    return Statistic(plain.value, plain.influence, x[:0], "", float(np.sqrt(p * (1.0 - p) / n)) if edge else 0.0)


def _first_of_equals(values: Array) -> list[int]:
    """Column of the first program with the same values, per program, so that equals stay tied."""
    columns = [values[:, k] for k in range(values.shape[1])]
    return [next(j for j, other in enumerate(columns) if np.array_equal(other, own)) for own in columns]


def _uniforms(count: int, k: int) -> Array:
    """(count, k) uniforms of an own stream; the same at every call."""
    blocks = -(-k // 4)
    rows, ordinal = np.divmod(np.arange(count * blocks), blocks)
    return Streams(0).draw("selection", rows, 0, 0, ordinal).T.reshape(count, 4 * blocks)[:, :k]
