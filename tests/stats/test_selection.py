"""Selection: shares of being best, regret, acceptability and the race, against hand-worked cases and published numbers.

One case is worked by hand, four worlds (rows) and three programs:

            A   B   C     best     regret A  B  C
    world 1 10  4   1     A        0   6   9
    world 2  2  8   8     B, C     6   0   0
    world 3  5  6   1     B        1   0   5
    world 4 20  0   0     A        0  20  20

best: A 2/4, B (1/2 + 1)/4 = 3/8, C 1/8. Mean regret: A 7/4, B 26/4, C 34/4. P90 of A's regret (0, 0, 1, 6) is 6.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import simulator.stats.race as race_module
from simulator.stats.acceptability import acceptability, even_weights
from simulator.stats.race import kim_nelson_h2, race
from simulator.stats.selection import best_shares, choices, highest_mean, regrets

HAND = np.array([[10.0, 4.0, 1.0], [2.0, 8.0, 8.0], [5.0, 6.0, 1.0], [20.0, 0.0, 0.0]])


def test_hand_worked_shares_and_regrets() -> None:
    a, b, c = choices(("A", "B", "C"), HAND)
    assert [x.best.mean for x in (a, b, c)] == [1 / 2, 3 / 8, 1 / 8]
    assert [x.regret.mean for x in (a, b, c)] == [7 / 4, 26 / 4, 34 / 4]
    assert [x.worst for x in (a, b, c)] == [6, 20, 20]
    assert (a.regret.p90, a.regret.p50) == (6, 0)
    # Standard error of A's regret: sample variance of (0, 6, 1, 0) is 8.25, over 4.
    assert a.regret.se == pytest.approx(np.sqrt(8.25 / 4))
    assert a.value.mean == 37 / 4


def test_rows_share_one_best_and_someone_regrets_nothing() -> None:
    values = np.random.default_rng(1).normal(size=(200, 5)).round(1)  # rounded, so that there are ties
    assert np.allclose(best_shares(values).sum(axis=1), 1.0)
    assert (regrets(values).min(axis=1) == 0).all()


def test_probability_of_the_highest_mean_is_that_of_the_normal() -> None:
    """Two programs whose difference has mean 1 and standard error 1: P(first higher) = Phi(1) = .841345."""
    common = np.random.default_rng(3).normal(size=100) * 50
    gap = np.tile([1.0, -1.0], 50)
    gap = 1.0 + gap * np.sqrt(99.0)  # sample variance of the tile is 100/99, so of the gap 100
    got = highest_mean(np.stack([common + gap, common], axis=1))
    assert got[0] == pytest.approx(0.841345, abs=4 * np.sqrt(0.8413 * 0.1587 / 4096))
    assert got.sum() == pytest.approx(1.0)


def test_equal_programs_share_everything() -> None:
    x = np.random.default_rng(5).normal(size=(50, 1)) * 1e6
    same = np.repeat(x, 3, axis=1)
    assert highest_mean(same) == pytest.approx(np.full(3, 1 / 3))
    assert best_shares(same).mean(axis=0) == pytest.approx(np.full(3, 1 / 3))


def test_a_share_of_one_still_has_an_error() -> None:
    sure, never = choices(("sure", "never"), np.tile([2.0, 1.0], (20, 1)))
    assert (sure.best.mean, never.best.mean) == (1.0, 0.0)
    # Two more of either kind among 24: sqrt(22/24 * 2/24 / 24).
    assert sure.best.se == pytest.approx(np.sqrt(22 / 24 * 2 / 24 / 24))


# -- acceptability -------------------------------------------------------------------------------------------------


def test_even_weights_cover_the_simplex_evenly() -> None:
    weights = even_weights(3)
    assert np.allclose(weights.sum(axis=1), 1.0)
    assert (weights > 0).all()
    assert weights.mean(axis=0) == pytest.approx(np.full(3, 1 / 3))
    # The part of the simplex with w1 > 1/2 has a quarter of its area.
    assert (weights[:, 0] > 0.5).mean() == pytest.approx(0.25, abs=0.01)
    assert even_weights(1).tolist() == [[1.0]]


def test_hand_worked_acceptability() -> None:
    """One world. A has the most lift, B costs and is gamed least; on the scales A is (1, 0, 0) and B (0, 1, 1).

    So A is best where w_lift > w_cost + w_gaming, i.e. w_lift > 1/2: a quarter of the simplex; the centre of that
    quarter, a triangle with corners (1,0,0), (1/2,1/2,0), (1/2,0,1/2), is (2/3, 1/6, 1/6).
    """
    criteria = np.array([[[900.0, 500.0, 30.0], [100.0, 200.0, 10.0]]])
    criteria = np.repeat(criteria, 2, axis=0)
    a, b = acceptability(criteria, (True, False, False), even_weights(3))
    assert a.on_means == pytest.approx(0.25, abs=0.01)
    assert a.share.mean == pytest.approx(a.on_means)
    assert b.share.mean == pytest.approx(1 - a.on_means)
    assert a.central == pytest.approx((2 / 3, 1 / 6, 1 / 6), abs=0.01)


def test_declared_weights_are_used_as_they_are() -> None:
    criteria = np.repeat(np.array([[[900.0, 500.0], [100.0, 200.0]]]), 4, axis=0)
    for weights, best in (([0.6, 0.4], 0), ([0.4, 0.6], 1)):
        got = acceptability(criteria, (True, False), np.array([weights]))
        assert got[best].share.mean == 1.0
        assert got[1 - best].share.mean == 0.0
        assert got[1 - best].central is None


def test_a_criterion_that_tells_nothing_apart_does_not_count() -> None:
    criteria = np.repeat(np.array([[[900.0, 7.0], [100.0, 7.0]]]), 3, axis=0)
    assert acceptability(criteria, (True, False), even_weights(2))[0].share.mean == 1.0


# -- the race ------------------------------------------------------------------------------------------------------


def test_constant_of_kim_and_nelson() -> None:
    assert kim_nelson_h2(5, 0.05, 10) == pytest.approx(11.429411, abs=5e-7)


def _slippage(seed: int, common: float) -> NDArray[np.float64]:
    """Values of five programs, one better than the rest by exactly 1; `common`: share of variance shared by all."""
    rng = np.random.default_rng(seed)
    own, shared = rng.normal(size=(600, 5)), rng.normal(size=(600, 1))
    values = 3.0 * (np.sqrt(1 - common) * own + np.sqrt(common) * shared)
    values[:, 0] += 1.0
    return values


@pytest.mark.parametrize("common", [0.0, 0.7])
def test_correct_selection_in_the_slippage_configuration(common: float) -> None:
    """Kim and Nelson (2001): P(correct) >= .95 where the best is better by delta and the others are equal."""
    repeats, right = 400, 0
    for seed in range(repeats):
        values = _slippage(seed, common)
        got = race(lambda first, count, left, v=values: v[first : first + count, list(left)], 5, delta=1.0, n0=10)
        assert got.decided
        right += got.best == (0,)
    assert right / repeats >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_a_race_without_its_boundary_fails_the_slippage_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: h2 = 0 lets the first stage decide, which is wrong far too often."""
    monkeypatch.setattr(race_module, "kim_nelson_h2", lambda *_: 0.0)
    wrong = 0
    for seed in range(200):
        values = _slippage(seed, 0.0)
        got = race(lambda first, count, left, v=values: v[first : first + count, list(left)], 5, delta=1.0, n0=10)
        wrong += got.best != (0,)
    assert wrong / 200 > 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)


