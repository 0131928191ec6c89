"""Closing days, seasons, partner against direct, and answers to past changes: found where planted, not elsewhere."""

from __future__ import annotations

import math
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import calibrate
from simulator.calibration.calendar_effects import ClosingPattern, Season, closing_pattern, fit_response, fit_season
from simulator.calibration.crm_detection import source_of
from simulator.calibration.profile import ProgramChange
from simulator.calibration.win_odds import direct_contrast
from simulator.core.errors import InputError
from tests.calibration.exports import DATA, MAVEN, PROFILE, Truth, needs_data, synthetic, written

END = pd.Timestamp("2024-12-31")
DAYS = pd.date_range("2023-01-01", END)
TO_END = (DAYS + pd.offsets.QuarterEnd(0) - DAYS).days


def closes(rate: np.ndarray, name: str, rng: np.random.Generator) -> pd.DataFrame:
    """Closes of one outcome, Poisson at `rate` by day."""
    return pd.DataFrame({"closed": np.repeat(DAYS, rng.poisson(rate)), "outcome": name})


def usual(month_step: float = 1.0) -> np.ndarray:
    """Three closes on a working day, none on weekends, and more in the third month of a quarter."""
    third = np.where(DAYS.month % 3 == 0, month_step, 1.0)
    return np.where(DAYS.day_of_week < 5, 3.0, 0.0) * third


def test_wins_that_crowd_before_quarters_end_are_found() -> None:
    rng = np.random.default_rng(1)
    crowded = usual() * np.where(TO_END < 7, 1.8, 1.0)
    pattern = closing_pattern(pd.concat([closes(crowded, "won", rng), closes(usual(), "lost", rng)]), end=END)
    assert isinstance(pattern, ClosingPattern)
    assert pattern.crowds
    found = pattern.won["quarter_end"]
    assert found.se is not None
    assert abs(math.log(found.value / 1.8)) < 4 * found.se / found.value
    assert str(pattern).startswith("wins crowd before quarters end")


def test_neither_weekends_nor_busy_months_nor_busy_ends_of_both_are_games() -> None:
    """A false alarm needs two intervals to err upwards at once: at most 2.5 % of worlds; of 12, more than 2 once in
    300 at worst."""
    alarms = 0
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        ends = np.where(TO_END < 7, 1.5, 1.0)
        rows = pd.concat([closes(usual(1.6) * ends, "won", rng), closes(usual() * ends, "lost", rng)])
        pattern = closing_pattern(rows, end=END)
        assert isinstance(pattern, ClosingPattern)
        alarms += pattern.crowds
    assert alarms <= 2


def test_few_closes_tell_nothing() -> None:
    rows = closes(usual() / 20, "won", np.random.default_rng(2))
    assert "at least 3 quarters and 300 of each are needed" in str(closing_pattern(rows, end=END))


@needs_data
def test_maven_plays_no_timing_games(tmp_path: Path) -> None:
    """Its planted step is by month: recounted with plain pandas, no day of the last week stands out."""
    found = calibrate(MAVEN, "maven_crm", tmp_path / "fitted.toml").verdicts["closing"]
    assert found.startswith("no sign of a timing game: wins in a quarter's last 7 days 1.05 (0.95 to 1.16)")
    raw = pd.read_csv(MAVEN, parse_dates=["close_date"]).dropna(subset="close_date")
    third = raw[raw["close_date"].dt.month % 3 == 0]
    share = third["deal_stage"].eq("Won").mean()
    assert f"{share:.0%}" == found.rsplit(", ", 1)[1]


def test_seasons_are_found_under_growth_and_not_invented() -> None:
    def created(seasonal: bool, seed: int) -> pd.Series:
        rng = np.random.default_rng(seed)
        days = pd.date_range("2020-01-01", "2023-12-31")
        level = 2.0 * np.exp(0.4 * np.arange(len(days)) / 365)
        shape = np.array([0.7, 1.0, 0.9, 1.4])[days.quarter - 1] if seasonal else 1.0
        return pd.Series(np.repeat(days, rng.poisson(level * shape)))

    found = fit_season(created(True, 3), end=pd.Timestamp("2023-12-31"))
    assert isinstance(found, Season)
    for estimate, truth in zip(found.by_quarter, (0.7, 1.0, 0.9, 1.4), strict=True):
        assert estimate.se is not None
        assert abs(estimate.value - truth) < 4 * max(estimate.se, 0.03)
    refusals = [fit_season(created(False, 10 + k), end=pd.Timestamp("2023-12-31")) for k in range(12)]
    # At 1 %, three or more of 12 would be called seasonal once in 5,000.
    assert sum(isinstance(r, Season) for r in refusals) <= 2
    short = created(True, 3)
    assert "cannot tell seasons from growth" in str(
        fit_season(short[short < "2021-10-01"], end=pd.Timestamp("2021-09-30"))
    )


