"""The simulator's own deals, written as a CRM export and calibrated, give the scenario's parameters back.

The scenario leaves out what an export cannot tell apart from chance: no response (elasticity 0), no effect of
co-selling on odds or speed, one complexity, steady demand. All stage weight is on the last stage, so that lost deals,
too, are decided at the end of their cycle, and no time passes between decision and signature. Measured at each of three
seeds: ten parameters against their own standard errors, all within 4 of them.
"""

from __future__ import annotations

import pytest

from simulator.calibrate import Calibration, calibrate
from simulator.calibrate.profile import load_profile
from simulator.calibrate.simulated import simulated_exports
from simulator.calibrate.written import as_written, write_tables
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario

TEXT = """
name = "known"
[time]
horizon_weeks = 130
burn_in_weeks = 26
[economy]
market_log_sd = 0.0
[markets.market]
size_median = 50_000
size_log_sd = 1.1
size_max = 1_000_000_000
win_probability = 0.35
win_slope = -0.25
stage_weights = [0.0, 0.0, 0.0, 1.0]
cycle_weeks = 10
cycle_log_sd = 0.7
complex_share = 0.0
signature_weeks = 0.0
[territories.all]
vendor_opportunities_per_year = 0
markets = { market = 1.0 }
[partners.partners]
count = 60
territory = "all"
markets = { market = 1.0 }
opportunities_per_year = 25
volume_log_sd = 0.9
size_log_sd_between = 0.5
win_logit_sd_between = 0.6
second_partner_share = 0.0
[behavior]
elasticity = 0.0
cosell_win = 0.0
cosell_speed = 0.0
[programs.baseline.components.share]
kind = "revenue_share"
rate = 0.05
"""
MARKET = ("size_median", "size_log_sd", "win_probability", "win_slope", "cycle_weeks", "cycle_log_sd")
PARTNERS = ("opportunities_per_year", "volume_log_sd", "size_log_sd_between", "win_logit_sd_between")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(TEXT)


@pytest.fixture(scope="module")
def fits(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> list[Calibration]:
    found = []
    profile = load_profile("salesforce").profile
    for seed in (1, 2, 3):
        folder = tmp_path_factory.mktemp(f"known{seed}")
        (export,) = simulated_exports(scenario, seed=seed, gaming=False)
        opportunities = write_tables(as_written(export, profile), folder)[0]
        found.append(calibrate(opportunities, "salesforce", folder / "fitted.toml"))
    return found


@pytest.mark.parametrize("name", [*MARKET, *PARTNERS])
def test_the_scenario_comes_back(fits: list[Calibration], scenario: Scenario, name: str) -> None:
    home = scenario.markets["market"] if name in MARKET else scenario.partners["partners"]
    path = f"markets.market.{name}" if name in MARKET else f"partners.partners.{name}"
    for fit in fits:
        found = fit.estimates[path]
        assert found.se is not None
        assert abs(found.value - getattr(home, name)) < 4 * found.se
