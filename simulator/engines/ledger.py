"""What both engines must produce: the ledger of payouts and the totals of each replication.

Rules of settlement that are pure functions of claims and windows live here, used by both engines on their own
records: how a window's payout is attributed to its claims, and what a lost customer takes back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.core.arrays import Array, Ints

LEDGER_COLUMNS = (
    "replication", "partner", "offer", "component", "start", "end", "attained", "accrued", "forfeited", "clawed_back",
    "paid", "penalty",
)  # fmt: skip


@dataclass(frozen=True)
class RunOutcome:
    """A set of replications under one assignment of programs, on one behavior level.

    ledger: one row per partner, component and window in which anything was attained or paid, as columns named in
    `LEDGER_COLUMNS`, sorted by them; integers, money in cents, attainment in hundredths. totals: name -> (R,) integer
    totals over the horizon, money in cents, times in micro-weeks. won: sorted keys of the candidates that were won.
    """

    ledger: dict[str, Ints]
    totals: dict[str, NDArray[np.int64]]


def attributed(accrued: Array, credit: Array, attained: Array) -> Array:
    """Part of a window's payout that rests on a claim: pro rata to credit, in whole cents, rounded down."""
    share = np.where(attained > 0, credit / np.where(attained > 0, attained, 1.0), 0.0)
    return np.floor(accrued * share)


def cut(part: Array, accrued: Array, earned: Array) -> Array:
    """Part of a payout by claim once a budget or gate has cut what was `earned` to `accrued`."""
    return np.where(accrued < earned, attributed(accrued, part, earned), part)


def taken_back(
    part: Array,
    *,
    lost: Array,
    claimed: Array,
    end: Array,
    lag: Array,
    holdback: Array,
    held: Array,
    window: Array,
) -> tuple[Array, Array]:
    """(forfeited, clawed back) of the payout `part` on a deal whose customer leaves at `lost`; cents.

    claimed: time of the claim; end: end of its window; payment follows `lag` weeks after, but for the share `holdback`
    that is kept `held` weeks longer. Nothing is taken back later than `window` weeks after the claim.
    """
    back = (lost - claimed <= window) & (window > 0)
    unpaid = lost <= end + lag
    kept = np.where(lost <= end + lag + held, np.floor(part * holdback), 0.0)
    forfeited = np.where(back, np.where(unpaid, part, kept), 0.0)
    return forfeited, np.where(back, part, 0.0) - forfeited


def sorted_ledger(columns: dict[str, Ints]) -> dict[str, Ints]:
    """Rows in the order of the leading columns."""
    order = np.lexsort(tuple(columns[name] for name in reversed(LEDGER_COLUMNS[:6])))
    return {name: np.asarray(columns[name], dtype=np.int64)[order] for name in LEDGER_COLUMNS}
