"""What a user sees when an export or a profile cannot be used. All of it is stated exactly."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from simulator.calibration import calibrate, load_profile
from simulator.core.errors import InputError
from tests.calibration.exports import PROFILE, Truth, synthetic, written

ROWS = synthetic(Truth(partners=12, years=1.5), seed=5)


def problems_of(rows: pd.DataFrame, folder: Path, profile: str = PROFILE) -> list[str]:
    """The messages of a calibration that must fail, without the folder; nothing may have been written."""
    export, columns, out = written(rows, folder, profile=profile)
    with pytest.raises(InputError) as caught:
        calibrate(export, columns, out)
    assert sorted(path.name for path in folder.iterdir()) == ["export.csv", "profile.toml"]
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def profile_problems(folder: Path, text: str) -> list[str]:
    path = folder / "p.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_profile(path)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_unknown_stages_are_listed_with_their_counts(tmp_path: Path) -> None:
    rows = ROWS.copy()
    rows.loc[:6, "stage"] = "Closed - no decision"
    rows.loc[7:9, "stage"] = ""
    assert problems_of(rows, tmp_path) == [
        "export.csv: stage: stages that the profile does not know: 'Closed - no decision' (7 rows), "
        "'' (3 rows) (add them to [stages] as won, lost or open)"
    ]


def test_mixed_currencies_need_rates(tmp_path: Path) -> None:
    rows = ROWS.head(200).assign(currency="EUR")
    rows.loc[:39, "currency"] = "USD"
    rows.loc[40:44, "currency"] = "SEK"
    profile = PROFILE.replace('amount = "value"', 'amount = "value"\ncurrency = "currency"')
    assert problems_of(rows, tmp_path, profile) == [
        "export.csv: currency: amounts without a rate to EUR: 'USD' (40 rows), 'SEK' (5 rows) "
        "(add rates to [currency.rates] or give a table of rates; all currencies: 'EUR' (155 rows), 'USD' (40 rows), "
        "'SEK' (5 rows))"
    ]


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    rows = ROWS.rename(columns={"value": "Value", "partner": "p"})[["id", "p", "Value", "opened", "decided", "stage"]]
    assert problems_of(rows, tmp_path) == [
        "profile.toml: columns.owner = 'partner': is not a column of export.csv "
        "(columns: id, p, Value, opened, decided, stage)",
        "profile.toml: columns.amount = 'value': is not a column of export.csv (did you mean 'Value'?)",
    ]


def test_dates_in_another_format(tmp_path: Path) -> None:
    rows = ROWS.head(100).assign(opened=pd.to_datetime(ROWS["opened"]).dt.strftime("%d/%m/%Y"))
    assert problems_of(rows, tmp_path) == [
        f"export.csv: opened = '{rows['opened'].iloc[0]}': 100 of 100 values cannot be read "
        "(see dates.format in the profile, now '%Y-%m-%d')"
    ]


def test_amounts_in_another_format(tmp_path: Path) -> None:
    rows = ROWS.head(100).assign(value="1.234.567,89")
    assert problems_of(rows, tmp_path) == [
        "export.csv: value = '1.234.567,89': 100 of 100 values cannot be read (see [amounts] decimal and thousands)"
    ]


def test_empty_exports(tmp_path: Path) -> None:
    assert problems_of(ROWS.head(0), tmp_path) == ["export.csv: rows = 0: the export has a header but no rows"]
    export, profile, out = tmp_path / "export.csv", tmp_path / "profile.toml", tmp_path / "out.toml"
    export.write_text("")
    with pytest.raises(InputError, match=r"export: is not a UTF-8 CSV file with a header: No columns to parse"):
        calibrate(export, profile, out)
    export.write_bytes("partner;é".encode("latin-1"))
    with pytest.raises(InputError, match=r"export: is not a UTF-8 CSV file with a header: 'utf-8' codec can't decode"):
        calibrate(export, profile, out)
    with pytest.raises(InputError, match=r"nowhere.csv: export: cannot be read: No such file or directory"):
        calibrate(tmp_path / "nowhere.csv", profile, out)


def test_too_little_to_learn_from(tmp_path: Path) -> None:
    won = ROWS[ROWS["stage"] == "won"]
    assert problems_of(won, tmp_path) == [
        f"export.csv: rows: {len(won)} won and 0 lost: a calibration needs 50 decided opportunities, "
        "some won and some lost"
    ]


def test_too_few_owners(tmp_path: Path) -> None:
    assert problems_of(ROWS.assign(partner="we"), tmp_path) == [
        "export.csv: rows: 1 owners: differences between partners need at least 5"
    ]


def test_owner_column_that_is_no_owner(tmp_path: Path) -> None:
    assert problems_of(ROWS.assign(partner=ROWS["id"]), tmp_path) == [
        "export.csv: partner: no owner has two opportunities: is this the partner's column?"
    ]


def test_amounts_that_say_nothing(tmp_path: Path) -> None:
    assert problems_of(ROWS.assign(value="0"), tmp_path) == [
        "export.csv: amount: 0 usable amounts: sizes need 50 positive amounts, three different ones, of 5 owners"
    ]


def test_everything_excluded(tmp_path: Path) -> None:
    profile = PROFILE + '\n[[exclude]]\ncolumn = "stage"\nvalues = ["won", "lost", "open"]\nreason = "not ours"\n'
    assert problems_of(ROWS, tmp_path, profile) == [
        f"export.csv: rows = 0: no usable row is left of {len(ROWS)} (see the profile's stages, dates and exclude)"
    ]


def test_files_in_the_way_are_kept(tmp_path: Path) -> None:
    export, profile, out = written(ROWS, tmp_path)
    out.write_text("precious")
    with pytest.raises(InputError, match=r"fitted.toml: out: already exists \(choose another name or overwrite it\)"):
        calibrate(export, profile, out)
    assert out.read_text() == "precious"
    with pytest.raises(InputError, match=r"export.csv: out: is an input of the calibration"):
        calibrate(export, profile, export, overwrite=True)
    with pytest.raises(InputError, match=r"quality_path: is the scenario file itself"):
        calibrate(export, profile, tmp_path / "new.toml", quality_path=tmp_path / "new.toml")
    with pytest.raises(InputError, match=r"the folder .*missing does not exist"):
        calibrate(export, profile, tmp_path / "missing" / "new.toml")
    assert "[markets.market]" in calibrate(export, profile, out, overwrite=True).scenario_path.read_text()


def test_faults_of_a_profile_come_all_at_once(tmp_path: Path) -> None:
    text = """\
