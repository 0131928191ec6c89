"""Past payouts against the replayed baseline: payouts made by hand, 5 % of what each partner won in a quarter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from simulator.calibration import calibrate
from simulator.calibration.clean import Export, read_export
from simulator.calibration.crm_detection import source_of
from simulator.calibration.fit import Fit, fit_export
from simulator.calibration.partner_effects import fit_partner_effects
from simulator.calibration.payout_replay import PayoutCheck, compare_payouts
from simulator.calibration.scenario_file import plan_text
from simulator.calibration.side_files import CompanionFiles
from simulator.core.errors import InputError
from simulator.scenario.load import parse
from tests.calibration.exports import Truth, synthetic, written
from tests.calibration.test_replay import TEXT

ROWS = synthetic(Truth(partners=8, years=2.0), seed=4)
PLAN = """
name = "another scenario"

# In force since 2020.
[programs.baseline.components.share]
kind = "revenue_share"
rate = 0.05

[programs.other]
extends = "baseline"
[programs.other.components.share]
rate = 0.04

[run]
seed = 3
"""


def paid_by_hand(rate: float = 0.05) -> pd.DataFrame:
    """Payouts of 2023 and the first half of 2024, at the ends of quarters; names are written in capitals."""
    won = ROWS[(ROWS["stage"] == "won") & (ROWS["decided"] >= "2023-01-01")]
    end = pd.to_datetime(won["decided"]).dt.to_period("Q").dt.end_time.dt.strftime("%Y-%m-%d")
    sums = (rate * won["value"]).groupby([won["partner"], end]).sum().reset_index()
    return pd.DataFrame({"Partner": sums["partner"].str.lower(), "Period End": sums["decided"], "Paid": sums["value"]})


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Export, Fit]:
    export, profile, _ = written(ROWS, tmp_path_factory.mktemp("read"))
    source = source_of(export, profile)
    found = read_export(export, source=source)
    return found, fit_export(found, source.profile, label="export")


def against(read: tuple[Export, Fit], payouts: pd.DataFrame, rate: float = 0.05) -> PayoutCheck | str | None:
    """The payouts against a flat rate on the deals of `ROWS`."""
    export, fit = read
    table = payouts.set_axis(["partner", "end", "paid"], axis=1)
    table = table.assign(partner=table["partner"].str.upper(), end=pd.to_datetime(table["end"]))
    text = TEXT.replace("rate = 0.05", f"rate = {rate}", 1)
    return compare_payouts(
        replace(export, payouts=table), fit, fit_partner_effects(fit.rows, fit, end=export.end), parse(text)
    )


def test_the_right_plan_agrees(read: tuple[Export, Fit]) -> None:
    payouts = paid_by_hand()
    found = against(read, payouts)
    assert isinstance(found, PayoutCheck)
    assert str(found).endswith("they agree, in total and partner by partner")
    by_quarter = payouts.groupby("Period End")["Paid"].sum()
    for column in ("paid", "replayed"):
        assert found.periods[column].tolist() == pytest.approx(by_quarter.tolist(), rel=1e-6)


def test_another_rate_gives_its_ratio(read: tuple[Export, Fit]) -> None:
    assert "(ratio 1.25): in total they disagree; 8 of 8 partners are off by over 5%" in str(
        against(read, paid_by_hand(), rate=0.04)
    )


def test_yearly_payouts_are_held_against_years(read: tuple[Export, Fit]) -> None:
    payouts = paid_by_hand().query("`Period End` < '2024'")
    payouts = payouts.groupby("Partner", as_index=False)["Paid"].sum()
    payouts.insert(1, "Period End", "2023-12-31")
    early = payouts.assign(Paid=0.0, **{"Period End": "2022-12-31"})
    found = against(read, pd.concat([early, payouts]))
    assert isinstance(found, PayoutCheck)
    row = found.periods.loc["2023"]
    assert row["paid"] == pytest.approx(row["replayed"], rel=1e-6)


def test_payouts_of_another_time_are_refused(read: tuple[Export, Fit]) -> None:
    long_ago = pd.DataFrame({"Partner": ["P001"], "Period End": ["2001-03-31"], "Paid": [5.0]})
    assert against(read, long_ago) == "no payout falls into the time of the export"
    both = against(read, pd.concat([long_ago, paid_by_hand()]))
    assert isinstance(both, PayoutCheck)
    assert both.notes[0] == "1 payouts of other times than the export's are left out."
    assert str(both).endswith("they agree, in total and partner by partner")


def test_a_calibration_names_wrong_payouts_and_takes_the_plan_over(tmp_path: Path) -> None:
    """One partner was paid half as much again, another nothing; names are written in small letters."""
    wrong = paid_by_hand()
    wrong.loc[wrong["Partner"] == "p001", "Paid"] *= 1.5
    wrong = wrong[wrong["Partner"] != "p002"]
    export, profile, out = written(ROWS, tmp_path)
    wrong.to_csv(tmp_path / "payouts.csv", index=False)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    files = CompanionFiles(payouts=tmp_path / "payouts.csv", plan=tmp_path / "plan.toml")
    found = calibrate(export, profile, out, companions=files, report_path=tmp_path / "page.html")
    assert found.paid is not None
    assert set(found.paid.partners.index[:2]) == {"P001", "P002"}
    assert found.paid.partners.loc["P002", "paid"] == 0
    assert "in total they disagree; 2 of 8 partners are off by over 5%, differences" in found.verdicts["payouts"]
    assert found.scenario.programs["other"].components["share"].rate == 0.04  # type: ignore[union-attr]
    assert "# In force since 2020.\n" in out.read_text(encoding="utf-8")
    for text in (found.quality, (tmp_path / "page.html").read_text(encoding="utf-8")):
        assert "replayed" in text
        assert "P002" in text


def test_plans_that_cannot_be_taken_over(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    for text, message in (
        (
            '[programs.x.components.y]\nkind = "revenue_share"\n',
            "programs.baseline: is missing: the plan that was in force",
        ),
        (
            'programs = { baseline = { label = "x" } }\n',
            r"must be written as tables, \[programs.NAME...\], each on its own",
        ),
    ):
        plan.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=message):
            plan_text(plan)
