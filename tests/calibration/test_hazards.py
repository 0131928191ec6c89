"""Hazards of real exports, one by one, planted into sound rows; and the same rows without them give no remark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration.clean import Export, read_export
from simulator.calibration.crm_detection import source_of
from simulator.calibration.fit import fit_export
from simulator.calibration.profile import Source, load_profile
from simulator.calibration.side_files import CompanionFiles
from simulator.core.errors import InputError
from tests.calibration.exports import FRIOFRIO, MAVEN, PROFILE, Truth, needs_data, synthetic

ROWS = synthetic(Truth(partners=10, years=2.0), seed=4)
UNDATED = PROFILE.replace("export_date = 2024-06-30\n", "")


def read(rows: pd.DataFrame, folder: Path, profile: str = UNDATED, **companions: Path) -> Export:
    export, columns = folder / "export.csv", folder / "profile.toml"
    rows.to_csv(export, index=False)
    columns.write_text(profile)
    files = CompanionFiles(**companions)
    return read_export(export, source=source_of(export, columns, files.rates), companions=files)


def counts(found: Export) -> dict[str, int]:
    return {f"{r.kind}: {r.reason}": r.count for r in found.remarks}


def test_sound_rows_give_one_remark(tmp_path: Path) -> None:
    found = read(ROWS, tmp_path)
    assert counts(found) == {"noted: open opportunities": (ROWS["stage"] == "open").sum()}
    assert found.complete_from is None


def test_dates_in_the_future_without_a_known_day_of_export(tmp_path: Path) -> None:
    rows = ROWS.copy()
    decided = rows.index[rows["stage"] != "open"]
    rows.loc[decided[:2], "opened"] = "2031-02-03"
    rows.loc[decided[2:5], "decided"] = "2031-02-03"
    found = read(rows, tmp_path)
    future = "in the future, more than 180 days after 2024-06-{}, the last day of all others"
    last = pd.to_datetime(rows.loc[2:, "opened"])[lambda d: d < "2025"].max().day
    assert counts(found)[f"dropped: created {future.format(last)}"] == 2
    assert counts(found)[f"set aside: closed {future.format(30)}: the close date is not used"] == 3
    assert found.end == pd.Timestamp("2024-06-30")


def test_many_late_dates_are_no_slips(tmp_path: Path) -> None:
    """A tenth of the business after half a year's pause is business."""
    rows = ROWS.assign(opened=ROWS["opened"].where(ROWS.index % 10 > 0, "2025-03-03"))
    assert not [reason for reason in counts(read(rows, tmp_path)) if "in the future" in reason]


def test_a_name_written_in_several_ways_is_one_partner(tmp_path: Path) -> None:
    rows = ROWS.copy()
    of_one = rows.index[rows["partner"] == "P001"]
    rows.loc[of_one[:3], "partner"] = "p001"
    rows.loc[of_one[3:5], "partner"] = "P-001"
    found = read(rows, tmp_path)
    assert counts(found)["repaired: owner written in several ways"] == 5
    assert list(found.rows["owner"]) == list(ROWS["partner"])


def test_record_ids_that_differ_in_case_stay_apart(tmp_path: Path) -> None:
    """Salesforce ids of 15 characters are told apart by case."""
    rows = ROWS.assign(partner=np.where(ROWS.index % 2 == 0, "0015g00000AbCdE", "0015g00000aBcDe"))
    found = read(rows, tmp_path)
    assert found.rows["owner"].nunique() == 2
    assert list(counts(found)) == ["noted: open opportunities"]


def test_numbers_in_names_stay_apart(tmp_path: Path) -> None:
    rows = ROWS.assign(partner=np.where(ROWS.index % 2 == 0, "North 1-12", "North 11-2"))
    assert read(rows, tmp_path).rows["owner"].nunique() == 2


def test_an_import_in_bulk_is_noted(tmp_path: Path) -> None:
    share = round(0.1 * len(ROWS))
    rows = ROWS.assign(opened=ROWS["opened"].where(ROWS.index >= share, "2022-07-04"))
    assert counts(read(rows, tmp_path))["noted: created on 2022-07-04, a bulk import"] >= share


def test_an_export_cut_by_closing_date_is_seen(tmp_path: Path) -> None:
    """Only what was closed from 2023-07-01 on, or is open: older cohorts are there only as far as they were slow."""
    rows = synthetic(Truth(partners=40), seed=4)
    kept = rows[(rows["stage"] == "open") | (rows["decided"] >= "2023-07-01")]
    assert read(rows, tmp_path).complete_from is None
    found = read(kept, tmp_path)
    first = kept.loc[kept["stage"] != "open", "decided"].min()
    assert found.complete_from == pd.Timestamp(first)
    assert counts(found)["noted: cohorts cut off by the closing date"] == (kept["opened"] < first).sum()


