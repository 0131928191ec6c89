"""Every unusable row is counted under its reason, on rows broken by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from simulator.calibration import Calibration, calibrate
from tests.calibration.exports import PROFILE, Truth, synthetic, written

ROWS = synthetic(Truth(partners=30), seed=8)


def broken() -> pd.DataFrame:
    """One fault a row, in different rows, with their numbers beside."""
    rows = ROWS.copy()
    decided = rows.index[rows["stage"] != "open"]
    rows.loc[decided[0:2], "partner"] = ""  # 2
    rows.loc[decided[2:5], "opened"] = ""  # 3
    rows.loc[decided[5:9], "opened"] = "yesterday"  # 4
    rows.loc[decided[9:14], "opened"] = "2031-01-01"  # 5
    rows.loc[decided[14:20], "decided"] = "1999-01-01"  # 6
    rows.loc[decided[20:27], "decided"] = "2031-01-01"  # 7
    rows.loc[decided[27:35], "decided"] = "soon"  # 8
    rows.loc[decided[35:44], "decided"] = ""  # 9
    rows["value"] = rows["value"].astype(str)
    rows.loc[decided[44:54], "value"] = "a lot"  # 10
    rows.loc[decided[54:65], "value"] = ""  # 11
    rows.loc[decided[65:77], "value"] = "-5"  # 12
    again = rows.loc[decided[80:93]]  # 13 rows twice
    same_id = rows.loc[decided[93:107]].assign(value="77")  # 14 ids twice
    other_id = rows.loc[decided[107:122]].assign(id=[f"N{k}" for k in range(15)])  # 15 alike but for the id
    return pd.concat([rows, again, same_id, other_id])


def counts(result: Calibration) -> dict[str, int]:
    return {f"{remark.kind}: {remark.reason}": remark.count for remark in result.remarks}


def test_every_fault_is_counted(tmp_path: Path) -> None:
    found = counts(calibrate(*written(broken(), tmp_path)))
    expected = {
        "dropped: owner missing": 2,
        "dropped: created date missing": 3,
        "dropped: created date unreadable": 4,
        "dropped: created after the export": 5,
        "set aside: closed before created: the close date is not used": 6,
        "set aside: closed after the export: the close date is not used": 7,
        "set aside: closed date unreadable": 8,
        "set aside: closed date missing (decided deals)": 9,
        "set aside: amount unreadable": 10,
        "set aside: amount missing (decided deals)": 11,
        "set aside: amount zero or negative (decided deals)": 12,
        "dropped: exact duplicate of an earlier row": 13,
        "dropped: opportunity id seen before, with other content": 14,
        "noted: same as an earlier row in everything but the id": 15,
    }
    assert {reason: found.get(reason, 0) for reason in expected} == expected


def test_sound_rows_give_no_remark_of_loss(tmp_path: Path) -> None:
    result = calibrate(*written(ROWS, tmp_path))
    assert not [remark for remark in result.remarks if remark.kind in ("dropped", "repaired")]
    assert f"{len(ROWS):,} rows read, {len(ROWS):,} used" in result.quality


def test_repairs_and_exclusions_that_hit_nothing_are_reported(tmp_path: Path) -> None:
    profile = PROFILE + '\n[repairs.stage]\nWon = "won"\n\n[[exclude]]\ncolumn = "partner"\nvalues = ["test"]\n'
    found = counts(calibrate(*written(ROWS, tmp_path, profile=profile + 'reason = "test account"\n')))
    assert found["repaired: stage: 'Won' written as 'won'"] == 0
    assert found["dropped: excluded by the profile: test account"] == 0


def test_continental_numbers_and_dates(tmp_path: Path) -> None:
    """The same export, written as it would be in Berlin, gives the same scenario but for its checksum."""
    plain = calibrate(*written(ROWS, tmp_path))
    berlin = ROWS.copy()
    berlin["value"] = [f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in ROWS["value"]]
    for column in ("opened", "decided"):
        days = pd.to_datetime(ROWS[column], format="%Y-%m-%d", errors="coerce")
        berlin[column] = days.dt.strftime("%d.%m.%Y").fillna("")
    profile = PROFILE.replace("[dates]\n", '[dates]\nformat = "%d.%m.%Y"\n')
    profile += '\n[amounts]\ndecimal = ","\nthousands = "."\n'
    (tmp_path / "berlin").mkdir()
    other = calibrate(*written(berlin, tmp_path / "berlin", profile=profile))
    assert other.estimates == plain.estimates


def test_conversion_scales_sizes_and_nothing_else(tmp_path: Path) -> None:
    """Half of the rows in a currency worth a tenth, with ten times the amount: the same export."""
    plain = calibrate(*written(ROWS, tmp_path))
    mixed = ROWS.assign(money="EUR")
    half = mixed.index % 2 == 0
    mixed.loc[half, "money"] = "SEK"
    mixed["value"] = mixed["value"].where(~half, mixed["value"] * 10)
    profile = PROFILE.replace('amount = "value"', 'amount = "value"\ncurrency = "money"')
    profile += 'rates = { SEK = 0.1 }\nrates_source = "made up"\n'
    (tmp_path / "mixed").mkdir()
    other = calibrate(*written(mixed, tmp_path / "mixed", profile=profile))
    for path, estimate in plain.estimates.items():
        assert abs(other.estimates[path].value / estimate.value - 1) < 1e-6, path
    assert "1 SEK = 0.1 EUR. Source: made up." in other.quality


def test_lost_deals_without_amounts_are_noticed(tmp_path: Path) -> None:
    rows = ROWS.assign(value=ROWS["value"].where(ROWS["stage"] != "lost", 0.0))
    result = calibrate(*written(rows, tmp_path))
    assert result.refused["win_slope"] == "100% of lost deals carry no amount, so won and lost sizes cannot be compared"
    assert result.scenario.markets["market"].win_slope == -0.1  # the schema's default


def test_bulk_edited_close_dates_are_refused(tmp_path: Path) -> None:
    """6 % of the close dates on one day that is after all those creations."""
    decided = ROWS.index[ROWS["stage"] != "open"]
    rows = ROWS.copy()
    rows.loc[decided[: round(0.06 * len(decided))], "decided"] = "2024-06-29"
    result = calibrate(*written(rows, tmp_path))
    assert result.refused["cycle_weeks"].endswith("of the close dates are 2024-06-29: edited in bulk")
    assert result.scenario.markets["market"].cycle_weeks == 12.0
    text = result.scenario_path.read_text(encoding="utf-8")
    assert "cycle_weeks = 12.0 # default, grade C: median 84 days; refused because 6." in text
