"""The simulator's own deals, written as a CRM export and calibrated, give the scenario's parameters back.

The scenario leaves out what an export cannot tell apart from chance: no response (elasticity 0), no effect of
co-selling on odds or speed, one complexity, steady demand. All stage weight is on the last stage, so that lost deals,
too, are decided at the end of their cycle, and no time passes between decision and signature. Measured at each of three
seeds: ten parameters against their own standard errors, all within 4 of them.
"""

from __future__ import annotations

import pytest

from benchmarks.recovery import MARKET, PARTNERS, known
from simulator.calibration import Calibration, calibrate
from simulator.calibration.profile import load_profile
from simulator.calibration.simulated_export import crm_tables, simulated_exports, write_tables
from simulator.scenario.schema import Scenario

CHANGES = {
    "time.horizon_weeks": 130, "markets.market.cycle_weeks": 10, "partners.partners.count": 60,
    "partners.partners.opportunities_per_year": 25, "partners.partners.volume_log_sd": 0.9,
}  # fmt: skip


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return known(CHANGES)


@pytest.fixture(scope="module")
def fits(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> list[Calibration]:
    found = []
    profile = load_profile("salesforce").profile
    for seed in (1, 2, 3):
        folder = tmp_path_factory.mktemp(f"known{seed}")
        (export,) = simulated_exports(scenario, seed=seed, gaming=False)
        opportunities = write_tables(crm_tables(export, profile), folder)[0]
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
