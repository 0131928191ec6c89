"""What every study offers in Python, so that who knows one knows all.

study.table()        its figures, as a data frame
study.headline()     what can be said, in sentences, never more than the error allows
study.plot(ax=ax)    a figure, on Axes that are given or on new ones; the Axes come back
study.to_json()      all figures
study.report(path)   one HTML file with all of that
study                in a notebook: headline, sample, table, and how long it took

Checks of what a study is asked to do, before anything is run.

Variants of programs: the same program with other numbers, simulated together so that they share worlds and burn-in.

The reference population is fitted once for a scenario; a variant needs only statistics of its own claims.

Inputs of a sensitivity study: the scenario's uncertain numbers, with what is known of them, and their groups.
"""

from __future__ import annotations

import json
import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

import numpy as np

from simulator.core.errors import InputError, Problem, SimulatorError, fault
from simulator.core.progress import span, watched
from simulator.metrics.measure import BASELINE, STRATEGIC, runs
from simulator.metrics.net_value import net_value
from simulator.metrics.registry import metrics_of
from simulator.reference.fit import Reference
from simulator.runs.designs import Design
from simulator.runs.simulate import SimulationResult, fit_reference, simulate
from simulator.scenario.paths import bounds_at, number_paths, with_values
from simulator.scenario.schema import Program, Scenario
from simulator.scenario.uncertainty import quantile
from simulator.scenario.validation.finding import shown, suggestion
from simulator.stats.estimate import Array, Statistic
from simulator.stats.sensitivity.factors import Factor

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class Study(ABC):
    """The result of a study."""

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
    def table(self) -> pd.DataFrame:
        """The figures."""

    @abstractmethod
    def headline(self) -> list[str]:
        """What can be said, a sentence each."""

    @abstractmethod
    def plot(self, *, ax: Axes | None = None) -> Axes:
        """A figure, on `ax` or a new figure."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts; what is undefined is None."""

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @property
    def cost_text(self) -> str:
        """How long it took; empty where that is not known, as for a study that was read from a file."""
        return "" if self._seconds is None else f"Took {span(self._seconds) if self._seconds >= 1 else 'under 1 s'}."

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write headline, tables and figure as one HTML file that needs nothing else; an existing one is replaced.

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
        from simulator.report.html import study_page

        return study_page(self)

    def _html(self) -> str:
        """Headline and table as HTML."""
        from simulator.report.html import study_html

        return study_html(self)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text("\n".join(self.headline()))  # of a terminal, where there is no HTML

    def _repr_html_(self) -> str:
        from simulator.report.html import took

        return self._html() + took(self)


class RunStudy(Study):
    """A study of one run of replications.

    simulated: the run; kind: what its run directory is called; subject: what was studied of the scenario; figure_rows:
    that a stored figure has room for, those of the table if None.
    """

    simulated: SimulationResult
    kind: ClassVar[str]
    subject: ClassVar[str]
    figure_rows: ClassVar[int | None] = None

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

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        from simulator.report.save import save_study

        return save_study(self, self.kind, self._figures() if plots else {}, out, command, self.figure_rows)

    def _figures(self) -> Mapping[str, Callable[[Axes], Axes]]:
        """Name -> what draws it, of the figures that are stored."""
        return {self.kind: lambda ax: self.plot(ax=ax)}

    def _told(self) -> dict[str, Any]:
        """What `to_dict` of every study of a run begins with."""
        run = self.simulated
        asked = {"study": self.kind.replace("_", " "), "seed": run.seed, "replications": run.replications}
        return {"scenario": self.scenario.name, **asked, "headline": self.headline()}


P = ParamSpec("P")
S = TypeVar("S", bound=Study)


def timed(run: Callable[P, S]) -> Callable[P, S]:
    """Let a study know how long it took; where it tells of its progress and nobody asked, a notebook shows it."""
    tells = "progress" in signature(run).parameters

    @wraps(run)
    def measured(*args: P.args, **kwargs: P.kwargs) -> S:
        start = time.monotonic()
        given: Any = kwargs.get("progress")
        with watched(given) as progress:
            if tells and progress is not None:
                kwargs["progress"] = progress
            study = run(*args, **kwargs)
        object.__setattr__(study, "_seconds", time.monotonic() - start)
        return study

    return measured


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain dicts; None for what is undefined."""
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return found


ENGINES = ("vector", "events")
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


def check_design(design: Design | None) -> None:
    """Raises `InputError` for a design whose replications share worlds: errors take them as separate."""
    if design is None or design.size is None:
        return
    luck = design.luck(np.arange(design.size))
    if len(np.unique(luck)) < len(luck):
        raise fault(_PLACE, "vectors", design, "replications must each meet a world of their own", "see `sim.split`")


def check_precision(precision: float | None, most: int, replications: int | None, design: Design | None) -> None:
    """Raises `InputError` for a precision that cannot be run to."""
    if precision is None:
        return
    problems = []
    if not 0 < precision < 1:
        problems.append(Problem(_PLACE, "precision", shown(precision), "must be between 0 and 1", "1 % is 0.01"))
    if replications is not None:
        rule = "says how many, and so does precision"
        problems.append(Problem(_PLACE, "replications", shown(replications), rule, "give one of the two, and `most`"))
    if most < 2:
        problems.append(Problem(_PLACE, "most", shown(most), "must be at least 2"))
    if design is not None:
        problems.append(Problem(_PLACE, "vectors", "", "precision chooses the design itself", "leave it out"))
    if problems:
        raise InputError(problems)


def _unknown(name: str, known: list[str]) -> Problem:
    hint = suggestion(name, known) or f"there are {', '.join(known)}"
    return Problem(_PLACE, "programs", shown(name), "no such program in the scenario", hint)


Progress = Callable[[int, int], None]


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
    """A metric of a program on the strategic rung; None where it has no such metric."""
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
