"""What partners were paid per booking: past payouts over what was won in the periods that they were paid for.

Whatever the plan was, this is the flat revenue share that would have cost as much.
"""

from __future__ import annotations

import pandas as pd

from simulator.calibrate.findings import Estimate

QUARTER = pd.Timedelta(days=91)


def past_rate(payouts: pd.DataFrame | None, rows: pd.DataFrame, *, dated: bool) -> Estimate | str:
    """The rate, or why there is none. rows: partner deals; dated: whether their close dates are valid.

    The first period is taken to be as long as the others are apart, or a quarter.
    """
    if payouts is None:
        return "no past payouts were given"
    if not dated:
        return "without valid close dates payouts cannot be held against bookings"
    ends = payouts["end"].drop_duplicates().sort_values()
    length = ends.diff().median() if len(ends) > 1 else QUARTER
    won = rows[rows["outcome"].eq("won") & (rows["closed"] > ends.min() - length) & (rows["closed"] <= ends.max())]
    booked, paid = float(won["amount"].sum()), float(payouts["paid"].sum())
    if not 0 < paid <= booked:
        return f"payouts of {paid:,.0f} on bookings of {booked:,.0f} give no rate between 0 and 1"
    span = f"{ends.min() - length + pd.Timedelta(days=1):%Y-%m-%d} to {ends.max():%Y-%m-%d}"
    note = f"{paid:,.0f} paid over {booked:,.0f} booked, {span}: what the plan came to, not the plan"
    return Estimate(paid / booked, None, len(won), "share of bookings", note)
