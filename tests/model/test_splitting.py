"""Splitting and bundling against hand-worked cases and their laws, on the shared payout rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.behavior.gaming import deal_splitting, kinds
from simulator.core.arrays import Array
from simulator.program.schedule import Schedule
from tests.program.build import num, scalar, schedule


def one(value: float) -> Array:
    return np.array([value])


def gains(pay: Schedule, amount: float, most: int, cost: float = 0.0, keep: float = 1.0) -> list[float]:
    """Gains of filing a deal whole and in 2 to `most` pieces, where every claim is paid by itself."""
    worth = [scalar(pay.payout(num(amount)))]
    for count in range(2, most + 1):
        first, other = (float(x[0]) for x in deal_splitting.pieces(one(amount), count))
        parts = scalar(pay.payout(num(first))) + (count - 1) * scalar(pay.payout(num(other)))
        worth.append(keep * parts)
    found = deal_splitting.filing_gains(np.array([[*worth, -np.inf]]), one(cost))
    return [float(x) for x in found[0, :-1]]


@given(amount=st.integers(1, 10**10), count=st.integers(2, 10))
def test_pieces_make_the_whole(amount: int, count: int) -> None:
    first, other = (float(x[0]) for x in deal_splitting.pieces(one(float(amount)), count))
    assert first + (count - 1) * other == amount
    assert 0 <= first - other < count


def test_a_capped_rate_by_hand() -> None:
    """10 % of 1,000, at most 60 a claim: whole 60, in two 50 + 50, in three 34 + 33 + 33; each filing more costs 15."""
    pay = Schedule(num(0.1), (), None, num(60))
    assert gains(pay, 1000, 3) == pytest.approx([0, 40, 40])
    assert gains(pay, 1000, 3, cost=15) == pytest.approx([0, 25, 10])


def test_a_sum_per_claim_by_hand() -> None:
    """50 for any claim from 1 on: four pieces pay 200 for 50, as long as audits leave more than a quarter of it."""
    pay = schedule(0, [(1, 0, 50)])
    assert gains(pay, 1000, 4) == pytest.approx([0, 50, 100, 150])
    kept = float(kinds.kept(one(0), one(0.4), one(1))[0])  # 1 - .4 * 2 = .2
    assert gains(pay, 1000, 4, keep=kept) == pytest.approx([0, -30, -20, -10])


def test_bundling_over_a_floor_by_hand() -> None:
    """10 % of deals from 1,000 on: two of 600 pay 0 apart and 120 as one; undoing the first claim costs 20."""
    pay = schedule(0, [(1000, 0.1, 100)])
    apart, joint = scalar(pay.payout(num(600))), scalar(pay.payout(num(1200)))
    found = deal_splitting.filing_gains(np.array([[apart, apart, joint - apart]]), one(20))
    assert found[0] == pytest.approx([0, -20, 100])
    assert kinds.best_option(found, one(apart)).tolist() == [2]


convex = st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 0.2)), max_size=3, unique_by=lambda k: k[0]).map(sorted)


@given(rate=st.floats(0, 1), steps=convex, amount=st.integers(2, 10**7).map(float), most=st.integers(2, 6))
def test_splitting_never_gains_where_pay_is_convex(
    rate: float, steps: list[tuple[int, float]], amount: float, most: int
) -> None:
    """Pay that starts at 0 with rising rates is superadditive; linear pay is the edge of it."""
    pay = schedule(rate, [(float(at), change, 0.0) for at, change in steps])
    assert max(gains(pay, amount, most)) <= 1e-9 * (1 + amount)


@given(cap=st.floats(1, 1e5), amount=st.integers(2, 10**7).map(float), keep=st.floats(0, 1), less=st.floats(0, 1))
def test_more_audit_never_raises_splitting(cap: float, amount: float, keep: float, less: float) -> None:
    pay = Schedule(num(0.1), (), None, num(cap))
    assert max(gains(pay, amount, 4, keep=keep * less)) <= max(gains(pay, amount, 4, keep=keep)) + 1e-9
