"""How often estimators reject a true effect on plain normal panels: the nominal rate, within 4 standard errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from simulator.pilots.estimators import ESTIMATORS, violated_assumptions
from simulator.pilots.panel import PilotPanel
from tests.pilots.panels import normal_panel

PILOTS = 800
EFFECT = 0.3


def near(share: float, nominal: float = 0.05, count: int = PILOTS) -> bool:
    return abs(share - nominal) < 4 * np.sqrt(nominal * (1 - nominal) / count)


def wrongly(name: str, panel: PilotPanel) -> float:
    """Share of pilots in which the effect that is there is rejected."""
    return float(ESTIMATORS[name].estimate(panel).rejects(0.05, EFFECT).mean())


@pytest.mark.parametrize(
    ("name", "panel"),
    [
        ("difference", normal_panel(11, PILOTS, 24, effect=EFFECT)),
        ("difference", normal_panel(12, PILOTS, 24, effect=EFFECT, pairs=True, dropout=0.0)),
        ("cuped", normal_panel(13, PILOTS, 24, effect=EFFECT, dropout=0.2)),
        ("did", normal_panel(14, PILOTS, 24, effect=EFFECT, dropout=0.2)),
        ("cluster", normal_panel(15, PILOTS, 8, 4, effect=EFFECT, dropout=0.1)),
        ("cluster", normal_panel(16, PILOTS, 12, 3, effect=EFFECT, pairs=True)),
        ("stepped_wedge", normal_panel(17, PILOTS, 24, effect=EFFECT, design="wedge", dropout=0.1)),
        ("stepped_wedge", normal_panel(18, PILOTS, 12, 3, effect=EFFECT, design="wedge")),
        ("switchback", normal_panel(19, PILOTS, 24, effect=EFFECT, periods=6, design="switchback")),
        ("randomisation", normal_panel(20, PILOTS, 8, 3, effect=EFFECT, dropout=0.1)),
        ("randomisation", normal_panel(21, PILOTS, 9, 2, effect=EFFECT, design="wedge", dropout=0.1)),
        ("synthetic", normal_panel(22, 300, 12, before=4, effect=EFFECT)),
    ],
)
def test_a_true_effect_is_rejected_at_the_nominal_rate(name: str, panel: PilotPanel) -> None:
    assert near(wrongly(name, panel), count=panel.shape[0])
    assert list(violated_assumptions(name, panel)) == []


def test_few_clusters_break_the_naive_and_not_the_one_that_is_offered() -> None:
    """Eight territories of four partners: a warning names what holds, and it does."""
    panel = normal_panel(23, PILOTS, 8, 4, effect=EFFECT)
    for naive_false_positives in ("difference", "cuped"):
        assert wrongly(naive_false_positives, panel) > 0.07
        (said,) = violated_assumptions(naive_false_positives, panel)
        assert said.endswith("use 'cluster'")
    assert near(wrongly("cluster", panel))
    many = ESTIMATORS["cluster"].estimate(panel)
    as_if_many = 2.0 * ndtr(-np.abs(many.z(EFFECT)))
    assert np.mean(as_if_many <= 0.05) > 0.08  # normal quantiles, as if clusters were many
    wedge = normal_panel(24, PILOTS, 9, 2, effect=EFFECT, design="wedge")
    assert next(violated_assumptions("stepped_wedge", wedge)).endswith("use 'randomisation'")
    assert near(wrongly("randomisation", wedge))


@pytest.mark.parametrize("name", ["difference", "cuped", "did", "cluster", "randomisation", "synthetic"])
def test_effects_are_unbiased(name: str) -> None:
    found = ESTIMATORS[name].estimate(normal_panel(25, 300, 14, before=4, effect=EFFECT, dropout=0.1)).effect
    assert abs(found.mean() - EFFECT) < 4 * found.std() / np.sqrt(300)


def test_before_against_after_takes_the_season_for_the_effect() -> None:
    """Outcomes follow sin(t): its mean over the four periods after launch less that over the two before."""
    season = np.sin(np.arange(2, 6)).mean() - np.sin(np.arange(2)).mean()
    found = ESTIMATORS["before_after"].estimate(normal_panel(26, 400, 40, effect=EFFECT)).effect
    assert abs(found.mean() - EFFECT - season) < 4 * found.std() / np.sqrt(400)
    assert abs(season) > EFFECT
