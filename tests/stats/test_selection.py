"""Selection: shares of being best and regret, against hand-worked cases.

One case is worked by hand, four worlds (rows) and three programs:

            A   B   C     best     regret A  B  C
    world 1 10  4   1     A        0   6   9
    world 2  2  8   8     B, C     6   0   0
    world 3  5  6   1     B        1   0   5
    world 4 20  0   0     A        0  20  20

best: A 2/4, B (1/2 + 1)/4 = 3/8, C 1/8. Mean regret: A 7/4, B 26/4, C 34/4. P90 of A's regret (0, 0, 1, 6) is 6.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.stats.ranking import best_shares, choices, highest_mean, regrets

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
