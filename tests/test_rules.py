"""The rules against published numbers, closed forms and cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from simulator.engines.ledger import attributed, taken_back
from simulator.model import effort, gaming, opportunity
from simulator.program.compiled import Component, Program
from simulator.program.compiling import compile_program
from simulator.program.numbers import Array, Numbers
from simulator.program.schedule import Knot, Schedule, claim_price, expected_payout, payout_slope
from simulator.program.stacking import apply_ceiling, resolve_groups
from simulator.scenario.load import parse
from simulator.streams import Streams, philox, poisson

HEAD = """
name = "rules"
[markets.mid]
size_median = 30000
size_max = 2000000
[territories.all]
vendor_opportunities_per_year = 10
markets = { mid = 1.0 }
[partners.reseller]
count = 2
territory = "all"
markets = { mid = 1.0 }
opportunities_per_year = 20
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
"""


def num(value: float) -> Array:
    return np.array([[float(value)]])


def schedule(base: float, kinks: list[tuple[float, float]], jumps: list[tuple[float, float]]) -> Schedule:
    knots = [Knot(num(at), num(change), num(0)) for at, change in kinks]
    knots += [Knot(num(at), num(0), num(size)) for at, size in jumps]
    return Schedule(num(base), tuple(knots))


def compiled(text: str) -> Program:
    scenario = parse(HEAD + "[programs.p]\n" + text)
    return compile_program("p", scenario.programs["p"], Numbers(scenario.tree()), tuple(scenario.markets))


def only(text: str) -> Component:
    return compiled("[programs.p.components.c]\n" + text).components[0]


def pays(component: Component, attained: float, reference: float = 1.0) -> float:
    """Payout in money at an attainment in money or units."""
    scaled = component.schedule.scaled(num(reference * 100)) if component.reference != "money" else component.schedule
    return float(scaled.payout(num(attained * 100))[0, 0]) / 100


# -- randomness ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_meets_its_published_vectors(
    counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    """Known-answer vectors of the Random123 distribution."""
    a, b, c, d = (np.array([x], dtype=np.uint64) for x in counter)
    assert tuple(int(x[0]) for x in philox((a, b, c, d), key)) == words


def test_a_draw_depends_on_its_address_alone() -> None:
    streams = Streams(3)
    many = streams.draw("deal", np.arange(50000), 7, -3, 2)
    assert np.array_equal(many[:, 40000:40010], streams.draw("deal", np.arange(40000, 40010), 7, -3, 2))
    assert not np.array_equal(many[:, :10], streams.draw("deal", np.arange(10), 7, -2, 2))
    assert not np.array_equal(many[:, :10], streams.draw("other", np.arange(10), 7, -3, 2))
    assert many.min() > 0
    assert many.max() < 1
    assert abs(many.mean() - 0.5) < 4 * np.sqrt(1 / 12 / many.size)


@given(rate=st.floats(0, 60), u=st.floats(1e-6, 1 - 1e-6))
def test_poisson_counts_invert_the_distribution(rate: float, u: float) -> None:
    count = int(poisson(np.array([u]), np.array([rate]))[0])
    assert stats.poisson.cdf(count, rate) >= u - 1e-9
    assert count == 0 or stats.poisson.cdf(count - 1, rate) <= u + 1e-9


# -- schedules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "sd", "base", "kinks", "jumps", "value", "delta", "gamma"),
    [
        (100, 20, 0.05, [(100, 0.03)], [], 5.2393653682, 0.0650000000, 0.0005984134),
        (80, 15, 0.05, [(100, 0.03)], [], 4.0190778018, 0.0527363366, 0.0003280201),
        (120, 30, 0.10, [(150, -0.10)], [], 11.7500535882, 0.0841344746, -0.0008065691),
        (95, 10, 0.0, [], [(100, 5)], 1.5426876936, 0.1760326634, 0.0088016332),
    ],
)
def test_expected_payout_is_a_sum_of_calls_and_digitals(
    mean: float, sd: float, base: float, kinks: list[tuple[float, float]], jumps: list[tuple[float, float]],
    value: float, delta: float, gamma: float,
) -> None:  # fmt: skip
    """Bachelier's closed form; table values by quadrature to 2e-14."""
    pay = schedule(base, kinks, jumps)
    assert expected_payout(pay, num(mean), num(sd))[0, 0] == pytest.approx(value, abs=1e-9)
    slope, curve = payout_slope(pay, num(mean), num(sd))
    assert slope[0, 0] == pytest.approx(delta, abs=1e-9)
    assert curve[0, 0] == pytest.approx(gamma, abs=1e-9)


