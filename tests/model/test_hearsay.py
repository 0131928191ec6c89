"""What partners tell each other, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.behavior.word_of_mouth import blended_values, others_on
from simulator.scenario.load import parse
from simulator.world.setting import Setting, compile_setting
from tests.engines.small import SMALL

OWN = [np.full((1, 6), v) for v in (100.0, 50.0, 0.0, 50.0)]
THERE = [np.full((1, 6), v) for v in (160.0, 50.0, 0.0, 50.0)]
NOW = np.array([[0, 1, 1, 1, 1, 1]])
"""All but the first of six partners of one territory are on the candidate."""
LISTENING = NOW == 0


def setting(contamination: float, resentment: float) -> Setting:
    values = {"pilot.contamination": contamination, "pilot.resentment": resentment}
    return compile_setting(parse(SMALL).with_(values))


def test_the_share_of_the_others_of_the_territory() -> None:
    """Of 0, 1, 2 in one territory, 0 and 1 are on it; 3 is alone in another."""
    on, territory = np.array([[True, True, False, False]]), np.array([0, 0, 0, 1])
    assert others_on(on, territory).tolist() == [[0.5, 0.5, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("leak", "hurt", "now", "expected"),
    [
        (1.0, 0.0, NOW, (160.0, 50.0, 0.0, 50.0)),  # all others are on it: as if it were itself
        (0.5, 0.0, NOW, (130.0, 50.0, 0.0, 50.0)),
        (0.5, 0.0, np.array([[0, 0, 0, 1, 1, 0]]), (112.0, 50.0, 0.0, 50.0)),  # 2 of 5 others: 100 + 0.5 * 0.4 * 60
        # The candidate would be worth 260 / 200 - 1 = 0.3 more: values fall by 0.5 * 0.3.
        (0.0, 0.5, NOW, (85.0, 42.5, 0.0, 42.5)),
        (0.5, 0.5, NOW, (110.5, 42.5, 0.0, 42.5)),
        (0.0, 2.0, NOW, (40.0, 20.0, 0.0, 20.0)),
    ],
)  # fmt: skip
def test_what_is_heard_by_hand(leak: float, hurt: float, now: np.ndarray, expected: tuple[float, ...]) -> None:
    found = blended_values(setting(leak, hurt), now, OWN, [(1, THERE, now == 0)])
    assert [v[0, 0] for v in found] == pytest.approx(expected)
    assert [v[0, 3] for v in found] == [100.0, 50.0, 0.0, 50.0], "who is on it hears nothing new"


def test_a_worse_offer_to_others_hurts_nobody_and_an_equal_one_does_nothing_at_all() -> None:
    worse = blended_values(setting(0.0, 1.0), NOW, THERE, [(1, OWN, LISTENING)])
    same = blended_values(setting(0.7, 1.0), NOW, OWN, [(1, OWN, LISTENING)])
    assert all(np.array_equal(a, b) for a, b in zip([*worse, *same], [*THERE, *OWN], strict=True))
