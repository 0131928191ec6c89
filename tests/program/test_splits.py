"""Splits against published games, hand-worked cases and the axioms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from simulator.core.arrays import Array
from simulator.program import credit_splits
from simulator.program.base import SplitRule
from simulator.program.compiled import Registration, own_credit
from simulator.program.credit_splits import CompiledSplit, Joint, second_share


def game(n: int, worth: Callable[[tuple[int, ...]], float]) -> Array:
    return np.array([worth(tuple(i for i in range(n) if s >> i & 1)) for s in range(2**n)], dtype=float)


def by_orders(worth: Array) -> Array:
    """The Shapley value by its definition: the mean marginal worth over all orders of arrival."""
    n = len(worth).bit_length() - 1
    total = np.zeros(n)
    for order in itertools.permutations(range(n)):
        here = 0
        for i in order:
            total[i] += worth[here | 1 << i] - worth[here]
            here |= 1 << i
    return total / math.factorial(n)


@pytest.mark.parametrize(
    ("worth", "value"),
    [
        # Airport game (Littlechild and Owen 1973): a runway costs what its largest aircraft needs.
        (game(4, lambda s: max((8, 11, 13, 18)[i] for i in s) if s else 0), (2, 3, 4, 9)),
        # A taxi shared by riders whose own fares are 6, 12 and 42.
        (game(3, lambda s: max((6, 12, 42)[i] for i in s) if s else 0), (2, 5, 35)),
        # Gloves: two right ones, one left one; a pair is worth 1.
        (game(3, lambda s: float(2 in s and len(s) > 1)), (1 / 6, 1 / 6, 4 / 6)),
        (np.array([0, 68, 102, 170, 0, 710, 762, 992.0]), (229, 272, 491)),
        (np.array([0, 6, 12, 30, 18, 60, 90, 120.0]), (22, 40, 58)),
    ],
)
def test_published_games(worth: Array, value: tuple[float, ...]) -> None:
    assert credit_splits.shapley(worth) == pytest.approx(value, abs=1e-12)
    assert by_orders(worth) == pytest.approx(value, abs=1e-12)


def test_a_weighted_value_by_hand() -> None:
    # Dividends 6, 12, 18; 12, 36, 60; -24, each divided 3 : 2 : 1 among its members:
    # 6 + 12 3/5 + 36 3/4 - 24 3/6 = 28.2;  12 + 12 2/5 + 60 2/3 - 24 2/6 = 48.8;  18 + 36/4 + 60/3 - 24/6 = 43.
    worth = np.array([0, 6, 12, 30, 18, 60, 90, 120.0])
    assert credit_splits.dividends(worth).tolist() == [0, 6, 12, 12, 18, 36, 60, -24]
    assert credit_splits.shapley(worth, np.array([3.0, 2, 1])) == pytest.approx((28.2, 48.8, 43.0), abs=1e-12)


def test_the_closed_cases_are_the_general_one() -> None:
    two = credit_splits.shapley_of_two(np.array([30.0]), np.array([10.0]), np.array([60.0]))
    assert [float(x[0]) for x in two] == [40, 20]
    assert credit_splits.shapley(np.array([0.0, 30, 10, 60])) == pytest.approx((40, 20))


def test_the_win_odds_game_by_hand() -> None:
    # Found by the first: nobody wins it without the first, 1 in 5 with it, 1 in 3 with both; worth 300.
    # v = 0, 60, 0, 100; the second adds 40 and gets half: 80 and 20.
    logit = np.array([-np.inf, math.log(1 / 4), -np.inf, math.log(1 / 2)])
    worth = credit_splits.win_odds_worth(logit, np.array(300.0))
    assert worth == pytest.approx([0, 60, 0, 100])
    assert credit_splits.shapley(worth) == pytest.approx((80, 20))
    # The vendor would win it at 1 in 5 anyway: nothing of that is the partners'.
    vendor = credit_splits.win_odds_worth(np.array([math.log(1 / 4), 0.0, math.log(1 / 4), 0.0]), np.array(300.0))
    assert vendor == pytest.approx([0, 90, 0, 90])


def test_rules_by_hand() -> None:
    assert credit_splits.equal(4).tolist() == [0.25] * 4
    assert credit_splits.by_contribution(np.array([[3.0, 1], [0, 0]])).tolist() == [[0.75, 0.25], [1, 0]]
    mixed = credit_splits.by_contribution_and_risk(np.array([3.0, 1]), np.array([1.0, 1]), np.array(0.4))
    assert mixed == pytest.approx((0.65, 0.35))  # 0.6 (.75, .25) + 0.4 (.5, .5)
    assert credit_splits.as_shares(np.array([[3.0, -1], [-2, -1]])).tolist() == [[1, 0], [1, 0]]


def test_cents_by_largest_remainder() -> None:
    # 100 cents in quotas 33.3, 33.3, 33.3: the cent left goes to the first of equals. 0.07 in halves: 3.5 and 3.5.
    assert credit_splits.divided(np.array(100.0), credit_splits.equal(3)).tolist() == [34, 33, 33]
    assert credit_splits.divided(np.array([7.0, 8]), credit_splits.equal(2)).tolist() == [[4, 3], [4, 4]]
    assert credit_splits.divided(np.array(10.0), np.array([0.449, 0.051, 0.5])).tolist() == [4, 1, 5]


WORTHS = st.integers(1, 5).flatmap(lambda n: hnp.arrays(float, 2**n, elements=st.integers(-1000, 1000)))


def _grounded(worth: Array) -> Array:
    return np.where(np.arange(len(worth)) == 0, 0.0, worth)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(WORTHS, st.data())
def test_axioms(drawn: Array, data: st.DataObject) -> None:
    worth = _grounded(drawn)
    n = len(worth).bit_length() - 1
    value = credit_splits.shapley(worth)
    assert value == pytest.approx(by_orders(worth), abs=1e-8)
    weights = np.array(data.draw(st.lists(st.floats(0.1, 10), min_size=n, max_size=n)))
    assert credit_splits.shapley(worth, weights).sum() == pytest.approx(worth[-1], abs=1e-7)  # efficiency
    i = data.draw(st.integers(0, n - 1))
    coalitions = np.arange(len(worth))
    null = worth[coalitions & ~(1 << i)]  # a game in which i adds nothing
    assert credit_splits.shapley(null, weights)[i] == pytest.approx(0, abs=1e-8)
    j = data.draw(st.integers(0, n - 1))
    swapped = (coalitions & ~(1 << i | 1 << j)) | (coalitions >> i & 1) << j | (coalitions >> j & 1) << i
    symmetric = credit_splits.shapley(worth + worth[swapped])
    assert symmetric[i] == pytest.approx(symmetric[j], abs=1e-8)
    assert credit_splits.shapley(worth + null) == pytest.approx(
        value + credit_splits.shapley(null), abs=1e-8
    )  # additivity


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**12),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=6),
    st.lists(st.floats(0, 1e6), min_size=6, max_size=6),
    st.floats(0, 1),
)
def test_parts_are_whole_and_sum_to_the_whole(amount: int, work: list[float], risk: list[float], weight: float) -> None:
    contribution, at_risk = np.array(work), np.array(risk[: len(work)])
    n = len(work)
    for shares in (
        credit_splits.equal(n),
        credit_splits.by_contribution(contribution),
        credit_splits.by_contribution_and_risk(contribution, at_risk, np.array(weight)),
    ):
        assert shares.sum() == pytest.approx(1)
        parts = credit_splits.divided(np.array(float(amount)), shares)
        assert parts.sum() == amount
        assert (parts == np.floor(parts)).all()
        assert (parts >= 0).all()
        assert (np.abs(parts - amount * shares) <= 1 + 1e-9 * amount).all()


def test_the_laws_would_catch_a_lost_cent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credit_splits, "divided", lambda amount, shares: np.floor(amount[..., None] * shares))
    with pytest.raises(AssertionError):
        test_cents_by_largest_remainder()
    with pytest.raises(AssertionError):
        test_parts_are_whole_and_sum_to_the_whole()


def test_the_laws_would_catch_a_wrong_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    right = credit_splits.dividends
    monkeypatch.setattr(credit_splits, "dividends", lambda worth: np.abs(right(worth)))
    with pytest.raises(AssertionError):
        test_axioms()


def _shares(rule: SplitRule, joint: Joint, *, second: float = 0.3, weight: float = 0.5) -> list[float]:
    split = CompiledSplit(rule, np.array([[second]]), np.array([[weight]]), signed=True)
    return second_share(split, rep=np.zeros(len(joint.documented), dtype=np.int64), joint=joint).tolist()


def test_second_partners_shares_by_hand() -> None:
    # The second one did half of what the first did (.5 / 1.5), half of it at its own risk (.25 / 1.25 of the risk).
    # It lifts the odds of a deal that the first found from 1 in 5 to 1 in 3: half the gain of 2/15 in 1/3 is .2.
    quarter, half = math.log(1 / 4), math.log(1 / 2)
    facts = Joint(*(np.array([x]) for x in (0.5, 0.5, -np.inf, quarter, -np.inf, half)))
    assert _shares("fixed", facts) == [0.3]
    assert _shares("equal", facts) == [0.5]
    assert _shares("contribution", facts) == pytest.approx([1 / 3])
    assert _shares("contribution_and_risk", facts, weight=0.25) == pytest.approx([0.75 / 3 + 0.25 * 0.2])
    assert _shares("shapley", facts) == pytest.approx([0.2])


def test_credit_is_shared_in_whole_hundredths_by_hand() -> None:
    # 10,001 by thirds: the second's quota 3,333.67 has the larger fraction and gets the cent left.
    facts = Joint(*(np.full(2, x) for x in (0.5, 0.5, -np.inf, 0.0, -np.inf, 0.1)))
    split = CompiledSplit("contribution", np.array([[0.0]]), np.array([[0.0]]), signed=True)
    role, credit = np.array([1, 2, 0]), np.array([10001.0, 10001, 10001])
    rep = np.zeros(3, dtype=np.int64)

    def credited(**terms: Any) -> list[float]:
        component: Any = SimpleNamespace(**({"split": None, "registration": None} | terms))
        return own_credit(component, rep=rep, credit=credit, role=role, joint=facts.take).tolist()

    assert credited(split=split) == [6667, 3334, 10001]
    assert credited() == [10001, 0, 10001]
    # A second registrant with a quarter of the uplift: on top, in whole hundredths, 2500.25 as 2500.
    registration = Registration(np.ones((1, 1)), 3, np.array([[0.25]]))
    assert credited(registration=registration) == [10001, 2500, 10001]
