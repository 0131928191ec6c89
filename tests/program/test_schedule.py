"""Schedules: expected payout and its slopes against quadrature, limits, and what must hold for every schedule."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy import integrate

from simulator.program import schedule as module
from simulator.program.schedule import Schedule, claim_price, expected_payout, payout_slope, stepped_rates
from tests.program.build import num, paid, scalar, schedule

TABLE = [
    (100, 20, 0.05, (100, 0.03, 0), 5.2393653682, 0.0650000000, 0.0005984134),
    (80, 15, 0.05, (100, 0.03, 0), 4.0190778018, 0.0527363366, 0.0003280201),
    (120, 30, 0.10, (150, -0.10, 0), 11.7500535882, 0.0841344746, -0.0008065691),
    (95, 10, 0.0, (100, 0, 5), 1.5426876936, 0.1760326634, 0.0088016332),
]
"""Values by quadrature, good to 2e-14: mean, sd, base rate, knot, value, delta, gamma."""

steps = st.lists(
    st.tuples(st.floats(5, 150), st.floats(0, 0.2), st.floats(0, 10)), max_size=3, unique_by=lambda k: round(k[0], 1)
).map(sorted)


@pytest.mark.parametrize(("mean", "sd", "base", "knot", "value", "delta", "gamma"), TABLE)
def test_value_and_slopes_of_a_schedule_under_a_normal(
    mean: float, sd: float, base: float, knot: tuple[float, float, float], value: float, delta: float, gamma: float
) -> None:
    pay = schedule(base, [knot])
    first, second = payout_slope(pay, num(mean), num(sd))
    assert scalar(expected_payout(pay, num(mean), num(sd))) == pytest.approx(value, abs=1e-9)
    assert scalar(first) == pytest.approx(delta, abs=1e-9)
    assert scalar(second) == pytest.approx(gamma, abs=1e-9)


def test_the_table_catches_a_call_without_its_density_term(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: s z Phi(z) without s phi(z); it halves the price of a cliff and no sign would tell."""
    monkeypatch.setattr(module, "_INV_SQRT_2PI", 0.0)
    for mean, sd, base, knot, value, _, _ in TABLE:
        got = scalar(expected_payout(schedule(base, [knot]), num(mean), num(sd)))
        assert (abs(got - value) > 1e-3) == (knot[1] != 0)


@settings(max_examples=60, deadline=None)
@given(steps=steps, base=st.floats(0, 0.1), mean=st.floats(0, 200), sd=st.floats(1, 50), claim=st.floats(0.1, 40))
def test_the_price_is_the_difference_quotient(
    steps: list[tuple[float, float, float]], base: float, mean: float, sd: float, claim: float
) -> None:
    """The price lies between the least and the steepest slope plus all jumps over d, too."""
    pay = schedule(base, steps)
    price = scalar(claim_price(pay, num(mean), num(sd), num(claim)))
    more = scalar(expected_payout(pay, num(mean + claim), num(sd)) - expected_payout(pay, num(mean), num(sd)))
    assert price == pytest.approx(more / claim, abs=1e-9)
    steepest = base + sum(change for _, change, _ in steps) + sum(jump for _, _, jump in steps) / claim
    assert base - 1e-12 <= price <= steepest + 1e-9


def test_slopes_are_the_limits_of_difference_quotients() -> None:
    pay, mean, sd, h = schedule(0.04, [(80, 0.03, 2), (120, -0.05, 1)]), 101.0, 17.0, 1e-3
    g = [scalar(expected_payout(pay, num(mean + k * h), num(sd))) for k in (-1, 0, 1)]
    first, second = payout_slope(pay, num(mean), num(sd))
    assert scalar(first) == pytest.approx((g[2] - g[0]) / (2 * h), abs=1e-8)
    assert scalar(second) == pytest.approx((g[2] - 2 * g[1] + g[0]) / h**2, abs=1e-6)


