"""Agents that pick their output exactly, against closed forms of agency theory, kinks, notches and dealers' bonuses."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import optimize, stats

from simulator.behavior import best_response as response
from simulator.behavior.best_response import IsoelasticCost, best_response
from simulator.behavior.contests import tournament_price
from simulator.core.arrays import Array
from simulator.program.schedule import Schedule
from tests.program.build import num, scalar, schedule

BASE, ELASTICITY, AT = 0.10, 0.5, 100.0
KINK = schedule(BASE, [(AT, -0.05, 0)])
ACCELERATOR = schedule(BASE, [(AT, 0.05, 0)])
LUMP = schedule(BASE, [(AT, 0, 0.1 * BASE * AT)])
RETROACTIVE = schedule(BASE, [(AT, 0.05, 0)], retroactive=True)


@dataclass(frozen=True)
class QuadraticCost:
    """C(z) = c/2 (z - x)^2 around an effortless output x: at a constant rate b output is x + b / c."""

    effortless: Array
    curvature: Array
    least = -np.inf

    def of(self, output: Array) -> Array:
        return np.asarray(0.5 * self.curvature * (output - self.effortless) ** 2)

    def best(self, slope: Array) -> Array:
        return np.asarray(self.effortless + slope / self.curvature)


def isoelastic(usual: Array, elasticity: float = ELASTICITY, rate: float = BASE) -> IsoelasticCost:
    """Agents who make `usual` at a constant rate, with costs n/(1+1/e) (z/n)^(1+1/e), so n = usual / rate^e."""
    return IsoelasticCost(usual / rate**elasticity, num(elasticity))


def chosen(pay: Schedule, usual: Array) -> Array:
    """What agents choose under `pay` who make `usual` (n,) at 10 %."""
    return best_response(pay, isoelastic(usual[None, :]))[0]


def first(reached: object, low: float, high: float) -> float:
    """The lowest agent in [low, high] for whom `reached` holds, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)  # type: ignore[operator]
    return high


def jumper(pay: Schedule) -> float:
    return first(lambda usual: chosen(pay, np.array([usual]))[0] >= AT, 10.0, AT)


# -- agency ----------------------------------------------------------------------------------------------------


def test_effort_under_linear_pay_with_quadratic_cost() -> None:
    """Holmstrom and Milgrom 1987: e = b / c. With r = 2, c = .5, s2 = 1.5: b* = 1 / (1 + r c s2) = .4, e = .8 and
    the surplus e - c e^2 / 2 - r b^2 s2 / 2 = .4; b* is found by trying, as no rule here knows it."""
    aversion, curvature, variance = 2.0, 0.5, 1.5

    def effort(share: float) -> float:
        return scalar(best_response(schedule(share, []), QuadraticCost(num(0), num(curvature))))

    def lost(share: float) -> float:
        e = effort(share)
        return -(e - curvature * e**2 / 2 - aversion * share**2 * variance / 2)

    found = optimize.minimize_scalar(lost, bounds=(0.01, 1.0), method="bounded", options={"xatol": 1e-10})
    assert effort(0.4) == pytest.approx(0.8, abs=1e-12)
    assert found.x == pytest.approx(0.4, abs=1e-6)
    assert -found.fun == pytest.approx(0.4, abs=1e-12)


def test_what_a_misaligned_measure_loses() -> None:
    """Feltham and Xie 1994, Baker 2002: f = (3, 4) is valued, g = (1, 0) measured, the cost |a|^2 / 2.

    The agent brings the measure g.a at least cost, (g.a)^2 / (2 |g|^2), so it acts along g; with the best share b the
    surplus is cos^2(f, g) = 9 / 25 of the first best |f|^2 / 2.
    """
    value, measured = np.array([3.0, 4.0]), np.array([1.0, 0.0])
    length = float(measured @ measured)

    def lost(share: float) -> float:
        measure = scalar(best_response(schedule(share, []), QuadraticCost(num(0), num(1 / length))))
        action = measure * measured / length
        return -(float(value @ action) - float(action @ action) / 2)

    found = optimize.minimize_scalar(lost, bounds=(0.1, 10.0), method="bounded", options={"xatol": 1e-10})
    assert found.x == pytest.approx(3.0, abs=1e-6)
    assert -found.fun / (float(value @ value) / 2) == pytest.approx(0.36, abs=1e-12)


