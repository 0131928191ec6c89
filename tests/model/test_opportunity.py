"""Opportunities from uniforms: odds by stages, sizes, speed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.core.streams import Streams
from simulator.scenario.load import parse
from simulator.world import opportunities
from simulator.world.setting import Markets, compile_setting
from tests.scenario.texts import SMALL

MANY = 100_000


@pytest.fixture(scope="module")
def markets() -> Markets:
    return compile_setting(parse(SMALL)).markets


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


@pytest.mark.parametrize("p", [0.05, 0.3, 0.9])
@pytest.mark.parametrize(
    "weights", [(0.25, 0.25, 0.25, 0.25), (0, 0, 0, 1), (0, 0.1, 0.2, 0.7), (0.97, 0.01, 0.01, 0.01)]
)
def test_the_odds_of_winning_do_not_depend_on_the_stages(p: float, weights: tuple[float, ...]) -> None:
    """Passing all four with u_s < p^(w_s), the weights adding up to 1, has probability p; each stage p^(w_s)."""
    u = Streams(31).draw("stages", np.arange(MANY), 0)
    passed = opportunities.hurdles(np.tile(weights, (MANY, 1)), u.T) < logit(p)
    won = passed.all(axis=1).mean()
    assert abs(won - p) < 4 * np.sqrt(p * (1 - p) / MANY)
    for s, w in enumerate(weights):
        rate = p**w
        assert abs(passed[:, s].mean() - rate) <= 4 * np.sqrt(rate * (1 - rate) / MANY)


@given(u=st.floats(2.0**-33, 1 - 2.0**-33), p=st.floats(-30, 30))
def test_a_stage_of_no_weight_is_always_passed(u: float, p: float) -> None:
    hurdle = opportunities.hurdles(np.array([[0.0, 1.0, 0.0, 0.0]]), np.full((1, 4), u))
    assert (hurdle[0, [0, 2, 3]] < p).all()
    assert hurdle[0, 1] == pytest.approx(np.log(u) - np.log1p(-u), rel=1e-9, abs=1e-9)


def test_a_hurdle_is_the_odds_at_which_the_stage_is_just_passed() -> None:
    """u = .6, w = .5: p^.5 = .6 at p = .36, so the hurdle is logit(.36) = ln(.36/.64)."""
    got = opportunities.hurdles(np.full((1, 4), 0.5), np.full((1, 4), 0.6))
    assert got[0] == pytest.approx(np.log(0.36 / 0.64))


def test_sizes_have_their_median_spread_and_bound(markets: Markets) -> None:
    """Median 40,000 at u = .5; with spread 1.2 the 84.134 % point is 40,000 * e^1.2 = 132,804.68; at most 500,000."""
    zero = np.zeros(4, dtype=np.int64)
    u = np.array([0.5, 0.8413447460685429, 0.9999, 1e-9])
    log_cents = opportunities.log_size(markets, rep=zero, market=zero, u=u, effect=np.zeros(4))
    cents = opportunities.amount(markets, rep=zero, market=zero, log_cents=log_cents)
    assert cents[:3].tolist() == [4_000_000, 13_280_468, 50_000_000]
    assert cents[3] >= 1
    tiny = opportunities.amount(markets, rep=zero[:1], market=zero[:1], log_cents=np.array([-20.0]))
    assert tiny.tolist() == [1]


@given(u=st.lists(st.floats(2.0**-33, 1 - 2.0**-33), min_size=2, max_size=2), market=st.integers(0, 1))
def test_sizes_are_whole_cents_within_bounds_and_rise(u: list[float], market: int) -> None:
    markets = compile_setting(parse(SMALL)).markets if not CACHE else CACHE[0]
    CACHE[:] = [markets]
    at = np.full(2, market)
    log_cents = opportunities.log_size(markets, rep=0 * at, market=at, u=np.sort(u), effect=np.full(2, 0.7))
    cents = opportunities.amount(markets, rep=0 * at, market=at, log_cents=log_cents)
    assert 1 <= cents[0] <= cents[1] <= (50_000_000, 200_000_000)[market]
    assert (cents == np.floor(cents)).all()


CACHE: list[Markets] = []


def test_large_deals_are_won_less_often_up_to_the_bound(markets: Markets) -> None:
    """Slope -.1 per log unit: e times the median costs .1; beyond the largest deal nothing more, -.1 ln(12.5)."""
    zero = np.zeros(3, dtype=np.int64)
    log_cents = np.log(4_000_000) + np.array([0.0, 1.0, 9.0])
    got = opportunities.size_logit(markets, rep=zero, market=zero, log_cents=log_cents)
    assert got == pytest.approx([0, -0.1, -0.1 * np.log(12.5)])


def test_usual_intensity_leaves_odds_and_speed_as_they_are() -> None:
    one, x = np.ones(3), np.array([1.0, 0.0, 3.0])
    assert opportunities.speed(x, np.array([0.2])).tolist()[0] == 1.0
    assert opportunities.speed(x, 0.2 * one) == pytest.approx([1, 0.5**0.2, 2**0.2])
    assert opportunities.speed(np.array([0.0]), np.array([3.0])).tolist() == [
        0.25
    ]  # 1/8 would be slower than the least
    odds = opportunities.win_logit(base=-1.3 * one, cosell_win=0.4 * one, intensity=x)
    assert odds == pytest.approx([-1.3, -1.3 - 0.4 * np.log(2), -1.3 + 0.4 * np.log(2)])


def test_the_usual_cycle_and_the_complex_one(markets: Markets) -> None:
    """Median 12 weeks; a complex deal takes 1.3 times as long, 15.6."""
    two = np.zeros(2, dtype=np.int64)
    weeks = opportunities.cycle(markets, rep=two, market=two, complexity=np.array([0, 1]), u=np.full(2, 0.5))
    assert weeks == pytest.approx([12.0, 15.6])


def test_mean_intensity_weighs_time() -> None:
    """Two weeks at 1 and three at 2 are 8 over 5 weeks."""
    got = opportunities.mean_intensity(
        work=np.array([11.0]), since=np.array([3.0]), now=np.array([9.0]), start=np.array([4.0])
    )
    assert got == pytest.approx([1.6])


def test_a_choice_falls_in_its_share() -> None:
    """Shares .2, .5, .3: cumulative .2, .7, 1."""
    u = np.array([0.0, 0.199, 0.2, 0.699, 0.7, 0.999])
    assert opportunities.choose(u, np.tile([0.2, 0.7, 1.0], (6, 1))).tolist() == [0, 0, 1, 1, 2, 2]
