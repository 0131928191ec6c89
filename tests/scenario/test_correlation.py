"""Uncertain numbers that go together: the copula against closed forms, and what authors of a scenario are told."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from simulator.core.arrays import Array
from simulator.runs.designs import SOBOL, Given, Independent, drawn_values, unit_points
from simulator.scenario import uncertainty
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario
from tests.scenario.texts import SMALL, problems_of

EPS, SHARE, SIZE = "behavior.elasticity", "gaming.opportunist_share", "markets.mid.size_median"
COUNT = 40_000
TEXT = (
    SMALL
    + f"""
[uncertainty."{SHARE}"]
distribution = "beta"
a = 1.0
b = 3.0
low = 0.0
high = 0.6

[uncertainty."{SIZE}"]
distribution = "lognormal"
median = 40_000.0
log_sd = 0.2
"""
)


def pair(a: str, b: str, rank: object) -> str:
    return f'\n[[correlation]]\na = "{a}"\nb = "{b}"\nrank = {rank}\n'


def ranks(scenario: Scenario) -> Array:
    values = drawn_values(scenario, unit_points(scenario, SOBOL, 3, np.arange(2**15)))
    return np.asarray(spearmanr(np.stack(list(values.values()), axis=1)).statistic)


def test_numbers_have_the_rank_correlation_that_was_stated() -> None:
    # Evenly spread points: off by some 1e-4; with the ranks taken as normal correlations they would be off by 0.018.
    scenario = parse(TEXT + pair(EPS, SHARE, 0.6) + pair(SIZE, SHARE, -0.4))
    np.testing.assert_allclose(ranks(scenario), [[1, 0.6, 0], [0.6, 1, -0.4], [0, -0.4, 1]], atol=0.002)


def test_ranks_taken_as_normal_correlations_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncertainty.np, "sin", lambda x: x * 3.0 / np.pi)
    assert abs(ranks(parse(TEXT + pair(EPS, SHARE, 0.6)))[0, 1] - 0.6) > 0.01


def test_both_are_above_their_medians_as_often_as_sheppard_says() -> None:
    # P(both above the median) = 1/4 + asin(rho)/(2 pi) (Sheppard 1899), rho = 2 sin(pi 0.6/6) = 0.618034: 0.356036.
    scenario = parse(TEXT + pair(EPS, SHARE, 0.6))
    unit = unit_points(scenario, SOBOL, 3, np.arange(2**15))
    assert unit is not None
    p = 0.25 + math.asin(0.6180339887498949) / (2 * math.pi)
    assert abs((unit[:, :2] > 0.5).all(axis=1).mean() - p) < 0.001


def test_each_keeps_its_own_distribution_and_the_others_their_points() -> None:
    plain, tied = parse(TEXT), parse(TEXT + pair(EPS, SHARE, 0.9))
    free, got = (unit_points(s, Independent(), 3, np.arange(COUNT)) for s in (plain, tied))
    assert free is not None
    assert got is not None
    assert np.array_equal(free[:, [0, 2]], got[:, [0, 2]])
    # 4 standard errors of a share: 2/sqrt(N) at most.
    for u in np.linspace(0.05, 0.95, 19):
        assert abs((got[:, 1] <= u).mean() - u) < 2 / math.sqrt(COUNT)


def test_a_replication_has_its_values_whatever_is_computed_with_it() -> None:
    scenario = parse(TEXT + pair(EPS, SHARE, 0.6) + pair(SIZE, SHARE, -0.4))
    whole = unit_points(scenario, SOBOL, 3, np.arange(64))
    for r in (0, 13, 63):
        alone = unit_points(scenario, SOBOL, 3, np.array([r]))
        assert whole is not None
        assert alone is not None
        assert np.array_equal(alone[0], whole[r])


def test_points_as_stated_stay_as_stated() -> None:
    scenario = parse(TEXT + pair(EPS, SHARE, 0.6))
    given = Given(np.array([[0.9, 0.5, 0.5], [0.5, 0.5, 0.5]]))
    got, moved = (unit_points(scenario, v, 3, np.arange(2)) for v in (given, replace(given, as_stated=False)))
    assert got is not None
    assert moved is not None
    assert np.array_equal(got, given.coordinates)
    assert moved[0, 1] > 0.7


def test_a_number_that_is_fixed_is_correlated_with_nothing() -> None:
    scenario = parse(TEXT + pair(EPS, SHARE, 0.6) + pair(SIZE, EPS, 0.2))
    assert [c.a for c in with_values(scenario, {SHARE: 0.1}).correlation] == [SIZE]
    assert with_values(scenario, {EPS: 0.5}).correlation == ()


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            pair("behavior.elastcity", SHARE, 0.5),
            ["correlation[0].a = 'behavior.elastcity': is no uncertain number of the scenario "
             "(did you mean 'behavior.elasticity'?)"],
        ),
        (
            pair(EPS, "economy.market_log_sd", 0.5),
            ["correlation[0].b = 'economy.market_log_sd': is no uncertain number of the scenario "
             "(add an uncertainty table for 'economy.market_log_sd')"],
        ),
        (pair(EPS, EPS, 0.5), [f"correlation[0].b = '{EPS}': must be another number than a"]),
        (
            pair(EPS, SHARE, 0.5) + pair(SHARE, EPS, 0.4),
            ["correlation[1]: states a pair that correlation[0] has already"],
        ),
        (pair(EPS, SHARE, 1.0), ["correlation[0].rank = 1.0: must be above -1 and below 1"]),
        (
            pair(EPS, SHARE, 0.9) + pair(SHARE, SIZE, 0.9) + pair(EPS, SIZE, 0.0),
            ["correlation: cannot all hold at once: the matrix of correlations is not positive definite "
             "(all of them times 0.76 can)"],
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_a_way_out(text: str, messages: list[str]) -> None:
    assert [m.split(": ", 1)[1] for m in problems_of(TEXT + text)] == messages


def test_three_correlations_hold_together_up_to_the_closed_form() -> None:
    # Two of r and one of 0 hold while r < 1/sqrt(2): a rank of (6/pi) asin(0.353553) = 0.690160.
    parse(TEXT + pair(EPS, SHARE, 0.690) + pair(SHARE, SIZE, 0.690))
    assert len(problems_of(TEXT + pair(EPS, SHARE, 0.691) + pair(SHARE, SIZE, 0.691))) == 1
