"""Behavior from moments: a linear-normal case in closed form, recovery on simulated exports, and what is not moved."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri

from simulator.calibration import behavior_abc as behavior_module
from simulator.calibration.behavior_abc import fit_behavior, moments, posterior, thresholds, with_uncertainty
from simulator.calibration.simulated_export import SimulatedExport, simulated_exports
from simulator.core.errors import InputError
from simulator.runs.designs import SOBOL, unit_points
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario

TEXT = """
name = "watched"
[time]
horizon_weeks = 52
burn_in_weeks = 26
[markets.market]
size_median = 20_000
size_log_sd = 0.5
size_max = 1_000_000
cycle_weeks = 6
win_probability = 0.5
[territories.all]
vendor_opportunities_per_year = 1
markets = { market = 1.0 }
[partners.partners]
count = 12
territory = "all"
markets = { market = 1.0 }
opportunities_per_year = 40
volume_log_sd = 0.3
[gaming]
max_shift_weeks = 4
concession_per_week = 0.001
[programs.baseline.components.share]
kind = "revenue_share"
rate = 0.02
[programs.baseline.components.bonus]
kind = "bonus"
lumps = [{ at = 80_000, amount = 8_000 }, { at = 120_000, amount = 8_000 }, { at = 160_000, amount = 8_000 }]
[uncertainty."gaming.opportunist_share"]
distribution = "uniform"
low = 0.0
high = 1.0
[uncertainty."behavior.discount_rate"]
distribution = "uniform"
low = 0.05
high = 0.3
"""
GAMES, DISCOUNT = "gaming.opportunist_share", "behavior.discount_rate"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(TEXT)


@pytest.fixture(scope="module")
def worlds(scenario: Scenario) -> list[SimulatedExport]:
    return list(simulated_exports(scenario, seed=5, replications=range(100)))


def test_a_linear_normal_case_is_its_closed_form() -> None:
    """theta ~ N(0, 1), moment ~ N(theta, .5^2), seen at 1: posterior N(.8, .2); the second number is not moved."""
    rng = np.random.default_rng(1)
    theta = rng.normal(size=(20_000, 2))
    moment = theta[:, :1] + 0.5 * rng.normal(size=(20_000, 1))
    for k, (mean, sd, share) in enumerate(((0.8, np.sqrt(0.2), 0.8), (0.0, 1.0, 0.0))):
        kept, weight, told = posterior(ndtr(theta[:, k]), moment, np.array([1.0]))
        drawn = ndtri(kept)
        found = np.average(drawn, weights=weight)
        # Some 5,500 draws count: four standard errors of the second mean are .055.
        assert found == pytest.approx(mean, abs=0.055)
        assert np.sqrt(np.average((drawn - found) ** 2, weights=weight)) == pytest.approx(sd, abs=0.04)
        assert told == pytest.approx(share, abs=0.015)


def test_moments_by_hand() -> None:
    """Two partners; quarters that end on 31 March and 30 June. Thresholds at 100: sums of 105 and 95 lie near it."""
    rows = pd.DataFrame(
        [
            ("a", "2024-01-05", "2024-03-28", "won", 105.0, False),
            ("a", "2024-02-05", "2024-06-02", "won", 95.0, False),
            ("b", "2024-02-05", "2024-04-03", "won", 10.0, False),
            ("b", "2024-02-09", "2024-03-30", "lost", 10.0, False),
            ("", "2024-02-09", "2024-03-30", "won", 10.0, True),
        ],
        columns=["owner", "created", "closed", "outcome", "amount", "direct"],
    ).astype({"created": "datetime64[ns]", "closed": "datetime64[ns]"})
    found = moments(rows, pd.Timestamp("2024-06-30"), (100.0,))
    assert list(found.values()) == pytest.approx([1.5 / 4, 1.5 / 4, 1.5 / 2, 2 / 2 / 4, 1.5 / 3])


def test_recovery_and_what_is_not_identified(scenario: Scenario, worlds: list[SimulatedExport]) -> None:
    """Each of 40 simulated exports taken for the real one, the other 99 for the simulations: how many 80 % intervals
    hold the share of opportunists that made it. 32 are expected; 25 or fewer would come once in 200."""
    ids = np.arange(len(worlds))
    points = unit_points(scenario, SOBOL, 5, ids)
    assert points is not None
    table = np.array([list(moments(w.opportunities, w.end, thresholds(scenario)).values()) for w in worlds])
    place = list(scenario.uncertainty).index(GAMES)
    held, error = 0, []
    for k in range(40):
        others = np.delete(ids, k)
        kept, weight, told = posterior(points[others, place], table[others], table[k])
        order = np.argsort(kept)
        low, high = np.interp([0.1, 0.9], np.cumsum(weight[order]) / weight.sum(), kept[order])
        held += low <= points[k, place] <= high
        error.append(np.average(kept, weights=weight) - points[k, place])
        assert told > 0.3
        # Discounting does not show in closing dates.
        assert posterior(points[others, 1 - place], table[others], table[k])[2] < 0.1
    assert held > 25
    # A guess at the prior mean errs by .29; of 12 partners the share itself comes true only within .14.
    assert np.sqrt(np.mean(np.square(error))) < 0.25


def test_what_was_learned_takes_the_priors_place(
    scenario: Scenario, worlds: list[SimulatedExport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behavior_module, "simulated_exports", lambda *_, **__: iter(worlds))
    study = fit_behavior(scenario, worlds[3].opportunities, worlds[3].end, replications=100, seed=5)
    by_path = {x.path: x for x in study.learned}
    assert by_path[GAMES].identified
    assert not by_path[DISCOUNT].identified
    assert by_path[DISCOUNT].posterior == pytest.approx(by_path[DISCOUNT].prior)  # it keeps its prior
    # Of 100 intervals of 90 %, 78 or more hold but for chance (four standard errors).
    assert all(0.78 <= x.held <= 1 for x in study.learned)
    low, high = by_path[GAMES].interval
    assert low < by_path[GAMES].posterior[0] < high
    assert "quarter" in by_path[GAMES].by[0]
    assert f"not identified, prior kept: {DISCOUNT}" in study.headline()
    learned = parse(with_uncertainty(TEXT, study))
    assert learned.uncertainty[GAMES].distribution == "empirical"
    assert learned.uncertainty[GAMES].values == pytest.approx(by_path[GAMES].values, rel=1e-4)
    assert learned.uncertainty[DISCOUNT] == scenario.uncertainty[DISCOUNT]
    assert study.plot().get_title(loc="left") == "What the export says of behavior"
    assert "identified" in study.summary()
    certain = scenario.model_copy(update={"uncertainty": {}})
    with pytest.raises(InputError, match="is uncertain"):
        fit_behavior(certain, worlds[3].opportunities, worlds[3].end, replications=100, seed=5)
    # The pipeline of simulated exports fills over 20 of their 78 weeks.
    with pytest.raises(InputError, match="weeks = 60: must be at most 58: the export has 7"):
        fit_behavior(scenario, worlds[3].opportunities, worlds[3].end, replications=100, seed=5, weeks=60)
    with pytest.raises(InputError, match="must be at least 100"):
        fit_behavior(scenario, worlds[3].opportunities, worlds[3].end, replications=50, seed=5)
