"""Array types and the few sums that must not depend on how arrays are laid out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def column(value: float | Array) -> Array:
    """A number, or one per replication, as an array (1 or R, 1) that broadcasts over (replications, partners)."""
    return np.asarray(value, dtype=float).reshape(-1, 1)


def columns(values: Iterable[float | Array]) -> Array:
    """Several numbers, each one or one per replication, side by side, (1 or R, n)."""
    return np.concatenate(np.broadcast_arrays(*map(column, values)), axis=1)


def partner_sum(x: Array) -> Array:
    """Sum over partners, (R, P) to (R,), in partner order: the same to the last bit whatever else is in the chunk."""
    if len(x) == 1:
        return np.asarray(np.cumsum(x, axis=1)[:, -1])
    # Row by row as well, but for all replications at a time; a single one would be summed pairwise.
    return np.asarray(np.add.reduce(np.ascontiguousarray(x.T), axis=0))


def take(table: Array, rep: Ints, column: Ints | None = None) -> Array:
    """Row values of a (R or 1, n) table: table[rep, column], or table[0, column] where it has no replication axis."""
    if table.shape[0] > 1:
        return table[:, 0].take(rep) if column is None else table.take(rep * table.shape[1] + column)
    return np.full(rep.shape, table[0, 0]) if column is None else table[0].take(column)


def ranks(result: Array, members: Bools) -> Ints:
    """Rank of each partner by `result` (R, P), best first from 0; ties go by partner number.

    Partners that are no `members` (R or 1, P) come after all others.
    """
    order = np.argsort(-np.where(members, result, -np.inf), axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable")
