"""The engines agree on random small scenarios: 1 to 20 partners, 13 to 104 weeks, programs of every component kind."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings

from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.random_scenarios import quick_reference, scenario_texts


@settings(
    max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(text=scenario_texts())
def test_engines_agree_on_random_programs(text: str) -> None:
    with quick_reference():
        result = verify(parse(text), replications=1, seed=1)
    assert result.agrees, result.table()
