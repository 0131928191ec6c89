"""What keeps a payout back when a window closes: a gate on the quality of deals, and budgets that are spent.

A gate looks at the partner's own deals: what was conceded on those signed in the window, as a share of their list
value, how many of those signed in the last 52 weeks are still customers, what share has services attached, and how
many of those decided in the window were won. Unmet, nothing accrues. Without deals it is met. A budget is shared by all
partners: once the accruals of its period pass it, those that accrue at the same time are scaled down alike, to whole
cents, rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Bools


@dataclass(frozen=True)
class Quality:
    """Deals of partners, arrays of one shape. amount, conceded, attached: cents of the window's, and of those with
    services attached; signed, kept: number of the last 52 weeks' and of those still customers; decided, won: of the
    window's."""

    amount: Array
    conceded: Array
    signed: Array
    kept: Array
    attached: Array
    decided: Array
    won: Array


@dataclass(frozen=True)
class Gate:
    """Conditions of shape (R or 1, 1), None where there is none."""

    max_discount: Array | None
    min_retention: Array | None
    min_attach: Array | None = None
    min_win_share: Array | None = None

    def passes(self, q: Quality) -> Bools:
        """Whether all conditions are met, in the shape of `q`."""
        met = np.ones(q.amount.shape, dtype=bool)
        if self.max_discount is not None:
            met = met & (q.conceded <= self.max_discount * q.amount)
        if self.min_retention is not None:
            met = met & (q.kept >= self.min_retention * q.signed)
        if self.min_attach is not None:
            met = met & (q.attached >= self.min_attach * q.amount)
        if self.min_win_share is not None:
            met = met & (q.won >= self.min_win_share * q.decided)
        return met


@dataclass(frozen=True)
class CompiledBudget:
    """A budget of `amount` cents, shape (R or 1, 1), in every period of so many weeks."""

    amount: Array
    weeks: int

    def times(self, factor: Array) -> CompiledBudget:
        """The budget moved by a factor (R, 1), in whole cents."""
        return CompiledBudget(np.rint(self.amount * factor), self.weeks)


def prorated(accrued: Array, left: Array) -> Array:
    """Accruals (R, n) of one moment, in whole cents, cut to what is `left` (R, 1), in whole cents."""
    total = accrued.sum(axis=1, keepdims=True)
    over = total > left
    scale = np.where(over, left / np.where(over, total, 1.0), 1.0)
    cut = np.where(over, np.floor(accrued * scale), accrued)
    # A product that rounds up to a whole cent may leave a cent too much.
    spare = cut.sum(axis=1, keepdims=True) > left
    return np.where(spare, np.floor(np.maximum(accrued * scale - 1e-3, 0.0)), cut)
