"""Fairness totals by hand, and that they are counted alike by both engines' own sums."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.engines.ledger import LEDGER_COLUMNS
from simulator.engines.totals.fairness import fair_totals, shapley_margins
from simulator.program.credit_splits import Joint


def offer(lag: float, holdback: float = 0.0, held: float = 0.0) -> Any:
    one = {"payout_lag_weeks": lag, "holdback_share": holdback, "holdback_weeks": held}
    terms = SimpleNamespace(**{name: np.array([[value]]) for name, value in one.items()})
    return SimpleNamespace(program=SimpleNamespace(components=(SimpleNamespace(terms=terms),)))


def totals(
    paid: list[int], booked: list[float], margin: list[float], z: list[float] | None = None, terms: Any = None
) -> dict[str, int]:
    """Of one replication, number 7, with one ledger line per partner."""
    count = len(paid)
    world: Any = SimpleNamespace(
        ids=np.array([7]), shape=(1, count), volume_z=np.array([z or [1.0] * count], dtype=float)
    )
    ledger = {name: np.zeros(count, dtype=np.int64) for name in LEDGER_COLUMNS}
    ledger |= {"replication": np.full(count, 7), "partner": np.arange(count), "paid": np.array(paid)}
    offers = (terms or offer(0.0),)
    got = fair_totals(
        ledger, world, offers, *(np.array([x], dtype=float) for x in (booked, margin, margin)), np.zeros((1, count))
    )
    return {name: int(value[0]) for name, value in got.items()}


@pytest.mark.parametrize(("paid", "gini"), [([0, 0, 0, 100], 0.75), ([5, 5, 5, 5], 0.0), ([1, 2, 3, 4], 0.25)])
def test_the_gini_coefficient_of_small_cases(paid: list[int], gini: float) -> None:
    """All to one of four: 3/4. Of 1, 2, 3, 4 the pairs differ by 3 * 1 + 2 * 2 + 3 = 10, over 4 * 10."""
    got = totals(paid, [1.0] * 4, [1.0] * 4)
    assert got["fair.spread"] / got["fair.everyone"] == pytest.approx(gini, abs=1e-15)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12))
def test_the_spread_is_half_the_sum_over_all_pairs(paid: list[int]) -> None:
    got = totals(paid, [1.0] * len(paid), [1.0] * len(paid))
    assert got["fair.spread"] == sum(abs(a - b) for a in paid for b in paid) // 2


def test_pay_that_would_change_hands() -> None:
    """100, 300, 0 are paid for margins of 2,000, 1,000 and 1,000: pro rata 200, 100, 100, so 200 of 400 move. A
    partner whose deals lost margin counts as having brought none."""
    got = totals([100, 300, 0], [1.0] * 3, [2000, 1000, 1000])
    assert (got["fair.moved"], got["fair.matched"]) == (200, 400)
    assert got["fair.game_moved"] == 200
    assert totals([100, 300], [1.0] * 2, [-50, 100])["fair.moved"] == 100
    nothing = totals([100, 300], [1.0] * 2, [0, 0])
    assert (nothing["fair.moved"], nothing["fair.matched"]) == (0, 0)


def test_access_of_small_partners() -> None:
    """Two of three are below their median; one of them is paid 10 of 100, and they bring 50 of 200."""
    got = totals([0, 10, 90], [20, 30, 150], [1.0] * 3, z=[-1.0, -0.1, 0.5])
    assert (got["fair.small"], got["fair.small_reached"], got["fair.small_paid"]) == (2, 1, 10)
    assert (got["fair.small_booked"], got["fair.booked"]) == (50, 200)


def test_money_that_waits() -> None:
    """Six weeks of lag, and a fifth held 10 weeks longer: 8 weeks. 100 + 200 + 0 wait 2,400; over bookings of 1,000,
    4,000 and 0 that is .8 and .4 weeks: the lower median is .4, nine in ten are below .8."""
    got = totals([100, 200, 0], [1000, 4000, 0], [1.0] * 3, terms=offer(6.0, 0.2, 10.0))
    assert got["fair.waiting"] == 2400
    assert (got["fair.gap_median"], got["fair.gap_p90"]) == (400_000, 800_000)
    assert totals([5], [0], [0.0], terms=offer(6.0))["fair.gap_median"] == 0


def test_shapley_values_of_margins_by_hand() -> None:
    """A found deal of margin 900: odds 1/5 with the first partner alone, 1/3 with both, nothing without it. The second
    one is worth half the gain of 2/15, a fifth of 1/3: 180. Its own deal of 100 is its own."""
    facts = Joint(*(np.array([x]) for x in (0.5, 0.5, -np.inf, np.log(1 / 4), -np.inf, np.log(1 / 2))))
    world: Any = SimpleNamespace(shape=(1, 3), joint_facts=lambda *_: facts)
    got = shapley_margins(world, np.array([4, 9]), np.array([0, 2]), np.array([2, -1]), np.array([900.0, 100.0]))
    assert got.tolist() == [[720.0, 0.0, 280.0]]
