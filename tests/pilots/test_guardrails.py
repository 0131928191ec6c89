"""Limits by hand, and looks at pilots whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.pilots.estimators import ESTIMATORS
from simulator.pilots.gradual_rollout import with_periods_before
from simulator.pilots.interim_analysis import (
    breaches,
    cost_overrun,
    first_breach,
    gaming_share,
    interim_periods,
    lift_so_far,
    run_interim_looks,
)
from simulator.pilots.panel import PilotPanel, PilotReadings
from simulator.pilots.plan import Guardrails, Interim
from simulator.stats.estimate import estimate as estimate_of, mean_of
from tests.pilots import made
from tests.pilots.panels import normal_panel

PAYOUT = PilotPanel(
    outcome=np.array([[[10.0, 30.0, 30.0], [10.0, 10.0, 60.0], [90.0, 90.0, 90.0]]]),
    before=np.array([[[4.0, 6.0], [8.0, 2.0], [70.0, 70.0]]]),
    treated=np.array([[[False, True, True], [False, False, True], [True, True, True]]]),
    observed=np.array([[[True] * 3, [True] * 3, [False] * 3]]),
    cluster=np.array([[0, 1, 2]]),
    stratum=np.zeros((1, 3), dtype=np.int64),
)
"""Two partners join one after another; the third takes no part."""


def test_cost_overrun_by_hand() -> None:
    """After quarter 1 nobody is on it; after 2: 30 on, (10 + 10 + 10) / 3 off; after 3: (30 + 30 + 60) / 3 on."""
    found = cost_overrun(PAYOUT)[0]
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([2.0, 3.0])
    everyone = replace(PAYOUT, treated=np.ones_like(PAYOUT.treated))
    assert cost_overrun(everyone)[0, 0] == pytest.approx(10 / 5 - 1)  # 5 a period before launch
    assert np.isnan(cost_overrun(replace(everyone, before=everyone.before[..., :0]))).all()


def test_gaming_share_by_hand() -> None:
    """Of the 30, then of the 120 that those on it were paid, honest partners had got 24, then 84."""
    without_gaming = np.array([[[10.0, 24.0, 30.0], [10.0, 10.0, 30.0], [0.0, 0.0, 0.0]]])
    assert gaming_share(PAYOUT, without_gaming)[0, 1:] == pytest.approx([0.2, 0.3])


def test_limits_stop_at_the_first_that_is_passed() -> None:
    seen = np.array([[[np.nan, 0.1, 0.6]], [[0.0, 0.3, 0.3]], [[-0.2, 0.1, 0.1]]])
    for g, expected in (
        (Guardrails(max_cost_overrun=0.5), (2, 0)),
        (Guardrails(max_gaming_share=0.2), (1, 1)),
        (Guardrails(min_lift=0.0), (0, 2)),
        (Guardrails(max_cost_overrun=0.05, max_gaming_share=0.2), (1, 0)),
    ):
        stop, why = first_breach(breaches(g, seen))
        assert (stop[0], why[0]) == expected
    assert first_breach(breaches(Guardrails(), seen))[0][0] == 3


def test_lift_so_far_is_the_estimate_of_what_was_seen() -> None:
    panel = normal_panel(41, 200, 16, design="wedge", effect=2.0)
    panel = replace(panel, outcome=panel.outcome + 10.0, before=panel.before + 10.0)
    found = lift_so_far(panel, lambda p: ESTIMATORS["stepped_wedge"].estimate(with_periods_before(p)))
    assert np.isnan(found[:, 0]).all()  # nobody is on it yet
    last = found[:, -1]
    assert abs(last.mean() - 0.2) < 4 * last.std() / np.sqrt(200) + 0.004  # the level is an estimate too
    assert last.std() < found[:, 1].std()


def test_looks_are_spread_over_whole_periods() -> None:
    assert interim_periods(3, 8).tolist() == [3, 6, 8]
    assert interim_periods(4, 4).tolist() == [1, 2, 3, 4]
    assert interim_periods(1, 5).tolist() == [5]


def readings(seed: int, effect: float, pilots: int = 160) -> PilotReadings:
    panel = normal_panel(seed, pilots, 24, periods=5, shared=0.0)
    simulated = replace(panel, outcome=panel.outcome + effect * panel.treated)
    return PilotReadings(simulated, panel.outcome + effect, panel.outcome)


def test_five_looks_call_too_often_unless_bounds_are_calibrated() -> None:
    estimate = ESTIMATORS["difference"].estimate
    found = run_interim_looks(Interim(looks=5, boundary="pocock"), readings(42, 0.0), estimate, 0.05, 1)
    naive = estimate_of(mean_of(found.naive_false_positives)).low
    assert naive is not None
    assert naive > 0.05
    assert abs(found.false_positives.mean() - 0.05) < 4 * np.sqrt(2 * 0.05 * 0.95 / 320)
    assert found.crossed.mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 160)
    plain = run_interim_looks(Interim(looks=5, boundary="none"), readings(42, 0.0), estimate, 0.05, 1, aa_pilots=2)
    assert plain.false_positives.mean() > 0.07


def test_a_large_effect_ends_a_pilot_early() -> None:
    found = run_interim_looks(
        Interim(looks=5, boundary="pocock"), readings(43, 2.5), ESTIMATORS["difference"].estimate, 0.05, 1
    )
    assert found.crossed.mean() > 0.95
    assert found.length.mean is not None
    assert found.length.mean < 2.5
    early = found.ends == 1
    assert found.estimated.effect[early].mean() > 2.5  # what ends early is exaggerated


def test_five_looks_at_independent_increments_call_as_often_as_theory_says() -> None:
    """0.1417 at 1.96 each (Armitage, McPherson and Rowe 1969); levels of partners do not stay, so tables hold too."""
    found = run_interim_looks(Interim(looks=5, boundary="none"), made.readings(0.0, periods=5, pilots=800, partners=60),
                   ESTIMATORS["difference"].estimate, 0.05, 1, aa_pilots=1)  # fmt: skip
    assert abs(found.naive_false_positives.mean() - 0.1417) < 4 * np.sqrt(0.1417 * 0.8583 / 800)
    assert np.array_equal(found.false_positives, found.naive_false_positives)


def test_a_limit_ends_a_pilot_without_a_call_and_counts_where_a_look_is_at_the_same_time() -> None:
    """Of an effect seen at the first look at once, pilots that a limit stops then call nothing, at any effect; those
    that it stops later have long ended."""
    harm = np.array([0, 1, 5, 4] * 40)
    big, name = readings(45, 9.0), ESTIMATORS["difference"].estimate
    found = run_interim_looks(Interim(looks=5, boundary="pocock"), big, name, 0.05, 1, harm=harm)
    assert found.stopped.tolist() == [True, False, False, False] * 40
    assert np.array_equal(found.crossed, ~found.stopped)
    assert (found.ends == 1).all()
    assert (found.lower[found.stopped] == -np.inf).all()
    at_once = run_interim_looks(Interim(), big, name, 0.05, 1, aa_pilots=1, harm=harm)
    assert at_once.ends.tolist() == [1, 2, 5, 5] * 40
    assert at_once.stopped.tolist() == [True, True, False, True] * 40
    first, whole = (name(big.panel.until(k)).effect for k in (1, 5))
    assert np.array_equal(at_once.estimated.effect[::4], first[::4])
    assert np.array_equal(at_once.estimated.effect[2::4], whole[2::4])


def test_the_lower_limit_over_looks_is_above_0_where_a_positive_effect_is_called() -> None:
    found = run_interim_looks(
        Interim(looks=4, boundary="pocock"), readings(46, 0.8), ESTIMATORS["difference"].estimate, 0.05, 1
    )
    assert np.array_equal(found.lower > 0, found.crossed & (found.estimated.effect > 0))


def test_one_look_is_the_plain_test() -> None:
    plain = readings(44, 0.5)
    found = run_interim_looks(Interim(looks=1, boundary="none"), plain, ESTIMATORS["difference"].estimate, 0.05, 1)
    assert (found.crossed == ESTIMATORS["difference"].estimate(plain.panel).rejects()).all()