LIMITED = [
    # Slopes .05 and .08; the floor of 2 is met at 40, the cap of 6 at 100 + 1 / .08 = 112.5.
    (schedule(0.05, [(100, 0.03, 0)], floor=2, cap=6), (40, 100, 112.5)),
    # Retroactive: 5 below 100, 8 at 100, the cap of 9 at 112.5.
    (schedule(0.05, [(100, 0.03, 0)], cap=9, retroactive=True), (100, 112.5)),
    # The cap of 7 lies inside the jump from 5 to 8, so it is met at 100.
    (schedule(0.05, [(100, 0.03, 0)], cap=7, retroactive=True), (100,)),
    # The floor of 6 lies inside the same jump: nothing below 100, 8 from there on.
    (schedule(0.05, [(100, 0.03, 0)], floor=6, retroactive=True), (100,)),
    # A floor at 120 below a jump at 130; the cap of 9 is reached by the jump from 6.5 to 11.5.
    (schedule(0.05, [(130, 0.0, 5)], floor=6, cap=9), (120, 130)),
    # Two lumps: 3 from 90, 7 from 110, and 5 at most.
    (schedule(0.0, [(90, 0, 3), (110, 0, 4)], floor=1, cap=5), (90, 110)),
    # A decelerator with a floor: .08 to 100, .02 beyond; the cap of 9 at 150, the floor of 4 at 50.
    (schedule(0.08, [(100, -0.06, 0)], floor=4, cap=9), (50, 100, 150)),
    # A cap that is never reached: the rate is 0 from 100 on.
    (schedule(0.05, [(100, -0.05, 0)], cap=6), (100,)),
    # A floor that is never reached: nothing is ever paid.
    (schedule(0.05, [(100, -0.05, 0)], floor=6), ()),
]


def integrated(pay: Schedule, breaks: tuple[float, ...], mean: float, sd: float) -> float:
    """The exact payout integrated against the normal, piece by piece between the breaks."""
    edges = [mean - 10 * sd, *(b for b in breaks if abs(b - mean) < 10 * sd), mean + 10 * sd]

    def integrand(x: np.ndarray) -> np.ndarray:
        return pay.payout(x[None, :])[0] * np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))

    # Ends are moved inwards by 1e-12, so that no evaluation falls on the wrong side of a jump.
    return sum(integrate.fixed_quad(integrand, a + 1e-12, b - 1e-12, n=64)[0] for a, b in itertools.pairwise(edges))


@pytest.mark.parametrize(("pay", "breaks"), LIMITED)
@pytest.mark.parametrize(("mean", "sd"), [(105, 15), (60, 20), (140, 8)])
def test_limits_and_retroactive_rates_integrate_to_the_closed_form(
    pay: Schedule, breaks: tuple[float, ...], mean: float, sd: float
) -> None:
    assert scalar(expected_payout(pay.smooth(), num(mean), num(sd))) == pytest.approx(
        integrated(pay, breaks, mean, sd), abs=1e-9
    )


@pytest.mark.parametrize(
    ("pay", "mean", "expected"),
    [
        (schedule(0.10, [(100, -0.05, 0)], cap=8, retroactive=True), 120, 6.0),
        (schedule(0.10, [(100, -0.05, 0)], floor=6, retroactive=True), 110, 0.0),
    ],
)
def test_limits_of_a_retroactive_decelerator(pay: Schedule, mean: float, expected: float) -> None:
    """10 % of everything below 100, 5 % of everything from there on.

    With a cap of 8: 8 from 80 to 100, then 5 % of 120 = 6. With a floor of 6: 5 % of 110 = 5.5 is below it, so 0.
    """
    assert paid(pay, mean) == pytest.approx(expected)
    assert scalar(expected_payout(pay.smooth(), num(mean), num(1e-3))) == pytest.approx(expected, abs=1e-6)


def test_a_decelerator_between_cap_and_floor_knot_by_knot() -> None:
    """10 % below 100, then 5 % of everything; at most 8, nothing below 6.

    Paid: 0 to 60 (10 % makes 6), 10 % to 80 (makes 8), 8 to 100, 0 to 120 (5 % makes 6), 5 % to 160, 8 beyond.
    """
    pay = schedule(0.10, [(100, -0.05, 0)], cap=8, floor=6, retroactive=True).smooth()
    got = [(scalar(k.at), scalar(k.change), scalar(k.jump)) for k in pay.knots]
    by_hand = [(60, 0.10, 6), (80, -0.10, 0), (100, 0, -8), (120, 0.05, 6), (160, -0.05, 0)]
    assert np.array(got) == pytest.approx(np.array(by_hand), abs=1e-12)
    assert scalar(pay.base) == 0