knots = st.lists(
    st.tuples(st.floats(5, 100), st.floats(0, 0.2), st.floats(0, 10)), min_size=0, max_size=3, unique_by=lambda k: k[0]
)


@settings(max_examples=60, deadline=None)
@given(steps=knots, base=st.floats(0.01, 0.1), cap=st.floats(2, 30), floor=st.floats(0.1, 1.5), retro=st.booleans())
def test_limits_written_as_knots_pay_the_same(
    steps: list[tuple[float, float, float]], base: float, cap: float, floor: float, retro: bool
) -> None:
    """Caps bind, floors hold, and the smooth form equals the exact one away from its thresholds."""
    made = tuple(Knot(num(at), num(change), num(jump)) for at, change, jump in sorted(steps))
    exact = Schedule(num(base), made, num(floor), num(cap), retro)
    smooth = exact.smooth()
    edges = np.array([float(k.at[0, 0]) for k in smooth.knots])
    for x in np.linspace(0.5, 300, 61):
        if np.abs(edges - x).min() < 1e-3:
            continue
        paid = float(exact.payout(num(x))[0, 0])
        assert 0 <= paid <= cap
        assert paid == 0 or paid >= floor
        assert expected_payout(smooth, num(x), num(1e-6))[0, 0] == pytest.approx(paid, abs=1e-5)


def test_a_capped_retroactive_schedule_integrates_to_its_closed_form() -> None:
    exact = Schedule(num(0.05), (Knot(num(100), num(0.03), num(0)),), None, num(9), True)
    integrand = lambda x: float(exact.payout(num(x))[0, 0]) * stats.norm.pdf(x, 105, 15)  # noqa: E731
    by_quadrature = integrate.quad(integrand, 0, 200, points=[100, 112.5], epsabs=1e-11)[0]
    got = expected_payout(exact.smooth(), num(105), num(15))[0, 0]
    assert got == pytest.approx(by_quadrature, abs=1e-6)


@given(mean=st.floats(0, 200), sd=st.floats(1, 50), claim=st.floats(1, 40), steps=knots)
def test_the_price_of_a_claim_is_what_it_adds(
    mean: float, sd: float, claim: float, steps: list[tuple[float, float, float]]
) -> None:
    pay = Schedule(num(0.05), tuple(Knot(num(a), num(c), num(j)) for a, c, j in steps))
    more = expected_payout(pay, num(mean + claim), num(sd)) - expected_payout(pay, num(mean), num(sd))
    assert claim_price(pay, num(mean), num(sd), num(claim))[0, 0] == pytest.approx(more[0, 0] / claim, abs=1e-9)


# -- components, worked by hand --------------------------------------------------------------------------------


def test_marginal_and_retroactive_revenue_tiers() -> None:
    """150,000 closed, 5 % and 8 % from 100,000: marginal 5,000 + 4,000; retroactive 12,000."""
    text = 'kind="revenue_share"\nrate=0.05\ntiers=[{above=100000,rate=0.08}]\n'
    assert pays(only(text), 150_000) == pytest.approx(9_000)
    assert pays(only(text + 'tiering="retroactive"'), 150_000) == pytest.approx(12_000)
    assert pays(only(text + 'tiering="retroactive"'), 99_999.99) == pytest.approx(4_999.9995)
    assert pays(only(text + "terms={cap=8000}"), 150_000) == 8_000
    assert pays(only(text + "terms={floor=600}"), 10_000) == 0


