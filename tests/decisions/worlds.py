"""A linear world: nobody responds and nobody games, so that what a program costs is all that tells it from another."""

from __future__ import annotations

from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from simulator.studies.base import Bench
from tests.engines.small import HEAD

_PROGRAMS = """
[budget]
per_year = 60000
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
[programs.flat.components.core]
kind = "revenue_share"
rate = 0.08
[programs.tiers.components.core]
kind = "revenue_share"
rate = 0.05
tiers = [{ above = 80000, rate = 0.07 }]
"""


def linear_world() -> Scenario:
    """Baseline 5 % of revenue; `flat` 8 %; `tiers` 5 % and 7 % above 80,000 per quarter."""
    head = HEAD.replace("elasticity = 0.8", "elasticity = 0.0")
    head = head.replace("[gaming]", "[gaming]\ntiming = false\npadding = false\ncredit_claiming = false")
    head = head.replace("horizon_weeks = 39\nburn_in_weeks = 26", "horizon_weeks = 13\nburn_in_weeks = 13")
    return parse(head.replace("count = 6", "count = 4") + _PROGRAMS)


def linear_bench(replications: int = 40, seed: int = 3) -> Bench:
    """Worlds of it."""
    return Bench(linear_world(), replications, seed)