@pytest.mark.parametrize(("sd", "cost", "prize", "effort"), [(1.0, 1.0, 1.0, 0.282095), (2.0, 1.0, 3.0, 0.423142)])
def test_a_tournament_is_played_as_lazear_and_rosen_say(sd: float, cost: float, prize: float, effort: float) -> None:
    """e = dW / (2 s sqrt(pi) c) by best response to the price, and against that rival no other effort is better."""
    price = scalar(tournament_price(num(prize), num(0.0), num(sd), num(sd)))
    chosen_effort = scalar(best_response(schedule(price, []), QuadraticCost(num(0), num(cost))))
    assert chosen_effort == pytest.approx(effort, abs=5e-7)

    def lost(e: float) -> float:
        return cost * e**2 / 2 - prize * float(stats.norm.cdf((e - chosen_effort) / (sd * np.sqrt(2))))

    assert optimize.minimize_scalar(lost, bounds=(0.0, 2.0), method="bounded").x == pytest.approx(effort, abs=1e-4)


# -- kinks and notches -----------------------------------------------------------------------------------------


def test_a_falling_rate_bunches_at_its_threshold() -> None:
    """10 % to 5 %, e = .5: agents up to dz/z = (10 / 5)^.5 - 1 = .414214 above it make exactly 100; under
    Pareto(2, zmin 50) they are (1/2)^2 - (1/2)^2 / 2 = .125."""
    last = first(lambda usual: chosen(KINK, np.array([usual]))[0] > AT, AT, 200.0)
    assert last / AT - 1 == pytest.approx(0.414214, abs=1e-6)
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    usual = 50.0 * (1 - quantiles) ** -0.5
    assert (chosen(KINK, usual) == AT).mean() == pytest.approx(0.125, abs=1e-5)


def test_a_rising_rate_leaves_a_hole() -> None:
    """10 % to 15 % marginal, e = .5: nobody between 89.593178 and 109.728785."""
    z = chosen(ACCELERATOR, np.linspace(50, 150, 100_001))
    inside = (z > 89.593178 + 1e-6) & (z < 109.728785 - 1e-6)
    assert not inside.any()
    least = first(lambda usual: chosen(ACCELERATOR, np.array([usual]))[0] > AT, 50.0, 150.0)
    assert least == pytest.approx(89.593178, abs=1e-6)
    assert chosen(ACCELERATOR, np.array([least]))[0] == pytest.approx(109.728785, abs=1e-6)


def test_a_lump_draws_everyone_from_the_marginal_jumper_on_to_the_threshold() -> None:
    """10 % of the base commission at 100, e = .5: from 74.2110 on exactly 100, below it the usual output."""
    least = jumper(LUMP)
    assert least == pytest.approx(74.2110, abs=1e-4)
    usual = np.linspace(40, 130, 9001)
    z = chosen(LUMP, usual)
    jumps = (usual > least) & (usual < AT)
    assert (z[jumps] == AT).all()
    assert z[~jumps] == pytest.approx(usual[~jumps], abs=1e-9)


def test_a_retroactive_rate_draws_output_onto_its_threshold() -> None:
    """10 % to 15 % of everything, e = .5: from 54.0877 to 81.6497 exactly 100; beyond, 15 % output."""
    least = jumper(RETROACTIVE)
    assert least == pytest.approx(54.0877, abs=1e-4)
    usual = np.linspace(40, 130, 9001)
    z = chosen(RETROACTIVE, usual)
    lands = (usual > least) & (usual < 81.6497)
    assert (z[lands] == AT).all()
    assert z[usual < least] == pytest.approx(usual[usual < least], abs=1e-9)
    assert z[usual > 81.65] == pytest.approx(usual[usual > 81.65] * 1.5**0.5, abs=1e-9)


