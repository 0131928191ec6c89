"""Sensitivity: which uncertain inputs an outcome rests on, by one of the methods of this package.

Inputs are the scenario's uncertain numbers; levers never are. The outcome is a metric of candidate programs that
partners respond to and game, by default the net value less that of the baseline in the same worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.arrays import Array
from simulator.core.errors import InputError, Problem, fault
from simulator.metrics.measure import BASELINE, NONE
from simulator.metrics.net_value import goals_text
from simulator.report.plots import new_axes, styled
from simulator.report.tables import Column, Table, records
from simulator.report.text import listed
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import shown, suggestion
from simulator.stats.sensitivity.factors import factors_of
from simulator.studies.base import GRADES, Groups, RunStudy, check_inputs, inputs_of, tied_outside
from simulator.studies.registry import Option, study
from simulator.studies.sensitivity.method import MethodInputs, MethodResult, SensitivityMethod, methods
from simulator.studies.sensitivity.outcome import NET_VALUE, ModelRuns, StudyOutcome, inputs_in, outcome_of
from simulator.studies.settings import Progress, RunSettings

_PLACE = "options"
GRADES_NOTE = "Grades in brackets: A study or official document, B trade survey, C marketing, J judgement."


@dataclass(frozen=True)
class Sensitivity(RunStudy):
    """What a method found. found: the method's own rows by program; simulated: the runs they rest on."""

    kind = "sensitivity"
    subject = "what the outcome rests on"

    method: SensitivityMethod
    outcome: StudyOutcome
    task: MethodInputs
    found: Mapping[str, Sequence[Any]]
    simulated: SimulationResult

    @property
    def programs(self) -> tuple[str, ...]:
        """Programs that were looked at."""
        return self.outcome.programs

    @property
    def sample_text(self) -> str:
        """What the figures rest on: `12 points in the same 100 worlds, seed 7`."""
        seed, count, worlds = self.task.seed, self.simulated.replications, self.task.replications
        if not self.method.designed:
            return f"{count:,} replications, seed {seed}"
        return f"{count // worlds:,} points in the same {worlds:,} worlds, seed {seed}"

    def result(self, program: str) -> MethodResult:
        """What was found for a program, with all it takes to write and draw it."""
        return MethodResult(program, self.found[program], self.outcome, self.task, self.sample_text)

    def mattering(self, program: str) -> list[str]:
        """Factors that matter by more than the error."""
        return [name for row in self.found[program] for name in self.method.mattering(row)]

    def table(self) -> pd.DataFrame:
        """A row per program and factor, with standard errors and 95 % limits as NAME_se, NAME_low, NAME_high."""
        rows = [
            {"program": program, **{name: np.nan if value is None else value for name, value in record.items()}}
            for program in self.programs
            for row in self.found[program]
            for record in self.method.records(row, self.task.grade)
        ]
        table = pd.DataFrame(rows)
        table.attrs["unit"] = self.outcome.unit
        return table

    def headline(self) -> list[str]:
        """A sentence per program, never more than the error allows, and the weakest evidence that it rests on."""
        return [*(f"{p}: {self.method.sentence(self.result(p))}." for p in self.programs), *self._weakest()]

    def _weakest(self) -> list[str]:
        """The inputs that matter with the weakest grade of evidence."""
        grades = {name: self.task.grade(name) for program in self.programs for name in self.mattering(program)}
        if not grades:
            return []
        worst = max(grades.values(), key=GRADES.index)
        weakest = [name for name, grade in grades.items() if grade == worst]
        return [f"Of the inputs that matter, the weakest evidence (grade {worst}) is for {listed(weakest)}."]

    def notes(self) -> list[str]:
        """How to read the figures, and what they rest on."""
        found = [self.method.reading]
        if self.outcome.metric == NET_VALUE:
            found.append(f"Net value: {goals_text(self.scenario.goals)}.")
        if self.task.correlated and self.method.designed:
            found.append("Inputs are correlated, but are moved here one by one, or in their groups.")
        elif self.task.correlated:
            found.append("Inputs are correlated: a figure also counts what others do that move along with an input.")
        return [*found, GRADES_NOTE]

    def tables(self) -> list[Table]:
        """A table per program."""
        return [self._table(self.result(program)) for program in self.programs]

    def _table(self, result: MethodResult) -> Table:
        form = self.method.number_format(result)
        lines = [line for row in result.rows for line in self.method.cells(row)]
        columns = []
        for head in dict.fromkeys(column for _, cells in lines for column in cells):
            values = [cells.get(head, "") for _, cells in lines]
            written = None if all(isinstance(value, str) for value in values) else form
            columns.append(Column(head.replace(" ", "_"), head, values, form=written))
        names = [result.with_grade(name) for name, _ in lines]
        return Table(f"{result.program}: {self.outcome.words}", names, columns, self.scenario.currency, key="input")

    def plot(self, program: str | None = None, ax: Axes | None = None, *, factor: str | None = None) -> Axes:
        """The figure of the method for a program, the first if None.

        factor: the input of a figure that shows a single one. Raises `InputError` for an unknown program or input.
        """
        names = [f.name for f in self.task.factors]
        for option, value, known in (("program", program, list(self.programs)), ("factor", factor, names)):
            if value is not None and value not in known:
                raise fault(_PLACE, option, value, f"must be one of {', '.join(known)}", suggestion(value, known))
        with styled():
            ax = new_axes(len(names)) if ax is None else ax
            self.method.draw(self.result(program or self.programs[0]), ax, factor)
        return ax

    def stored_figures(self) -> Mapping[str, Callable[[Axes], object]]:
        """A figure per program."""
        return {f"{self.method.name}_{p}": partial(self.plot, p) for p in self.programs}

    def details(self) -> dict[str, Any]:
        """What was asked, the inputs, and all figures at full precision."""
        return {
            "method": self.method.name,
            "metric": self.outcome.metric,
            "unit": self.outcome.unit,
            "against": self.outcome.against,
            "sample": self.sample_text,
            "inputs": {i.path: asdict(i) for i in self.task.inputs},
            "rows": records(self.table()),
        }