def test_cohorts_that_are_cut_off_are_fitted_only_for_want_of_others(tmp_path: Path) -> None:
    """As above; then with 30 decided deals in whole cohorts, of the 50 that a fit needs."""
    rows = synthetic(Truth(partners=40), seed=4)
    kept = rows[(rows["stage"] == "open") | (rows["decided"] >= "2023-07-01")]
    first = kept.loc[kept["stage"] != "open", "decided"].min()
    late = kept["opened"] >= first
    few = kept[~late | (late & kept["stage"].ne("open")).cumsum().le(30)]
    exports = [read(part, tmp_path) for part in (kept, few)]
    profile = load_profile(tmp_path / "profile.toml").profile
    cut, uncut = (fit_export(export, profile, label="cut") for export in exports)
    assert len(cut.rows) == late.sum()
    assert cut.rows["created"].min() >= pd.Timestamp(first)
    assert len(uncut.rows) == len(few)
    assert any("there are too few later ones to do without" in text for text in uncut.cautions)


def test_a_heavy_tail_is_noted(tmp_path: Path) -> None:
    rows = ROWS.assign(value=ROWS["value"].where(ROWS.index != 7, 1e9))
    assert counts(read(rows, tmp_path))["noted: largest hundredth of the amounts"] == int(np.ceil(len(ROWS) / 100))


def test_rates_come_from_a_table(tmp_path: Path) -> None:
    rows = ROWS.assign(money=np.where(ROWS.index % 4 == 0, "SEK", "EUR"))
    profile = UNDATED.replace('amount = "value"', 'amount = "value"\ncurrency = "money"')
    rates = tmp_path / "rates.csv"
    rates.write_text("Currency,Rate\nSEK,0.1\nEUR,1\n")
    found = read(rows, tmp_path, profile, rates=rates)
    assert counts(found)["repaired: amount converted from SEK"] == (rows["money"] == "SEK").sum()
    worth = ROWS["value"] * np.where(rows["money"] == "SEK", 0.1, 1.0)
    assert np.allclose(found.rows["amount"], worth)
    for text, message in (
        ("Currency,Rate\nSEK,-1\nEUR,1\nUSD,x\n", r"Rate of SEK = '-1': must be a positive number"),
        ("Currency,Rate\nSEK,0.1\nEUR,2\n", r"Rate of EUR = 2.0: must be 1, as EUR is the scenario currency"),
        ("From,Rate\nSEK,0.1\n", r"Currency = 'Currency': is not a column"),
    ):
        rates.write_text(text)
        with pytest.raises(InputError, match=message):
            read(rows, tmp_path, profile, rates=rates)


