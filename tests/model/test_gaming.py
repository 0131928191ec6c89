"""Gaming rules against closed forms: deterrence, ties, delays, re-timing on linear and convex pay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from simulator.behavior.gaming import false_claims, kinds
from simulator.behavior.gaming.false_claims import false_claim_rate, registration_share
from simulator.behavior.gaming.timing import at_cells, early_concession, next_window, push_lost, push_risk
from simulator.core.arrays import Array
from simulator.program.schedule import Schedule, expected_payout
from tests.program.build import num, scalar, schedule


def padding(price: float, detection: float, multiple: float, cost: float = 400.0) -> float:
    gain = false_claims.false_claim_gain(num(price), num(detection), num(multiple))
    return scalar(false_claim_rate(gain, num(cost)))


@given(m=st.floats(1, 1e5), penalty=st.floats(0, 1e6), d=st.floats(0, 1))
def test_padding_stops_exactly_where_detection_deters(m: float, penalty: float, d: float) -> None:
    """Becker 1968: nobody pads where d > m / (m + F), everybody below; F the penalty in money."""
    edge = m / (m + penalty)
    assume(abs(d - edge) > 1e-9)
    assert (padding(m, d, penalty / m) == 0) == (d > edge)


def test_padding_by_hand() -> None:
    """m = 100, d = .2, F = 150: 80 - 30 = 50 per false claim; at a quadratic cost of 400 an eighth per week."""
    assert padding(100, 0.2, 1.5) == pytest.approx(0.125)
    assert padding(100, 0.41, 1.5) == 0  # the edge is 100 / 250 = .4
    assert padding(100, 0.39, 1.5) == pytest.approx(0.00625)  # 61 - 58.5 = 2.5
    assert padding(0, 0.0, 1.5) == 0


def test_deterrence_catches_a_penalty_charged_on_all_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: the penalty is weighed by (1 - d) instead of d, so that audits invite padding."""

    def wrong(price: Array, detection: Array, penalty_multiple: Array) -> Array:
        return (1.0 - detection) * price - (1.0 - detection) * penalty_multiple * price

    monkeypatch.setattr(false_claims, "false_claim_gain", wrong)
    assert padding(100, 0.39, 1.5) == 0
    with pytest.raises(AssertionError):
        test_padding_by_hand()


@given(m=st.floats(0, 1e5), multiple=st.floats(0, 20), d=st.floats(0, 1), more=st.floats(0, 1))
def test_more_audit_or_penalty_never_raises_padding(m: float, multiple: float, d: float, more: float) -> None:
    usual = padding(m, d, multiple)
    assert padding(m, min(1.0, d + more), multiple) <= usual + 1e-12
    assert padding(m, d, multiple + more) <= usual + 1e-12
    assert padding(2 * m, d, multiple) >= usual


def test_the_rate_of_padding_is_the_best_one() -> None:
    """gain n - cost n^2 / 2 by grid: at gain 50 and cost 400 the best n is .125."""
    n = np.linspace(0, 1, 100_001)
    assert n[np.argmax(50 * n - 200 * n * n)] == pytest.approx(scalar(false_claim_rate(num(50), num(400))))


def test_an_option_must_gain_more_than_the_tie_slack() -> None:
    """The slack at a stake of 1e6 - 1 is 1e-9 * 1e6 = 1e-3; of equals the first is taken."""
    gains = np.array([[0, 0.9e-3, 0], [0, 1.1e-3, 0], [0, 5, 5], [0, -1, -2], [0, 1, 7]])
    assert kinds.best_option(gains, np.full(5, 1e6 - 1)).tolist() == [0, 1, 1, 0, 2]
    assert kinds.best_option(gains, np.full(5, 1 - 1e6)).tolist() == [0, 1, 1, 0, 2]
    assert kinds.best_option(gains[:1], np.zeros(1)).tolist() == [1]


@given(weeks=st.floats(0, 52), risk=st.floats(0, 0.5))
def test_the_risk_of_a_delay_compounds(weeks: float, risk: float) -> None:
    """1 - (1 - r)^w, and a mark below it is a loss."""
    lost = 1 - (1 - risk) ** weeks
    assert push_risk(np.array([weeks]), np.array([risk]))[0] == pytest.approx(lost, abs=1e-12)
    marks = np.array([lost - 1e-9, lost + 1e-9])
    assert push_lost(marks, np.full(2, weeks), np.full(2, risk)).tolist() == [True, False]


def test_delays_concessions_and_registrations_by_hand() -> None:
    """1 % over 4 weeks: 1 - .99^4 = .03940399. 3 weeks at 2 % of 10,000: 600; never more than half. 1 - e^-.6."""
    assert push_risk(np.array([4.0]), np.array([0.01]))[0] == pytest.approx(0.03940399, abs=1e-15)
    assert early_concession(np.full(2, 10_000.0), np.array([3.0, 40.0]), np.full(2, 0.02)).tolist() == [600, 5000]
    assert registration_share(num(0.3), num(2.0))[0, 0] == pytest.approx(0.4511883639)


