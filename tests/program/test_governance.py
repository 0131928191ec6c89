"""Rules of review by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.program.conditions import CompiledBudget
from simulator.program.governance import CompiledRule, ProgramAdjustments

ONE = np.ones((1, 1))


def rule(acts_on: str, **changed: Any) -> CompiledRule:
    made = {
        "signal": "payout", "components": (0,), "every": 1, "aim": 1000 * ONE, "gain": 0.5 * ONE, "low": 0.5 * ONE,
        "high": 1.5 * ONE, "funded_by": None,
    } | changed  # fmt: skip
    return CompiledRule(acts_on=acts_on, **made)


def after(
    rules: list[CompiledRule], *quarters: tuple[float, float, float], pools: tuple[float, ...] = ()
) -> ProgramAdjustments:
    """What is in force after quarters of (accrued, attained, expected) of component 0; of component 1 nothing."""
    budgets = [CompiledBudget(p * ONE, 13) for p in pools] or [None, None]
    now = ProgramAdjustments.at_launch(2, 1)
    for number, seen in enumerate(quarters, start=1):
        now = now.seeing(0, *(np.array([[x]]) for x in seen)).reviewed(rules, budgets, number)
    return now


def test_rates_fall_by_the_root_of_what_is_over() -> None:
    # 1,440 instead of 1,000: (1000 / 1440)^.5 = 1 / 1.2. Then 1,000: as aimed at, nothing moves.
    now = after([rule("rate")], (1440, 0, 0), (1000, 0, 0))
    assert now.rates[0][0, 0] == pytest.approx(1 / 1.2)
    assert now.rates[1][0, 0] == 1.0


def test_factors_stay_within_bounds_and_come_back() -> None:
    assert after([rule("rate")], (9000, 0, 0)).rates[0][0, 0] == 0.5
    assert after([rule("rate")], (0, 0, 0)).rates[0][0, 0] == 1.5
    # At the bound .5, then a quarter of the aim: .5 (1000 / 250)^.5 = 1.
    assert after([rule("rate")], (9000, 0, 0), (250, 0, 0)).rates[0][0, 0] == pytest.approx(1.0)


def test_beaten_targets_are_raised_and_missed_ones_lowered() -> None:
    ratchet = rule("target", signal="attainment", aim=ONE, gain=ONE, high=2 * ONE)
    # Attained 132 of 120: 1.1. Then 108 of 120: 1.1 * .9 = .99.
    assert after([ratchet], (0, 132, 120)).targets[0][0, 0] == pytest.approx(1.1)
    assert after([ratchet], (0, 132, 120), (0, 108, 120)).targets[0][0, 0] == pytest.approx(0.99)
    assert after([ratchet], (0, 0, 0)).targets[0][0, 0] == 1.0  # no window ended


def test_a_rule_of_two_quarters_looks_at_their_mean() -> None:
    # 700 and 1,300 are 1,000 on average; after one quarter it does not act.
    two = rule("rate", every=2)
    assert after([two], (700, 0, 0)).rates[0][0, 0] == 1.0
    assert after([two], (700, 0, 0), (1300, 0, 0)).rates[0][0, 0] == 1.0
    assert after([two], (700, 0, 0), (2180, 0, 0)).rates[0][0, 0] == pytest.approx(1 / 1.2)


def test_what_was_stopped_stays_stopped() -> None:
    rules = [rule("stop"), rule("rate")]
    assert after(rules, (1000, 0, 0)).rates[0][0, 0] == 1.0
    assert after(rules, (1001, 0, 0)).rates[0][0, 0] == 0.0
    now = after(rules, (1001, 0, 0), (0, 0, 0))
    assert now.rates[0][0, 0] == 0.0
    assert now.totals()["review.stopped"].tolist() == [1]
    assert now.totals()["review.rate"].tolist() == [500_000]


def test_money_moves_between_pools_and_none_is_made() -> None:
    # 1,440 of an aim of 1,000: pool 0 of 2,000 times 1.2 is 2,400; the 400 come from pool 1 of 3,200: 2,800 = .875.
    move = rule("pool", funded_by=1)
    now = after([move], (1440, 0, 0), pools=(2000, 3200))
    assert now.pools[0][0, 0] == pytest.approx(1.2)
    assert now.pools[1][0, 0] == pytest.approx(0.875)
    # A pool of 300 cannot give 400: 2,300 / 2,000.
    poor = after([move], (1440, 0, 0), pools=(2000, 300))
    assert poor.pools[0][0, 0] == pytest.approx(1.15)
    assert poor.pools[1][0, 0] == 0.0


@given(
    st.sampled_from(["rate", "target", "pool"]),
    st.lists(st.floats(0, 1e7), min_size=1, max_size=8),
    st.floats(0, 2),
    st.floats(0, 1),
    st.floats(1, 10),
)
def test_bounds_bind_whatever_happens(acts_on: str, paid: list[float], gain: float, low: float, high: float) -> None:
    moved = rule(acts_on, gain=gain * ONE, low=low * ONE, high=high * ONE)
    now = after([moved], *((p, 0.0, 0.0) for p in paid))
    factor = {"rate": now.rates, "target": now.targets, "pool": now.pools}[acts_on][0][0, 0]
    assert low <= factor <= high
    if low == high == 1 or gain == 0:
        assert factor == 1.0
