"""What a pilot decides and what that is worth, against closed forms and cases worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from simulator.core.arrays import Array
from simulator.pilots.decision import PilotWorth, conclude, cost_of, gain_of, worth_of
from simulator.pilots.diagnosands import PilotConclusions
from simulator.pilots.interim_analysis import InterimResult
from simulator.pilots.panel import PilotEstimate
from simulator.pilots.plan import Plan, plan_of
from simulator.scenario.load import parse
from simulator.stats.sensitivity.factors import EstimateWithCI
from tests.pilots.made import normals, readings
from tests.scenario.texts import SMALL

N = 4000


def plan(**changes: object) -> Plan:
    """Two quarters of pilot, and one to use what was learned."""
    tree = {"candidate": "growth", "design": {"quarters": 2}, "rollout": {"quarters": 3}}
    return plan_of({**tree, "measure": {"estimator": "difference"}, **changes}, parse(SMALL))


def told(value: Array, effect: Array) -> PilotConclusions:
    """Pilots that estimate `effect` and decide by the value expected from it, where V ~ N(2, 5^2)."""
    known = np.full(len(value), np.inf)
    weight = np.cov(value, effect)[0, 1] / np.var(effect, ddof=1)
    says = value.mean() + weight * (effect - effect.mean()) > 0
    return PilotConclusions(readings(0.0, pilots=4), 0.05, at_end(effect, known), says, value)


def at_end(effect: Array, known: Array) -> InterimResult:
    """Pilots that are looked at when their two periods are over."""
    return InterimResult(
        np.array([2]), np.array([1.96]), np.array([1.96]), np.full(len(effect), 2), PilotEstimate(effect, known, known),
        known > np.inf, effect, known > np.inf, np.zeros(len(effect)), np.zeros(len(effect)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def worth() -> PilotWorth:
    """V ~ N(2, 5^2), seen with an error of sd 20 / sqrt(16) = 5."""
    z = normals(1, "value", N)
    value = 2 + 5 * (z - z.mean()) / z.std()
    effect = value + 5 * normals(2, "error", N)
    inputs = (("behavior.elasticity",), stats.norm.cdf((value - 2) / 5)[:, None])
    return worth_of(plan(), told(value, effect), np.zeros((N, 2)), 9, inputs, 1)


def near(got: EstimateWithCI, expected: float) -> bool:
    return abs(got.value - expected) <= 4 * got.se


def test_evsi_and_evpi_of_the_normal_with_two_actions(worth: PilotWorth) -> None:
    """mu0 = 2, sigma0 = 5, sigma = 20, n = 16: EVPI 1.152194, EVSI .630319 (Raiffa and Schlaifer 1961)."""
    assert worth.perfect is not None
    assert near(worth.sampled.worth, 0.630319)
    assert near(worth.perfect.worth, 1.152194)
    assert worth.sampled.worth.se < 0.1


def test_half_the_variance_is_learned_where_error_and_prior_are_alike(worth: PilotWorth) -> None:
    """Of the normal itself 1 - 25 / 50; its coordinate on (0, 1) has (6/pi asin(r/2))^2."""
    spearman = 6 / np.pi * np.arcsin(np.sqrt(0.5) / 2)
    assert worth.learned[0].explained == pytest.approx(spearman**2, abs=0.03)


def test_piloting_gains_what_it_tells_less_delay_and_cost(worth: PilotWorth) -> None:
    """Three quarters of V now are worth 6; after the pilot the last of them E max(0, E[V | estimate]) = 2.630319."""
    assert near(worth.now, 6.0)
    assert near(worth.after, 2.630319)
    assert near(worth.gain, 2.630319 - 6.0)


def test_a_pilot_pays_once_its_decision_counts_long_enough(worth: PilotWorth) -> None:
    """Each further quarter adds .630319, so the 3.369681 that are lacking take 5.346 more."""
    assert worth.break_even == pytest.approx(3 + 3.369681 / 0.630319, rel=0.2)


def test_money_by_hand() -> None:
    """Two worlds, worth 10 and -4 a quarter: a rollout at once gains 3 a quarter. The pilot says go in the first alone.

    It costs 1 + 0.5 x 4 x 2 = 5 and gains 2 and -1 as it runs. World 1: 2 + 10 - 5 = 7 against 30; world 2: -1 - 5 = -6
    against -12.
    """
    asked = plan(cost={"fixed": 1.0, "per_partner_quarter": 0.5})
    value, during, says = np.array([10.0, -4.0]), np.array([2.0, -1.0]), np.array([True, False])
    assert cost_of(asked, 4, 2) == 5.0
    gained = np.column_stack([np.zeros(2), during])
    made = replace(told(value, value), go=says)
    assert gain_of(asked, made, gained, 4).value == pytest.approx(((7 - 30) + (-6 + 12)) / 2)
    lost = replace(made, value=np.array([4.0, -10.0]))  # worth -3 on average: not rolled out without a pilot
    assert gain_of(asked, lost, gained, 4).value == pytest.approx(((2 + 4 - 5) + (-1 - 5)) / 2)
    # Ended after a quarter, the first is rolled out for two and costs 3; what it would have gained later is not gained.
    early = replace(made, seen=replace(made.seen, ends=np.array([1, 2])))
    assert gain_of(asked, early, gained, 4).value == pytest.approx(((20 - 3 - 30) + (-6 + 12)) / 2)


@pytest.mark.parametrize(
    ("decision", "bar"),
    [
        ({"rule": "above_threshold", "threshold": 0.05}, 0.5),
        ({"rule": "expected_value"}, 0.4),
    ],
)
def test_rules_go_above_their_bar(decision: dict[str, object], bar: float) -> None:
    """The level is 10 exactly, so a lift of 5 % is an effect of .5; a rollout worth effect - .4 pays above .4."""
    pilots = readings(0.0, pilots=400, sd=1e-9)
    effect = np.linspace(-1, 1, 400)
    panel = replace(pilots.panel, outcome=pilots.off + np.where(pilots.panel.treated, effect[:, None, None], 0.0))
    says = conclude(plan(decision=decision), replace(pilots, panel=panel), effect - 0.4, 1, aa_pilots=1).go
    assert (says == (effect > bar)).mean() > 0.99


def test_significant_means_positive_too() -> None:
    harmful = conclude(plan(), readings(-3.0, pilots=50), np.ones(50), 1, aa_pilots=1)
    assert harmful.called.all()
    assert not harmful.go.any()