def test_accelerator_in_units_of_quota() -> None:
    """Quota 200,000, 5 % x .5 to 40 %, x1 to 100 %, x1.5 beyond; 250,000: 2,000 + 6,000 + 3,750."""
    c = only(
        'kind="accelerator"\nrate=0.05\nstart_multiple=0.5\nmultiples=[{above=0.4,multiple=1.0},{above=1.0,multiple=1.5}]'
    )
    assert pays(c, 250_000, reference=200_000) == pytest.approx(11_750)


def test_growth_points_on_all_revenue() -> None:
    """Last year 100,000; +1, +3, +5 points from 15, 30, 45 % growth: 114,000 pays 0, 131,000 pays 3 %, 150,000 5 %."""
    c = only('kind="growth"\npoints=[{growth=0.15,points=0.01},{growth=0.3,points=0.03},{growth=0.45,points=0.05}]')
    paid = [pays(c, x, reference=100_000) for x in (114_000, 131_000, 150_000)]
    assert paid == pytest.approx([0, 3_930, 7_500])


def test_lumps_activity_credits_and_uplift() -> None:
    lumps = only('kind="bonus"\nlumps=[{at=50000,amount=1000},{at=80000,amount=500}]')
    assert [pays(lumps, x) for x in (49_999, 50_000, 90_000)] == [0, 1000, 1500]
    credit = only('kind="activity_credit"\nmeasure="demo"\namount=300\nlimit=4')
    assert [pays(credit, x) for x in (3, 4, 9)] == pytest.approx([900, 1200, 1200])
    uplift = only('kind="deal_registration"\nuplift=0.05\nmin_amount=20000')
    rep, code = np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
    got = uplift.credit(rep=rep, code=code, amount=np.array([1_999_999.0, 2_000_000.0]))
    assert got.tolist() == [0, 2_000_000]
    assert uplift.claim_payout(rep=rep, credit=got).tolist() == [0, 100_000]


def test_filters_and_weights_by_engagement_and_account() -> None:
    """Codes: standard sourced new = 0, standard assisted existing = 4, complex sourced named = 8."""
    c = only(
        'kind="revenue_share"\nrate=0.1\naccounts="existing"\ncredit_by_engagement={assisted=0.5}\n'
        "credit_by_complexity={complex=2.0}"
    )
    code = np.array([0, 4, 8, -1])
    got = c.credit(rep=np.zeros(4, dtype=np.int64), code=code, amount=np.array([1000.0, 1000.0, 1000.0, 0.0]))
    assert got.tolist() == [0, 500, 2000, 0]


def test_stacking_highest_applies_and_the_ceiling_binds() -> None:
    p = compiled(
        "deal_ceiling=0.06\n"
        '[programs.p.components.a]\nkind="deal_registration"\nuplift=0.05\nexclusive_group="g"\n'
        '[programs.p.components.b]\nkind="deal_registration"\nuplift=0.03\nexclusive_group="g"\n'
        '[programs.p.components.c]\nkind="revenue_share"\nwindow="claim"\nrate=0.04\n'
    )
    pays_each = [np.array([5000.0, 10.0]), np.array([3000.0, 10.0]), np.array([4000.0, 0.0])]
    kept = resolve_groups(p, pays_each, by_claim=True)
    assert [k.tolist() for k in kept] == [[5000, 10], [0, 0], [4000, 0]]
    cut = apply_ceiling(p, kept, rep=np.zeros(2, dtype=np.int64), amount=np.array([100_000.0, 100_000.0]))
    assert [c.tolist() for c in cut] == [[3333, 10], [0, 0], [2666, 0]]  # 6,000 of 9,000, rounded down


