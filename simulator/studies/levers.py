"""Levers files: which numbers of a program may be chosen, within which limits, and what must hold.

    [levers."programs.accelerator.components.commission.rate"]
    low = 0.02
    high = 0.06

    [constraints]
    p_over_budget = { at_most = 0.05 }

All levers belong to one candidate. A constraint is on the mean of a metric where partners respond and game;
`p_over_budget` and `p_gaming_above_5pct` make chance constraints. What is maximised is the net value that the
scenario's goals state.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from simulator.core.errors import InputError, fault
from simulator.metrics.base import Family, Metric
from simulator.metrics.measure import BASELINE
from simulator.metrics.registry import METRICS
from simulator.program.base import TableSpec, number, steps as steps_of
from simulator.scenario.fields import Place, leaves, place_at
from simulator.scenario.load import problems, read_text, toml_tree
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import Fault, Steps, dotted, plain, suggestion
from simulator.scenario.validation.messages import findings_of, share_meant
from simulator.studies.base import uncertain_numbers
from simulator.studies.search import Lever

BUDGETED = "p_over_budget"
_ENDS = ("low", "high", "step")
_MOST = 8
"""Levers that are taken where none are named."""


class LeverSpec(TableSpec):
    """Limits of one lever."""

    low: float = Field(description="least value [unit of the number]")
    high: float = Field(description="greatest value [unit of the number]")
    step: float | None = number(
        None, "only low, low + step, ... are tried; none: any value", unit="of the number", gt=0
    )


class LimitSpec(TableSpec):
    """Limit of one metric; one of the two must be given."""

    at_most: float | None = Field(None, description="the metric's mean must not be above [unit of the metric]")
    at_least: float | None = Field(None, description="the metric's mean must not be below [unit of the metric]")


class LeversFile(TableSpec):
    """A whole levers file."""

    levers: dict[str, LeverSpec] = Field(description="levers by the path of the number", min_length=1)
    constraints: dict[str, LimitSpec] = Field(default_factory=dict, description="limits by metric")


@dataclass(frozen=True)
class OutcomeLimit:
    """The mean of `metric` must be at most (sign 1) or at least (sign -1) `bound`."""

    metric: str
    bound: float
    sign: int

    def excess(self, value: float | None) -> float:
        """By how much a value passes the bound, above 0 where it breaks it; 0 for a value that is undefined."""
        return 0.0 if value is None else self.sign * (value - self.bound)

    def __str__(self) -> str:
        return f"{self.metric} {'<=' if self.sign > 0 else '>='} {plain(self.bound)}"


@dataclass(frozen=True)
class Levers:
    """Levers of one program, and limits."""

    program: str
    levers: tuple[Lever, ...]
    limits: tuple[OutcomeLimit, ...] = ()


def load_levers(path: str | os.PathLike[str], scenario: Scenario) -> Levers:
    """The levers in the TOML file at `path`; raises `InputError` with every fault found."""
    return parse_levers(read_text(Path(path)), scenario, file=str(path))


def parse_levers(text: str, scenario: Scenario, *, file: str = "levers") -> Levers:
    """The levers in a TOML text, called `file` in messages. Raises `InputError` like `load_levers`."""
    tree, findings = _quoted(toml_tree(text, file))
    spec = None
    try:
        spec = LeversFile.model_validate(tree)
    except ValidationError as error:
        if not findings:  # a table left out for its own fault may be the only one
            findings += list(findings_of(error, Place(LeversFile, tree)))
    if spec is not None:
        findings += [*_lever_findings(spec, scenario), *_limit_findings(spec, scenario)]
    if spec is None or findings:
        raise InputError(problems(findings, text, file))
    return _compiled(spec, scenario)


def levers_of(scenario: Scenario, given: Any, program: str | None = None) -> Levers:
    """Levers in whatever form they were given.

    given: `Levers`; a levers file; paths, each from 0 to twice its value within its bounds; path -> (low, high) or
    (low, high, step), or None for the same; or None for the first numbers of `program`, the first candidate if None.
    Raises `InputError` with every fault found.
    """
    if isinstance(given, Levers):
        return given
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.endswith(".toml")):
        return load_levers(given, scenario)
    if given is None:
        given = _first_numbers(scenario, program)
    asked = given if isinstance(given, Mapping) else dict.fromkeys([given] if isinstance(given, str) else given)
    ranges = {path: _around(scenario, path) if limits is None else limits for path, limits in asked.items()}
    lines = [
        f"[levers.{json.dumps(path)}]\n" + "".join(f"{end} = {x!r}\n" for end, x in zip(_ENDS, limits, strict=False))
        for path, limits in ranges.items()
    ]
    return parse_levers("\n".join(lines), scenario)


def _first_numbers(scenario: Scenario, program: str | None) -> list[str]:
    """Numbers of a program's components and tiers that may be levers."""
    candidates = [name for name in scenario.programs if name != BASELINE]
    name = program or next(iter(candidates), "")
    if name not in candidates:
        raise fault("options", "program", program, "must be a candidate program", suggestion(name, candidates))
    tree = scenario.tree()
    found = [
        path
        for steps, place in leaves(tree)
        if steps[:2] == ("programs", name) and len(steps) > 3 and not math.isinf(place.bounds.low) and place.numeric
        and (path := dotted(steps)) and place.value and _why_fixed(scenario, path, steps, place) is None
    ]  # fmt: skip
    if not found:
        raise fault("options", "levers", None, f"{name} has no numbers that could be levers", "name them")
    return sorted(found, key=lambda path: ".terms." in path)[:_MOST]  # what is paid before how it is paid


