"""Thinned rows keep every partner and say the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.calibration.win_odds import LEAST_PER_PARTNER, thinned_rows


def rows_of(*counts: int) -> pd.DataFrame:
    owner = np.repeat([f"P{k}" for k in range(len(counts))], counts)
    return pd.DataFrame({"owner": owner, "at": np.arange(len(owner))}, index=np.arange(len(owner)) * 3)


def test_few_rows_are_left_alone() -> None:
    rows = rows_of(30, 70)
    assert thinned_rows(rows, most=100) is rows


def test_large_partners_are_cut_to_the_same_number() -> None:
    """100 of 30 + 500 + 1,000: the small one stays whole, the others keep 35 each."""
    kept = thinned_rows(rows_of(30, 500, 1000), most=100)
    assert kept["owner"].value_counts().to_dict() == {"P0": 30, "P1": 35, "P2": 35}
    assert kept.index.is_monotonic_increasing


def test_no_partner_is_lost() -> None:
    assert set(thinned_rows(rows_of(*[50] * 20), most=100)["owner"].value_counts()) == {LEAST_PER_PARTNER}


def test_what_stays_goes_with_nothing() -> None:
    """4,000 of 40,000 positions: their mean is off by 4 standard errors once in 16,000."""
    kept = thinned_rows(rows_of(40_000), most=4_000)["at"]
    se = 40_000 / np.sqrt(12 * 4_000)
    assert abs(kept.mean() - 20_000) < 4 * se
    halves = np.histogram(kept, bins=8, range=(0, 40_000))[0]
    assert np.abs(halves - 500).max() < 4 * np.sqrt(500)