# -- settlement ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "forfeited", "clawed"),
    [(15.0, 1000, 0), (25.0, 200, 800), (40.0, 0, 1000), (70.0, 0, 0)],
)
def test_a_lost_customer_takes_back_by_its_date(lost: float, forfeited: float, clawed: float) -> None:
    """1,000 cents on a claim of week 5; window to 13, paid at 19, a fifth held to 32, clawback to week 57."""
    one = np.ones(1)
    got = taken_back(
        1000 * one, lost=lost * one, claimed=5 * one, end=13 * one, lag=6 * one, holdback=0.2 * one, held=13 * one,
        window=52 * one,
    )  # fmt: skip
    assert (got[0][0], got[1][0]) == (forfeited, clawed)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20), st.integers(0, 10**9))
def test_parts_of_a_payout_never_exceed_it(credits: list[int], accrued: int) -> None:
    credit = np.array(credits, dtype=float)
    parts = attributed(np.full(len(credit), float(accrued)), credit, np.full(len(credit), credit.sum()))
    assert accrued - len(credits) <= parts.sum() <= accrued


# -- gaming ----------------------------------------------------------------------------------------------------


@given(m=st.floats(1, 1e5), multiple=st.floats(0, 10), d=st.floats(0, 1), more=st.floats(0, 0.5))
def test_padding_stops_where_detection_deters(m: float, multiple: float, d: float, more: float) -> None:
    """Becker 1968: none where d > m / (m + F), with F = multiple * m; more audit never raises it."""
    edge = 1 / (1 + multiple)
    cost = num(5000.0)

    def rate(detection: float) -> float:
        gain = gaming.false_claim_gain(num(m), num(detection), num(multiple))
        return float(gaming.false_claim_rate(gain, cost)[0, 0])

    if abs(d - edge) > 1e-6:
        assert (rate(d) > 0) == (d < edge)
    assert rate(min(d + more, 1.0)) <= rate(d) + 1e-12


@given(st.floats(0, 0.5), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e5))
def test_linear_pay_gains_nothing_from_timing(rate: float, now: float, coming: float, moved: float) -> None:
    """With the slack for ties a partner on linear pay never moves a deal, whatever the amounts."""
    pay = Schedule(num(rate))
    values = [pay.payout(num(now + x)) + expected_payout(pay, num(coming - x), num(1e5)) for x in (0.0, moved, -moved)]
    gains = np.array([[float((v - values[0])[0, 0]) for v in values]])
    assert gaming.best_option(gains, values[0][0]).tolist() == [0]


@given(q=st.floats(1, 300), steps=knots)
def test_convex_pay_gains_from_joining_periods_and_is_bounded(
    q: float, steps: list[tuple[float, float, float]]
) -> None:
    """Jensen 2003: with P convex, P(q) + P(0) >= 2 P(q / 2), which bounds what any split gains."""
    pay = Schedule(num(0.05), tuple(Knot(num(a), num(c), num(0)) for a, c, _ in sorted(steps)))
    value = lambda x: float(pay.payout(num(x))[0, 0])  # noqa: E731
    bound = value(q) + value(0) - 2 * value(q / 2)
    assert bound >= -1e-9
    for share in (0.1, 0.25, 0.5):
        assert value(q) + value(0) - value(q * share) - value(q * (1 - share)) <= bound + 1e-9