def test_common_luck_shortens_a_race() -> None:
    def length(common: float) -> int:
        runs = []
        for seed in range(20):
            values = _slippage(seed, common)
            got = race(lambda first, count, left, v=values: v[first : first + count, list(left)], 5, delta=1.0)
            runs.append(max(got.took))
        return int(np.mean(runs))

    assert length(0.9) < 0.5 * length(0.0)


def test_a_race_asks_only_for_those_left_and_each_replication_once() -> None:
    values = _slippage(1, 0.5)
    asked: list[tuple[int, int, tuple[int, ...]]] = []

    def sample(first: int, count: int, left: tuple[int, ...]) -> NDArray[np.float64]:
        asked.append((first, count, left))
        return values[first : first + count, list(left)]

    got = race(sample, 5, delta=1.0)
    assert [a[0] for a in asked[1:]] == [a[0] + a[1] for a in asked[:-1]]
    for earlier, later in pairwise(asked):
        assert set(later[2]) <= set(earlier[2])
    loser = int(np.argmin(got.took))
    assert got.took[loser] < max(got.took)
    # What a program took is what its mean is over.
    assert got.means[loser] == pytest.approx(values[: got.took[loser], loser].mean())


def test_equal_programs_are_decided_as_soon_as_they_cannot_differ() -> None:
    values = np.repeat(np.random.default_rng(2).normal(size=(60, 1)), 3, axis=1)
    got = race(lambda first, count, left: values[first : first + count, list(left)], 3, delta=0.5)
    assert (got.best, got.took) == ((0,), (10, 10, 10))


def test_an_undecided_race_says_so() -> None:
    values = _slippage(7, 0.0)
    got = race(lambda first, count, left: values[first : first + count, list(left)], 5, delta=0.01, most=20)
    assert not got.decided
    assert max(got.took) == 20
    assert got.leader in got.best
