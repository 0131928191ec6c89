"""The base of all studies, what declares one, and what studies share.

To add a study, write one module in this room:

1. A frozen dataclass below `RunStudy` (it has `simulated`, a run of replications), below `StoredStudy` (it says itself
   what its run directory holds) or below `Study` (it has none), with its results as fields, and `kind` and `subject`
   (of the others `title` and `sample_text`).
2. `tables()`: a list of `report.tables.Table`, raw estimates with units. `headline()`: sentences.
3. `plot_kinds`: name -> method that draws on given Axes; the first is what `plot()` draws.
4. A function that runs it: `scenario` first, then options as keywords (`programs`, `replications`, `seed`, `workers`,
   `engine`, `chunk`, `progress` are known; others are `Annotated[type, Option("help", "METAVAR")]`). It checks the
   known ones by `RunSettings.of(scenario, ...)`, simulates by `settings.simulate(scenario)`, and is decorated with
   `@study("name", "What it does to SCENARIO.", examples=["name scenarios/quickstart.toml"])`.

From these follow `table()`, `text()` for terminals, the view in notebooks, `report(path)` as an HTML page, `to_json()`,
`save()` and the command `incentive-sim name`. Where the plain form does not do, override `table()` (other columns),
`notes()` (sentences below the tables), `details()` (more of the JSON), `stored_figures()` or `exit_code`.
`select` is a small example; `tests/studies/test_contract.py` holds every registered study to all of this.
"""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import InputError, Problem, SimulatorError
from simulator.core.progress import span
from simulator.metrics.measure import BASELINE, STRATEGIC, runs
from simulator.metrics.net_value import net_value
from simulator.metrics.registry import metrics_of
from simulator.reference.fit import Reference
from simulator.report.html import study_page, study_view, took
from simulator.report.plots import draw_kind, figure_files, figure_of
from simulator.report.tables import Table, records
from simulator.report.text import WIDTH, wrap
from simulator.runs import run_directory
from simulator.runs.simulate import SimulationResult, fit_reference, simulate
from simulator.scenario.paths import bounds_at, number_paths, with_values
from simulator.scenario.schema import Program, Scenario
from simulator.scenario.uncertainty import quantile
from simulator.scenario.validation.finding import shown, suggestion
from simulator.stats.estimate import Array, Statistic
from simulator.stats.sensitivity.factors import Factor
from simulator.studies.registry import page_of, timed
from simulator.studies.settings import ENGINES, Progress, check_precision

__all__ = ["Progress", "check_precision", "records", "timed"]


