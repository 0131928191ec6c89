"""The two dated exports. Expected figures: the data's README, recounted here with plain pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import Calibration, calibrate, load_profile
from simulator.calibration.clean import read_export
from simulator.calibration.profile import SHIPPED
from simulator.calibration.win_odds import fit_odds, trials
from simulator.scenario.load import load
from tests.calibration.exports import FRIOFRIO, MAVEN, needs_data

pytestmark = needs_data


@pytest.fixture(scope="module")
def friofrio(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    return calibrate(FRIOFRIO, "friofrio", tmp_path_factory.mktemp("friofrio") / "fitted.toml")


@pytest.fixture(scope="module")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    return calibrate(MAVEN, "maven_crm", tmp_path_factory.mktemp("maven") / "fitted.toml")


def counts(calibration: Calibration) -> dict[str, int]:
    return {remark.reason: remark.count for remark in calibration.remarks}


def test_friofrio_odds_fall_with_size_as_the_readme_says(friofrio: Calibration) -> None:
    slope = friofrio.estimates["markets.market.win_slope"]
    # README: "about -.55"; with amounts above 1,000 only it is -.552, with all positive ones -.532.
    assert slope.value == pytest.approx(-0.55, abs=0.04)
    assert slope.se is not None
    assert 0.005 < slope.se < 0.04


def test_friofrio_partners_differ_widely(friofrio: Calibration) -> None:
    between = friofrio.estimates["partners.partners.win_logit_sd_between"]
    # README: "about .87". All 51 owners give more; without the two that won 97 and 100 % it is that.
    assert between.se is not None
    assert abs(between.value - 0.87) < 2 * between.se
    trimmed = friofrio.diagnostics["win_logit_sd_between_without_extremes"]
    assert trimmed.value == pytest.approx(0.87, abs=0.05)
    assert trimmed.n == between.n - 2
    assert friofrio.verdicts["partners"].startswith("partners differ: sd of the win rate between partners 0.2")


def test_friofrio_sizes_and_volumes(friofrio: Calibration) -> None:
    assert friofrio.diagnostics["size_log_sd_total"].value == pytest.approx(2.2, abs=0.1)
    parts = [
        friofrio.estimates["markets.market.size_log_sd"].value,
        friofrio.estimates["partners.partners.size_log_sd_between"].value,
    ]
    assert np.hypot(*parts) == pytest.approx(2.2, abs=0.1)
    assert friofrio.diagnostics["volume_log_sd_of_counts"].value == pytest.approx(1.66, abs=0.08)
    # Owners came and went, which inflates the spread of their counts but not of their rates.
    assert 0.9 < friofrio.estimates["partners.partners.volume_log_sd"].value < 1.6


def test_friofrio_partners_and_large_deals(friofrio: Calibration) -> None:
    """Busy partners have smaller deals and win more of them; the largest tenth recounted with plain pandas."""
    correlations = [friofrio.diagnostics[f"correlation_{pair}"] for pair in ("volume_size", "volume_odds", "size_odds")]
    limits = [estimate.interval() or (0.0, 0.0) for estimate in correlations]
    assert limits[0][1] < 0 < limits[1][0]
    assert limits[2][1] < 0.05
    rates = load_profile("friofrio").profile.currency.rates
    raw = pd.read_csv(FRIOFRIO)
    raw = raw.assign(amount=raw["amount"] * raw["currency"].map(rates)).query("amount > 0")
    top = raw[raw["amount"] >= raw["amount"].quantile(0.9)]
    won = raw["stage"].eq("Closed Won")
    value = raw.loc[won, "amount"].sum() / raw["amount"].sum()
    text = friofrio.verdicts["large deals"]
    assert f"{top['stage'].eq('Closed Won').mean():.1%} (" in text
    assert f"of all value {value:.1%}, " in text
    assert any("slope of odds in log size drifted: at the end of the export it is -0." in c for c in friofrio.cautions)


def test_friofrio_largest_amount_is_converted(friofrio: Calibration) -> None:
    raw = pd.read_csv(FRIOFRIO)
    assert raw.loc[raw["currency"] == "JPY", "amount"].max() > raw.loc[raw["currency"] == "USD", "amount"].max()
    assert friofrio.estimates["markets.market.size_max"].value == raw.loc[raw["currency"] == "USD", "amount"].max()
    assert counts(friofrio)["amount converted from JPY"] == (raw["currency"] == "JPY").sum() == 1258


def test_friofrio_close_dates_are_refused(friofrio: Calibration) -> None:
    assert "two bulk edits" in friofrio.refused["cycle_weeks"]
    assert friofrio.scenario.markets["market"].cycle_weeks == 12.0
    assert counts(friofrio)["close dates on the busiest day, 2018-02-08"] == 3303
    assert counts(friofrio)["amount zero or negative (decided deals)"] == 84


def test_bulk_edits_are_found_without_being_told(tmp_path: Path) -> None:
    trusting = (SHIPPED / "friofrio.toml").read_text(encoding="utf-8")
    profile = tmp_path / "trusting.toml"
    profile.write_text(trusting.replace("closed_date_valid = false", "closed_date_valid = true"), encoding="utf-8")
    result = calibrate(FRIOFRIO, profile, tmp_path / "fitted.toml")
    assert result.refused["cycle_weeks"] == "46.2% of the close dates are 2018-02-08: edited in bulk"


def test_maven_sellers_do_not_differ(maven: Calibration) -> None:
    spread = maven.diagnostics["win_rate_sd_between"]
    assert spread.value < 0.02
    assert maven.verdicts["partners"].startswith("no partner heterogeneity worth the name")


def test_maven_seller_spread_agrees_with_the_moments() -> None:
    raw = pd.read_csv(MAVEN)
    raw = raw[raw["deal_stage"].isin(["Won", "Lost"])]
    sellers = raw["deal_stage"].eq("Won").groupby(raw["sales_agent"]).agg(["mean", "size"])
    p, n = sellers["mean"], sellers["size"]
    by_moments = float(np.sqrt(p.var() - (p * (1 - p) / (n - 1)).mean()))
    rows = read_export(MAVEN, source=load_profile("maven_crm")).rows.assign(market="market")
    odds = fit_odds(trials(rows[rows["outcome"].ne("open")], medians={}, with_size=False))
    assert odds.rate_sd.value == pytest.approx(0.009, abs=0.002)  # README
    assert odds.rate_sd.value == pytest.approx(by_moments, abs=0.005)  # all sellers weigh the same in it
    assert odds.p_value > 0.05
    assert odds.upper is not None
    assert odds.between.value < odds.upper < 0.2


def test_maven_neither_sizes_nor_cycles_fit(maven: Calibration) -> None:
    assert maven.verdicts["sizes"].startswith("does not fit a lognormal")
    assert "sizes are list prices" in maven.verdicts["products"]
    weekends = next(r for r in maven.remarks if r.reason == "close dates on a weekend")
    assert weekends.detail.endswith("above 20 %, dates ignore the working week")
    assert maven.verdicts["cycles"].startswith("does not fit a lognormal")
    assert "2 separate peaks" in maven.verdicts["cycles"]
    assert "lost deals carry no amount" in maven.refused["win_slope"]


def test_maven_rows_are_accounted_for(maven: Calibration) -> None:
    raw = pd.read_csv(MAVEN)
    undated = raw["engage_date"].isna()
    found = counts(maven)
    assert found["product: 'GTXPro' written as 'GTX Pro'"] == raw["product"].eq("GTXPro").sum() == 1480
    assert found["created date missing"] == undated.sum() == 500
    assert found["open opportunities"] == 1589
    cut = "created before 2017-03-01, cohorts cut off by the closing date: not used for any fit"
    assert found[cut] == (raw["engage_date"] < "2017-03-01").sum()
    assert found["account missing"] == 1425 - (raw["account"].isna() & undated).sum()
    assert "28.4%" in maven.quality


def test_fitted_scenarios_load_and_keep_their_numbers(friofrio: Calibration, maven: Calibration) -> None:
    for result in (friofrio, maven):
        assert load(result.scenario_path) == result.scenario
        assert set(result.scenario.programs) == {"baseline", "accelerator"}
        assert result.quality_path.read_text(encoding="utf-8") == result.quality
        assert str(FRIOFRIO.parent.parent) not in result.scenario_path.read_text(encoding="utf-8") + result.quality