def test_a_roster_says_who_is_a_partner(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    names = [f"P{k:03d}" for k in range(8)]
    roster.write_text("Partner\n" + "\n".join([*names, "P000", "Idle"]) + "\n")
    rows = ROWS.assign(partner=ROWS["partner"].where(ROWS["partner"] != "P003", "p003"))
    found = read(rows, tmp_path, roster=roster)
    mine = ROWS["partner"].isin(names)
    assert list(found.rows["direct"]) == list(~mine)
    assert counts(found)["noted: partner on the roster more than once"] == 1
    assert counts(found)["noted: owner not on the partner roster"] == (~mine).sum()
    assert set(found.rows.loc[~found.rows["direct"], "owner"]) == set(names)


def test_a_segment_written_in_several_ways_is_one(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    words = ["Gold Reseller", "gold-reseller", "Distributor", "GOLD RESELLER", "Gold Reseller"]
    lines = [f"P{k:03d},{words[k % 5]}" for k in range(10)]
    roster.write_text("Partner,Segment\n" + "\n".join(lines) + "\n")
    found = read(ROWS, tmp_path, roster=roster)
    assert counts(found)["repaired: segment on the roster written in several ways"] == 4
    assert set(found.rows["group"]) == {"gold_reseller", "distributor"}
    assert counts(found)["noted: open opportunities"] == (ROWS["stage"] == "open").sum()


def test_a_history_of_other_ids_is_refused(tmp_path: Path) -> None:
    """Ids of 18 characters in the one file, of 15 in the other, say."""
    decided = ROWS[ROWS["stage"] != "open"]
    history = pd.DataFrame({"Opportunity ID": decided["id"] + "AAA", "Stage": "won", "Entered": decided["decided"]})
    history.to_csv(tmp_path / "history.csv", index=False)
    with pytest.raises(InputError, match=r"holds no opportunity of the export .*are the ids written as in the exp"):
        read(ROWS, tmp_path, history=tmp_path / "history.csv")


def test_payouts_in_another_format_are_refused_and_copies_noted(tmp_path: Path) -> None:
    payouts = tmp_path / "payouts.csv"
    payouts.write_text("Partner,Period End,Paid\nP001,2024-03-31,5\nP001,2024-03-31,5\nP002,31.3.2024,5\n")
    assert counts(read(ROWS, tmp_path, payouts=payouts))["noted: payout the same as an earlier one"] == 1
    payouts.write_text("Partner,Period End,Paid\nP001,2024-03-31,5\nP001,30.6.2024,5\nP002,31.3.2024,5\n")
    with pytest.raises(InputError, match=r"payouts = 1: is all that can be read of 3 payouts \(see dates.format"):
        read(ROWS, tmp_path, payouts=payouts)


def test_the_vendors_own_deals_stay_its_own_whoever_is_on_the_roster(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("Partner\n" + "\n".join(sorted(set(ROWS["partner"]) - {"P001"})) + "\n")
    rows = ROWS.assign(via=np.where(ROWS.index % 3 == 0, "house", "partner"))
    profile = UNDATED.replace('stage = "stage"\n', 'stage = "stage"\nengagement = "via"\n')
    profile += '\n[engagement]\npartner = ["partner"]\ndirect = ["house"]\n'
    found = read(rows, tmp_path, profile, roster=roster)
    assert list(found.rows["direct"]) == list((rows["via"] == "house") | (rows["partner"] == "P001"))


def test_past_payouts_are_read_and_checked(tmp_path: Path) -> None:
    payouts = tmp_path / "payouts.csv"
    payouts.write_text(
        "Partner,Period End,Paid\nP001,2024-03-31,12.5\nP002,someday,1\nP001,2024-06-30,x\nNew,2024-06-30,2\n"
    )
    found = read(ROWS, tmp_path, payouts=payouts)
    assert found.payouts is not None
    assert found.payouts.to_dict("list") == {
        "partner": ["P001", "New"],
        "end": [pd.Timestamp("2024-03-31"), pd.Timestamp("2024-06-30")],
        "paid": [12.5, 2.0],
    }
    assert counts(found)["dropped: payout with an unreadable date or amount"] == 2
    assert counts(found)["noted: payout to a partner without opportunities"] == 1


def test_a_stage_history_mends_close_dates_that_were_edited(tmp_path: Path) -> None:
    """All close dates are the day of a batch job; the history knows better, but for one deal."""
    decided = ROWS[ROWS["stage"] != "open"]
    rows = ROWS.assign(decided=ROWS["decided"].where(ROWS["decided"] == "", "2024-06-30"))
    history = tmp_path / "history.csv"
    told = decided.iloc[1:]
    last = pd.DataFrame({"Opportunity ID": told["id"], "Stage": told["stage"], "Entered": told["decided"]})
    opened = last.assign(Stage="open", Entered="2024-06-29")
    strange = last.head(2).assign(Stage="nobody knows", Entered="2024-06-29")
    reopened = last.head(3).assign(Stage="lost", Entered=told["opened"].head(3))
    pd.concat([last, opened, strange, reopened]).to_csv(history, index=False)
    found = read(rows, tmp_path, history=history)
    expected = pd.to_datetime(ROWS["decided"].where(ROWS.index != decided.index[0], "2024-06-30"), errors="coerce")
    assert list(found.rows["closed"].dropna()) == list(expected.dropna())
    changed = int((told["decided"] != "2024-06-30").sum())
    assert counts(found)["repaired: close date taken from the stage history"] == changed
    assert counts(found)["noted: stage history in a stage that the profile does not know"] == 2


@needs_data
def test_hazards_of_maven() -> None:
    raw = pd.read_csv(MAVEN)
    source = load_profile("maven_crm")
    found = counts(read_export(MAVEN, source=source))
    assert found["repaired: product: 'GTXPro' written as 'GTX Pro'"] == (raw["product"] == "GTXPro").sum() == 1480
    # The 1,425 rows without account are kept; lost deals have the value 0.
    assert raw["account"].isna().sum() == 1425
    undated = raw["engage_date"].isna()
    assert found["noted: account missing"] == 1425 - (raw["account"].isna() & undated).sum()
    lost = raw["deal_stage"] == "Lost"
    assert (raw.loc[lost, "close_value"] == 0).all()
    key = "set aside: amount of a lost deal, as the profile says it is not recorded"
    assert found[key] == lost.sum()
    assert found["noted: open opportunities"] == (raw["deal_stage"] == "Engaging").sum()
    # Nothing was closed before March 2017, though deals were opened from October 2016 on.
    first = raw.loc[raw["deal_stage"].isin(["Won", "Lost"]), "close_date"].min()
    assert first == "2017-03-01"
    assert found["noted: cohorts cut off by the closing date"] == (raw["engage_date"] < first).sum()


@needs_data
def test_hazards_of_friofrio() -> None:
    source = load_profile("friofrio")
    found = read_export(FRIOFRIO, source=source)
    tail = next(r for r in found.remarks if r.reason == "largest hundredth of the amounts")
    amounts = found.rows["amount"].dropna().sort_values(ascending=False)
    assert tail.detail.startswith(f"{amounts.head(tail.count).sum() / amounts.sum():.0%} of all value")
    unrated = source.profile.currency.model_copy(update={"rates": {}})
    without = Source(source.profile.model_copy(update={"currency": unrated}), source.label, source.path)
    with pytest.raises(InputError, match=r"amounts without a rate to USD: 'EUR' \(\d+ rows\), 'JPY' \(1258 rows\)"):
        read_export(FRIOFRIO, source=without)