def _around(scenario: Scenario, path: str) -> tuple[float, ...]:
    """From the least permitted value, 0 or above, to twice the value, in some forty even steps."""
    place = place_at(scenario.tree(), steps_of(path))
    if place is None or not place.numeric:
        return (0.0, 1.0)  # what is wrong with the path is said by the checks
    low, high = place.bounds.closed()
    top = min(high, 2.0 * abs(place.value) or 1.0)
    rough = top / 40
    step = next(
        (
            m * 10.0 ** math.floor(math.log10(rough))
            for m in (1, 2, 5)
            if m * 10 ** math.floor(math.log10(rough)) >= rough
        ),
        10.0 ** math.ceil(math.log10(rough)),
    )
    if place.whole:
        step = max(1.0, round(step))
    bottom = 0.0 if low <= 0 else math.ceil(low / step) * step
    return (bottom, round(math.floor(top / step + 1e-9) * step, 10), round(step, 10))


def _compiled(spec: LeversFile, scenario: Scenario) -> Levers:
    levers = []
    for path, s in spec.levers.items():
        place = place_at(scenario.tree(), steps_of(path))
        whole = 1.0 if place is not None and place.whole else 0.0
        levers.append(Lever(path, s.low, s.high, s.step or whole))
    limits = [
        OutcomeLimit(metric, bound, sign)
        for metric, s in spec.constraints.items()
        for bound, sign in ((s.at_most, 1), (s.at_least, -1))
        if bound is not None
    ]
    return Levers(str(steps_of(levers[0].path)[1]), tuple(levers), tuple(limits))


