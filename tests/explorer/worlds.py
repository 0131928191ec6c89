"""A small world in which every kind of gaming is played, and its levers."""

from __future__ import annotations

from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from tests.engines.small import SMALL

RATE = "programs.full.components.core.rate"
LAG = "programs.full.components.core.terms.payout_lag_weeks"
AUDIT = "programs.full.components.demos.terms.audit_rate"
THRESHOLD = "programs.full.components.core.tiers[0].above"
_SHORT = "horizon_weeks = 26\nburn_in_weeks = 26"

SMALL_WORLD = (
    SMALL.replace("horizon_weeks = 39\nburn_in_weeks = 26", _SHORT).replace(
        "[gaming]", "[gaming]\nsplitting = true\ndiscount_dumping = true"
    )
    + '[uncertainty."behavior.elasticity"]\ndistribution = "uniform"\nlow = 0.2\nhigh = 0.8\n'
)
"""Six partners; the elasticity is uncertain."""


def small_world() -> Scenario:
    """The scenario of it."""
    return parse(SMALL_WORLD)