def parse_groups(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`NAME=PATH,PATH` of each text as name and paths; raises `ValueError` for another form."""
    groups: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, paths = text.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"{text!r} is not NAME=PATH,PATH")
        if name.strip() in groups:
            raise ValueError(f"group {name.strip()} is there twice")
        groups[name.strip()] = tuple(path.strip() for path in paths.split(",") if path.strip())
    return groups


MethodOption = Annotated[str, Option(f"{', '.join(methods())}: see docs/sensitivity.md", "M")]
InputsOption = Annotated[Sequence[str] | None, Option("Uncertain numbers to look at  [default: all]", "PATH,PATH")]
GroupsOption = Annotated[
    Groups | None,
    Option("Inputs to take together; may be repeated", "NAME=PATH,PATH", parse=parse_groups, repeated=True),
]


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """What the command line gave as arguments of `sensitivity`: one program, or no second one."""
    program, absolute = given.pop("program"), given.pop("absolute")
    if program is not None and given["programs"] is not None:
        raise fault(_PLACE, "program", program, "is given beside programs", "give one of the two")
    programs = given["programs"] if program is None else (program,)
    return {**given, "programs": programs, "against": None if absolute else given["against"]}


@study(
    "sensitivity",
    "Find which uncertain inputs of SCENARIO an outcome rests on.",
    examples=[
        "sensitivity scenarios/b2b_manufacturer.toml --program accelerator",
        "sensitivity scenarios/b2b_manufacturer.toml --method tornado --metric program_cost",
    ],
    extra={
        "program": (None, Option("One program to look at, instead of --programs", "P", parse=str)),
        "absolute": (False, Option("Look at the outcome itself instead of a difference")),
    },
    arguments=_arguments,
)
def sensitivity(
    scenario: Scenario,
    *,
    method: MethodOption = "given",
    metric: Annotated[str, Option("Outcome to look at, see docs/metrics.md", "NAME")] = NET_VALUE,
    programs: Sequence[str] | None = None,
    against: Annotated[str | None, Option("Program whose outcome is taken off", "P")] = BASELINE,
    inputs: InputsOption = None,
    groups: GroupsOption = None,
    replications: Annotated[
        int | None, Option("Replications; of a design the worlds per point  [default: chosen]", "N")
    ] = None,
    points: Annotated[int | None, Option("Points of a design  [default: chosen]", "N")] = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Sensitivity:
    """Find which uncertain inputs an outcome rests on.

    method: its name, see `methods`; metric: a metric's name or `net_value`; programs: candidates if None; against: the
    program whose outcome in the same worlds is taken off, None for none; inputs: paths to look at, all if None; groups:
    name -> paths that move together; replications: those in all, or the worlds per point of a design; points: of a
    design. Raises `InputError` with all faults of what is asked.
    """
    known = _known(method)
    usual = known.replications or scenario.run.replications
    count = usual if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    outcome, task = _task(known, scenario, metric, programs, against, inputs, groups or {}, count, points, start)
    RunSettings.of(scenario, replications=count, seed=start, workers=workers)
    runs = ModelRuns(scenario, outcome, start, workers, progress)
    if not known.designed:
        return _found(known, outcome, task, runs.sampled(count))
    places = known.design(task)
    simulated = runs.designed(places, count, correlate=known.keeps_correlation and task.correlated)
    return _found(known, outcome, task, simulated, places)


def sensitivity_of(
    simulated: SimulationResult,
    method: str = "given",
    *,
    metric: str = NET_VALUE,
    programs: Sequence[str] | None = None,
    against: str | None = BASELINE,
) -> Sensitivity:
    """What runs that were made already say of an outcome, by a method without points of its own.

    Raises `InputError` where the method needs other runs, or more of them.
    """
    known = _known(method)
    if known.designed:
        raise InputError([Problem(_PLACE, "method", shown(method), "needs runs at points of its own")])
    outcome, task = _task(
        known, simulated.scenario, metric, programs, against, None, {}, simulated.replications, None, simulated.seed
    )
    return _found(known, outcome, task, simulated)


def _task(
    method: SensitivityMethod,
    scenario: Scenario,
    metric: str,
    programs: Sequence[str] | None,
    against: str | None,
    only: Sequence[str] | None,
    groups: Groups,
    replications: int,
    points: int | None,
    seed: int,
) -> tuple[StudyOutcome, MethodInputs]:
    """What is asked of a method; raises `InputError` with all faults of it."""
    inputs = inputs_of(scenario)
    named = _programs(scenario, programs, against)
    problems = [
        *check_inputs(scenario, only, groups),
        *_size_faults(method, replications, points),
        *_method_faults(method, scenario, against, groups),
    ]
    if problems:
        raise InputError(problems)
    outcome = outcome_of(scenario, metric, named, against)
    if method.directed and outcome.direction == "neutral":
        raise InputError([Problem(_PLACE, "metric", shown(metric), f"{method.name} must know which way is better")])
    factors = factors_of(list(scenario.uncertainty), groups, together=method.designed, only=only)
    higher, correlated = outcome.direction != "lower", bool(scenario.correlation)
    task = MethodInputs(factors, inputs, replications, points or method.points, seed, higher, correlated)
    return outcome, task


def _found(
    method: SensitivityMethod,
    outcome: StudyOutcome,
    task: MethodInputs,
    simulated: SimulationResult,
    points: Array | None = None,
) -> Sensitivity:
    """The study from its runs. points: those of a design."""
    x = inputs_in(simulated) if points is None else points
    values = outcome.values(simulated, None if points is None else task.replications)
    if points is not None:
        values = {program: y.reshape(len(points), -1) for program, y in values.items()}
    rows = {program: method.find(x, y, task) for program, y in values.items()}
    return Sensitivity(method, outcome, task, rows, simulated)


def _known(method: str) -> SensitivityMethod:
    known = methods()
    if method not in known:
        rule = f"must be one of {', '.join(known)}"
        raise InputError([Problem(_PLACE, "method", shown(method), rule, suggestion(method, list(known)))])
    return known[method]


def _programs(scenario: Scenario, programs: Sequence[str] | None, against: str | None) -> tuple[str, ...]:
    """Programs to look at; all but the one they are compared with if None."""
    known = [*scenario.programs, NONE]
    asked = [p for p in scenario.programs if p != against] if programs is None else list(dict.fromkeys(programs))
    problems = [
        Problem(_PLACE, "program", shown(p), "no such program in the scenario", suggestion(p, known))
        for p in (*asked, *([against] if against is not None else []))
        if p not in known
    ]
    if against in asked:
        problems.append(
            Problem(_PLACE, "against", shown(against), "is the program itself, so all is 0", "name another")
        )
    if not asked:
        problems.append(Problem(_PLACE, "program", "", "there is no program to look at"))
    if problems:
        raise InputError(problems)
    return tuple(asked)


def _size_faults(method: SensitivityMethod, replications: int, points: int | None) -> list[Problem]:
    problems = []
    if replications < method.fewest:
        rule = f"{method.name} needs at least {method.fewest}"
        problems.append(Problem(_PLACE, "replications", shown(replications), rule))
    if points is None:
        return problems
    if not method.points:
        problems.append(Problem(_PLACE, "points", shown(points), f"{method.name} has no design", "leave it out"))
    elif method.steps > 1 and (points < method.steps or points & (points - 1)):
        rule = f"must be a power of two and at least {method.steps}"
        problems.append(Problem(_PLACE, "points", shown(points), rule))
    elif points < 2:
        problems.append(Problem(_PLACE, "points", shown(points), "must be at least 2"))
    return problems


def _method_faults(method: SensitivityMethod, scenario: Scenario, against: str | None, groups: Groups) -> list[Problem]:
    problems = []
    if method.paired and against is None:
        problems.append(Problem(_PLACE, "against", "", f"{method.name} compares two programs", "name the second"))
    if groups and not method.grouped:
        rule, hint = f"{method.name} looks at single inputs", "leave the groups out"
        problems.append(Problem(_PLACE, "groups", ", ".join(groups), rule, hint))
    if not method.keeps_correlation:
        return problems
    for a, b in tied_outside(scenario, groups):
        rule = f"{method.name} indices have no meaning for correlated inputs one by one"
        problems.append(Problem(_PLACE, "inputs", f"{a}, {b}", rule, "put them in one group, or use method given"))
    return problems
