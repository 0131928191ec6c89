"""Net value against sums by hand."""

from __future__ import annotations

from numpy.testing import assert_allclose

from simulator.metrics.base import MetricInputs
from simulator.metrics.net_value import goals_text, net_value
from simulator.scenario.schema import Goals
from tests.made_up import totals

# Two replications. Own: margin 500 and 0, cost 120 and 30, bookings 1,000 and 0 (400 of it new), kept 3 and 0; won 4
# deals in 40 weeks and none. Baseline: won 2 deals in 24 weeks, and 1 in 9.
OWN = totals(
    2, margin=[50_000, 0], cost=[12_000, 3_000], bookings=[100_000, 0], bookings_new=[40_000, 0], kept=[3, 0],
    won_by_partners=[4, 0], cycle=[40_000_000, 0],
)  # fmt: skip
BASELINE = totals(2, won_by_partners=[2, 1], cycle=[24_000_000, 9_000_000])
LIVES = MetricInputs(own=OWN, baseline=BASELINE, none=BASELINE, without_gaming=OWN, budget=None, is_baseline=False)


def test_default_is_margin_less_cost() -> None:
    assert_allclose(net_value(LIVES, Goals()), [380.0, -30.0])
    assert goals_text(Goals()) == "1 x gross margin - program cost"


def test_weights_add_up() -> None:
    # .5 x 500 + .1 x 1,000 + .2 x 400 + 10 x 3 - 120; 8 weeks saved: (12 - 10) weeks x 4 deals, none where none was won
    goals = Goals(margin=0.5, bookings=0.1, new_accounts=0.2, retention=10.0, velocity=7.0)
    assert_allclose(net_value(LIVES, goals), [250 + 100 + 80 + 30 - 120 + 7 * 8, -30.0])


def test_a_velocity_goal_does_not_punish_winning_more() -> None:
    more = MetricInputs(
        own={**BASELINE, "won_by_partners": BASELINE["won_by_partners"] * 3, "cycle": BASELINE["cycle"] * 3},
        baseline=BASELINE, none=BASELINE, without_gaming=BASELINE, budget=None, is_baseline=False,
    )  # fmt: skip
    assert_allclose(net_value(more, Goals(velocity=5.0)), [0.0, 0.0])
