"""What must hold of every payout, over random schedules: re-filing, rate 0, caps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from simulator.program.schedule import Schedule, claim_price, expected_payout
from tests.program.build import num, paid, scalar, schedule

at = st.floats(5, 200)
rates = st.lists(st.floats(0.01, 0.3), min_size=1, max_size=4)


def ladder(ats: list[float], slopes: list[float], **limits: float | None) -> Schedule:
    """Rates from 0 on and from each threshold on, marginal."""
    knots = [(a, b - c, 0.0) for a, c, b in zip(sorted(ats), slopes, slopes[1:], strict=False)]
    return schedule(slopes[0], knots, **limits)  # type: ignore[arg-type]


@settings(max_examples=80, deadline=None)
@given(
    ats=st.lists(at, min_size=3, max_size=3, unique=True), slopes=rates, deal=st.floats(1, 400), parts=st.integers(2, 5)
)
def test_splitting_gains_only_where_pay_is_concave(
    ats: list[float], slopes: list[float], deal: float, parts: int
) -> None:
    """Of a claim paid by itself: S(0) = 0, so n S(x / n) >= S(x) where rates fall and <= where they rise; linear pay
    gains nothing. Rising rates gain from bundling alone."""

    def gain(pay: Schedule) -> float:
        return parts * paid(pay, deal / parts) - paid(pay, deal)

    assert gain(ladder(ats, sorted(slopes, reverse=True))) >= -1e-9
    assert gain(ladder(ats, sorted(slopes))) <= 1e-9
    assert abs(gain(schedule(slopes[0], []))) <= 1e-9


@given(amount=st.floats(1, 1e4), deals=st.integers(1, 50), parts=st.integers(2, 5))
def test_pay_per_deal_gains_from_every_split(amount: float, deals: int, parts: int) -> None:
    """A fixed amount per claim counts claims: n parts are paid n times."""
    pay = schedule(amount, [])
    assert paid(pay, 100.0 * (deals - 1 + parts)) - paid(pay, 100.0 * deals) > 0.99 * amount * (parts - 1) * 100


@settings(max_examples=80, deadline=None)
@given(
    ats=st.lists(at, min_size=3, max_size=3, unique=True), slopes=rates, x=st.floats(0, 400), sd=st.floats(1, 50),
    cap=st.floats(0.5, 60), more=st.floats(1, 50),
)  # fmt: skip
def test_a_cap_binds_and_stops_the_price(
    ats: list[float], slopes: list[float], x: float, sd: float, cap: float, more: float
) -> None:
    """Nothing is paid or expected above it, and it never raises a payout or, far beyond it, leaves a price."""
    free, capped = ladder(ats, sorted(slopes)), ladder(ats, sorted(slopes), cap=cap)
    assert paid(capped, x) == min(paid(free, x), cap)
    expected = scalar(expected_payout(capped.smooth(), num(x), num(sd)))
    assert expected <= min(cap, scalar(expected_payout(free, num(x), num(sd)))) + 1e-9
    beyond = scalar(capped.smooth().knots[-1].at) + 12 * sd
    assert abs(scalar(claim_price(capped.smooth(), num(beyond), num(sd), num(more)))) < 1e-9


@given(ats=st.lists(at, min_size=1, max_size=4, unique=True), x=st.floats(0, 400), sd=st.floats(1, 50))
def test_rate_0_pays_and_is_worth_nothing(ats: list[float], x: float, sd: float) -> None:
    pay = ladder(ats, [0.0] * (len(ats) + 1))
    assert paid(pay, x) == 0.0
    assert scalar(expected_payout(pay.smooth(), num(x), num(sd))) == 0.0
    assert scalar(claim_price(pay.smooth(), num(x), num(sd), num(10.0))) == 0.0


def test_the_law_of_splitting_catches_a_cap_that_is_taken_per_part() -> None:
    """Shown to be able to fail: a cap of 5 on a claim of 100 at 10 % makes two halves worth 10."""
    pay = schedule(0.10, [], cap=5)
    assert 2 * paid(pay, 50) - paid(pay, 100) == 5.0
    assert np.isclose(paid(pay, 50), 5.0)
