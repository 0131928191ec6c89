"""Past payouts over bookings, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from simulator.calibration.payout_replay import past_rate
from simulator.calibration.remarks import FittedNumber

DAYS = pd.to_datetime(["2023-12-31", "2024-01-01", "2024-03-31", "2024-05-05", "2024-07-01"])
ROWS = pd.DataFrame({"outcome": ["won", "won", "won", "lost", "won"], "amount": 100.0, "closed": DAYS})
PAYOUTS = pd.DataFrame({"partner": "P", "end": pd.to_datetime(["2024-03-31", "2024-06-30"]), "paid": [12.0, 8.0]})


def test_payouts_are_held_against_what_was_won_in_their_periods() -> None:
    """Quarters of 91 days: from 2024-01-01 to 2024-06-30 two deals of 100 were won; 20 were paid."""
    found = past_rate(PAYOUTS, ROWS, dated=True)
    assert isinstance(found, FittedNumber)
    assert (found.value, found.n) == (0.1, 2)
    assert found.note.startswith("20 paid over 200 booked, 2024-01-01 to 2024-06-30")


def test_periods_are_as_long_as_their_ends_are_apart() -> None:
    """Ends of January to March, 29 and 31 days apart, so 30 each: from 2 January on. Two partners share every end.

    Of wins of 100 on 1 and 2 January and 31 March the first is too early; 6 x 5 were paid. Of one end alone: 91 days to
    31 March begin on 1 January.
    """
    ends = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-31"])
    payouts = pd.DataFrame({"partner": ["P"] * 3 + ["Q"] * 3, "end": [*ends, *ends], "paid": 5.0})
    days = pd.to_datetime(["2023-12-31", "2024-01-01", "2024-01-02", "2024-03-31"])
    rows = pd.DataFrame({"outcome": "won", "amount": 100.0, "closed": days})
    monthly, alone = (past_rate(p, rows, dated=True) for p in (payouts, payouts[payouts["end"] == ends[2]]))
    assert isinstance(monthly, FittedNumber)
    assert isinstance(alone, FittedNumber)
    assert (monthly.value, monthly.n) == (0.15, 2)
    assert (alone.n, alone.note.split(", ")[1][:24]) == (3, "2024-01-01 to 2024-03-31")


@pytest.mark.parametrize(
    ("payouts", "dated", "reason"),
    [
        (None, True, "no past payouts were given"),
        (PAYOUTS, False, "without valid close dates payouts cannot be held against bookings"),
        (PAYOUTS.assign(paid=0.0), True, "payouts of 0 on bookings of 200 give no rate between 0 and 1"),
        (PAYOUTS.assign(paid=900.0), True, "payouts of 1,800 on bookings of 200 give no rate between 0 and 1"),
    ],
)
def test_where_there_is_no_rate(payouts: pd.DataFrame | None, dated: bool, reason: str) -> None:
    assert past_rate(payouts, ROWS, dated=dated) == reason