class Ahead(SimpleNamespace):
    """What `next_window` asks of a perception: one component with a forecast for its coming window."""

    def ahead(self, component: int, week: int, weeks: float, pace: Array) -> tuple[Array, Array]:
        assert (component, week, weeks, scalar(pace)) == (0, 26, 13.0, 1.0)
        return num(self.mean), num(self.sd)


def gains(pay: Schedule, attained: float, mean: float, sd: float, moved: list[float]) -> tuple[Array, float]:
    """Gains of moving `moved` into this window (the first is 0), through the rules both engines call."""
    window = SimpleNamespace(window=13, eligibility=None)
    program = SimpleNamespace(components=(window,))
    view: Any = Ahead(mean=mean, sd=sd, rate=np.ones((1, 1)), program=program, payout_value_share=(np.ones((1, 1)),))
    cell, shift = np.zeros(1, dtype=np.int64), np.array([moved])
    now = at_cells(pay, cell, cell).payout(attained + shift)
    value = now + next_window(view, 0, pay.smooth(), num(1), 26, cell, cell, -shift)
    return value - value[:, :1], float(value[0, 0])


moves = st.lists(st.integers(-(10**7), 10**7).map(float), min_size=1, max_size=8).map(lambda m: [0.0, *m])
money = st.integers(10**7, 10**9).map(float)


@given(power=st.integers(1, 8), attained=money, mean=money, sd=st.floats(1, 1e8), moved=moves)
def test_linear_pay_gains_exactly_nothing(
    power: int, attained: float, mean: float, sd: float, moved: list[float]
) -> None:
    """At rates that are powers of 1/2 nothing is rounded and the gain is 0 to the last bit."""
    gain, _ = gains(schedule(0.5**power, []), attained, mean, sd, moved)
    assert (gain == 0.0).all()


@given(rate=st.floats(0, 1), attained=money, mean=money, sd=st.floats(1, 1e8), moved=moves)
def test_linear_pay_never_moves_a_deal(
    rate: float, attained: float, mean: float, sd: float, moved: list[float]
) -> None:
    """At any other rate what rounding leaves is within the tie slack."""
    gain, stake = gains(schedule(rate, []), attained, mean, sd, moved)
    assert kinds.best_option(gain, np.array([stake])).tolist() == [0]


convex = st.lists(
    st.tuples(st.integers(10**6, 10**9).map(float), st.floats(0, 0.2)), min_size=1, max_size=3, unique_by=lambda k: k[0]
).map(sorted)


@settings(max_examples=60, deadline=None)
@given(steps=convex, attained=money, coming=money, moved=st.integers(-(10**7), 10**7).map(float))
def test_gains_on_convex_pay_stay_within_jensens_bound(
    steps: list[tuple[float, float]], attained: float, coming: float, moved: float
) -> None:
    """A sure next window: the gain is at most P(Q) + P(0) - 2 P(Q/2), Q the sales of both windows."""
    pay = schedule(0.05, [(at, change, 0.0) for at, change in steps])
    total = attained + coming
    bound = scalar(pay.payout(num(total)) + pay.payout(num(0)) - 2 * pay.payout(num(total / 2)))
    gain, _ = gains(pay, attained, coming, 1e-3, [0.0, moved])
    assert gain[0, 1] <= bound + 1e-6 * (1 + abs(bound))


def test_a_bonus_in_reach_is_worth_pulling_for() -> None:
    """98 of 100 attained, 5 at stake, the next window sure to pass on its own: pulling 2 gains 5, pushing nothing."""
    gain, stake = gains(schedule(0, [(100, 0, 5)]), 98, 150, 1e-3, [0, 1, 2, -3])
    assert gain[0] == pytest.approx([0, 0, 5, 0])
    assert kinds.best_option(gain, np.array([stake])).tolist() == [2]


def test_the_next_window_is_valued_under_its_forecast() -> None:
    """95 expected with sd 10 against a bonus of 5 at 100 is worth 1.5426876936 (VALIDATION, section 3)."""
    pay = schedule(0, [(100, 0, 5)])
    _, stake = gains(pay, 0, 95, 10, [0])
    assert stake == pytest.approx(1.5426876936, abs=1e-9)
    gain, _ = gains(pay, 0, 95, 10, [0, -5])
    assert stake + gain[0, 1] == pytest.approx(2.5)  # five moved there: an even chance
    assert scalar(expected_payout(pay, num(100), num(10))) == pytest.approx(2.5)
