"""Faults that real exports have and simulated ones have not, each in known rows.

Every row has one uniform, and a fault takes the rows whose uniform falls into its span; so faults do not overlap.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration.profile import load_profile
from simulator.calibration.simulated_export import SimulatedExport, crm_tables, simulated_exports, write_tables
from simulator.core.arrays import Array
from simulator.core.streams import Streams
from simulator.scenario.schema import Scenario

SHARES = {
    "copied rows": 0.01, "owner missing": 0.005, "owner written differently": 0.01, "account missing": 0.01,
    "amount 0": 0.02, "amount missing": 0.01, "closed before created": 0.01, "dates in the future": 0.003,
    "closed on one day by a batch job": 0.03, "another currency": 0.05,
}  # fmt: skip
"""Fault -> share of the rows that have it."""
OTHER_RATE = 1.25
"""What one unit of the other currency is worth."""
AHEAD = pd.DateOffset(years=10)


def other_currency(currency: str) -> str:
    """A currency that is not the scenario's."""
    return "EUR" if currency != "EUR" else "USD"


def with_faults(export: SimulatedExport, *, seed: int) -> tuple[SimulatedExport, dict[str, int]]:
    """The export with faults in it, and how many rows have each.

    Faults of closing dates hit decided deals only, so they are fewer than their share.
    """
    deals = export.opportunities.copy()
    number = np.arange(len(deals))
    u = Streams(seed).draw("export dirt", 0, number)[0]
    decided = (deals["outcome"] != "open").to_numpy()
    done: dict[str, int] = {}
    for name, rows in _spans(u).items():
        hit = rows & decided if "closed" in name else rows
        done[name] = int(hit.sum())
        deals = _with_fault(deals, name, hit, export.end)
    return replace(export, opportunities=deals), done


def _spans(u: Array) -> dict[str, Any]:
    edges = np.concatenate(([0.0], np.cumsum(list(SHARES.values()))))
    return {fault: (edges[k] <= u) & (u < edges[k + 1]) for k, fault in enumerate(SHARES)}


def _with_fault(deals: pd.DataFrame, fault: str, hit: Any, end: pd.Timestamp) -> pd.DataFrame:
    """`deals` with a fault in the rows `hit`; copies come last, so that positions stay what they are."""
    # Copies are made of rows that no other fault touches, so the order of faults does not matter.
    mask = np.concatenate((hit, np.zeros(len(deals) - len(hit), dtype=bool)))
    if fault == "copied rows":
        return pd.concat([deals, deals[mask]], ignore_index=True)
    changes: dict[str, dict[str, Any]] = {
        "owner missing": {"owner": ""},
        "owner written differently": {"owner": " " + deals["owner"].str.upper()},
        "account missing": {"account": ""},
        "amount 0": {"amount": 0.0},
        "amount missing": {"amount": np.nan},
        "closed before created": {"closed": deals["created"] - pd.Timedelta(days=3)},
        "dates in the future": {"created": deals["created"] + AHEAD},
        "closed on one day by a batch job": {"closed": end},
        "another currency": {
            "amount": deals["amount"] / OTHER_RATE, "currency": deals["currency"].map(other_currency),
        },
    }  # fmt: skip
    changed = {name: deals[name].mask(mask, value) for name, value in changes[fault].items()}
    return deals.assign(**changed)


def export_with_faults(scenario: Scenario, folder: Path, *, crm: str, seed: int) -> dict[str, int]:
    """Write an export with faults and the table of rates that it needs; how many rows have each fault."""
    (export,) = simulated_exports(scenario, seed=seed)
    faulty, put = with_faults(export, seed=seed)
    rates = {other_currency(scenario.currency): OTHER_RATE, scenario.currency: 1.0}
    tables = crm_tables(faulty, load_profile(crm).profile)
    tables["rates"] = pd.DataFrame({"Currency": list(rates), "Rate": list(rates.values())})
    write_tables(tables, folder)
    return put