class Study(ABC):
    """The result of a study.

    plot_kinds: name -> method that draws it on Axes, the first the default of `plot`; figure_rows: rows that a figure
    has room for in a stored file, those of the table if None; exit_code: of the command.
    """

    plot_kinds: ClassVar[Mapping[str, Callable[..., Axes]]] = {}
    figure_rows: ClassVar[int | None] = None
    _seconds: float | None = None

    def __init_subclass__(cls) -> None:
        cls._repr_pretty_ = Study._repr_pretty_  # type: ignore[method-assign]  # IPython wants it beside `__repr__`

    @property
    @abstractmethod
    def title(self) -> str:
        """What was studied of which scenario."""

    @property
    @abstractmethod
    def sample_text(self) -> str:
        """What the figures rest on."""

    @abstractmethod
    def headline(self) -> list[str]:
        """What can be said, a sentence each."""

    def tables(self) -> list[Table]:
        """Its tables, the main one first."""
        return []

    def notes(self) -> list[str]:
        """How to read the tables, a sentence each."""
        return []

    def details(self) -> dict[str, Any]:
        """What `to_dict` has beside headline and tables."""
        return {}

    @property
    def exit_code(self) -> int:
        """How the command ends: 0, or 1 where there are findings."""
        return 0

    def table(self) -> pd.DataFrame:
        """The figures of its first table at full precision, errors as `NAME_se`."""
        return self.tables()[0].frame()

    def text(self, width: int = WIDTH) -> str:
        """Headline, tables and notes for a terminal."""
        tables = [table.text(width) for table in self.tables()]
        parts = [wrap(self.headline(), width), *tables, wrap([*self.notes(), self.sample_text], width)]
        return "\n\n".join(part for part in parts if part)

    def plot(self, *args: Any, **kwargs: Any) -> Axes:
        """Draw a figure: `plot(kind=None, ax=None, **options)`.

        kind: a name of `plot_kinds`, the first if None; ax: where, a new figure if None; options: of the figure. Raises
        `InputError` for an unknown kind.
        """
        return self._plot(*args, **kwargs)

    def _plot(self, kind: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
        return draw_kind(self.plot_kinds, self, next(iter(self.plot_kinds)) if kind is None else kind, ax, **options)

    def stored_figures(self) -> Mapping[str, Callable[[Axes], object]]:
        """Name -> what draws it, of the figures of its run directory and its page."""
        if not self.plot_kinds:
            return {"figure": lambda ax: self.plot(ax=ax)}
        return {name: partial(draw, self) for name, draw in self.plot_kinds.items()}

    def to_dict(self) -> dict[str, Any]:
        """Headline, tables and details as plain dicts; what is undefined is None."""
        tables = [table.to_dict() for table in self.tables()]
        return {**self._asked(), "headline": self.headline(), **self.details(), "tables": tables}

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @property
    def cost_text(self) -> str:
        """How long it took; empty where that is not known, as for a study that was read from a file."""
        return "" if self._seconds is None else f"Took {span(self._seconds) if self._seconds >= 1 else 'under 1 s'}."

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write headline, tables and figures as one HTML file that needs nothing else; an existing one is replaced.

        Of a comparison it is the report that leadership reads, of a calibration one of its own.

        Raises `SimulatorError` where there is no such folder.
        """
        target = Path(path)
        if not target.parent.is_dir():
            raise SimulatorError(f"{target.parent}: no such folder")
        target.write_text(self._page(), encoding="utf-8")
        return target

    def _page(self) -> str:
        """What `report` writes."""
        own = page_of(type(self).__name__)
        return study_page(self) if own is None else own(self)

    def _html(self) -> str:
        """Headline and tables as HTML."""
        return study_view(self)

    def _asked(self) -> dict[str, Any]:
        """What `to_dict` begins with: what was studied."""
        return {"study": self.title, "sample": self.sample_text}

    def _figure_height(self) -> float:
        rows = len(self.table()) if self.figure_rows is None else self.figure_rows
        return max(3.4, 1.6 + 0.45 * min(rows, 30))

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text("\n".join(self.headline()))  # of a terminal, where there is no HTML

    def _repr_html_(self) -> str:
        return self._html() + took(self)


class StoredStudy(Study):
    """A study that is written as a run directory. kind: what its files are called."""

    kind: ClassVar[str]

    @abstractmethod
    def run_name(self, when: datetime) -> str:
        """Name of its run directory."""

    @abstractmethod
    def run_manifest(self, when: datetime, command: Sequence[str]) -> dict[str, Any]:
        """What it was run with, see `run_directory.manifest`."""

    def run_files(self) -> dict[str, run_directory.Writer]:
        """Files beside tables, figures, summary and JSON: what it was run on."""
        return {}

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        when = run_directory.now()
        files: dict[str, run_directory.Writer] = {
            **self.run_files(),
            **{f"{name}.parquet": run_directory.table_file(table) for name, table in self.stored_tables().items()},
            f"{self.kind}.json": run_directory.json_file(self.to_dict()),
            "summary.json": run_directory.json_file(self.summary()),
            **(self.figure_files() if plots else {}),
        }
        return run_directory.write_run(out, self.run_name(when), files, self.run_manifest(when, command))

    def figure_files(self) -> dict[str, run_directory.Writer]:
        """Files of its stored figures."""
        height = self._figure_height()
        return figure_files(
            {name: partial(figure_of, draw, height=height) for name, draw in self.stored_figures().items()}
        )

    def stored_tables(self) -> dict[str, pd.DataFrame]:
        """Name -> table, of what the run directory has beside what it was run on."""
        return {self.kind: self.table()}

    def summary(self) -> dict[str, Any]:
        """What `show` prints of a stored run, and what was studied."""
        told = {"text": self.text()} if self.tables() else {}
        return {**self._asked(), "sample": self.sample_text, "headline": self.headline(), **told}


class RunStudy(StoredStudy):
    """A study of one run of replications.

    simulated: the run; subject: what was studied of the scenario.
    """

    simulated: SimulationResult
    subject: ClassVar[str]

    @property
    def title(self) -> str:
        """What was studied of which scenario."""
        return f"{self.scenario.name}: {self.subject}"

    @property
    def scenario(self) -> Scenario:
        """What was simulated."""
        return self.simulated.scenario

    @property
    def sample_text(self) -> str:
        """What the figures rest on: `2,000 replications, seed 7`."""
        return f"{self.simulated.replications:,} replications, seed {self.simulated.seed}"

    def stored_figures(self) -> Mapping[str, Callable[[Axes], object]]:
        return super().stored_figures() if self.plot_kinds else {self.kind: lambda ax: self.plot(ax=ax)}

    def run_name(self, when: datetime) -> str:
        """Kind, scenario, seed, time and a hash of what was asked for."""
        return self._directory + run_directory.run_name(self.simulated, when)

    def run_manifest(self, when: datetime, command: Sequence[str]) -> dict[str, Any]:
        """Settings of the run, versions, and what `manifest` adds."""
        return {**run_directory.manifest_of(self.simulated, when=when, command=command), **self.manifest()}

    def run_files(self) -> dict[str, run_directory.Writer]:
        """The scenario, the fitted reference, and the totals of every replication."""
        totals = {"replications.parquet": run_directory.replications_file(self.simulated)}
        return {
            "scenario.json": run_directory.json_file(self.scenario.tree()),
            "fitted.json": run_directory.json_file(dict(self.simulated.fitted)),
            **(totals if self.simulated.totals else {}),
        }

    def stored_tables(self) -> dict[str, pd.DataFrame]:
        """Values of the uncertain numbers by replication, and its table."""
        return {"inputs": _inputs(self.simulated), self.kind: self.table()}

    def manifest(self) -> dict[str, Any]:
        """What the manifest of the run directory has beside settings and versions."""
        return {"study": self.kind}

    @property
    def _directory(self) -> str:
        return f"{self.kind}_"

    def _asked(self) -> dict[str, Any]:
        run = self.simulated
        asked = {"study": self.kind.replace("_", " "), "seed": run.seed, "replications": run.replications}
        return {"scenario": self.scenario.name, **asked}

    def _told(self) -> dict[str, Any]:
        """What `to_dict` of every study of a run begins with."""
        return {**self._asked(), "headline": self.headline()}


def _inputs(simulated: SimulationResult) -> pd.DataFrame:
    """Values of the uncertain numbers: a row per replication, with the world that it met."""
    world = np.asarray(simulated.design.world_ids(simulated.ids))
    return pd.DataFrame({"replication": simulated.ids, "world": world, **simulated.values()})


_PLACE = "options"
"""What messages about options name as their file."""


def asked_programs(scenario: Scenario, programs: Sequence[str] | None) -> tuple[str, ...]:
    """The programs to simulate, all if None; raises `InputError` for each that is not in the scenario."""
    if programs is None:
        return tuple(scenario.programs)
    known = list(scenario.programs)
    problems = [_unknown(name, known) for name in programs if name not in scenario.programs]
    if not programs:
        problems.append(Problem(_PLACE, "programs", "", "names no program", f"there are {', '.join(known)}"))
    if problems:
        raise InputError(problems)
    return tuple(dict.fromkeys(programs))


def check_run(
    *, replications: int, seed: int, engine: str = "vector", workers: int = 1, chunk: int | None = None
) -> None:
    """Raises `InputError` with all faults of the settings of a run."""
    least = {"replications": (replications, 2), "seed": (seed, 0), "workers": (workers, 1)}
    if chunk is not None:
        least["chunk"] = (chunk, 1)
    problems = [
        Problem(_PLACE, name, shown(value), f"must be at least {low}")
        for name, (value, low) in least.items()
        if value < low
    ]
    if engine not in ENGINES:
        problems.append(
            Problem(
                _PLACE, "engine", shown(engine), f"must be one of {', '.join(ENGINES)}", suggestion(engine, ENGINES)
            )
        )
    if problems:
        raise InputError(problems)


def _unknown(name: str, known: list[str]) -> Problem:
    hint = suggestion(name, known) or f"there are {', '.join(known)}"
    return Problem(_PLACE, "programs", shown(name), "no such program in the scenario", hint)


@dataclass(frozen=True)
class Bench:
    """Worlds on which variants are tried: a scenario, how many replications, from which seed, by how many processes."""

    scenario: Scenario
    replications: int
    seed: int
    workers: int = 1
    progress: Progress | None = None

    @cached_property
    def reference(self) -> Reference:
        """The reference population of the scenario, fitted at the first use."""
        return fit_reference(self.scenario)

    def elsewhere(self, replications: int, seed: int) -> Bench:
        """Other worlds for the same scenario and reference population."""
        other = replace(self, replications=replications, seed=seed)
        other.__dict__["reference"] = self.reference
        return other

    def simulate(self, programs: Mapping[str, Program]) -> SimulationResult:
        """Simulate programs beside the baseline; they need not be the scenario's."""
        kept = {BASELINE: self.scenario.programs[BASELINE]}
        scenario = self.scenario.model_copy(update={"programs": {**kept, **programs}})
        return simulate(
            scenario,
            programs=tuple(programs),
            replications=self.replications,
            seed=self.seed,
            workers=self.workers,
            progress=self.progress,
            reference=self.reference.extended(scenario),
        )


def variant(scenario: Scenario, program: str, values: Mapping[str, float]) -> Program:
    """A program of the scenario with other values at some paths; raises `InputError` where that breaks a rule."""
    return with_values(scenario, values).programs[program]


def permitted(scenario: Scenario, program: str, values: Mapping[str, float]) -> bool:
    """Whether `variant` gives a program."""
    try:
        variant(scenario, program, values)
    except InputError:
        return False
    return True


def uncertain_numbers(scenario: Scenario, program: str) -> list[str]:
    """Uncertain numbers of a program. Variants could not share them, so such a program has none."""
    return [path for path in scenario.uncertainty if path.startswith(f"programs.{program}.")]


def value_in(simulated: SimulationResult, program: str, level: str = STRATEGIC) -> Array:
    """Net value of a program per replication, (N,), in the currency."""
    return net_value(runs(simulated, program, level), simulated.scenario.goals)


def gain_in(simulated: SimulationResult, program: str) -> Array:
    """Net value over the baseline's in the same worlds, (N,)."""
    return value_in(simulated, program) - value_in(simulated, BASELINE)


def statistic_in(simulated: SimulationResult, program: str, metric: str) -> Statistic | None:
    """A metric of a program where partners respond and game; None where it has no such metric."""
    view = runs(simulated, program, STRATEGIC)
    return next((m.of(view) for m in metrics_of(view.own) if m.name == metric), None)


def numbered(programs: Sequence[Program]) -> dict[str, Program]:
    """Programs under names of their own."""
    return {f"variant-{k + 1}": program for k, program in enumerate(programs)}


GRADES = "ABCJ"
"""Grades of evidence, the strongest first: study or official document, trade survey, marketing, judgement."""
_STATED = re.compile(rf"([{GRADES}])\b\s*[:;,]")
_inputs_PLACE = "options"
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
            _inputs_PLACE, "SCENARIO", scenario.name, "has no uncertain numbers",
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
    problems = [_inputs_unknown("inputs", path, scenario) for path in only or () if path not in known]
    if only is not None and not only and not groups:
        problems.append(Problem(_inputs_PLACE, "inputs", "", "names no input", f"there are {', '.join(known)}"))
    member_of: dict[str, str] = {}
    for name, members in groups.items():
        problems += [_inputs_unknown(f"group {name}", path, scenario) for path in members if path not in known]
        if name in known:
            problems.append(
                Problem(_inputs_PLACE, f"group {name}", "", "has the name of an input", "give it another name")
            )
        if not members:
            problems.append(Problem(_inputs_PLACE, f"group {name}", "", "has no member", "write NAME=PATH,PATH"))
        for path in members:
            if path in member_of:
                where = f"is already in group {member_of[path]}" if member_of[path] != name else "is there twice"
                problems.append(Problem(_inputs_PLACE, f"group {name}", path, where))
            member_of[path] = name
    return problems


def tied_outside(scenario: Scenario, groups: Groups) -> list[tuple[str, str]]:
    """Pairs of correlated inputs that are not in one group."""
    group = {path: name for name, members in groups.items() for path in members}
    pairs = [(pair.a, pair.b) for pair in scenario.correlation if pair.rank]
    return [(a, b) for a, b in pairs if group.get(a) is None or group.get(a) != group.get(b)]


def _inputs_unknown(option: str, path: str, scenario: Scenario) -> Problem:
    numbers = {number.path: number for number in number_paths(scenario)}
    if path in numbers:
        return Problem(_inputs_PLACE, option, path, "is not uncertain", f'declare it under [uncertainty."{path}"]')
    hint = suggestion(path, scenario.uncertainty) or f"there are {', '.join(scenario.uncertainty)}"
    return Problem(_inputs_PLACE, option, path, "is no uncertain number of the scenario", hint)
