"""Fewer deals for fits that would take hours over all of them: every partner stays, those with many deals are thinned.

Which deals stay is drawn by a hash of the row, so it goes with nothing that is fitted: odds, sizes and cycles have the
same distribution in what is left, and differences between partners rest on as many partners.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_ROWS, LEAST_PER_PARTNER = 100_000, 20
"""Rows that a fit uses about at most, and deals that a partner keeps at least."""


def thinned(rows: pd.DataFrame, *, most: int = MOST_ROWS) -> pd.DataFrame:
    """`rows` (column `owner`) with as many per owner as leave about `most`; `rows` themselves where they are few."""
    if len(rows) <= most:
        return rows
    count = rows["owner"].value_counts().to_numpy()
    low, cap = LEAST_PER_PARTNER, int(count.max())
    while low < cap:
        middle = (low + cap + 1) // 2
        low, cap = (middle, cap) if np.minimum(count, middle).sum() <= most else (low, middle - 1)
    order = np.argsort(pd.util.hash_array(np.arange(len(rows))), kind="stable")
    rank = rows["owner"].iloc[order].groupby(rows["owner"].iloc[order]).cumcount()
    return rows[(rank < low).reindex(rows.index).to_numpy()]
