"""Correlations of partners' effects, bent odds and a drifting slope: by hand, and found where they are planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from simulator.calibration.clean import read_export
from simulator.calibration.fit import Fit, fit_export, with_size_knee
from simulator.calibration.partner_effects import PAIRS, EffectCorrelations, fit_correlations, fit_partner_effects
from simulator.calibration.profile import load_profile
from simulator.calibration.win_odds import Trials, fit_odds, with_knee
from tests.calibration.exports import Truth, synthetic, written

TRUTH = np.array([[1.0, -0.4, 0.3], [-0.4, 1.0, -0.5], [0.3, -0.5, 1.0]])
SPREAD = np.array([1.3, 0.5, 0.6])


def seen(rng: np.random.Generator, correlation: np.ndarray, partners: int) -> EffectCorrelations:
    """Partners' posteriors had their effects been independent: y of known error e, N(s^2 y / (s^2 + e^2), ...)."""
    effects = SPREAD * (rng.normal(size=(partners, 3)) @ np.linalg.cholesky(correlation).T)
    error = SPREAD * rng.uniform(0.1, 1.0, size=(partners, 3))
    y = effects + error * rng.normal(size=(partners, 3))
    shrunk = SPREAD**2 / (SPREAD**2 + error**2)
    return fit_correlations(shrunk * y, np.sqrt(shrunk) * error, SPREAD)


@pytest.mark.parametrize("correlation", [np.eye(3), TRUTH], ids=["none", "planted"])
def test_intervals_hold_the_correlations(correlation: np.ndarray) -> None:
    """Of 150 intervals of 95 % fewer than 132 hold once in 10,000 (binomial), and none lies to one side."""
    rng, held, off = np.random.default_rng(11), 0, []
    for _ in range(50):
        found = seen(rng, correlation, 45).correlations
        for pair, place in PAIRS.items():
            low, high = found[pair].interval() or (1.0, -1.0)
            held += low <= correlation[place] <= high
            off.append(found[pair].value - correlation[place])
    assert held >= 132
    assert abs(np.mean(off)) < 4 * np.std(off) / np.sqrt(len(off)) + 0.02  # the prior draws a little to 0


def test_an_effect_is_told_by_those_that_go_with_it() -> None:
    """Partner 0 has no deals that tell its odds: their mean is R_ou (R_uu + E)^-1 y, as in a regression."""
    rng = np.random.default_rng(12)
    y = rng.normal(size=(400, 3)) @ np.linalg.cholesky(TRUTH).T
    error = np.full((400, 3), 0.3)
    error[0, 2] = 1e6
    found = fit_correlations(y / (1 + error**2), np.sqrt(error**2 / (1 + error**2)), np.ones(3))
    r = found.root @ found.root.T
    expected = r[2, :2] @ np.linalg.inv(r[:2, :2] + 0.09 * np.eye(2)) @ y[0, :2]
    assert r == pytest.approx(TRUTH, abs=0.2)
    assert found.mean[0, 2] == pytest.approx(expected, rel=1e-4)
    assert abs(expected) > 0.1


def test_what_no_deal_tells_is_not_identified() -> None:
    """Odds alike for all partners: each posterior is the prior."""
    rng = np.random.default_rng(13)
    mean, sd = rng.normal(size=(30, 3)) * [1, 1, 0], np.tile([0.2, 0.2, 1.0], (30, 1))
    text = str(fit_correlations(mean, sd, np.ones(3)))
    assert "volume and odds not identified, size and odds not identified" in text
    assert "volume and size not" not in text


def deals(knee: float | None, rng: np.random.Generator) -> Trials:
    """2,000 deals of 20 partners, log sizes of sd 2; odds fall by .8 per log unit, above the knee only where it is."""
    x, owner = 2 * rng.normal(size=2000), np.arange(2000) % 20
    regressor = x if knee is None else np.logaddexp(0, x - knee) - np.logaddexp(0, -knee)
    won = rng.random(2000) < expit(0.2 - 0.8 * regressor + 0.5 * rng.normal(size=20)[owner])
    return Trials(np.column_stack([np.ones(2000), x]), won.astype(float), np.ones(2000), owner, 20, ("m",), True)


def test_a_knee_is_found_where_it_is_and_not_elsewhere() -> None:
    straight = deals(None, np.random.default_rng(14))
    odds = fit_odds(straight)
    assert with_knee(straight, odds) is odds
    kneed = deals(0.0, np.random.default_rng(15))
    found = with_knee(kneed, fit_odds(kneed))
    assert found.knee is not None
    x = np.array([-4.0, 0.0, 4.0])
    level = logit(found.probability["m"].value) + found.slope["m"].value * found.of_size(x)
    # ln(1 + size / knee) - ln 2 of 1/e^4, 1 and e^4 times the knee; their sds over seeds are .3, .2 and .35.
    assert level == pytest.approx(0.2 - 0.8 * np.array([-0.675, 0.0, 3.325]), abs=0.6)
    assert level[0] - level[1] < 1.5  # straight odds would rise by 2.6


@pytest.fixture(scope="module")
def drifting(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fit, pd.Timestamp]:
    """Odds do not depend on size until the last half year, in which they fall by .8 per log unit."""
    rows = synthetic(Truth(win_slope=0.0, win_logit_sd_between=0.0, partners=25), seed=16)
    late = (rows["opened"] >= "2024-01-01") & rows["stage"].ne("open")
    rng, x = np.random.default_rng(17), np.log(rows["value"] / 50_000)
    again = pd.Series(np.where(rng.random(len(rows)) < expit(-0.6 - 0.8 * x), "won", "lost"))
    rows["stage"] = rows["stage"].mask(late, again)
    export, profile, _ = written(rows, tmp_path_factory.mktemp("drifting"))
    source = load_profile(profile)
    read = read_export(export, source=source)
    return fit_export(read, source.profile, label="drifting"), read.end


def test_a_slope_that_drifts_is_followed(drifting: tuple[Fit, pd.Timestamp]) -> None:
    fit, end = drifting
    known = fit_partner_effects(fit.rows, fit, end=end)
    last = fit.odds.slope["market"].value + known.slope_drift.level.mean / known.slope_drift.spread
    error = np.sqrt(known.slope_drift.level.variance) / known.slope_drift.spread
    assert abs(last + 0.8) < 4 * error
    assert fit.odds.slope["market"].value > -0.4


def test_odds_without_slopes_stay_as_they_are(tmp_path: Path, drifting: tuple[Fit, pd.Timestamp]) -> None:
    rows = synthetic(Truth(partners=20), seed=18)
    rows["value"] = rows["value"].where(rows["stage"] != "lost", 0.0)
    export, profile, _ = written(rows, tmp_path)
    source = load_profile(profile)
    fit = fit_export(read_export(export, source=source), source.profile, label="unsized")
    assert with_size_knee(fit) is fit
    assert fit_partner_effects(fit.rows, fit, end=drifting[1]).slope_drift.level.variance == 0.0