def test_a_retroactive_fall_stops_output_just_below_its_threshold() -> None:
    """10 % below 100, 5 % of everything from there on: who would make a little more stops at 100."""
    z = chosen(schedule(BASE, [(AT, -0.05, 0)], retroactive=True), np.array([90.0, 101.0, 150.0]))
    assert z[0] == pytest.approx(90.0)
    assert (z[1:] < AT).all()
    assert z[1:] == pytest.approx(AT)


def test_the_marginal_condition_alone_would_miss_the_notch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: the first piece whose own optimum lies on it, instead of the best of all pieces."""

    def local(pay: Schedule, cost: response.Cost) -> Array:
        pieces = response.segments(pay.smooth())
        output = cost.best(pieces.slope)
        fits = (output >= pieces.start) & (output < pieces.end)
        return np.asarray(np.take_along_axis(output, np.argmax(fits, axis=0)[None], axis=0)[0])

    monkeypatch.setitem(globals(), "best_response", local)
    assert not (chosen(LUMP, np.linspace(76, 99, 10)) == AT).any()
    assert abs(jumper(RETROACTIVE) - 54.0877) > 1


steps = st.lists(
    st.tuples(st.floats(10, 200), st.just(0.0) | st.floats(0.01, 0.3), st.floats(0, 10)),
    min_size=1, max_size=3, unique_by=lambda k: round(k[0]),
).map(sorted)  # fmt: skip


def random_pay(base: float, rates: list[tuple[float, float, float]], **limits: float | bool | None) -> Schedule:
    slopes = [base, *(rate for _, rate, _ in rates)]
    knots = [(at, slopes[j + 1] - slopes[j], lump) for j, (at, _, lump) in enumerate(rates)]
    return schedule(base, knots, **limits)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    base=st.floats(0.01, 0.2), rates=steps, cap=st.none() | st.floats(3, 40), floor=st.none() | st.floats(0.5, 2),
    retroactive=st.booleans(), elasticity=st.floats(0.1, 2), usual=st.floats(5, 250),
)  # fmt: skip
def test_no_output_on_a_fine_grid_is_better(
    base: float, rates: list[tuple[float, float, float]], cap: float | None, floor: float | None, retroactive: bool,
    elasticity: float, usual: float,
) -> None:  # fmt: skip
    """What is earned at the chosen output, by the exact payout, is the most that a fine grid finds."""
    pay = random_pay(base, rates, cap=cap, floor=floor, retroactive=retroactive)
    cost = isoelastic(num(usual), elasticity)
    z = best_response(pay, cost)
    grid = np.concatenate((np.linspace(0, 800, 3201), [at for at, _, _ in rates]))[None, :]
    profit = pay.payout(grid) - cost.of(grid)
    # Where a limit is reached is known to the last bits only, and payout jumps there.
    here = np.concatenate((z, z * (1 - 1e-12), z * (1 + 1e-12)), axis=None)[None, :]
    got = (pay.payout(here) - cost.of(here)).max()
    if scalar(z) < 790:
        assert got >= profit.max() - 1e-9


@settings(max_examples=60, deadline=None)
@given(low=st.floats(0.02, 0.2), high=st.floats(0.02, 0.2), lump=st.floats(0.1, 5), elasticity=st.floats(0.2, 2))
def test_kinks_bunch_rises_leave_holes_jumps_fill_their_threshold(
    low: float, high: float, lump: float, elasticity: float
) -> None:
    """Over random rates: a falling rate has agents exactly on the threshold, a rising one none in a stretch around
    it, a lump some on it and none just below."""
    usual = np.linspace(20, 400, 951)
    cost = IsoelasticCost(usual[None, :] / low**elasticity, num(elasticity))

    def landed(change: float, jump: float) -> Array:
        return best_response(schedule(low, [(AT, change, jump)]), cost)[0]

    z = landed(0.0, lump)
    assert (z == AT).sum() > 10
    assert not ((z > AT - 0.01) & (z < AT)).any()
    if abs(high / low - 1) < 0.05:
        return
    z = landed(high - low, 0.0)
    assert ((z == AT).sum() > 0) == (high < low)
    hole = np.abs(z - AT) < 0.2 * AT * abs((high / low) ** elasticity - 1) * 0.5
    assert high < low or not hole.any()


# -- a dealer against a bonus ----------------------------------------------------------------------------------

PRICE, CURVE, BONUS = 1.0, 0.1, 8.0
"""p, b and K of Sohoni et al. 2011. The market x is N(90, 15). A dealer that sells z earns S(z) - b/2 (z - x - p/b)^2
plus what does not depend on z: without a bonus it sells x + p/b. That is profit p z - b/2 (z - x)^2 with a linear
margin p, and the four published numbers come out only where x + p/b ~ N(100, 15), the bonus standing at R = 100."""


def sold(x: Array, quota: float) -> Array:
    """Sales of dealers in markets x (n,)."""
    return best_response(schedule(PRICE, [(quota, 0.0, BONUS)]), QuadraticCost(x[None, :], num(CURVE)))[0]


def eligibility(quota: float) -> float:
    """The market from which on a dealer goes to the quota."""
    return first(lambda x: sold(np.array([x]), quota)[0] >= quota, quota - 40.0, quota - 10.0 - 1e-6)


@lru_cache
def moments(quota: float) -> tuple[float, float]:
    """Mean and variance of sales, by Gauss-Legendre between the market's ends, the jumper and the quota."""
    edges = [90 - 120.0, eligibility(quota), quota - PRICE / CURVE, 90 + 120.0]
    mean = square = 0.0
    for a, b in itertools.pairwise(edges):
        nodes, weights = np.polynomial.legendre.leggauss(60)
        x = (a + b) / 2 + (b - a) / 2 * nodes
        mass, sales = weights * (b - a) / 2 * stats.norm.pdf(x, 90, 15), sold(x, quota)
        mean, square = mean + float(mass @ sales), square + float(mass @ sales**2)
    return mean, square - mean**2


