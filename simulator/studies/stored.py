"""Stored comparisons: read back without simulating, and compared with each other.

Stored runs as text: a list, and what changed between two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from simulator.core.errors import SimulatorError
from simulator.metrics.base import Metric
from simulator.metrics.measure import STRATEGIC, measure, runs
from simulator.report.formats import form_of_differences
from simulator.runs.stored_runs import StoredRun
from simulator.scenario.validation.finding import dotted
from simulator.stats.estimate import Difference, Statistic, difference
from simulator.stats.intervals import t_quantile
from simulator.stats.variance_reduction import Sampling
from simulator.studies.compare import HEADLINE, Comparison
from simulator.studies.precision import Goal, PrecisionEffort, sampling_with_controls

_PLACES = ("seed", "replications", "engine", "programs", "design", "precision", "python", "machine")


@dataclass(frozen=True)
class RunChange:
    """What differs between two runs: where, and both values (None where there is none)."""

    path: str
    one: Any
    other: Any


@dataclass(frozen=True)
class MovedFigure:
    """A figure of the second run less that of the first. paired: on the same replications."""

    program: str
    metric: str
    unit: str
    gap: Difference


@dataclass(frozen=True)
class RunDiff:
    """scenario, settings: what was changed; moved: figures that moved beyond their error; compared: how many there are.

    paired: whether replications were compared one by one, which needs the same seed, design and number of them.
    """

    one: str
    other: str
    scenario: tuple[RunChange, ...]
    settings: tuple[RunChange, ...]
    moved: tuple[MovedFigure, ...]
    compared: int
    paired: bool


def comparison_of(run: StoredRun) -> Comparison:
    """The stored comparison, measured anew from its replications."""
    simulated = run.simulated()
    precision = run.manifest.get("precision")
    if precision is None:
        return Comparison(simulated, measure(simulated), identity=run.manifest.get("identity"))
    goals = tuple(
        Goal(g["program"], g["metric"], g["of"], *(math.inf if g[w] is None else g[w] for w in ("half_width", "plain")))
        for g in precision["goals"]
    )
    known = ("asked", "most", "replications", "seconds", "looks")
    effort = PrecisionEffort(**{name: precision[name] for name in known}, goals=goals)
    measured = measure(simulated, sampling_with_controls(simulated))
    return Comparison(simulated, measured, effort, run.manifest.get("identity"))


def diff(one: StoredRun, other: StoredRun) -> RunDiff:
    """What changed from one run to another, and what moved."""
    first, second = comparison_of(one), comparison_of(other)
    same = ("seed", "replications", "design")
    paired = all(one.manifest.get(name) == other.manifest.get(name) for name in same)
    gaps = list(_gaps(first, second, paired))
    trees = (run.json("scenario.json") for run in (one, other))
    settings = [dict(_settings(run.manifest)) for run in (one, other)]
    moved = tuple(m for m in gaps if m.gap.distinguishable)
    return RunDiff(one.name, other.name, changes_in(*trees), _changes(*settings), moved, len(gaps), paired)


def _gaps(first: Comparison, second: Comparison, paired: bool) -> Iterator[MovedFigure]:
    for program in second.programs:
        for name in HEADLINE:
            if program not in first.programs or name not in first.measured.definitions:
                continue
            if name not in second.measured.definitions:
                continue
            metric = second.definition(name)
            now, before = (_statistic(c, metric, program) for c in (second, first))
            gap = difference(now, before) if paired else _apart(now, before)
            yield MovedFigure(program, name, second.unit(name), gap)


def _statistic(study: Comparison, metric: Metric, program: str) -> Statistic:
    sampling: Sampling = study.measured.sampling
    return sampling.refined(metric.of(runs(study.simulated, program, STRATEGIC)))


def _apart(one: Statistic, other: Statistic) -> Difference:
    """Difference of statistics of unrelated replications."""
    if one.value is None or other.value is None or not len(one.influence) or not len(other.influence):
        return Difference(None, None, None, None, one.reason or other.reason)
    n, m = len(one.influence), len(other.influence)
    variance = sum(float((s.influence**2).sum()) / (len(s.influence) * (len(s.influence) - 1)) for s in (one, other))
    mean, se = one.value - other.value, variance**0.5
    half = se * t_quantile(min(n, m) - 1)
    return Difference(mean, se, mean - half, mean + half)


def changes_in(one: Any, other: Any) -> tuple[RunChange, ...]:
    """What differs between two trees of nested dicts and lists, by path."""
    return _changes(dict(_flat(one, ())), dict(_flat(other, ())))


def _changes(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[RunChange, ...]:
    paths = dict.fromkeys((*one, *other))
    return tuple(RunChange(p, one.get(p), other.get(p)) for p in paths if one.get(p) != other.get(p))


def _flat(value: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
    """(path, single value) of everything in nested dicts and lists."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if below is None:
        yield dotted(steps), value
        return
    for key, part in below:
        yield from _flat(part, (*steps, key))


def _settings(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in _PLACES:
        value = manifest.get(name)
        yield name, value["asked"] if name == "precision" and value else value
    yield "code", str(manifest.get("code_sha256", ""))[:8]
    yield from ((f"package {name}", version) for name, version in manifest.get("packages", {}).items())


_MOST = 60
_BULK = ("replications", "inputs", "settings")
"""Tables with a row per replication or setting, which are no reading."""


def listed(found: Sequence[StoredRun | SimulatorError]) -> str:
    """A line per run, the oldest first."""
    return "\n".join(str(run) if isinstance(run, SimulatorError) else _line(run) for run in found) or "no runs"


def shown(run: StoredRun) -> str:
    """What a study other than a comparison said, and its tables."""
    said = run.json("summary.json") if (run.place / "summary.json").is_file() else {}
    if "text" in said:
        return f"{_line(run)}\n\n{said['text']}"
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


def _section(title: str, changes: Sequence[RunChange]) -> str:
    lines = [f"  {c.path}: {_short(c.one)} -> {_short(c.other)}" for c in changes]
    return "\n".join([title, *(lines or ["  the same"])])


def _short(value: object) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."
