"""The scenario library: every scenario loads, has a current page, and both engines agree on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.scenario.load import load
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.small import smaller
from tests.library.pages import BEGIN, END, SCENARIOS, filled, page_of, stamp

HEADINGS = ("## What is published", "## What is assumed", "## What the simulation shows")
DISCLAIMERS = ("that vendor's", "a vendor's", "any vendor's")


def test_the_library_has_at_least_eight_scenarios() -> None:
    assert len(SCENARIOS) >= 8


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_each_scenario_has_a_current_page(path: Path) -> None:
    text = " ".join(page_of(path).read_text(encoding="utf-8").split())
    assert all(heading in text for heading in HEADINGS)
    assert any(f"none of the results is {whose}" in text for whose in DISCLAIMERS)
    assert stamp(path) in text, f"run python -m tests.library.pages {path.stem}"


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_the_engines_agree_on_each_scenario(path: Path) -> None:
    with quick_reference():
        found = verify(smaller(load(path), partners=3, weeks=26), replications=1, seed=5)
    assert found.agrees, str(found)


def test_a_changed_scenario_makes_its_page_stale(tmp_path: Path) -> None:
    changed = tmp_path / "changed.toml"
    changed.write_text(SCENARIOS[0].read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert stamp(SCENARIOS[0]) != stamp(changed)


def test_only_the_part_between_the_marks_is_replaced() -> None:
    assert filled(f"a {BEGIN} old {END} b", "new") == f"a {BEGIN}\n\nnew\n\n{END} b"
