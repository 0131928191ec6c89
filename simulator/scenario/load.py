"""From the tables of a scenario, overlays applied, to a validated `Scenario` or all that is wrong with it.

Scenario files: TOML text to a validated `Scenario`, or one error that lists all that is wrong.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.core.errors import InputError, Problem, SimulatorError
from simulator.program.base import COMPONENTS
from simulator.scenario.fields import place_at
from simulator.scenario.inheritance import Programs, resolve
from simulator.scenario.line_numbers import key_lines, line_of
from simulator.scenario.presets import resolve_presets
from simulator.scenario.schema import KINDS, Scenario
from simulator.scenario.validation.finding import Fault, Steps, dotted, shown, suggestion
from simulator.scenario.validation.messages import findings_of
from simulator.scenario.validation.partial import draft
from simulator.scenario.validation.scenario_rules import check

Tree = dict[str, Any]


def examine(tree: Tree, unresolved: frozenset[str] = frozenset()) -> tuple[Scenario | None, list[Fault]]:
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


def _as_written(finding: Fault, tree: Tree) -> Fault:
    """With the value as the file has it: the schema turns 5 into 5.0."""
    place = place_at(tree, finding.steps)
    return finding if finding.value is None or place is None else replace(finding, value=place.value)


def _quoted_paths(tree: Tree) -> tuple[Tree, list[Fault]]:
    """Leave out, and report, uncertain paths without quotes, which TOML reads as tables within tables."""
    uncertain = tree.get("uncertainty")
    if not isinstance(uncertain, dict):
        return tree, []
    nested = {key: table for key, table in uncertain.items() if _is_nested(table)}
    findings = [
        Fault(("uncertainty", key), None, "the path must be in quotes", f"write uncertainty.{_as_one_key(key, table)}")
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


_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


def load(path: str | os.PathLike[str]) -> Scenario:
    """The scenario in the TOML file at `path`.

    Raises `InputError` with every fault found: the file cannot be read, is no UTF-8 or no TOML, or breaks a
    rule.
    """
    return parse(read_text(Path(path)), file=str(path))


def parse(text: str, *, file: str = "scenario") -> Scenario:
    """The scenario in a TOML text, called `file` in messages. Raises `InputError` like `load`."""
    late = COMPONENTS.keys() - KINDS
    if late:
        names = ", ".join(sorted(late))
        raise SimulatorError(f"component kinds {names} came after the schema was built: import their module first")
    raw, unknown = resolve_presets(toml_tree(text, file))
    written = raw.get("programs")
    programs = resolve(written) if isinstance(written, dict) else Programs()
    tree = {**raw, "programs": programs.tables} if isinstance(written, dict) else raw
    scenario, findings = examine(tree, programs.unresolved)
    findings = [*unknown, *programs.findings, *_once(findings, programs)]
    if findings or scenario is None:
        raise InputError(problems(findings, text, file, programs.written_at))
    return scenario


def read_text(path: Path) -> str:
    """The text of a TOML file; raises `InputError` where it cannot be read or is no UTF-8."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        siblings = [p.name for p in path.parent.glob("*.toml")]
        raise _unreadable(path, "does not exist", suggestion(path.name, siblings)) from None
    except IsADirectoryError:
        raise _unreadable(path, "is a directory", "give the path of a .toml file") from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from None
    try:
        # Some editors put a byte order mark in front, which TOML does not know.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, "is not UTF-8 text", "save it as UTF-8", line) from None


def _unreadable(path: Path, rule: str, hint: str = "", line: int | None = None) -> InputError:
    return InputError([Problem(str(path), "file", "", rule, hint, line)])


def toml_tree(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text; raises `InputError` where it is none."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError([Problem(file, "syntax", "", "tables or lists are nested too deeply")]) from None
    except ValueError as error:
        message = str(error)
        place = _AT_LINE.search(message)
        line = int(place.group(1)) if place and place.group(1) else None
        if place and line is None:
            line = text.rstrip("\n").count("\n") + 1
        hint = f"column {place.group(2)}" if place and place.group(2) else ""
        rule = f"not TOML: {_AT_LINE.sub('', message)}"
        raise InputError([Problem(file, "syntax", "", rule, hint, line)]) from None


def _once(findings: Sequence[Fault], programs: Programs) -> list[Fault]:
    """Without the faults that an overlay only inherits from the program that it extends."""
    own = {_key(f.steps, f) for f in findings if programs.written_at(f.steps) == f.steps}
    return [
        f
        for f in findings
        if programs.written_at(f.steps) == f.steps or _key(programs.written_at(f.steps), f) not in own
    ]


def _key(steps: Steps, finding: Fault) -> tuple[Steps, str, str]:
    return steps, repr(finding.value), finding.rule


def problems(
    findings: Iterable[Fault], text: str, file: str, written_at: Callable[[Steps], Steps] = tuple
) -> list[Problem]:
    """Findings as problems of `file` with the TOML `text`, in its order; written_at: where what is at steps stands."""
    lines = key_lines(text)
    found = [
        Problem(file, dotted(f.steps), shown(f.value), f.rule, f.hint, line_of(lines, written_at(f.steps)))
        for f in findings
    ]
    return sorted(found, key=lambda p: (p.line is None, p.line))
