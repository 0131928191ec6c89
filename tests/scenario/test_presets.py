"""Presets are plain numbers, the file's own win, and a wrong one is named."""

from __future__ import annotations

import json

import pytest

from simulator.scenario.json_schema import schema_json
from simulator.scenario.load import parse
from simulator.scenario.presets import PACKS
from simulator.scenario.schema import Scenario
from tests.scenario.texts import SMALL, edited, problems_of

PLAIN = SMALL.replace("elasticity = 0.6", "")
CERTAIN = PLAIN[: PLAIN.index("[uncertainty")] + PLAIN[PLAIN.index("[programs.baseline]") :]


def with_presets(behavior: str, gaming: str) -> Scenario:
    return parse(CERTAIN.replace("[behavior]", f'[gaming]\npreset = "{gaming}"\n[behavior]\npreset = "{behavior}"'))


def test_central_is_the_default() -> None:
    assert with_presets("central", "central") == parse(CERTAIN)


def test_packs_are_written_out_and_rise_from_none_to_high() -> None:
    order = ("none", "low", "central", "high")
    found = [with_presets(name, name) for name in order]
    for name, scenario in zip(order, found, strict=True):
        for section in ("behavior", "gaming"):
            for field, value in PACKS[section][name].values.items():
                assert getattr(getattr(scenario, section), field) == value
    assert [s.behavior.elasticity for s in found] == sorted({s.behavior.elasticity for s in found})
    assert [s.gaming.opportunist_share for s in found] == sorted({s.gaming.opportunist_share for s in found})
    assert found[0].behavior.elasticity == found[0].gaming.opportunist_share == 0


def test_what_the_file_says_wins() -> None:
    scenario = parse(edited("elasticity = 0.6", 'preset = "high"\nelasticity = 0.6'))
    assert scenario.behavior.elasticity == 0.6
    assert scenario.behavior.inert_share == 0.1


@pytest.mark.parametrize(("preset", "shown"), [('"hihg"', "'hihg'"), ("3", "3")])
def test_an_unknown_preset_is_named(preset: str, shown: str) -> None:
    (problem,) = problems_of(edited("elasticity = 0.6", f"preset = {preset}"))
    assert f"behavior.preset = {shown}: must be 'none', 'low', 'central' or 'high'" in problem


def test_editors_know_the_presets() -> None:
    definitions = json.loads(schema_json())["$defs"]
    for section, packs in (("Behavior", PACKS["behavior"]), ("Gaming", PACKS["gaming"])):
        assert definitions[section]["properties"]["preset"]["enum"] == list(packs)


def test_every_pack_has_a_source_and_a_grade() -> None:
    for packs in PACKS.values():
        for pack in packs.values():
            assert pack.source
            assert pack.grade in "ABCJ"
