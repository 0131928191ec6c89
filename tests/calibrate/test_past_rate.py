"""Past payouts over bookings, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from simulator.calibrate.findings import Estimate
from simulator.calibrate.past_rate import past_rate

DAYS = pd.to_datetime(["2023-12-31", "2024-01-01", "2024-03-31", "2024-05-05", "2024-07-01"])
ROWS = pd.DataFrame({"outcome": ["won", "won", "won", "lost", "won"], "amount": 100.0, "closed": DAYS})
PAYOUTS = pd.DataFrame({"partner": "P", "end": pd.to_datetime(["2024-03-31", "2024-06-30"]), "paid": [12.0, 8.0]})


def test_payouts_are_held_against_what_was_won_in_their_periods() -> None:
    """Quarters of 91 days: from 2024-01-01 to 2024-06-30 two deals of 100 were won; 20 were paid."""
    found = past_rate(PAYOUTS, ROWS, dated=True)
    assert isinstance(found, Estimate)
    assert (found.value, found.n) == (0.1, 2)
    assert found.note.startswith("20 paid over 200 booked, 2024-01-01 to 2024-06-30")


@pytest.mark.parametrize(
    ("payouts", "dated", "reason"),
    [
        (None, True, "no past payouts were given"),
        (PAYOUTS, False, "without valid close dates payouts cannot be held against bookings"),
        (PAYOUTS.assign(paid=900.0), True, "payouts of 1,800 on bookings of 200 give no rate between 0 and 1"),
    ],
)
def test_where_there_is_no_rate(payouts: pd.DataFrame | None, dated: bool, reason: str) -> None:
    assert past_rate(payouts, ROWS, dated=dated) == reason
