"""Files of all formats and CRMs are read alike, and what cannot be told is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import clean, read_files
from simulator.calibration.clean import Export, read_export
from simulator.calibration.crm_detection import source_of
from simulator.calibration.profile import load_profile
from simulator.core.errors import InputError
from tests.calibration.exports import Truth, synthetic

ROWS = synthetic(Truth(partners=8, years=1.5), seed=3)
OUTCOMES = {"won": "Closed Won", "lost": "Closed Lost", "open": "Negotiation/Review"}


def salesforce(rows: pd.DataFrame = ROWS) -> pd.DataFrame:
    """The rows as a Salesforce report in US format; open deals have a close date too."""
    names = {"id": "Opportunity ID", "partner": "Partner Account", "value": "Amount", "stage": "Stage"}
    table = rows.rename(columns=names).drop(columns=["opened", "decided"])
    table["Created Date"] = days(rows["opened"], "%m/%d/%Y")
    table["Close Date"] = days(rows["decided"], "%m/%d/%Y").replace("", "12/31/2024")
    return table.assign(Stage=table["Stage"].map(OUTCOMES))


def days(values: pd.Series, form: str) -> pd.Series:
    return pd.to_datetime(values, errors="coerce", format="%Y-%m-%d").dt.strftime(form).fillna("")


def read(table: pd.DataFrame, path: Path) -> Export:
    """`table` written by the ending of `path`, recognised and read."""
    if path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return read_export(path, source=source_of(path, None))


def same(read: Export, rows: pd.DataFrame = ROWS) -> bool:
    """Whether what was read is what the rows say."""
    closed = pd.to_datetime(rows["decided"], errors="coerce", format="%Y-%m-%d")
    found = read.rows
    return (
        list(found["owner"]) == list(rows["partner"])
        and list(found["outcome"]) == list(rows["stage"])
        and np.allclose(found["amount"], rows["value"])
        and list(found["created"]) == list(pd.to_datetime(rows["opened"]))
        and list(found["closed"].fillna(pd.Timestamp(0))) == list(closed.fillna(pd.Timestamp(0)))
    )


def test_salesforce_report_as_csv(tmp_path: Path) -> None:
    found = read(salesforce(), tmp_path / "report.csv")
    assert same(found)
    assert found.end == pd.Timestamp(max(ROWS["opened"].max(), ROWS["decided"].max()))


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_typed_cells_are_read_as_their_text(ending: str, tmp_path: Path) -> None:
    """Dates as dates, numbers as numbers, ids as whole numbers."""
    table = salesforce()
    for column in ("Created Date", "Close Date"):
        table[column] = pd.to_datetime(table[column], format="%m/%d/%Y")
    table["Opportunity ID"] = range(len(table))
    assert same(read(table, tmp_path / f"report.{ending}"))


def test_salesforce_object_export(tmp_path: Path) -> None:
    """Created with a time and zone, closed with a day."""
    table = pd.DataFrame({
        "Id": ROWS["id"], "PartnerAccountId": ROWS["partner"], "Amount": ROWS["value"],
        "StageName": ROWS["stage"].map(OUTCOMES), "CloseDate": ROWS["decided"].replace("", "2024-12-31"),
        "CreatedDate": ROWS["opened"] + "T23:10:05.000Z",
    })  # fmt: skip
    assert same(read(table, tmp_path / "opportunity.csv"))


def test_hubspot_export_with_own_stages(tmp_path: Path) -> None:
    stages = {"won": "Closed Won (Partner Pipeline)", "lost": "Closed lost", "open": "Discovery call"}
    table = pd.DataFrame({
        "Record ID": ROWS["id"], "Deal Name": "x", "Deal Stage": ROWS["stage"].map(stages),
        "Close Date": (ROWS["decided"] + " 09:30").where(ROWS["decided"].ne(""), ""), "Deal owner": ROWS["partner"],
        "Amount": ROWS["value"].map("{:,.2f}".format), "Create Date": ROWS["opened"] + " 08:00",
    })  # fmt: skip
    found = read(table, tmp_path / "deals.csv")
    assert same(found)
    (remark,) = [r for r in found.remarks if r.reason == "stage that the profile does not list"]
    assert remark.count == len(ROWS)
    for word in ("'Closed Won (Partner Pipeline)' is won", "'Closed lost' is lost", "'Discovery call' is open"):
        assert word in remark.detail


def test_dynamics_view_in_a_worksheet(tmp_path: Path) -> None:
    table = pd.DataFrame({
        "(Do Not Modify) Opportunity": ROWS["id"], "(Do Not Modify) Row Checksum": "x", "Topic": "y",
        "Potential Customer": "z", "Status": ROWS["stage"].str.capitalize(), "Owner": ROWS["partner"],
        "Est. revenue": ROWS["value"], "Created On": pd.to_datetime(ROWS["opened"]),
        "Actual Close Date": pd.to_datetime(ROWS["decided"], errors="coerce", format="%Y-%m-%d"),
    })  # fmt: skip
    assert same(read(table, tmp_path / "view.xlsx"))


def test_european_report_with_semicolons(tmp_path: Path) -> None:
    table = salesforce()
    for column, rows in (("Created Date", ROWS["opened"]), ("Close Date", ROWS["decided"])):
        table[column] = days(rows, "%d.%m.%Y")
    table["Amount"] = ["EUR " + f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in ROWS["value"]]
    path = tmp_path / "report.csv"
    table.to_csv(path, index=False, sep=";", encoding="utf-8-sig")
    assert same(read_export(path, source=source_of(path, None)))


def test_deals_without_a_partner_account_are_direct(tmp_path: Path) -> None:
    table = salesforce()
    table.loc[:9, "Partner Account"] = ""
    found = read(table, tmp_path / "r.csv")
    assert list(found.rows.index[found.rows["direct"]]) == list(range(10))
    owned = table.rename(columns={"Partner Account": "Opportunity Owner"})
    found = read(owned, tmp_path / "owned.csv")
    assert not found.rows["direct"].any()
    assert [(r.reason, r.count) for r in found.remarks if r.kind == "dropped"] == [("owner missing", 10)]


def test_parts_give_what_the_whole_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Duplicates across parts, words that come late, first unreadable text in a late part."""
    table = pd.concat([salesforce(), salesforce().head(40)])
    table["Amount"] = table["Amount"].astype(str)
    table.iloc[5, table.columns.get_loc("Amount")] = "a lot"
    path = tmp_path / "r.csv"
    at_once = read(table, path)
    original = read_files.read_chunks
    monkeypatch.setattr(clean, "read_chunks", lambda p, form: original(p, form, rows=60))
    in_parts = read_export(path, source=source_of(path, None))
    assert in_parts.remarks == at_once.remarks
    pd.testing.assert_frame_equal(in_parts.rows, at_once.rows)
    assert ("exact duplicate of an earlier row", 39) in [(r.reason, r.count) for r in at_once.remarks]