def test_odds_ratio_by_hand() -> None:
    """3 of 4 with partners, 2 of 6 direct: (3 * 4) / (1 * 2) = 6; log variance 1/3 + 1 + 1/2 + 1/4 = 25/12."""
    won = pd.Series([True] * 3 + [False] + [True] * 2 + [False] * 4)
    direct = pd.Series([False] * 4 + [True] * 6)
    found = direct_contrast(won, direct)
    assert found is not None
    assert found.ratio.value == pytest.approx(6)
    assert found.ratio.se == pytest.approx(6 * math.sqrt(25 / 12))
    assert direct_contrast(won, pd.Series(True, index=won.index)) is None


@needs_data
def test_salvirt_partners_win_more_often_which_is_no_effect() -> None:
    raw = pd.read_csv(DATA / "salvirt_b2b" / "B2B_dataset.csv")
    found = direct_contrast(raw["Status"].eq("Won"), raw["Partnership"].ne("Yes"))
    assert found is not None
    assert str(found).startswith(
        "won 67.9% of 53 deals with partners and 48.4% of 395 direct ones, odds ratio 2.26 [1.23, 4.16]. "
    )
    assert "Who works a deal is not drawn by lot" in str(found)
    # Without dates and amounts there is nothing to calibrate; the message says which columns are there.
    with pytest.raises(InputError, match=r"are not the default columns of .*columns: Product, Seller, .*Status\)"):
        source_of(DATA / "salvirt_b2b" / "B2B_dataset.csv", None)


def answering(eps: float, drift: float, seed: int) -> pd.DataFrame:
    """Two dozen partners over 16 quarters; half of them earn 1.5 times as much per opportunity from the tenth on."""
    rng = np.random.default_rng(seed)
    start = pd.period_range("2021Q1", periods=16, freq="Q")
    rows = []
    for partner in range(24):
        base = 8 * math.exp(0.6 * rng.normal())
        for q, period in enumerate(start):
            changed = partner < 12
            mean = base * (1.5**eps if changed and q >= 9 else 1.0) * math.exp(drift * (q - 8) * changed)
            days = rng.integers(0, 90, size=rng.poisson(mean))
            rows += [
                {"owner": f"P{partner:02d}", "created": period.start_time + pd.Timedelta(days=int(d))} for d in days
            ]
    return pd.DataFrame(rows)


CHANGE = ProgramChange(day=date(2023, 4, 1), value_ratio=1.5, owners=[f"P{k:02d}" for k in range(12)])


def test_the_elasticity_behind_a_past_change_is_found() -> None:
    errors = []
    for seed in range(3):
        study = fit_response(answering(0.6, 0.0, seed), [CHANGE], end=pd.Timestamp("2024-12-31"))
        assert study.elasticity is not None
        assert study.elasticity.se is not None
        errors.append((study.elasticity.value - 0.6) / study.elasticity.se)
    assert np.abs(errors).max() < 4
    assert np.square(errors).sum() < 21.1  # once in 10,000


def test_partners_that_moved_apart_before_tell_nothing() -> None:
    study = fit_response(answering(0.6, 0.2, 1), [CHANGE], end=pd.Timestamp("2024-12-31"))
    assert study.elasticity is None
    assert "moved apart already before it" in study.reason
    everyone = ProgramChange(day=date(2023, 4, 1), value_ratio=1.5)
    alone = fit_response(answering(0.6, 0.0, 2), [everyone], end=pd.Timestamp("2024-12-31"))
    assert alone.elasticity is None or "all else that happened then is counted in" in alone.reason
    late = ProgramChange(day=date(2024, 11, 1), value_ratio=1.5)
    assert "leaves too little to compare" in fit_response(answering(0.6, 0.0, 3), [late], end=END).reason


def test_what_is_fitted_is_uncertain_in_the_scenario(tmp_path: Path) -> None:
    result = calibrate(*written(synthetic(Truth(partners=30), seed=8), tmp_path, profile=PROFILE))
    given = tomllib.loads(result.scenario_path.read_text(encoding="utf-8"))["uncertainty"]
    expected = {path for path, e in result.estimates.items() if e.se}
    assert set(given) == expected | {"behavior.elasticity"}
    slope, cycle = given["markets.market.win_slope"], given["markets.market.cycle_weeks"]
    estimate = result.estimates["markets.market.cycle_weeks"]
    assert (slope["distribution"], cycle["distribution"]) == ("normal", "lognormal")
    assert estimate.se is not None
    assert cycle["log_sd"] == pytest.approx(estimate.se / estimate.value, rel=1e-3)
    assert "elasticity is the graded prior" in result.refused["elasticity"]