any_rates = st.lists(
    st.tuples(st.floats(5, 150), st.just(0.0) | st.floats(1e-3, 0.2), st.floats(0, 10)),
    max_size=4,
    unique_by=lambda k: round(k[0], 1),
).map(sorted)


def limited(rates: list[tuple[float, float, float]], base: float, **limits: float | bool | None) -> Schedule:
    """A schedule whose rate takes each given value, so that it may fall, with a lump at each threshold."""
    slopes = [base, *(rate for _, rate, _ in rates)]
    knots = [(at, slopes[j + 1] - slopes[j], jump) for j, (at, _, jump) in enumerate(rates)]
    return schedule(base, knots, **limits)  # type: ignore[arg-type]


def breaks_of(pay: Schedule) -> list[float]:
    """Thresholds, and where the payout without limits meets a limit, by the rule of three between thresholds."""
    free, limits = replace(pay, cap=None, floor=None), [scalar(a) for a in (pay.cap, pay.floor) if a is not None]
    edges = [-1000.0, *(scalar(k.at) for k in pay.knots), 3000.0]
    found = set(edges)
    for a, b in itertools.pairwise(edges):
        low, high = paid(free, a), paid(free, np.nextafter(b, a))
        found |= {a + (b - a) * (limit - low) / (high - low) for limit in limits if (low - limit) * (high - limit) < 0}
    return sorted(found)


@settings(max_examples=100, deadline=None)
@given(
    rates=any_rates, base=st.just(0.0) | st.floats(1e-3, 0.1),
    cap=st.none() | st.floats(2, 30), floor=st.none() | st.floats(0.1, 15), retroactive=st.booleans(),
    mean=st.floats(0, 250), sd=st.floats(1, 40),
)  # fmt: skip
def test_any_schedule_equals_its_smooth_form_and_integrates_to_its_closed_form(
    rates: list[tuple[float, float, float]], base: float, cap: float | None, floor: float | None, retroactive: bool,
    mean: float, sd: float,
) -> None:  # fmt: skip
    """Rates may fall, retroactively too, so that payout jumps down and meets its limits more than once."""
    pay = limited(rates, base, cap=cap, floor=floor, retroactive=retroactive)
    breaks, smooth = breaks_of(pay), pay.smooth()
    for x in [(a + b) / 2 for a, b in itertools.pairwise(breaks) if b - a > 1e-6]:
        assert paid(smooth, x) == pytest.approx(paid(pay, x), abs=1e-7)
    assert scalar(expected_payout(smooth, num(mean), num(sd))) == pytest.approx(
        integrated(pay, tuple(breaks), mean, sd), abs=1e-7
    )


@settings(max_examples=80, deadline=None)
@given(
    steps=steps, base=st.floats(0.01, 0.1), cap=st.none() | st.floats(2, 30), floor=st.none() | st.floats(0.1, 1.5),
    retroactive=st.booleans(), x=st.floats(0, 300), more=st.floats(0, 300),
)  # fmt: skip
def test_every_schedule_is_monotone_within_its_limits_and_equals_its_smooth_form(
    steps: list[tuple[float, float, float]], base: float, cap: float | None, floor: float | None, retroactive: bool,
    x: float, more: float,
) -> None:  # fmt: skip
    pay = schedule(base, steps, floor=floor, cap=cap, retroactive=retroactive)
    low, high = paid(pay, x), paid(pay, x + more)
    assert low <= high + 1e-9
    assert paid(pay, 0.0) == 0.0
    assert cap is None or high <= cap
    assert floor is None or low == 0 or low >= floor
    smooth = pay.smooth()
    assume(all(abs(scalar(k.at) - x) > 1e-3 for k in smooth.knots))
    assert scalar(expected_payout(smooth, num(x), num(1e-6))) == pytest.approx(low, abs=1e-6)


