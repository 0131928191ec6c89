r"""JSON Schema of scenario files as they are written, for editors that complete and check while one types.

It describes the raw file: a program is either whole or, with `extends`, an overlay in which nothing is
required. The shipped `scenarios/scenario.schema.json` holds `schema_json()`. To renew it after a change of
the schema:

    python -c "from simulator.scenario.json_schema import schema_json; print(schema_json(), end='')" \
        > scenarios/scenario.schema.json
"""

from __future__ import annotations

import json
from typing import Any

from simulator.program.base import COMPONENTS
from simulator.scenario.inheritance import RESERVED
from simulator.scenario.presets import KEY, PACKS
from simulator.scenario.schema import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAMES = {"pattern": "^[A-Za-z][A-Za-z0-9_-]*$", "maxLength": 40}
_OVERLAY = "Overlay"
_REF = "#/$defs/"

Node = dict[str, Any]


def schema_json() -> str:
    """The JSON Schema as indented text, the same at every call."""
    schema = Scenario.model_json_schema()
    definitions: Node = schema.pop("$defs")
    _require_kind(definitions)
    _add_overlays(definitions)
    _overlay_programs(schema, definitions)
    for section, packs in PACKS.items():
        words = "pack of numbers that this table starts from; what it gives itself wins"
        definitions[section.capitalize()]["properties"][KEY] = {"enum": list(packs), "description": words}
    for section in ("markets", "territories", "partners"):
        schema["properties"][section]["propertyNames"] = _NAMES
    whole = {"$schema": DIALECT, **schema, "$defs": dict(sorted(definitions.items()))}
    return json.dumps(_without_titles(whole), indent=2) + "\n"


def _require_kind(definitions: Node) -> None:
    """`kind` tells components apart, so a file must give it although the classes have a default."""
    for model in COMPONENTS.values():
        definition = definitions[model.__name__]
        definition["required"] = ["kind", *definition.get("required", [])]
        definition["properties"]["kind"].pop("default")


def _add_overlays(definitions: Node) -> None:
    """For every table that an overlay may hold in part, a definition in which nothing is required."""
    waiting = ["Program"]
    while waiting:
        name = waiting.pop()
        if name + _OVERLAY not in definitions:
            relaxed = {key: value for key, value in definitions[name].items() if key not in ("required", "title")}
            relaxed["properties"] = {k: _relaxed(v, waiting) for k, v in relaxed["properties"].items()}
            definitions[name + _OVERLAY] = relaxed


def _relaxed(node: Any, waiting: list[str]) -> Any:
    """`node` with references to overlays of tables, except in lists, which are replaced whole."""
    if isinstance(node, list):
        return [_relaxed(part, waiting) for part in node]
    if not isinstance(node, dict) or node.get("type") == "array":
        return node
    if "$ref" in node:
        name = node["$ref"].removeprefix(_REF)
        waiting.append(name)
        return {**node, "$ref": f"{_REF}{name}{_OVERLAY}"}
    # A partial component without its kind fits several kinds, which `oneOf` would refuse.
    parts = {"anyOf" if key == "oneOf" else key: value for key, value in node.items() if key != "discriminator"}
    return {key: _relaxed(value, waiting) for key, value in parts.items() if key != "minProperties"}


def _overlay_programs(schema: Node, definitions: Node) -> None:
    overlay = definitions["Program" + _OVERLAY]
    name = {"type": "string", "description": "the program that this one is an overlay of", **_NAMES}
    removed = {"type": "array", "items": {"type": "string"}, "description": "components to take out"}
    overlay["properties"] = {"extends": name, "remove": removed, **overlay["properties"]}
    overlay["required"] = ["extends"]
    for program in (definitions["Program"], overlay):
        program["properties"]["components"]["propertyNames"] = _NAMES
    programs = schema["properties"]["programs"]
    programs["additionalProperties"] = {
        "if": {"required": ["extends"]},
        "then": {"$ref": f"{_REF}Program{_OVERLAY}"},
        "else": {"$ref": f"{_REF}Program"},
    }
    programs["required"] = ["baseline"]
    programs["propertyNames"] = {**_NAMES, "not": {"const": RESERVED}}


def _without_titles(node: Any) -> Any:
    """Drop the titles that pydantic makes of field names; a property called title stays."""
    if isinstance(node, list):
        return [_without_titles(part) for part in node]
    if isinstance(node, dict):
        return {k: _without_titles(v) for k, v in node.items() if k != "title" or not isinstance(v, str)}
    return node
