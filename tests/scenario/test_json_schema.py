"""The JSON Schema for editors: shipped as generated, and of one mind with the loader about raw files."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from simulator.core.errors import InputError
from simulator.scenario.json_schema import schema_json
from simulator.scenario.load import parse
from tests.scenario.texts import SMALL, edited

SHIPPED = Path(__file__).parents[2] / "scenarios" / "scenario.schema.json"


def schema_faults(text: str) -> list[str]:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(schema_json()))
    return [error.message for error in validator.iter_errors(tomllib.loads(text))]


def loads(text: str) -> bool:
    try:
        parse(text)
    except InputError:
        return False
    return True


def test_the_shipped_schema_is_current() -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    assert shipped == schema_json(), "renew it: see the docstring of simulator/scenario/json_schema.py"


def test_it_is_a_valid_schema_of_its_dialect() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(schema_json())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_no_reference_leads_nowhere_and_no_definition_is_left_over() -> None:
    schema = json.loads(schema_json())
    used = {ref.removeprefix("#/$defs/") for ref in _references(schema)}
    assert used == set(schema["$defs"])
    assert {"Program", "ProgramOverlay", "RevenueShareOverlay", "TermsOverlay"} <= used


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [ref for part in node for ref in _references(part)]
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for part in node.values() for ref in _references(part)]
    return []


def test_a_raw_file_with_an_overlay_is_accepted() -> None:
    assert schema_faults(SMALL) == []


ACCEPTED = [
    ("rate = 0.04", "terms.audit_rate = 0.1"),
    ("rate = 0.04", 'kind = "activity_credit"\nmeasure = "deals"\namount = 10.0'),
    ("[programs.growth]\n", "[programs.growth]\ntiers.upgrade_every_quarters = 2\n"),
    ("count = 6", "count = 60"),
]
REFUSED = [
    ("elasticity = 0.6", "elasticty = 0.6"),
    ("elasticity = 0.6", "elasticity = -1"),
    ("elasticity = 0.6", "elasticity = 3.1"),
    ("amount = 250.0\n", ""),
    ('kind = "activity_credit"\n', ""),
    ('kind = "activity_credit"', 'kind = "activity"'),
    ("rate = 0.04", "rate = 4"),
    ("rate = 0.04", "raet = 0.04"),
    ("rate = 0.04", "rate = 0.04\ntiers = [{ above = 1.0 }]"),
    ('remove = ["demos"]', 'remove = "demos"'),
    ('name = "small"', ""),
    ("count = 6", "count = 0"),
    ("mid = 0.7, large = 0.3", "mid = 70, large = 30"),
    ("[programs.growth]\n", "[programs.none]\n[programs.growth]\n"),
    ("[programs.growth.components.points]", '[programs.growth.components."2nd"]'),
]


@pytest.mark.parametrize(("old", "new"), ACCEPTED)
def test_what_loads_has_no_fault_in_the_schema(old: str, new: str) -> None:
    assert loads(edited(old, new))
    assert schema_faults(edited(old, new)) == []


@pytest.mark.parametrize(("old", "new"), REFUSED)
def test_what_the_schema_faults_does_not_load(old: str, new: str) -> None:
    assert schema_faults(edited(old, new))
    assert not loads(edited(old, new))