def test_columns_of_no_crm(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(ROWS, tmp_path / "rows.csv")
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "rows.csv: columns: are not the default columns of dynamics, hubspot, salesforce, salesforce_objects (give a "
        "profile that names the columns, see docs/calibration.md; columns: id, partner, value, opened, decided, stage)"
    )


def test_dates_that_can_be_read_in_two_ways(tmp_path: Path) -> None:
    rows = ROWS.assign(opened="2024-03-04", decided="2024-05-06")
    with pytest.raises(InputError, match=r"Created Date = '03/04/2024': could be %m/%d/%Y or %d/%m/%Y: day and month"):
        read(salesforce(rows), tmp_path / "r.csv")
    with pytest.raises(InputError, match=r"Created Date = 'soon': is in no known format of dates"):
        read(salesforce().assign(**{"Created Date": "soon", "Close Date": ""}), tmp_path / "s.csv")


def test_stages_that_speak_of_an_end_are_not_guessed(tmp_path: Path) -> None:
    table = salesforce()
    table.loc[:3, "Stage"] = "Closed - other"
    with pytest.raises(InputError, match=r"Stage: stages that the profile does not know: 'Closed - other' \(4 rows\)"):
        read(table, tmp_path / "r.csv")


@pytest.mark.parametrize(("ending", "kind"), [("xlsx", "Excel"), ("parquet", "Parquet")])
def test_files_that_are_not_what_their_ending_says(ending: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"r.{ending}"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=rf"export: is not a readable {kind} file"):
        read_export(path, source=load_profile("salesforce"))
