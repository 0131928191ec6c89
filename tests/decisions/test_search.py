"""The search of `optimize` on agents with a known best program, with Monte Carlo noise and common random numbers.

LEN (Holmstrom and Milgrom 1987): pay t + b x on x = e + N(0, s2), cost c e^2/2, risk aversion r. The agent chooses
e = b/c; the surplus e - c e^2/2 - r b^2 s2/2 is highest at b* = 1/(1 + r c s2) = .4 for r=2, c=.5, s2=1.5.

Multitask (Holmstrom and Milgrom 1991): cost e'Ce/2 with C = [[1, .5], [.5, 1]], two measures with own noise of variance
1, benefit e1 + e2, r = 1: alpha = (I + r C Sigma)^-1 (1, 1)' = (.4, .4).
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.stats.estimate import Array
from simulator.studies.search import Lever, SearchResult, SearchTrial, search


class Len:
    """The agent, simulated: outputs on fixed luck, surplus as mean output less cost of effort and of risk."""

    def __init__(self, seed: int, count: int = 4000) -> None:
        self.noise = np.random.default_rng(seed).normal(size=count) * np.sqrt(1.5)
        self.calls = 0

    def __call__(self, settings: Array) -> list[SearchTrial]:
        self.calls += len(settings)
        return [self.trial(float(b)) for (b,) in settings]

    def trial(self, b: float) -> SearchTrial:
        r, c = 2.0, 0.5
        effort = b / c
        output = effort + self.noise
        risk = b**2 * (output - output.mean()) ** 2
        return SearchTrial(output - c * effort**2 / 2 - r / 2 * risk)


def test_len_slope() -> None:
    agent = Len(1)
    got = search([Lever("slope", 0.0, 1.0)], agent, evaluations=30, seed=1)
    assert got.best is not None
    assert got.settings[got.best, 0] == pytest.approx(0.4, abs=0.02)
    # Surplus .4, its error from 4,000 draws.
    best = got.trials[got.best]
    assert best.mean == pytest.approx(0.4, abs=4 * np.std(best.gain) / np.sqrt(4000))
    assert agent.calls == len(got.trials) <= 30


def multitask(settings: Array) -> list[SearchTrial]:
    cost = np.array([[1.0, 0.5], [0.5, 1.0]])
    noise = np.random.default_rng(7).normal(size=(4000, 2))
    trials = []
    for alpha in settings:
        effort = np.linalg.solve(cost, alpha)
        measured = effort + noise
        pay = measured @ alpha
        risk = (pay - pay.mean()) ** 2
        trials.append(SearchTrial(measured.sum(axis=1) - effort @ cost @ effort / 2 - 0.5 * risk))
    return trials


def test_multitask_shares() -> None:
    got = search([Lever("first", 0.0, 1.0), Lever("second", 0.0, 1.0)], multitask, evaluations=40, seed=1)
    assert got.best is not None
    # The luck of 4,000 draws moves the optimum itself by less than .01.
    assert got.settings[got.best] == pytest.approx([0.4, 0.4], abs=0.02)


def test_a_search_that_maximises_without_risk_misses_len() -> None:
    """The planted defect: an agent whose risk costs nothing should get b = 1."""

    def careless(settings: Array) -> list[SearchTrial]:
        return [SearchTrial(np.full(10, b / 0.5 - 0.25 * (b / 0.5) ** 2)) for (b,) in settings]

    got = search([Lever("slope", 0.0, 1.0)], careless, evaluations=30, seed=1)
    assert got.settings[got.closest, 0] == pytest.approx(1.0, abs=0.02)


def quadratic(settings: Array) -> list[SearchTrial]:
    """Gain 100 - (x - 3)^2 - 4 (y - 1)^2; the constraint x + y <= 3 makes (2.2, .8) best."""
    return [
        SearchTrial(np.full(4, 100 - (x - 3) ** 2 - 4 * (y - 1) ** 2), (float(x + y - 3),))
        for x, y in settings
    ]  # fmt: skip


SPACE = [Lever("x", 0.0, 5.0), Lever("y", 0.0, 2.0)]


def found(**options: float) -> SearchResult:
    return search(SPACE, quadratic, evaluations=44, seed=int(options.get("seed", 2)), enough=0.0)


def test_constraints_hold_at_the_best() -> None:
    got = found()
    assert got.best is not None
    assert got.trials[got.best].feasible
    assert got.settings[got.best] == pytest.approx([2.2, 0.8], abs=0.1)
    # (x - 3)^2 + 4 (y - 1)^2 on x + y = 3 is least at (2.2, .8), where it is .8.
    assert got.trials[got.best].mean == pytest.approx(99.2, abs=0.05)


def test_equal_seeds_give_equal_searches() -> None:
    assert (found().settings == found().settings).all()
    assert (found().settings != found(seed=3).settings).any()


def test_flatness_of_a_parabola() -> None:
    """Gain 10 - (x - 2)^2 falls by less than .25 within 1/2 of the best."""

    def parabola(settings: Array) -> list[SearchTrial]:
        return [SearchTrial(np.full(3, 10 - (x - 2) ** 2)) for (x,) in settings]

    got = search([Lever("x", 0.0, 5.0)], parabola, evaluations=30, seed=4, enough=0.0)
    low, high = got.flat(0, 0.25)
    assert (low, high) == (pytest.approx(1.5, abs=0.06), pytest.approx(2.5, abs=0.06))
    assert got.flat(0, 100.0) == (0.0, 5.0)


def test_impossible_settings_are_never_simulated() -> None:
    def permitted(setting: Array) -> bool:
        return bool(setting[0] <= 2 * setting[1])

    seen: list[Array] = []

    def evaluate(settings: Array) -> list[SearchTrial]:
        seen.extend(settings)
        return quadratic(settings)

    got = search(SPACE, evaluate, evaluations=30, seed=2, permitted=permitted)
    assert all(permitted(s) for s in seen)
    assert got.best is not None


def test_steps_and_start_are_kept() -> None:
    levers = [Lever("x", 0.0, 5.0, 0.5), Lever("y", 0.0, 2.0, 0.25)]
    got = search(levers, quadratic, evaluations=30, seed=2, start=[4.0, 2.0])
    assert got.settings[0].tolist() == [4.0, 2.0]
    assert ((got.settings / [0.5, 0.25]) % 1 == 0).all()
    assert len({tuple(s) for s in got.settings}) == len(got.settings)


def test_a_space_smaller_than_the_budget_is_searched_once() -> None:
    def evaluate(settings: Array) -> list[SearchTrial]:
        return [SearchTrial(np.array([x, x])) for (x,) in settings]

    got = search([Lever("x", 1.0, 4.0, 1.0)], evaluate, evaluations=30, seed=2)
    assert sorted(got.settings[:, 0]) == [1, 2, 3, 4]
    assert got.settings[got.closest, 0] == 4


def test_where_no_setting_keeps_the_constraints_the_closest_is_told() -> None:
    def evaluate(settings: Array) -> list[SearchTrial]:
        return [SearchTrial(np.array([x, x]), (float(x + 1),)) for (x,) in settings]

    got = search([Lever("x", 0.0, 1.0)], evaluate, evaluations=25, seed=2)
    assert got.best is None
    assert got.settings[got.closest, 0] == pytest.approx(0.0, abs=0.02)
