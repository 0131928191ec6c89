"""What partners were paid per booking: past payouts over what was won in the periods that they were paid for.

Whatever the plan was, this is the flat revenue share that would have cost as much.

Past payouts against what the plan then in force pays by its rules on the same deals.

Payouts count in the calendar quarter that their period ends in, a period that ends up to `SLACK` days into a quarter in
the one before. Where periods are longer than a quarter, years are compared. A plan that is right, on deals that are all
there, gives a ratio of 1 for every period and partner; a ratio off everywhere speaks of the rate, one off for a partner
of terms, claims or deals of its own, one off in a period of a change of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.calibration.clean import Export
from simulator.calibration.fit import Fit
from simulator.calibration.partner_effects import posterior
from simulator.calibration.payout_replay import PayoutReplay
from simulator.calibration.remarks import FittedNumber, figure
from simulator.scenario.schema import Scenario

QUARTER = pd.Timedelta(days=91)


def past_rate(payouts: pd.DataFrame | None, rows: pd.DataFrame, *, dated: bool) -> FittedNumber | str:
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
    return FittedNumber(paid / booked, None, len(won), "share of bookings", note)


SLACK = 3
LONG = 1.5 * QUARTER
AGREE = 0.05
"""Payouts within this share of the replayed ones agree, all together or partner by partner; judgement."""
SHOWN = 15
"""Partners that are shown, those with the largest differences."""


@dataclass(frozen=True)
class PayoutCheck:
    """Money paid and replayed. periods, partners: tables with columns `paid`, `replayed`, by period, and by partner,
    the largest difference first; notes: what the replay leaves out."""

    periods: pd.DataFrame
    partners: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def off(self) -> float:
        """Differences of partners, added up, as a share of what was paid."""
        paid = float(self.partners["paid"].sum())
        return float((self.partners["paid"] - self.partners["replayed"]).abs().sum()) / max(paid, 1e-9)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is shown, by what a row is."""
        return {"period": self.periods, "partner": self.partners.head(SHOWN)}

    def __str__(self) -> str:
        paid, replayed = (float(self.periods[name].sum()) for name in ("paid", "replayed"))
        said = f"{paid:,.0f} was paid; by its rules the baseline pays {replayed:,.0f} on the same deals"
        part = self.partners
        differ = part[(part["paid"] - part["replayed"]).abs() > AGREE * part["paid"]]
        if differ.empty:
            return f"{said}: they agree, in total and partner by partner"
        word = "agree" if abs(paid - replayed) <= AGREE * paid and self.off <= AGREE else "disagree"
        most = ", ".join(f"{name} ({a} paid, {b} replayed)" for name, a, b, _ in rows_shown(differ.head(3)))
        return (
            f"{said} (ratio {ratio_text(paid, replayed)}): in total they {word}; {len(differ)} of {len(part)} partners "
            f"are off by over {AGREE:.0%}, differences add up to {self.off:.0%} of what was paid; most for {most}"
        )

    def to_dict(self) -> dict[str, object]:
        """Both tables as plain records."""
        tables = {"periods": self.periods, "partners": self.partners}
        return {name: table.reset_index(names="name").to_dict("records") for name, table in tables.items()}


def ratio_text(paid: float, replayed: float) -> str:
    """Paid over replayed, as text."""
    return f"{paid / replayed:.2f}" if replayed else "-"


def rows_shown(table: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Name, paid, replayed and ratio by row, as texts."""
    return [
        (str(name), figure(row.paid), figure(row.replayed), ratio_text(row.paid, row.replayed))
        for name, row in table.iterrows()
    ]


def reconcile(export: Export, fit: Fit, scenario: Scenario) -> PayoutCheck | str:
    """Payouts of an export against those of `scenario`'s baseline, or why they cannot be."""
    assert export.payouts is not None
    if "cycle_weeks" in fit.refused:
        return "without valid close dates payouts cannot be held against deals"
    payouts = export.payouts.assign(quarter=(export.payouts["end"] - pd.Timedelta(days=SLACK)).dt.to_period("Q"))
    rows = export.rows[~export.rows["direct"]]
    begin, end = (day.to_period("Q") for day in (rows["created"].min(), export.end))
    within = (payouts["quarter"] >= begin) & (payouts["quarter"] <= end)
    if not within.any():
        return "no payout falls into the time of the export"
    left_out = [f"{int((~within).sum())} payouts of other times than the export's are left out."] * (not within.all())
    payouts = payouts[within]
    ends = payouts["end"].drop_duplicates().sort_values()
    length = pd.Timedelta(ends.diff().median()) if len(ends) > 1 else QUARTER
    # A period longer than a quarter began before the quarter that it ends in.
    first = (ends.min() - length + QUARTER / 2).to_period("Q") if length > LONG else payouts["quarter"].min()
    span = pd.period_range(max(first, begin), payouts["quarter"].max())
    known = posterior(fit.rows, fit, end=export.end)
    payer = PayoutReplay(scenario, fit, rows, dated=True)
    owners, settled = payer.observed(known, ("baseline",), span[0], len(span))
    replayed = settled["baseline"].partners[0][:, -len(span) :]
    by_partner = payouts.groupby("partner")["paid"].sum()
    partners = pd.DataFrame({"paid": by_partner, "replayed": pd.Series(replayed.sum(axis=1), index=owners)}).fillna(0.0)
    partners = partners[(partners != 0).any(axis=1)]
    order = np.argsort(-(partners["paid"] - partners["replayed"]).abs().to_numpy(), kind="stable")
    by_quarter = payouts.groupby("quarter")["paid"].sum().reindex(span, fill_value=0.0)
    periods = pd.DataFrame({"paid": by_quarter.to_numpy(), "replayed": replayed.sum(axis=0)})
    periods = periods.groupby((span.asfreq("Y") if length > LONG else span).astype(str)).sum()
    return PayoutCheck(periods, partners.iloc[order], (*left_out, *payer.cautions(("baseline",))))


def reconciled_or_noted(export: Export, fit: Fit, scenario: Scenario) -> tuple[PayoutCheck | None, Mapping[str, str]]:
    """The reconciliation where payouts are given, and what is to be said of it, as a verdict."""
    if export.payouts is None:
        return None, {}
    found = reconcile(export, fit, scenario)
    return (None if isinstance(found, str) else found), {"payouts": str(found)}
