"""Diagnosands against closed forms, on normal outcomes with a known effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from simulator.pilots.diagnosands import PilotConclusions, diagnose, inflated_false_positives
from simulator.pilots.estimators import ESTIMATORS
from simulator.pilots.interim_analysis import run_interim_looks
from simulator.pilots.panel import PilotContext, PilotReadings, spill
from simulator.pilots.plan import Interim
from simulator.stats.estimate import Estimate
from tests.pilots.made import readings


def concluded(
    pilots: PilotReadings, name: str = "difference", level: float = 0.05, value: float = 1.0, aa_pilots: int = 1
) -> PilotConclusions:
    seen = run_interim_looks(Interim(), pilots, ESTIMATORS[name].estimate, level, 1, aa_pilots)
    says = seen.crossed & (seen.estimated.effect > 0)
    return PilotConclusions(pilots, level, seen, says, np.full(len(says), value))


def power_of(effect: float, per_arm: int, sd: float = 1.0, level: float = 0.05) -> float:
    """P(t > c), t noncentral with 2n - 2 degrees of freedom: two-sided test, called positive (Cohen 1988, 2.2)."""
    degrees, away = 2 * per_arm - 2, effect / (sd * np.sqrt(2 / per_arm))
    return float(stats.nct.sf(stats.t.ppf(1 - level / 2, degrees), degrees, away))


def near(got: Estimate, expected: float) -> bool:
    assert got.mean is not None
    assert got.se is not None
    return abs(got.mean - expected) <= 4 * got.se


@pytest.fixture(scope="module")
def figures() -> dict[str, Estimate]:
    return diagnose(concluded(readings(1.0, pilots=800), aa_pilots=1))


def test_power_is_that_of_the_t_test(figures: dict[str, Estimate]) -> None:
    assert near(figures["power"], power_of(1.0, 10))
    assert near(figures["assurance"], power_of(1.0, 10))


def test_power_at_other_effects_too() -> None:
    got = concluded(readings(0.3, pilots=500))
    for effect in (0.5, 1.0, 1.5):
        assert near(got.power_at(effect), power_of(effect, 10))


def test_the_least_lift_is_where_the_t_test_has_80_percent(figures: dict[str, Estimate]) -> None:
    low, high = figures["detectable_lift"].low, figures["detectable_lift"].high
    assert low is not None
    assert high is not None
    assert power_of(10 * low, 10) < 0.8 < power_of(10 * high, 10)  # the level without the candidate is 10
    assert high - low < 0.02


def test_intervals_cover_and_a_a_pilots_keep_the_level(figures: dict[str, Estimate]) -> None:
    assert near(figures["coverage"], 0.95)
    assert near(figures["false_positives"], 0.05)
    assert near(figures["bias"], 0.0)
    assert near(figures["lift"], 0.1)
    assert not inflated_false_positives(figures["false_positives"], 0.05)


def test_called_effects_are_exaggerated_as_the_t_test_says() -> None:
    """E[d | called] / effect and P(d < 0 | called) by numerical integration over the t statistic's parts."""
    got, effect, n = diagnose(concluded(readings(0.3, pilots=1500, periods=1))), 0.3, 10
    z, s = np.meshgrid(stats.norm.ppf((np.arange(2000) + 0.5) / 2000), stats.chi2.ppf((np.arange(500) + 0.5) / 500, 18))
    d, se = effect + z * np.sqrt(2 / n), np.sqrt(2 / n) * np.sqrt(s / 18)
    called = np.abs(d) > stats.t.ppf(0.975, 18) * se
    assert near(got["exaggeration"], float(np.abs(d[called]).mean() / effect))
    assert near(got["wrong_sign"], float((d[called] < 0).mean()))


def leaky(effect: float) -> dict[str, Estimate]:
    """Figures of pilots that leak a quarter of the effect, and of it take a tenth away by resentment."""
    made = concluded(readings(effect, pilots=100, leak=0.25))
    perceived = spill(made.readings.panel, made.readings.panel.outcome - made.readings.off)
    nothing = np.zeros(len(perceived))
    parts = {"contamination": perceived + 0.1 * effect, "resentment": np.full(len(perceived), -0.1 * effect)}
    return diagnose(replace(made, context=PilotContext(nothing, nothing, nothing + 4, nothing + 1, parts)))


def test_a_leak_is_found_and_biases_by_as_much() -> None:
    got = leaky(1.0)
    assert got["contamination"].mean == pytest.approx(0.25)
    assert got["from_contamination"].mean == pytest.approx(0.25 + 0.1 / 20)  # ten controls, two periods
    assert got["from_resentment"].mean == pytest.approx(-0.1 / 20)
    assert got["from_rivalry"].mean == 0.0
    assert got["shared"].mean == 0.25
    assert near(got["bias"], -0.025)


def test_contamination_of_a_harmful_candidate_has_the_same_sign() -> None:
    assert leaky(-1.0)["contamination"].mean == pytest.approx(0.25)


def test_growth_that_nobody_caused_is_what_before_after_overstates_by() -> None:
    pilots = readings(1.0, pilots=100)
    grown = replace(pilots, panel=replace(pilots.panel, before=pilots.panel.before - 0.5))
    got = diagnose(concluded(grown))
    assert near(got["pre_post"], 0.05)
    assert near(got["before_after"], 0.15)


def test_wrong_go_and_wrong_stop_are_all_that_is_said_where_the_truth_is_one_sided() -> None:
    lost = diagnose(concluded(readings(1.0, pilots=100), value=-1.0))
    gained = diagnose(concluded(readings(1.0, pilots=100), value=1.0))
    assert (lost["wrong_go"].mean, lost["wrong_stop"].mean) == (lost["assurance"].mean, 0.0)
    assert gained["wrong_stop"].mean == pytest.approx(1 - (gained["assurance"].mean or 0.0))
    assert gained["wrong_go"].mean == 0.0


def test_partners_taken_for_single_that_were_assigned_as_one_are_too_eager() -> None:
    """With half the variance shared within 4 partners the naive error is too small; the clustered one is not."""
    pilots = readings(0.0, pilots=200, partners=48, cluster=4, shared=1.0)
    assert inflated_false_positives(diagnose(concluded(pilots, "difference", aa_pilots=1))["false_positives"], 0.05)
    assert not inflated_false_positives(diagnose(concluded(pilots, "cluster", aa_pilots=1))["false_positives"], 0.05)


def test_a_a_assignments_are_those_of_the_design_drawn_anew() -> None:
    pilots = readings(1.0, pilots=50, cluster=2)
    one, two = (pilots.without_effect(1, draw) for draw in (0, 1))
    assert (one.treated.sum(axis=(1, 2)) == pilots.panel.treated.sum(axis=(1, 2))).all()
    assert (one.treated[:, ::2] == one.treated[:, 1::2]).all()  # pairs stay together
    assert (one.treated != two.treated).any()
    assert (one.treated != pilots.panel.treated).any()
    assert (one.outcome == pilots.off).all()


def test_strata_keep_their_share_in_a_a_assignments() -> None:
    pilots = readings(1.0, pilots=50)
    stratum = np.argsort(np.argsort(pilots.off[..., 0], axis=1), axis=1) // 5
    ranked = PilotReadings(replace(pilots.panel, stratum=stratum), pilots.on, pilots.off)
    drawn = ranked.without_effect(1, 0)
    for k in range(4):
        mine, theirs = (np.where(stratum == k, p.treated[..., 0], False).sum(axis=1) for p in (ranked.panel, drawn))
        assert (mine == theirs).all()
