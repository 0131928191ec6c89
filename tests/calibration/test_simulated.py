"""Simulated exports say what the simulated world did: checked against the other engine's log, and read back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration.clean import read_export
from simulator.calibration.profile import load_profile, shipped_profiles
from simulator.calibration.simulated_export import (
    LAUNCH,
    SimulatedExport,
    crm_tables,
    simulated_exports,
    write_tables,
)
from simulator.core.errors import InputError
from simulator.reference.fit import Reference
from simulator.runs.simulate import fit_reference
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from simulator.studies.trace import Trace, trace
from tests.calibration.faults import with_faults

TEXT = """
name = "tiny"
[time]
horizon_weeks = 52
burn_in_weeks = 26
[markets.mid]
size_median = 40_000
size_max = 500_000
cycle_weeks = 6
[territories.north]
vendor_opportunities_per_year = 40
markets = { mid = 1.0 }
[partners.reseller]
count = 5
territory = "north"
markets = { mid = 1.0 }
opportunities_per_year = 40
[behavior]
elasticity = 0.0
[gaming]
opportunist_share = 1.0
timing_cost = 0.0
push_loss_per_week = 0.0
concession_per_week = 0.0
[programs.baseline.components.commission]
kind = "accelerator"
rate = 0.04
multiples = [{ above = 1.0, multiple = 3.0 }]
"""
NEVER = pd.Timestamp("2100-01-01")
CRMS = ("salesforce", "salesforce_objects", "hubspot", "dynamics")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(TEXT)


@pytest.fixture(scope="module")
def reference(scenario: Scenario) -> Reference:
    return fit_reference(scenario)


@pytest.fixture(scope="module")
def exports(scenario: Scenario, reference: Reference) -> list[SimulatedExport]:
    return list(simulated_exports(scenario, seed=5, replications=(2, 3), reference=reference))


@pytest.fixture(scope="module")
def log(scenario: Scenario) -> Trace:
    return trace(scenario, program="baseline", replication=3, seed=5)


def day(week: float) -> pd.Timestamp:
    """Monday to Friday of the week, in five equal parts."""
    whole = int(np.floor(week))
    return pd.Timestamp(LAUNCH) + pd.Timedelta(days=7 * whole + int(5 * (week - whole)))


def test_deals_and_dates_are_those_of_the_other_engine(exports: list[SimulatedExport], log: Trace) -> None:
    """Found, closed, how, whose and for how much, deal by deal, with what was moved across a quarter's end."""
    events = log.table().set_index("opportunity")
    found = events[events["event"] == "found"]
    closed = {k: (day(t), "lost") for k, t in events.loc[events["event"] == "lost", "time"].items()}
    closed |= {k: (day(t), "won") for k, t in events.loc[events["event"] == "signed", "time"].items()}
    moved = events[events["event"].isin(["pulled", "pushed"])]
    assert {"pulled", "pushed"} == set(moved["event"])
    for opportunity, row in moved.iterrows():
        last = row["event"] == "pulled"
        closed[opportunity] = (day(row["time"] - 0.001 if last else row["time"]), "won")
    # What is pushed out of the last quarter is still open.
    closed = {k: v for k, v in closed.items() if v[0] <= exports[1].end}
    expected = sorted(
        (day(row["time"]), row["partner"].replace("vendor", ""), *closed.get(number, (NEVER, "open")))
        for number, row in found.iterrows()
    )
    deals = exports[1].opportunities
    end = deals["closed"].fillna(NEVER)
    assert sorted(zip(deals["created"], deals["owner"], end, deals["outcome"], strict=True)) == expected
    assert deals["amount"].sum() == pytest.approx(found["amount"].sum())


def test_stages_are_those_of_the_other_engine(exports: list[SimulatedExport], log: Trace) -> None:
    """Direct deals have no history between creation and close, so partners' stages are compared."""
    events = log.table()
    names = {1: "qualified", 2: "joint demo", 3: "pilot", 4: "verbal win"}
    for stage, name in names.items():
        of_partners = events[(events["event"] == name) & (events["partner"] != "vendor")]
        mine = exports[1].history
        assert sorted(mine.loc[mine["stage"] == stage, "entered"]) == sorted(day(t) for t in of_partners["time"])


def test_payouts_are_those_of_the_ledger(exports: list[SimulatedExport], log: Trace) -> None:
    assert exports[1].payouts["paid"].sum() == pytest.approx(log.outcome.totals["paid"][0] / 100)
    assert exports[1].payouts["paid"].sum() > 0


def test_an_export_is_the_same_alone_or_among_others(
    scenario: Scenario, reference: Reference, exports: list[SimulatedExport]
) -> None:
    (alone,) = simulated_exports(scenario, seed=5, replications=(3,), reference=reference)
    for name in ("opportunities", "roster", "payouts", "history"):
        pd.testing.assert_frame_equal(getattr(alone, name), getattr(exports[1], name))
    assert not exports[0].opportunities.equals(exports[1].opportunities)


@pytest.mark.parametrize("crm", CRMS)
def test_what_is_written_is_read_back(exports: list[SimulatedExport], crm: str, tmp_path: Path) -> None:
    source = load_profile(crm)
    read = read_export(write_tables(crm_tables(exports[1], source.profile), tmp_path)[0], source=source)
    deals = exports[1].opportunities
    assert not [r for r in read.remarks if r.kind != "noted"]
    for column in ("outcome", "created", "closed", "amount"):
        ours = deals[column].round(2) if column == "amount" else deals[column]
        assert read.rows[column].equals(ours.astype(read.rows[column].dtype)), column
    owned = ~deals["direct"]
    assert list(read.rows["owner"][owned]) == list(deals["owner"][owned])
    if source.profile.engagement:
        assert list(read.rows["direct"]) == list(deals["direct"])


def test_faults_are_in_as_many_rows_as_it_says(exports: list[SimulatedExport]) -> None:
    profile = load_profile("hubspot").profile
    faulty, put = with_faults(exports[1], seed=6)
    rows, was = (crm_tables(export, profile)["opportunities"] for export in (faulty, exports[1]))
    assert all(put.values())
    assert rows.duplicated().sum() == put["copied rows"] == len(rows) - len(was)
    now = rows.drop_duplicates()
    assert (now["Deal owner"] == "").sum() == put["owner missing"]
    assert (now["Amount"] == "0.00").sum() == put["amount 0"]
    assert (now["Amount"] == "").sum() == put["amount missing"]
    assert (now["Currency"] == "EUR").sum() == put["another currency"]
    assert (now["Create Date"] > "2026").sum() == put["dates in the future"]


def test_what_cannot_be_exported_is_refused(scenario: Scenario, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"program = 'nope': must be one of baseline"):
        list(simulated_exports(scenario, seed=1, program="nope"))
    with pytest.raises(InputError, match="must be a Monday"):
        list(simulated_exports(scenario, seed=1, launch=date(2024, 1, 2)))
    table = {"roster": pd.DataFrame({"Partner": ["one"]})}
    write_tables(table, tmp_path)
    with pytest.raises(InputError, match=r"roster\.csv: out: already exists"):
        write_tables({"roster": table["roster"] * 2, "payouts": table["roster"]}, tmp_path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("roster.csv", "Partner\none\n")]


def test_every_crm_is_shipped() -> None:
    assert set(CRMS) <= set(shipped_profiles())
