"""Numbers of a scenario by path: read one, set some, list all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.core.errors import InputError, Problem, fault
from simulator.program.base import steps as steps_of
from simulator.scenario.fields import Bounds, Place, is_single, leaves, place_at
from simulator.scenario.load import examine
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import Fault, Steps, dotted, shown, suggestion
from simulator.scenario.validation.scenario_rules import why_certain

_FILE = "values"
"""What messages about given paths and values name as their file."""


@dataclass(frozen=True)
class NumberPath:
    """One number of a scenario.

    path: where it is; value: what it is; meaning, unit, source, grade, bounds: as documented in the schema
    (grade: A study or official document, B trade survey, C marketing, J judgement); uncertain: whether it
    may be.
    """

    path: str
    value: float
    meaning: str
    unit: str
    bounds: Bounds
    source: str
    grade: str
    uncertain: bool


def number_paths(scenario: Scenario) -> tuple[NumberPath, ...]:
    """All numbers of the scenario that have a value, in the order of the schema."""
    return tuple(_number_path(steps, place) for steps, place in leaves(scenario.tree()) if place.numeric)


def value_at(scenario: Scenario, path: str) -> Any:
    """The single value at `path`; raises `InputError` where there is none."""
    return _single(scenario.tree(), path, None).value


def bounds_at(scenario: Scenario, path: str) -> tuple[float, float]:
    """The closed interval that draws of the number at `path` are clipped to; infinite without a bound.

    A bound that the number must not reach is moved inwards by `fields.OPEN_BOUND_GAP`.
    """
    return _single(scenario.tree(), path, None).bounds.closed()


def with_values(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    """A new scenario with other values at some paths; a number that was uncertain becomes fixed, correlations and all.

    Raises `InputError` where a path leads to no single value or the new scenario breaks a rule.
    """
    tree = scenario.tree()
    problems: list[Problem] = []
    for path, value in values.items():
        try:
            _single(tree, path, value)
        except InputError as error:
            problems += error.problems
            continue
        _put(tree, steps_of(path), value)
        _make_certain(tree, path)
    changed, findings = examine(tree)
    problems += [_problem(finding) for finding in findings]
    if problems or changed is None:
        raise InputError(problems)
    return changed


def with_program(scenario: Scenario, name: str, like: str, values: Mapping[str, Any]) -> Scenario:
    """A new scenario with a program like another one, under a name of its own.

    values: by path within the program, such as `components.commission.rate`. Its numbers are certain. Raises
    `InputError` where the name is taken, `like` is not there, or the program breaks a rule.
    """
    if like not in scenario.programs:
        raise fault(_FILE, "like", like, "no such program in the scenario", suggestion(like, scenario.programs))
    if name in scenario.programs:
        raise fault(_FILE, "name", name, "is there already", "with_ changes a program that is there")
    grown = scenario.model_copy(update={"programs": {**scenario.programs, name: scenario.programs[like]}})
    return with_values(grown, {dotted(("programs", name, *steps_of(path))): value for path, value in values.items()})


def _make_certain(tree: dict[str, Any], path: str) -> None:
    tree["uncertainty"].pop(path, None)
    tree["correlation"] = [pair for pair in tree["correlation"] if path not in (pair["a"], pair["b"])]


def _number_path(steps: Steps, place: Place) -> NumberPath:
    return NumberPath(
        path=dotted(steps),
        value=place.value,
        meaning=place.meaning,
        unit=place.unit,
        bounds=place.bounds,
        source=place.source,
        grade=place.grade,
        uncertain=not why_certain(steps, place),
    )


def _single(tree: dict[str, Any], path: str, value: Any) -> Place:
    steps = steps_of(path)
    place = place_at(tree, steps)
    if place is None or dotted(steps) != path:
        known = [dotted(steps) for steps, _ in leaves(tree)]
        raise InputError([Problem(_FILE, path, shown(value), "is no path of the scenario", suggestion(path, known))])
    if not is_single(place):
        raise InputError([Problem(_FILE, path, shown(value), "is a table or list", "give the path of one value in it")])
    return place


def _put(tree: dict[str, Any], steps: Steps, value: Any) -> None:
    table: Any = tree
    for step in steps[:-1]:
        table = table[step]
    table[steps[-1]] = value.item() if isinstance(value, np.generic) else value


def _problem(finding: Fault) -> Problem:
    return Problem(_FILE, dotted(finding.steps), shown(finding.value), finding.rule, finding.hint)
