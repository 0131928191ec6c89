"""Stored runs as text: a list, and what changed between two."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from simulator.errors import SimulatorError
from simulator.report.numbers import form_of_differences
from simulator.stored import StoredRun
from simulator.studies.runs import Change, RunDiff

_MOST = 60
_BULK = ("replications", "inputs", "settings")
"""Tables with a row per replication or setting, which are no reading."""


def listed(found: Sequence[StoredRun | SimulatorError]) -> str:
    """A line per run, the oldest first."""
    return "\n".join(str(run) if isinstance(run, SimulatorError) else _line(run) for run in found) or "no runs"


def shown(run: StoredRun) -> str:
    """What a study other than a comparison said, and its tables."""
    said = run.json("summary.json") if (run.place / "summary.json").is_file() else {}
    parts = [_line(run), "\n".join(said.get("headline", ()))]
    for path in sorted(run.place.glob("*.parquet")):
        if path.stem not in _BULK:
            table = pd.read_parquet(path).dropna(axis="columns", how="all")
            parts.append(f"{path.stem}\n{table.to_string(index=False, float_format='{:,.4g}'.format)}")
    return "\n\n".join(part for part in parts if part)


def described(diff: RunDiff, currency: str) -> str:
    """What changed, and what moved."""
    pairs = "replication by replication" if diff.paired else "as unrelated replications"
    parts = [f"{diff.one} -> {diff.other}"]
    parts.append(_section("Scenario", diff.scenario))
    parts.append(_section("Settings and versions", diff.settings))
    title = f"Figures that moved beyond their error ({len(diff.moved)} of {diff.compared}, compared {pairs}; 95 % CI)"
    lines = []
    for m in diff.moved:
        form = form_of_differences([m.gap], m.unit, currency)
        lines.append(f"  {m.program}, {m.metric}: {form.difference(m.gap)} {form.unit}")
    parts.append("\n".join([title, *(lines or ["  none"])]))
    return "\n\n".join(parts)


def _line(run: StoredRun) -> str:
    m = run.manifest
    return (
        f"{run.name}  {m.get('created', '')}  {m.get('scenario', '')}: {', '.join(m.get('programs', ()))}; "
        f"{m.get('replications', 0):,} replications, seed {m.get('seed')}"
    )


def _section(title: str, changes: Sequence[Change]) -> str:
    lines = [f"  {c.path}: {_short(c.one)} -> {_short(c.other)}" for c in changes]
    return "\n".join([title, *(lines or ["  the same"])])


def _short(value: object) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."
