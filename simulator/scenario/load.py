"""Scenario files: TOML text to a validated `Scenario`, or one error that lists all that is wrong."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from simulator.errors import InputError, Problem, SimulatorError
from simulator.program.spec import COMPONENTS
from simulator.scenario.examine import examine
from simulator.scenario.finding import Finding, Steps, dotted, shown, suggestion
from simulator.scenario.lines import key_lines, line_of
from simulator.scenario.overlay import Programs, resolve
from simulator.scenario.presets import resolve_presets
from simulator.scenario.schema import KINDS, Scenario

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


def _once(findings: Sequence[Finding], programs: Programs) -> list[Finding]:
    """Without the faults that an overlay only inherits from the program that it extends."""
    own = {_key(f.steps, f) for f in findings if programs.written_at(f.steps) == f.steps}
    return [
        f
        for f in findings
        if programs.written_at(f.steps) == f.steps or _key(programs.written_at(f.steps), f) not in own
    ]


def _key(steps: Steps, finding: Finding) -> tuple[Steps, str, str]:
    return steps, repr(finding.value), finding.rule


def problems(
    findings: Iterable[Finding], text: str, file: str, written_at: Callable[[Steps], Steps] = tuple
) -> list[Problem]:
    """Findings as problems of `file` with the TOML `text`, in its order; written_at: where what is at steps stands."""
    lines = key_lines(text)
    found = [
        Problem(file, dotted(f.steps), shown(f.value), f.rule, f.hint, line_of(lines, written_at(f.steps)))
        for f in findings
    ]
    return sorted(found, key=lambda p: (p.line is None, p.line))
