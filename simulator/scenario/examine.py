"""From the tables of a scenario, overlays applied, to a validated `Scenario` or all that is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from simulator.scenario.checks import check
from simulator.scenario.draft import draft
from simulator.scenario.fields import place_at
from simulator.scenario.finding import Finding, dotted
from simulator.scenario.schema import Scenario
from simulator.scenario.wording import findings_of

Tree = dict[str, Any]


def examine(tree: Tree, unresolved: frozenset[str] = frozenset()) -> tuple[Scenario | None, list[Finding]]:
    """The scenario of `tree`, None where the schema refuses it, and every fault found.

    unresolved: names of programs at fault that were left out of `tree`. The scenario is only good to use if
    there is no fault.
    """
    tree, findings = _quoted_paths(tree)
    scenario = None
    try:
        scenario = Scenario.model_validate(tree)
    except ValidationError as error:
        # An empty table of programs is reported as the baseline that it lacks.
        findings += [f for f in findings_of(error, tree) if f.steps != ("programs",) or f.value != {}]
    findings += [_as_written(finding, tree) for finding in check(draft(tree, unresolved))]
    return scenario, findings


def _as_written(finding: Finding, tree: Tree) -> Finding:
    """With the value as the file has it: the schema turns 5 into 5.0."""
    place = place_at(tree, finding.steps)
    return finding if finding.value is None or place is None else replace(finding, value=place.value)


def _quoted_paths(tree: Tree) -> tuple[Tree, list[Finding]]:
    """Leave out, and report, uncertain paths without quotes, which TOML reads as tables within tables."""
    uncertain = tree.get("uncertainty")
    if not isinstance(uncertain, dict):
        return tree, []
    nested = {key: table for key, table in uncertain.items() if _is_nested(table)}
    findings = [
        Finding(
            ("uncertainty", key), None, "the path must be in quotes", f"write uncertainty.{_as_one_key(key, table)}"
        )
        for key, table in nested.items()
    ]
    rest = {key: table for key, table in uncertain.items() if key not in nested}
    return {**tree, "uncertainty": rest}, findings


def _is_nested(table: Any) -> bool:
    return isinstance(table, dict) and "distribution" not in table and any(isinstance(v, dict) for v in table.values())


def _as_one_key(key: str, table: Tree) -> str:
    path = [key]
    while _is_nested(table):
        name, table = next((k, v) for k, v in table.items() if isinstance(v, dict))
        path.append(name)
    return f'"{dotted(tuple(path))}"'
