"""Directions from field evidence hold in simulated worlds, by four standard errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.experiments.bench import Effect, Evidence, effect
from tests.experiments.field_evidence import EXPERIMENTS
from tests.experiments.page import PAGE, REPLICATIONS

TESTED = 40
"""Replications here; the page uses more."""


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.__name__)
def test_the_published_direction_shows(experiment: Callable[[int], Evidence]) -> None:
    found = experiment(TESTED)
    assert found.holds, found.shown


def test_an_effect_within_four_errors_has_no_sign() -> None:
    assert Effect(3.9, 1.0).sign == 0
    assert Effect(-4.1, 1.0).sign == -1
    assert effect(np.array([1.0, 2.0, 3.0])) == Effect(2.0, 1 / np.sqrt(3))


def test_the_page_shows_every_experiment() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"{REPLICATIONS} replications" in text
    for experiment in EXPERIMENTS:
        assert experiment.__name__ in text