def _quoted(tree: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Leave out, and report, paths without quotes, which TOML reads as tables within tables."""
    levers = tree.get("levers")
    if not isinstance(levers, dict):
        return tree, []
    nested = [k for k, t in levers.items() if isinstance(t, dict) and any(isinstance(v, dict) for v in t.values())]
    findings = [
        Fault(("levers", key), None, "the path must be in quotes", f"write [levers.{json.dumps(_path(key, levers))}]")
        for key in nested
    ]
    return {**tree, "levers": {k: t for k, t in levers.items() if k not in nested}}, findings


def _path(key: str, table: dict[str, Any]) -> str:
    path = [key]
    while isinstance(table.get(path[-1]), dict):
        table = table[path[-1]]
        deeper = next((k for k, v in table.items() if isinstance(v, dict)), None)
        if deeper is None:
            break
        path.append(deeper)
    return dotted(tuple(path))


def _lever_findings(spec: LeversFile, scenario: Scenario) -> Iterator[Fault]:
    tree = scenario.tree()
    tuned: set[str] = set()
    for path, lever in spec.levers.items():
        at: Steps = ("levers", path)
        where = steps_of(path)
        place = place_at(tree, where)
        if place is None or dotted(where) != path:
            yield Fault(at, None, "is no path of the scenario", suggestion(path, _paths(tree)))
            continue
        rule = _why_fixed(scenario, path, where, place)
        if rule:
            yield Fault(at, None, *rule)
            continue
        tuned.add(str(where[1]))
        if len(tuned) > 1:
            others = ", ".join(sorted(tuned - {str(where[1])}))
            yield Fault(at, None, f"must belong to the same program as the levers before, which is {others}")
        yield from _limits_of(at, lever, place)


def _why_fixed(scenario: Scenario, path: str, where: Steps, place: Place) -> tuple[str, str] | None:
    """Why a number cannot be a lever, and a way out."""
    if where[0] != "programs" or len(where) < 3:
        return "must lead into a candidate program", "what is not known is declared under [uncertainty] of the scenario"
    if where[1] == BASELINE:
        return "must lead into a candidate program", "the baseline is the status quo that candidates are compared with"
    if not place.numeric:
        return "must be a number that has a value in the scenario", "give it one there, to start from"
    if path in scenario.uncertainty:
        return "is uncertain in the scenario: what is chosen is no uncertainty", "take it out of one of the two"
    others = uncertain_numbers(scenario, str(where[1]))
    if others:
        return f"belongs to a program with uncertain numbers, such as {others[0]}", "fix those of the program first"
    return None


def _limits_of(at: Steps, lever: LeverSpec, place: Place) -> Iterator[Fault]:
    for end in ("low", "high"):
        value = getattr(lever, end)
        if not place.bounds.hold(value):
            rule = f"{place.bounds.rule()}, like the number itself"
            yield Fault((*at, end), value, rule, share_meant(place.bounds, place.unit, value))
        elif place.whole and not float(value).is_integer():
            yield Fault((*at, end), value, "must be a whole number, like the number itself")
    if lever.low >= lever.high:
        yield Fault((*at, "high"), lever.high, f"must be above low, which is {plain(lever.low)}")
    elif lever.step is not None and lever.step > lever.high - lever.low:
        yield Fault((*at, "step"), lever.step, f"must be at most high - low, which is {plain(lever.high - lever.low)}")
    elif lever.step is not None and place.whole and not lever.step.is_integer():
        yield Fault((*at, "step"), lever.step, "must be a whole number, like the number itself")


def _limit_findings(spec: LeversFile, scenario: Scenario) -> Iterator[Fault]:
    known = [m.name for m in METRICS if isinstance(m, Metric)]
    families = tuple(m.member("", lambda x: x.own["cost"]).name for m in METRICS if isinstance(m, Family))
    for metric, limit in spec.constraints.items():
        at: Steps = ("constraints", metric)
        if metric not in known and not metric.startswith(families):
            yield Fault(at, None, "is no metric", suggestion(metric, known) or "docs/metrics.md lists them")
        if (limit.at_most is None) == (limit.at_least is None):
            yield Fault(at, None, "must give one of at_most and at_least")
        if metric == BUDGETED and scenario.budget is None:
            yield Fault(at, None, "needs a budget in the scenario", "add [budget] with per_year to it")


def _paths(tree: dict[str, Any]) -> list[str]:
    return [dotted(s) for s, place in leaves(tree) if place.numeric and s[0] == "programs" and s[1] != BASELINE]
