r"""Racing programs until the best is found with stated probability: the procedure of Kim and Nelson (2001).

Fully sequential, for k programs whose values per replication are independent between replications, normal, and may be
correlated between programs (common random numbers). With S2_il the variance of the difference of i and l in the first
n0 replications, c = 1 and

    eta = 1/2 [ (2 alpha / (k - 1))^(-2 / (n0 - 1)) - 1 ],     h2 = 2 c eta (n0 - 1)

program i stays in the race after r replications while, for every l still in it,

    sum_r X_i >= sum_r X_l - W_il(r),     W_il(r) = max(0, delta / (2 c) (h2 S2_il / delta^2 - r)).

The race ends when one program is left. Then P(it is the best) >= 1 - alpha whenever the best is better than the next by
delta or more; otherwise it is within delta of the best with that probability. (Kim, S.-H., and Nelson, B. L., 2001, "A
fully sequential procedure for indifference-zone selection in simulation", ACM TOMACS 11(3).)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.stats.estimate import Array
from simulator.stats.selection import best_shares

Sampler = Callable[[int, int, tuple[int, ...]], Array]
"""Values (count, contenders) of `count` replications from the `first` on, of the programs at the given positions."""
FIRST_STAGE = 10
"""Replications from which the variances of the differences are taken."""
STEP = 32
"""Replications asked for at a time after the first stage; they count one by one."""


@dataclass(frozen=True)
class Race:
    """How a race went.

    best: positions left in the race, one if it was decided; took: replications after which each program was known to
    be out, or the race over; means: of each over what it took; alpha, delta, n0, h2: the guarantee.
    """

    best: tuple[int, ...]
    took: tuple[int, ...]
    means: tuple[float, ...]
    alpha: float
    delta: float
    n0: int
    h2: float

    @property
    def decided(self) -> bool:
        """Whether one program is left, so that the guarantee holds."""
        return len(self.best) == 1

    @property
    def leader(self) -> int:
        """The one left, or the one with the highest mean among those left."""
        return max(self.best, key=lambda i: self.means[i])


def kim_nelson_h2(k: int, alpha: float, n0: int) -> float:
    """h2 of k programs, error alpha and n0 first replications; 11.429411 for 5, .05 and 10."""
    eta = 0.5 * (float(np.power(2.0 * alpha / (k - 1), -2.0 / (n0 - 1))) - 1.0)
    return 2.0 * eta * (n0 - 1)


def race(
    sample: Sampler, k: int, *, delta: float, alpha: float = 0.05, n0: int = FIRST_STAGE, most: int = 1_000_000
) -> Race:
    """Race k programs, the highest value wins, to the end or until `most` replications.

    delta: a difference in value that is not worth telling apart, above 0; alpha: probability of a wrong selection, in
    (0, 1 - 1/k); n0: replications of the first stage, at least 2.
    """
    h2 = kim_nelson_h2(k, alpha, n0) if k > 1 else 0.0
    left = list(range(k))
    total = np.zeros(k)
    took = np.zeros(k, dtype=np.int64)
    first = sample(0, n0, tuple(left))
    spread = _variances(first)
    total += first.sum(axis=0)
    r, pending = n0, np.zeros((0, k))
    while True:
        took[left] = r
        left = _kept(left, total, spread, r, h2, delta)
        if len(left) == 1 or r >= most:
            break
        if not len(pending):
            pending = np.zeros((min(STEP, most - r), k))
            pending[:, left] = sample(r, len(pending), tuple(left))
        total[left] += pending[0, left]
        pending, r = pending[1:], r + 1
    return Race(tuple(left), tuple(took.tolist()), tuple((total / took).tolist()), alpha, delta, n0, h2)


def _variances(values: Array) -> Array:
    """Variance of every difference of two programs, (k, k)."""
    gaps = values[:, :, None] - values[:, None, :]
    return np.asarray(gaps.var(axis=0, ddof=1))


def _kept(left: list[int], total: Array, spread: Array, r: int, h2: float, delta: float) -> list[int]:
    """The programs that stay in the race; where no rest of the race could part them, the best so far."""
    width = np.maximum(0.0, 0.5 * (h2 * spread[np.ix_(left, left)] / delta - delta * r))
    sums = total[left]
    kept = [left[i] for i in np.flatnonzero((sums[:, None] >= sums[None, :] - width).all(axis=1))]
    if not (width > 0).any() and len(kept) > 1:  # tied to the last bit
        return [left[int(np.argmax(best_shares(sums[None, :])[0]))]]
    return kept
