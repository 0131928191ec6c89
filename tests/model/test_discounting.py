"""Discount dumping against hand-worked cases and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.behavior.gaming import discount_dumping, kinds
from simulator.core.arrays import Array


def one(value: float) -> Array:
    return np.array([value])


def gains(chance: list[float], worth: list[float], discount: list[float], cost: float = 0.0) -> list[float]:
    found = discount_dumping.concession_gains(np.array([chance]), np.array([worth]), np.array([discount]), one(cost))
    return [float(x) for x in found[0]]


def test_concessions_are_even_steps_in_whole_cents() -> None:
    """A fifth of 1,000.03 in quarters: 50.0015, 100.003, 150.0045 and 200.006, in cents."""
    assert discount_dumping.concessions(one(100_003), one(0.2))[0].tolist() == [0, 5000, 10000, 15000, 20001]


def test_chances_by_hand() -> None:
    """Log-odds 0 are a half; a tenth off at 10 per unit makes them 1: 1/(1+1/e) = .7310585786; half of the odds are
    still open, so the chances are the roots .7071067812 and .8550196364. What is decided cannot be bought."""
    found = discount_dumping.chances(one(0), np.array([[0, 0.1]]), one(10), one(0.5))
    assert found[0] == pytest.approx([0.7071067812, 0.8550196364])
    assert discount_dumping.chances(one(-3), np.array([[0, 0.2]]), one(10), one(0)).tolist() == [[1, 1]]


def test_pay_on_count_by_hand() -> None:
    """A deal pays 5,000 however it is priced. A tenth off lifts the chance from .5 to .6: 3,000 against
    5,000 max(.5, .54) = 2,700, a gain of 300 less the own cost of 40."""
    assert gains([0.5, 0.6], [5000, 5000], [0, 0.1], 40) == pytest.approx([0, 260])
    # A value of 5,000 of which 4,000 are pay on count and 1,000 fall with the price: .6 * 4,900 - 2,700 = 240.
    assert gains([0.5, 0.6], [5000, 4900], [0, 0.1]) == pytest.approx([0, 230])  # at least ten cents of own cost
    # A concession that does not help loses: .5 * 5,000 - 5,000 * .5 = 0, less the cost.
    assert gains([0.5, 0.5], [5000, 5000], [0, 0.1], 40) == pytest.approx([0, -40])


@given(
    amount=st.integers(10_000, 10**9).map(float),
    rate=st.floats(0, 1),
    logit=st.floats(-6, 6),
    sensitivity=st.floats(0, 50),
    weight=st.floats(0, 1),
    largest=st.floats(0, 0.4),
)
def test_linear_pay_on_net_revenue_never_concedes(
    amount: float, rate: float, logit: float, sensitivity: float, weight: float, largest: float
) -> None:
    """Whatever the chances gain, as the value falls with the price."""
    conceded = discount_dumping.concessions(one(amount), one(largest))
    discount = conceded / amount
    chance = discount_dumping.chances(one(logit), discount, one(sensitivity), one(weight))
    worth = rate * (amount - conceded)
    found = discount_dumping.concession_gains(chance, worth, discount, one(0))
    assert kinds.best_option(found, worth[:, 0]).tolist() == [0]


@given(
    logit=st.floats(-4, 4), sensitivity=st.floats(0, 20), weight=st.floats(0.05, 1), pay=st.floats(1e3, 1e6),
    detection=st.floats(0, 1), more=st.floats(0, 1), penalty=st.floats(0, 5), clawed=st.floats(0, 1),
)  # fmt: skip
def test_audit_penalty_and_clawback_lower_every_gain(
    logit: float, sensitivity: float, weight: float, pay: float, detection: float, more: float, penalty: float,
    clawed: float,
) -> None:  # fmt: skip
    """Pay on count, of which a dumped deal keeps (1 - clawed)(1 - d (1 + F)) and an honest one (1 - clawed)."""
    discount = np.array([[0, 0.1, 0.2]])
    chance = discount_dumping.chances(one(logit), discount, one(sensitivity), one(weight))

    def best(d: float, multiple: float, lost: float) -> float:
        usual, dumped = (pay * kinds.kept(one(lost), one(x), one(multiple))[0] for x in (0.0, d))
        found = discount_dumping.concession_gains(chance, np.array([[usual, dumped, dumped]]), discount, one(100))
        return float(found.max())

    plain = best(detection, penalty, 0.0)
    assert best(min(1.0, detection + more), penalty, 0.0) <= plain + 1e-6
    assert best(detection, penalty + more, 0.0) <= plain + 1e-6
    assert best(detection, penalty, clawed) <= plain + 1e-6


def test_what_is_kept_by_hand() -> None:
    """A fifth clawed back, found out one time in ten at twice the pay: .8 (1 - .1 * 3) = .56."""
    assert kinds.kept(one(0.2), one(0.1), one(2))[0] == pytest.approx(0.56)


def test_few_audits_see_through_a_claim() -> None:
    """At a share of a half, an audit rate of .3 finds marks below .15."""
    marks = kinds.audit_mark(np.array([0.149, 0.151]), np.array([0.5, 0.5]))
    assert (marks < 0.3).tolist() == [True, False]
    assert kinds.audit_mark(one(0.0), one(0.0))[0] > 1