def test_a_bonus_pulls_dealers_up_to_quota() -> None:
    """Reach sqrt(2K/b) = 12.6491, mass on the quota .300462, mean 101.790549, variance 207.2350 (free: 100, 225)."""
    least = eligibility(100.0)
    assert 100 - (least + PRICE / CURVE) == pytest.approx(12.6491, abs=1e-4)
    assert stats.norm.cdf(90, 90, 15) - stats.norm.cdf(least, 90, 15) == pytest.approx(0.300462, abs=1e-5)
    mean, variance = moments(100.0)
    assert mean == pytest.approx(101.790549, abs=1e-4)
    assert variance == pytest.approx(207.2350, abs=1e-2)


def test_all_dealers_between_the_jumper_and_the_quota_land_on_it_and_nobody_in_the_hole() -> None:
    free = np.linspace(60, 110, 101) + 10
    sales = sold(free - 10, 100.0)
    assert not ((sales > 100 - 12.64) & (sales < 100 - 1e-9)).any()
    assert (sales[(free > 87.4) & (free < 100)] == 100).all()
    assert sales[free < 87.3] == pytest.approx(free[free < 87.3], abs=1e-9)
    assert sales[free > 100] == pytest.approx(free[free > 100], abs=1e-9)


def test_a_far_quota_raises_the_variance() -> None:
    mean, variance = moments(130.0)
    assert variance > 225
    assert mean > 100
