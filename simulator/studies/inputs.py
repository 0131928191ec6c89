"""Inputs of a sensitivity study: the scenario's uncertain numbers, with what is known of them, and their groups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.errors import InputError, Problem
from simulator.scenario.finding import suggestion
from simulator.scenario.paths import bounds_at, number_paths
from simulator.scenario.schema import Scenario
from simulator.scenario.uncertainty import quantile
from simulator.stats.sensitivity.factors import Factor

GRADES = "ABCJ"
"""Grades of evidence, the strongest first: study or official document, trade survey, marketing, judgement."""
_STATED = re.compile(rf"([{GRADES}])\b\s*[:;,]")
_PLACE = "options"
Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Input:
    """One uncertain number.

    grade: of its distribution where its source begins with one (`B: ...`), else of the number in the schema; low,
    middle, high: P10, median and P90; discrete: whether it takes stated values only.
    """

    path: str
    meaning: str
    unit: str
    grade: str
    source: str
    low: float
    middle: float
    high: float
    discrete: bool


def inputs_of(scenario: Scenario) -> tuple[Input, ...]:
    """All uncertain numbers, in the scenario's order; raises `InputError` where there are none."""
    if not scenario.uncertainty:
        problem = Problem(
            _PLACE, "SCENARIO", scenario.name, "has no uncertain numbers",
            'declare what is not known under [uncertainty."PATH"]',
        )  # fmt: skip
        raise InputError([problem])
    known = {number.path: number for number in number_paths(scenario)}
    found = []
    for path, uncertain in scenario.uncertainty.items():
        number, source = known[path], uncertain.source
        stated = _STATED.match(source)
        low, middle, high = quantile(uncertain, np.array([0.1, 0.5, 0.9]), *bounds_at(scenario, path))
        found.append(
            Input(
                path, number.meaning, number.unit, stated.group(1) if stated else number.grade,
                source or number.source, float(low), float(middle), float(high),
                uncertain.distribution == "discrete",
            )
        )  # fmt: skip
    return tuple(found)


def grade_of(factor: Factor, inputs: Sequence[Input]) -> str:
    """The weakest grade among the inputs of a factor."""
    return max((inputs[k].grade for k in factor.columns), key=GRADES.index)


def check_inputs(scenario: Scenario, only: Sequence[str] | None, groups: Groups) -> list[Problem]:
    """All faults of the inputs and groups asked for."""
    known = list(scenario.uncertainty)
    problems = [_unknown("inputs", path, scenario) for path in only or () if path not in known]
    if only is not None and not only and not groups:
        problems.append(Problem(_PLACE, "inputs", "", "names no input", f"there are {', '.join(known)}"))
    member_of: dict[str, str] = {}
    for name, members in groups.items():
        problems += [_unknown(f"group {name}", path, scenario) for path in members if path not in known]
        if name in known:
            problems.append(Problem(_PLACE, f"group {name}", "", "has the name of an input", "give it another name"))
        if not members:
            problems.append(Problem(_PLACE, f"group {name}", "", "has no member", "write NAME=PATH,PATH"))
        for path in members:
            if path in member_of:
                where = f"is already in group {member_of[path]}" if member_of[path] != name else "is there twice"
                problems.append(Problem(_PLACE, f"group {name}", path, where))
            member_of[path] = name
    return problems


def tied_outside(scenario: Scenario, groups: Groups) -> list[tuple[str, str]]:
    """Pairs of correlated inputs that are not in one group."""
    group = {path: name for name, members in groups.items() for path in members}
    pairs = [(pair.a, pair.b) for pair in scenario.correlation if pair.rank]
    return [(a, b) for a, b in pairs if group.get(a) is None or group.get(a) != group.get(b)]


def _unknown(option: str, path: str, scenario: Scenario) -> Problem:
    numbers = {number.path: number for number in number_paths(scenario)}
    if path in numbers:
        return Problem(_PLACE, option, path, "is not uncertain", f'declare it under [uncertainty."{path}"]')
    hint = suggestion(path, scenario.uncertainty) or f"there are {', '.join(scenario.uncertainty)}"
    return Problem(_PLACE, option, path, "is no uncertain number of the scenario", hint)