@given(steps=steps, base=st.floats(0, 0.1), at=st.floats(1, 200), retroactive=st.booleans(), x=st.floats(0, 300))
def test_a_tier_that_changes_no_rate_changes_nothing(
    steps: list[tuple[float, float, float]], base: float, at: float, retroactive: bool, x: float
) -> None:
    """A tier at the rate that holds there already is a knot of change 0."""
    without = schedule(base, steps, retroactive=retroactive)
    extra = schedule(base, sorted([*steps, (at, 0.0, 0.0)]), retroactive=retroactive)
    assert paid(extra, x) == paid(without, x)
    same = stepped_rates(base, [(at, base)]).knots
    assert scalar(Schedule(num(base), same, retroactive=retroactive).payout(num(x))) == paid(schedule(base, []), x)


@given(now=st.integers(0, 10**9), coming=st.integers(0, 10**9), part=st.integers(0, 100), power=st.integers(1, 10))
def test_linear_pay_gains_exactly_nothing_from_timing(now: int, coming: int, part: int, power: int) -> None:
    """Jensen 2003. The rates are powers of 1/2, so that not even rounding is left."""
    pay, moved = schedule(0.5**power, []), now * part // 100
    assert pay.linear
    gain = paid(pay, now - moved) + paid(pay, coming + moved) - paid(pay, now) - paid(pay, coming)
    assert gain == 0.0


rising = st.lists(st.tuples(st.floats(1, 200), st.floats(0, 0.3)), max_size=4, unique_by=lambda k: k[0]).map(sorted)


@given(rate=st.floats(0, 0.3), steps=rising, total=st.floats(1, 400), share=st.floats(0, 1), other=st.floats(0, 1))
def test_convex_pay_never_punishes_joining_two_periods_and_its_gain_is_bounded(
    rate: float, steps: list[tuple[float, float]], total: float, share: float, other: float
) -> None:
    """Jensen 2003: no split pays more than P(Q) + P(0) and none less than 2 P(Q/2)."""
    pay = schedule(rate, [(at, change, 0.0) for at, change in steps])

    def over_two(part: float) -> float:
        return paid(pay, total * part) + paid(pay, total * (1 - part))

    joined = paid(pay, total) + paid(pay, 0.0)
    assert joined >= over_two(share) - 1e-9
    assert over_two(other) - over_two(share) <= joined - 2 * paid(pay, total / 2) + 1e-9
    if not steps:
        assert joined == pytest.approx(over_two(share), abs=1e-12 * total)


def test_arrays_of_replications_and_partners_give_what_each_gives_alone() -> None:
    """Rows are replications with other rates and thresholds, columns partners; caps at another knot per row."""
    bases, ats, caps = np.array([[0.05], [0.1]]), np.array([[100.0], [60.0]]), np.array([[6.0], [5.0]])
    x = np.array([[50.0, 99.0, 130.0]])
    wide = Schedule(bases, stepped_rates(bases, [(ats, bases + 0.05)]).knots, num(1), caps, False)
    exact, smooth = wide.payout(x), expected_payout(wide.smooth(), x, np.full((1, 3), 9.0))
    for r in range(2):
        one = schedule(bases[r, 0], [(ats[r, 0], 0.05, 0)], floor=1, cap=caps[r, 0])
        for c in range(3):
            assert exact[r, c] == pytest.approx(paid(one, x[0, c]), abs=1e-12)
            assert smooth[r, c] == pytest.approx(scalar(expected_payout(one.smooth(), num(x[0, c]), num(9))), abs=1e-12)


@pytest.mark.parametrize(("x", "expected"), [(49.0, 2.45), (50.0, 2.5), (70.0, 3.9), (120.0, 8.75)])
def test_thresholds_in_units_of_a_reference(x: float, expected: float) -> None:
    """5 %, 7 % from 1 and 10 % from 1.5 times 50: at 70, 2.50 + 20 * .07; at 120, 2.50 + 25 * .07 + 45 * .10."""
    ladder = stepped_rates(0.05, [(1.0, 0.07), (1.5, 0.10)]).knots
    assert paid(Schedule(num(0.05), ladder).scaled(num(50)), x) == pytest.approx(expected)
