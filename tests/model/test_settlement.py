"""What is attributed to a claim and what a lost customer takes back, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.core.arrays import Array
from simulator.engines import ledger
from simulator.engines.ledger import attributed, taken_back


def test_a_payout_is_attributed_by_credit() -> None:
    """1,000 cents on credits of 1, 2 and 4 sevenths: 142.86, 285.71 and 571.43, rounded down; 999 of 1,000."""
    got = attributed(np.full(3, 1000.0), np.array([100.0, 200.0, 400.0]), np.full(3, 700.0))
    assert got.tolist() == [142, 285, 571]
    assert attributed(np.array([0.0]), np.array([0.0]), np.array([0.0])).tolist() == [0]


def overspent(credits: list[int], accrued: int) -> bool:
    credit = np.array(credits, dtype=float)
    parts = ledger.attributed(np.full(len(credit), float(accrued)), credit, np.full(len(credit), credit.sum()))
    return bool(parts.sum() > accrued) or bool((parts < 0).any())


@given(credits=st.lists(st.integers(0, 10**11), min_size=1, max_size=40), accrued=st.integers(0, 10**12))
def test_parts_never_add_up_to_more_than_was_accrued(credits: list[int], accrued: int) -> None:
    assert not overspent(credits, accrued)


def test_attribution_catches_rounding_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: parts rounded to the nearest cent. 2 cents on three equal claims become 3."""
    assert not overspent([1, 1, 1], 2)

    def nearest(accrued: Array, credit: Array, attained: Array) -> Array:
        return np.rint(accrued * credit / attained)

    monkeypatch.setattr(ledger, "attributed", nearest)
    assert overspent([1, 1, 1], 2)


@pytest.mark.parametrize(
    ("lost", "forfeited", "clawed"),
    [
        (10.0, 999, 0),  # in the window that is still open
        (19.0, 999, 0),  # at the very payment: not paid
        (19.5, 249, 750),  # a quarter is held back, 249.75 rounded down; the rest has been paid
        (45.0, 249, 750),  # on the last day of the holdback
        (45.5, 0, 999),  # everything has been paid
        (57.0, 0, 999),  # the last day that anything is taken back
        (57.5, 0, 0),
    ],
)
def test_a_lost_customer_takes_back_what_its_date_allows(lost: float, forfeited: float, clawed: float) -> None:
    """999 cents on a claim of week 5, window to 13, paid at 13 + 6 = 19, a quarter held 26 weeks longer to 45,
    nothing taken back after 5 + 52 = 57."""
    got = back(lost, holdback=0.25, window=52)
    assert got == (forfeited, clawed)


@pytest.mark.parametrize("lost", [6.0, 20.0, 40.0])
def test_without_a_clawback_nothing_is_taken_back(lost: float) -> None:
    assert back(lost, holdback=0.25, window=0) == (0, 0)


@given(
    lost=st.floats(5, 200), holdback=st.floats(0, 1), window=st.floats(0, 104), part=st.integers(0, 10**9),
)  # fmt: skip
def test_what_is_taken_back_is_whole_and_never_more_than_the_payout(
    lost: float, holdback: float, window: float, part: int
) -> None:
    forfeited, clawed = back(lost, holdback=holdback, window=window, part=part)
    assert forfeited >= 0
    assert clawed >= 0
    assert forfeited == int(forfeited)
    inside = window > 0 and lost - 5 <= window
    assert forfeited + clawed == (part if inside else 0)


def back(lost: float, *, holdback: float, window: float, part: int = 999) -> tuple[float, float]:
    one = np.ones(1)
    forfeited, clawed = taken_back(
        part * one, lost=lost * one, claimed=5 * one, end=13 * one, lag=6 * one, holdback=holdback * one, held=26 * one,
        window=window * one,
    )  # fmt: skip
    return float(forfeited[0]), float(clawed[0])