@pytest.mark.parametrize(("quota", "mean", "variance"), [(100.0, 101.790549, 207.2350), (130.0, None, None)])
def test_a_dealer_with_quadratic_costs_jumps_to_its_quota(
    quota: float, mean: float | None, variance: float | None
) -> None:
    """Sohoni et al. 2011: x ~ N(90, 15) is the market, sales beyond x cost b/2 (z - x)^2, p = 1, b = .1, bonus 8.

    Without the bonus the dealer sells x + p/b; it reaches 12.6491 = sqrt(2K/b) below the quota up to it.
    """
    pay = schedule(1.0, [], [(quota, 8.0)])
    x = np.linspace(90 - 8 * 15, 90 + 8 * 15, 200_001)
    free = x + 1 / 0.1

    def profit(z: Array) -> Array:
        return pay.payout(z) - 0.05 * (z - x) ** 2

    options = np.stack([free, np.full_like(free, quota)])
    best = np.argmax(np.stack([profit(free)[0], profit(options[1])[0]]), axis=0)
    sales = np.where(best == 1, quota, free)
    weight = stats.norm.pdf(x, 90, 15)
    weight /= weight.sum()
    jumped = free[(best == 1) & (free < quota)]
    assert quota - jumped.min() == pytest.approx(12.6491, abs=2e-3)
    got_mean = float((weight * sales).sum())
    got_variance = float((weight * (sales - got_mean) ** 2).sum())
    if mean is not None and variance is not None:
        assert float(weight[sales == quota].sum()) == pytest.approx(0.300462, abs=2e-4)
        assert got_mean == pytest.approx(mean, abs=2e-3)
        assert got_variance == pytest.approx(variance, abs=0.02)
    else:
        assert got_variance > 225  # the variance without a bonus is that of the market


# -- effort and opportunities ----------------------------------------------------------------------------------


def test_effort_is_the_best_choice_of_hours() -> None:
    """Maximise V q - c q^((1+eps)/eps) with c such that q = 1 is best at V0; by grid, eps = .8."""
    eps, value, usual = 0.8, 3.0, 2.0
    q = np.linspace(0.01, 5, 200_001)
    cost = usual * eps / (1 + eps) * q ** ((1 + eps) / eps)
    best = q[np.argmax(value * q - cost)]
    shares = [num(s) for s in (0.4, 0.3, 0.2, 0.1)]
    got = effort.target_activity([num(value)] * 4, [num(usual)] * 4, num(eps), shares, num(20))
    assert got[0][0, 0] == pytest.approx(best, abs=1e-4)
    still = effort.target_activity([num(value)] * 4, [num(usual)] * 4, num(0), shares, num(20))
    assert still[0][0, 0] == 1.0


def test_capacity_binds_exactly_and_keeps_proportions() -> None:
    shares = [num(s) for s in (0.4, 0.3, 0.2, 0.1)]
    values = [num(v) for v in (4.0, 3.0, 2.0, 1.0)]
    free = effort.target_activity(values, [num(1)] * 4, num(1), shares, num(100))
    held = effort.target_activity(values, [num(1)] * 4, num(1), shares, num(1.5))
    hours = sum(float(s[0, 0] * q[0, 0] ** 2) for s, q in zip(shares, held, strict=True))
    assert hours == pytest.approx(1.5)
    ratios = [float(h[0, 0] / f[0, 0]) for h, f in zip(held, free, strict=True)]
    assert ratios == pytest.approx([ratios[0]] * 4)


def test_wholly_rivalrous_sourcing_adds_nothing() -> None:
    q = np.full((1, 5), 1.7)
    mean = effort.territory_means(np.arange(1.0, 6.0)[None], q, np.zeros(5, dtype=np.int64), 1)
    assert effort.sourcing_multiple(np.ones((1, 5)), q, num(1), mean) == pytest.approx(1.0)
    assert effort.sourcing_multiple(np.ones((1, 5)), q, num(0), mean) == pytest.approx(1.7)


@pytest.mark.parametrize("weights", [(0.25, 0.25, 0.25, 0.25), (0.0, 0.1, 0.2, 0.7)])
def test_the_odds_of_winning_are_the_odds_stated(weights: tuple[float, ...]) -> None:
    u = Streams(11).draw("test", np.arange(100_000), 0)
    hurdle = opportunity.hurdles(np.tile(weights, (100_000, 1)), u.T)
    won = (hurdle < np.log(0.3 / 0.7)).all(axis=1).mean()
    assert abs(won - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 100_000)
    if weights[0] == 0:
        assert (hurdle[:, 0] == -np.inf).all()
