"""Fits of synthetic exports find the numbers that these were made with.

Tolerance 4 standard errors: one false alarm in 16,000 per check of an unbiased normal estimate, at fixed
seeds. That the errors themselves are honest is checked from both sides: by the spread of the errors over
seeds, and against what theory gives at best.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import Calibration, calibrate
from tests.calibration.exports import PROFILE, Truth, synthetic, written

SEEDS = range(1, 7)
MARKET = ("size_median", "size_log_sd", "win_probability", "win_slope", "cycle_weeks", "cycle_log_sd")
PARTNERS = ("opportunities_per_year", "volume_log_sd", "size_log_sd_between", "win_logit_sd_between")
PATHS = {name: f"markets.market.{name}" for name in MARKET} | {name: f"partners.partners.{name}" for name in PARTNERS}


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> list[Calibration]:
    truth = Truth()
    return [calibrate(*written(synthetic(truth, seed=seed), tmp_path_factory.mktemp(f"seed{seed}"))) for seed in SEEDS]


def standardized(fits: list[Calibration], name: str, truth: float) -> np.ndarray:
    found = [fit.estimates[PATHS[name]] for fit in fits]
    return np.array([(estimate.value - truth) / estimate.se for estimate in found if estimate.se])


@pytest.mark.parametrize("name", [*MARKET, *PARTNERS])
def test_truth_is_within_four_standard_errors(fits: list[Calibration], name: str) -> None:
    errors = standardized(fits, name, getattr(Truth(), name))
    assert len(errors) == len(SEEDS)
    assert np.abs(errors).max() < 4
    # Six squared standard normals sum to more than 27.9 once in 10,000.
    assert np.sum(errors**2) < 27.9


def test_standard_errors_are_near_what_theory_allows(fits: list[Calibration]) -> None:
    """Sd of 60 normal effects seen without noise: sd / sqrt(2 * 60). With noise it is somewhat larger."""
    truth = Truth()
    for fit in fits:
        deals = fit.estimates[PATHS["size_log_sd"]].n
        for name in ("volume_log_sd", "size_log_sd_between", "win_logit_sd_between"):
            best = getattr(truth, name) / math.sqrt(2 * truth.partners)
            error = fit.estimates[PATHS[name]].se
            assert error is not None
            assert 0.7 * best < error < 2.5 * best, name
        within = fit.estimates[PATHS["size_log_sd"]].se
        assert within == pytest.approx(truth.size_log_sd / math.sqrt(2 * deals), rel=0.1)


def test_sizes_are_of_all_deals(fits: list[Calibration]) -> None:
    """Of decided deals alone, those decided fast would count too much: large ones where losses are fast."""
    for seed, fit in zip(SEEDS, fits, strict=True):
        assert fit.estimates[PATHS["size_median"]].n == len(synthetic(Truth(), seed=seed))


def test_verdicts_accept_what_is_lognormal(fits: list[Calibration]) -> None:
    for fit in fits:
        assert fit.verdicts["sizes"].startswith("fits a lognormal (")
        assert fit.verdicts["cycles"].startswith("fits a lognormal (")
        assert fit.verdicts["partners"].startswith("partners differ")


def test_identical_partners_are_found_identical(tmp_path: Path) -> None:
    truth = Truth(win_logit_sd_between=0.0, win_slope=0.0)
    result = calibrate(*written(synthetic(truth, seed=11), tmp_path))
    assert result.estimates[PATHS["win_logit_sd_between"]].value < 0.25
    assert result.verdicts["partners"].startswith("no partner heterogeneity worth the name")


def test_the_chance_of_finding_differences_where_there_are_none_is_five_percent() -> None:
    """Of 40 worlds of identical partners more than 7 would be called different once in 1,500 (binomial)."""
    from simulator.calibration.win_odds import fit_odds, trials

    truth = Truth(win_logit_sd_between=0.0, win_slope=0.0, partners=20)
    false_alarms = 0
    for seed in range(40):
        rows = synthetic(truth, seed=seed).rename(columns={"partner": "owner", "stage": "outcome"}).assign(market="m")
        odds = fit_odds(trials(rows[rows["outcome"] != "open"], medians={}, with_size=False))
        false_alarms += odds.p_value < 0.05
    assert false_alarms <= 7


def test_segments_are_fitted_apart(tmp_path: Path) -> None:
    small = synthetic(Truth(partners=40), seed=21).assign(line="Mid market")
    large = synthetic(Truth(partners=40, size_median=400_000.0, win_probability=0.2), seed=22).assign(line="Ent/1")
    large["id"] = "E" + large["id"]
    rows = pd.concat([small, large])
    profile = PROFILE.replace('stage = "stage"\n', 'stage = "stage"\nsegment = "line"\n')
    result = calibrate(*written(rows, tmp_path, profile=profile))
    assert set(result.scenario.markets) == {"mid_market", "ent_1"}
    for name, median, odds in (("mid_market", 50_000.0, 0.35), ("ent_1", 400_000.0, 0.2)):
        for field, value in (("size_median", median), ("win_probability", odds), ("win_slope", -0.25)):
            estimate = result.estimates[f"markets.{name}.{field}"]
            assert estimate.se is not None
            assert abs(estimate.value - value) < 4 * estimate.se


def test_direct_business_becomes_the_vendor_stream(tmp_path: Path) -> None:
    rows = synthetic(Truth(), seed=31).assign(via="partner")
    house = synthetic(Truth(partners=1, opportunities_per_year=400.0, volume_log_sd=0.0), seed=32).assign(via="house")
    house["id"], house["partner"] = "D" + house["id"], "house"
    rows = pd.concat([rows, house])
    profile = PROFILE.replace('stage = "stage"\n', 'stage = "stage"\nengagement = "via"\n')
    profile += '\n[engagement]\npartner = ["partner"]\ndirect = ["house"]\n'
    result = calibrate(*written(rows, tmp_path, profile=profile))
    stream = result.estimates["territories.all.vendor_opportunities_per_year"]
    days = pd.to_datetime(house["opened"])
    assert stream.value == pytest.approx(len(house) / ((days.max() - days.min()).days / 364))  # open ones too
    assert stream.value == pytest.approx(400.0, rel=0.1)
    decided = house[house["stage"] != "open"]
    assert result.estimates["markets.market.direct_win_probability"].value == (decided["stage"] == "won").mean()
    assert result.scenario.partners["partners"].count == rows["partner"].nunique() - 1
    seen = rows[rows["stage"] != "open"].groupby("via")["stage"].agg(lambda stage: (stage == "won").mean())
    count = rows[rows["stage"] != "open"]["via"].value_counts()
    told = (
        f"won {seen['partner']:.1%} of {count['partner']:,} deals with partners and {seen['house']:.1%} of "
        f"{count['house']:,} direct ones, odds ratio "
    )
    assert result.verdicts["partner against direct"].startswith(told)
