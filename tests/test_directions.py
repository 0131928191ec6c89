"""Directions from field evidence, in simulated worlds: signs, not sizes."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engines.vector import VectorLife
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.measures import Event
from simulator.run import Simulated, Stage, fit_reference, prepare, simulate
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario

PLANS = """
name = "plans"
[time]
burn_in_weeks = 65
[markets.mid]
size_median = 30000
size_max = 1000000
signature_weeks = 3.0
[territories.all]
vendor_opportunities_per_year = 40
markets = { mid = 1.0 }
[partners.reseller]
count = 20
territory = "all"
markets = { mid = 1.0 }
opportunities_per_year = 60
[behavior]
inert_share = 0.0
[gaming]
timing_cost = 50
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
[programs.accelerator.components.core]
kind = "accelerator"
rate = 0.03
multiples = [{ above = 1.0, multiple = 4.0 }]
[programs.lumps.components.core]
kind = "revenue_share"
rate = 0.05
[programs.lumps.components.bonus]
kind = "bonus"
lumps = [{ at = 80000, amount = 4000 }, { at = 160000, amount = 6000 }]
"""


@pytest.fixture(scope="module")
def plans() -> Scenario:
    return parse(PLANS)


def lived(scenario: Scenario, share: float) -> Simulated:
    changed = with_values(scenario, {"gaming.opportunist_share": share})
    return simulate(changed, programs=("accelerator", "lumps"), replications=60, seed=3)


def surely_positive(values: np.ndarray) -> bool:
    """Whether the mean is above 0 by four standard errors."""
    return bool(values.mean() > 4 * values.std(ddof=1) / np.sqrt(len(values)))


def first_week_share(stage: Stage, program: str, gaming: bool) -> float:
    """Share of signatures filed in the first week of a quarter, where pushed ones land, or the last, where pulled."""
    life = VectorLife(stage.world, stage.rollout(program), stage.conduct[gaming]).run(-65, 52).finish()
    c = life.claims
    signed = (c["event"] == Event.SIGNED) & (c["week"] >= 0)
    week = c["week"][signed] % WEEKS_PER_QUARTER
    return float(np.isin(week, (0, WEEKS_PER_QUARTER - 1)).mean())


def test_accelerators_crowd_closings_around_the_quarters_end_and_a_linear_plan_does_not(plans: Scenario) -> None:
    """Larkin 2014, Oyer 1998: closings crowd at period ends under convex pay; a linear plan removes the pattern."""
    greedy = with_values(plans, {"gaming.opportunist_share": 1.0})
    stage = prepare(greedy, fit_reference(greedy), ("accelerator",), 3, np.arange(30))
    assert first_week_share(stage, "accelerator", True) > 1.3 * first_week_share(stage, "accelerator", False)
    assert first_week_share(stage, "baseline", True) == pytest.approx(
        first_week_share(stage, "baseline", False), abs=0.005
    )


def test_with_price_authority_an_accelerator_gives_margin_away(plans: Scenario) -> None:
    totals = lived(plans, 0.5).totals
    assert surely_positive(totals["accelerator", "strategic"]["conceded"].astype(float))
    lost = totals["accelerator", "responsive"]["margin"] - totals["accelerator", "strategic"]["margin"]
    assert surely_positive(lost.astype(float))
    assert totals["baseline", "strategic"]["conceded"].sum() == 0


def test_lump_bonuses_mainly_raise_effort_when_few_are_opportunists(plans: Scenario) -> None:
    """Steenburgh 2008: effort rises, and what gaming takes is small beside what effort brings."""
    totals = lived(plans, 0.03).totals
    lumps, base = totals["lumps", "responsive"], totals["baseline", "responsive"]
    assert surely_positive((lumps["activity.source"] - base["activity.source"]).astype(float))
    brought = (lumps["bookings"] - base["bookings"]).astype(float)
    assert surely_positive(brought)
    taken = (totals["lumps", "strategic"]["cost"] - lumps["cost"]).astype(float)
    assert taken.mean() < 0.05 * lumps["cost"].mean()
    assert taken.mean() < 0.1 * brought.mean()