name = ""
[columns]
owner = "partner"
ammount = "value"
created = "opened"
stage = "stage"
[stages]
won = ["won"]
lost = ["won"]
[dates]
format = "%Q"
[currency]
scenario = "EUR"
rates = { USD = -0.9 }
[[exclude]]
column = "x"
vales = ["1"]
reason = "typo"
"""
    assert profile_problems(tmp_path, text) == [
        "p.toml:1: name = '': string should have at least 1 character",
        "p.toml:2: columns.amount: is required",
        "p.toml:4: columns.ammount: is not a key of a profile (did you mean 'amount'?)",
        "p.toml:7: stages: a stage can mean one thing only, listed more than once: 'won'",
        "p.toml:11: dates.format: is not a strptime format of a whole date, such as %Y-%m-%d or %d/%m/%Y",
        "p.toml:14: currency.rates.USD = -0.9: input should be greater than 0",
        "p.toml:15: exclude[0].values: is required",
        "p.toml:17: exclude[0].vales: is not a key of a profile (did you mean 'values'?)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'scenario = "EUR"',
            'scenario = "EUR"\nrates = { USD = 0.9 }',
            "currency: rates_source must say where the conversion rates come from",
        ),
        (
            'scenario = "EUR"',
            'scenario = "EUR"\nrates = { EUR = 0.9 }\nrates_source = "x"',
            "currency: the rate of the scenario currency EUR must be 1",
        ),
        (
            'closed = "decided"\n',
            "",
            "profile: dates.closed_date_valid is true, but columns.closed names no column",
        ),
        (
            'closed = "decided"\n',
            'closed = "decided"\nengagement = "via"\n',
            "profile: columns.engagement and the table [engagement] go together: give both or neither",
        ),
    ],
)
def test_contradictions_in_a_profile(tmp_path: Path, old: str, new: str, message: str) -> None:
    (found,) = profile_problems(tmp_path, PROFILE.replace(old, new))
    assert found.split(": ", 1)[1] == message


def test_profiles_that_cannot_be_read(tmp_path: Path) -> None:
    assert profile_problems(tmp_path, "name = ") == [
        "p.toml: profile: is not valid TOML: Invalid value (at end of document)"
    ]
    with pytest.raises(InputError) as caught:
        load_profile("friofrioo")
    assert str(caught.value) == (
        "friofrioo: profile: cannot be read as a UTF-8 file "
        "(a path, or one of the shipped profiles dynamics, friofrio, hubspot, maven_crm, salesforce, "
        "salesforce_objects)"
    )
