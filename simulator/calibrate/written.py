"""Simulated exports as files: the columns, stages and dates of a CRM, as `incentive-sim export` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from simulator.calibrate.dirt import OTHER_RATE, dirty, other_currency
from simulator.calibrate.profile import Profile, load_profile
from simulator.calibrate.simulated import SimulatedExport, simulated_exports
from simulator.calibrate.stages import open_stage
from simulator.errors import InputError, Problem
from simulator.scenario.schema import Scenario

DIRECT = "Direct sales"
"""Owner of direct deals where a profile has no other way to tell them."""


@dataclass(frozen=True)
class Written:
    """What was written: rows by file, and rows by fault that was put in."""

    scenario: str
    profile: str
    rows: Mapping[Path, int]
    faults: Mapping[str, int]

    def __str__(self) -> str:
        lines = [f"{path}: {count:,} rows" for path, count in self.rows.items()]
        return "\n".join([*lines, *(f"put in: {count:,} with {fault}" for fault, count in self.faults.items())])

    def to_json(self) -> str:
        """All figures as JSON text."""
        rows = {str(path): count for path, count in self.rows.items()}
        tree = {"scenario": self.scenario, "profile": self.profile, "rows": rows, "faults": dict(self.faults)}
        return json.dumps(tree, indent=2)


def export_world(
    scenario: Scenario,
    folder: Path,
    *,
    profile: Path | str,
    seed: int,
    replication: int = 0,
    program: str = "baseline",
    gaming: bool = True,
    dirt: bool = False,
) -> Written:
    """Write the CRM export of one replication into `folder`, which is made if need be.

    profile: whose columns, a path or the name of a shipped one; dirt: with faults as real exports have them, see
    `simulator.calibrate.dirt`; for the rest see `simulated_exports`. Raises `InputError` for an unknown program or
    profile, or where a file is in the way; nothing is written then.
    """
    columns = load_profile(profile).profile
    _places(folder, ("opportunities", "roster", "payouts", "history", "rates"))
    (export,) = simulated_exports(scenario, seed=seed, replications=(replication,), program=program, gaming=gaming)
    faults: dict[str, int] = {}
    if dirt:
        export, faults = dirty(export, seed=seed)
    tables = as_written(export, columns)
    if dirt and columns.columns.currency:
        rates = {other_currency(scenario.currency): OTHER_RATE, scenario.currency: 1.0}
        tables["rates"] = pd.DataFrame({"Currency": list(rates), "Rate": list(rates.values())})
    paths = write_tables(tables, folder)
    rows = {path: len(table) for path, table in zip(paths, tables.values(), strict=True)}
    return Written(scenario.name, columns.name, rows, faults)


def as_written(export: SimulatedExport, profile: Profile) -> dict[str, pd.DataFrame]:
    """Opportunities, roster, payouts and history as texts, in the columns, stages and date format of a profile.

    Where the profile cannot tell direct deals, their owner is `DIRECT`, which is not on the roster.
    """
    deals, columns, opens = export.opportunities, profile.columns, profile.stages.open
    outcome = {"won": profile.stages.won[0], "lost": profile.stages.lost[0]}

    def stages(values: pd.Series) -> list[str]:
        return [outcome.get(v) or (open_stage(int(v), opens) if opens else "open") for v in values]

    def days(values: pd.Series) -> pd.Series:
        return pd.Series(values.dt.strftime(profile.dates.format).fillna(""))

    def money(values: pd.Series) -> pd.Series:
        return pd.Series([f"{v:.2f}" if v == v else "" for v in values], index=values.index)

    named = {
        columns.id: deals["id"], columns.owner: deals["owner"].where(~deals["direct"], DIRECT),
        columns.account: deals["account"], columns.product: deals["product"], columns.segment: deals["segment"],
        columns.amount: money(deals["amount"]), columns.currency: deals["currency"],
        columns.created: days(deals["created"]), columns.closed: days(deals["closed"]),
        columns.stage: stages(deals["outcome"].where(deals["outcome"] != "open", deals["stage"])),
    }  # fmt: skip
    if profile.engagement and columns.engagement:
        partner = profile.engagement.partner[0] if profile.engagement.partner else deals["owner"]
        named[columns.engagement] = pd.Series(partner, index=deals.index).mask(
            deals["direct"], profile.engagement.direct[0]
        )
    h, r, p = profile.history, profile.roster, profile.payouts
    history, roster, payouts = export.history, export.roster, export.payouts
    return {
        "opportunities": pd.DataFrame({name: values for name, values in named.items() if name is not None}),
        "roster": pd.DataFrame({
            r.partner: roster["partner"], r.segment: roster["segment"], r.territory: roster["territory"]
        }),
        "payouts": pd.DataFrame({
            p.partner: payouts["partner"], p.end: days(payouts["end"]), p.paid: money(payouts["paid"])
        }),
        "history": pd.DataFrame({
            h.id: history["id"], h.stage: stages(history["stage"]), h.entered: days(history["entered"])
        }),
    }  # fmt: skip


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write tables as `NAME.csv` into `folder`; files that exist are not overwritten."""
    paths = _places(folder, tables)
    folder.mkdir(parents=True, exist_ok=True)
    for path, table in zip(paths, tables.values(), strict=True):
        table.to_csv(path, index=False, lineterminator="\n")
    return paths


def _places(folder: Path, names: Iterable[str]) -> list[Path]:
    """Where tables go; refuses files that are there."""
    paths = [folder / f"{name}.csv" for name in names]
    taken = [Problem(str(p), "out", "", "already exists", "choose another folder") for p in paths if p.exists()]
    if taken:
        raise InputError(taken)
    return paths
