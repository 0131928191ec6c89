"""Figures stay what they are: what is pinned in `pins.json` is computed anew and compared.

A test that fails here says that figures moved. If they should, say which and why in CHANGELOG.md and renew the pins
with `python -m tests.pins`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import simulator as sim
from tests.pins import figures

FILE = Path(__file__).parent / "pins.json"


@pytest.mark.parametrize("name", figures.PINS)
def test_figures_are_those_that_were_pinned(name: str) -> None:
    assert figures.PINS[name]() == json.loads(FILE.read_text(encoding="utf-8"))[name]


@pytest.mark.parametrize("path", figures.SHIPPED, ids=lambda p: p.stem)
def test_both_engines_are_pinned_to_the_same(path: Path) -> None:
    pins = json.loads(FILE.read_text(encoding="utf-8"))
    assert pins[f"compare {path.stem} vector"] == pins[f"compare {path.stem} events"]


def test_a_rate_a_hundredth_higher_moves_its_pin() -> None:
    scenario = figures.quickstart()
    path = "programs.accelerator.components.commission.rate"
    other = sim.with_values(scenario, {path: 1.01 * sim.value_at(scenario, path)})
    tables = [sim.compare(s, replications=2, seed=figures.SEED).table() for s in (scenario, other)]
    assert figures.pinned(tables[0]) != figures.pinned(tables[1])
