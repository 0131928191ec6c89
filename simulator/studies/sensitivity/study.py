"""The outcome that a sensitivity study looks at: a metric of programs, or its difference to another program.

A metric need not be a mean. What it is in one replication is its pseudo-value, statistic + influence: their mean is the
statistic, their spread its error, and for a mean they are the values of the replications themselves.

Sensitivity: which uncertain inputs an outcome rests on, by one of the methods of `simulator.studies.methods`.

Inputs are the scenario's uncertain numbers; levers never are. The outcome is a metric of candidate programs on the
strategic rung, by default the net value less that of the baseline in the same worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.core.errors import InputError, Problem
from simulator.metrics.measure import BASELINE, NONE
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import shown, suggestion
from simulator.stats.sensitivity.factors import EstimateWithCI, factors_of
from simulator.stats.sensitivity.prim import Box
from simulator.stats.sensitivity.switching import Switch
from simulator.studies.base import (
    Groups,
    Input,
    RunStudy,
    check_inputs,
    check_run,
    grade_of,
    inputs_of,
    records,
    tied_outside,
    timed,
)
from simulator.studies.sensitivity.methods import METHODS, Method, MethodInputs, MethodResult
from simulator.studies.sensitivity.model_runs import Simulation, Stored
from simulator.studies.sensitivity.outcome import _PLACE, NET_VALUE, StudyOutcome, outcome_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Sensitivity(RunStudy):
    """What a method found. found: by program, a row per factor (of `prim` one box); simulated: the runs it rests on."""

    kind = "sensitivity"
    subject = "what the outcome rests on"

    method: Method
    outcome: StudyOutcome
    inputs: tuple[Input, ...]
    task: MethodInputs
    found: MethodResult
    simulated: SimulationResult

    @property
    def programs(self) -> tuple[str, ...]:
        """Programs that were looked at."""
        return self.outcome.programs

    @property
    def sample_text(self) -> str:
        """What the figures rest on: `12 points in the same 100 worlds, seed 7`."""
        seed, count = self.task.seed, self.simulated.replications
        if self.method.design is None:
            return f"{count:,} replications, seed {seed}"
        return f"{count // self.task.replications:,} points in the same {self.task.replications:,} worlds, seed {seed}"

    def grade(self, factor: str) -> str:
        """Grade of evidence of a factor, the weakest of a group."""
        found = next(f for f in self.task.factors if f.name == factor)
        return grade_of(found, self.inputs)

    def mattering(self, program: str) -> list[str]:
        """Factors whose figures are distinguishable from 0; of `prim` those that limit the box."""
        found: list[str] = []
        for row in self.found[program]:
            if isinstance(row, Box):
                found += [limit.factor for limit in row.limits] if row.found else []
            elif row.distinguishable:
                found.append(row.factor)
        return found

    def table(self) -> pd.DataFrame:
        """A row per program and factor, with standard errors and 95 % limits as NAME_se, NAME_low, NAME_high."""
        rows = [
            {"program": program, **row}
            for program in self.programs
            for found in self.found[program]
            for row in self._rows(found)
        ]
        table = pd.DataFrame(rows)
        table.attrs["unit"] = self.outcome.unit
        return table

    def headline(self) -> list[str]:
        """What can be said of each program in a sentence, never more than the error allows."""
        from simulator.studies.sensitivity.words import headline

        return headline(self)

    def plot(self, program: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
        """The figure of the method for a program, the first if None."""
        from simulator.studies.sensitivity.figures import draw

        return draw(self, program or self.programs[0], ax, **options)

    def to_dict(self) -> dict[str, Any]:
        return {
            **self._told(),
            "method": self.method.name,
            "metric": self.outcome.metric,
            "unit": self.outcome.unit,
            "against": self.outcome.against,
            "sample": self.sample_text,
            "inputs": {i.path: {f.name: getattr(i, f.name) for f in fields(i)} for i in self.inputs},
            "rows": records(self.table()),
        }

    def _figures(self) -> Mapping[str, Callable[[Axes], Axes]]:
        return {f"{self.method.name}_{p}": partial(self.plot, p) for p in self.programs}

    def _html(self) -> str:
        from simulator.studies.sensitivity.words import html

        return html(self)

    def _rows(self, found: Any) -> list[dict[str, Any]]:
        if isinstance(found, Box):
            return _of_box(found, self.grade)
        if isinstance(found, Switch):
            return _of_switch(found, self.grade(found.factor))
        return [{"input": found.factor, "grade": self.grade(found.factor), **_flat(found)}]


@timed
def sensitivity(
    scenario: Scenario,
    *,
    method: str = "given",
    metric: str = NET_VALUE,
    programs: Sequence[str] | None = None,
    against: str | None = BASELINE,
    inputs: Sequence[str] | None = None,
    groups: Groups | None = None,
    replications: int | None = None,
    points: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Find which uncertain inputs an outcome rests on.

    method: a name in `METHODS`; metric: a metric's name or `net_value`; programs: candidates if None; against: the
    program whose outcome in the same worlds is taken off, None for none; inputs: paths to look at, all if None; groups:
    name -> paths that move together; replications: those in all, or the worlds per point of a design; points: of a
    design. Raises `InputError` with all faults of what is asked.
    """
    known = _known(method)
    inputs_known = inputs_of(scenario)
    named = _programs(scenario, programs, against)
    together = dict(groups or {})
    count = replications or known.replications or scenario.run.replications
    start = scenario.run.seed if seed is None else seed
    problems = [
        *check_inputs(scenario, inputs, together),
        *_size_faults(known, count, points),
        *_method_faults(known, scenario, against, together),
    ]
    if problems:
        raise InputError(problems)
    check_run(replications=count, seed=start, workers=workers)
    outcome = outcome_of(scenario, metric, named, against)
    if known.directed and outcome.direction == "neutral":
        raise InputError([Problem(_PLACE, "metric", shown(metric), f"{method} must know which way is better")])
    factors = factors_of(list(scenario.uncertainty), together, together=known.together, only=inputs)
    task = MethodInputs(
        factors, len(inputs_known), count, points or known.points, start, outcome.direction != "lower",
        tied=bool(scenario.correlation),
    )  # fmt: skip
    response = Simulation(scenario, outcome, start, {"workers": workers}, progress)
    asked = known.find or known.design
    assert asked is not None
    found = asked(response, task)
    assert response.last is not None
    return Sensitivity(known, outcome, inputs_known, task, found, response.last)


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
    known, scenario = _known(method), simulated.scenario
    inputs, count = inputs_of(scenario), simulated.replications
    named = _programs(scenario, programs, against)
    problems = [*_size_faults(known, count, None), *_method_faults(known, scenario, against, {})]
    if known.find is None:
        problems.append(Problem(_PLACE, "method", shown(method), "needs runs at points of its own"))
    if problems or known.find is None:
        raise InputError(problems)
    outcome = outcome_of(scenario, metric, named, against)
    task = MethodInputs(
        factors_of(list(scenario.uncertainty), {}, together=known.together), len(inputs), count, 0, simulated.seed,
        outcome.direction != "lower", tied=bool(scenario.correlation),
    )  # fmt: skip
    return Sensitivity(known, outcome, inputs, task, known.find(Stored(simulated, outcome), task), simulated)


def _known(method: str) -> Method:
    if method not in METHODS:
        rule = f"must be one of {', '.join(METHODS)}"
        raise InputError([Problem(_PLACE, "method", shown(method), rule, suggestion(method, METHODS))])
    return METHODS[method]


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


def _size_faults(method: Method, replications: int, points: int | None) -> list[Problem]:
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


def _method_faults(method: Method, scenario: Scenario, against: str | None, groups: Groups) -> list[Problem]:
    problems = []
    if method.paired and against is None:
        problems.append(Problem(_PLACE, "against", "", f"{method.name} compares two programs", "name the second"))
    if groups and not method.grouped:
        rule, hint = f"{method.name} looks at single inputs", "leave the groups out"
        problems.append(Problem(_PLACE, "groups", ", ".join(groups), rule, hint))
    if not method.untied:
        return problems
    for a, b in tied_outside(scenario, groups):
        rule = f"{method.name} indices have no meaning for correlated inputs one by one"
        problems.append(Problem(_PLACE, "inputs", f"{a}, {b}", rule, "put them in one group, or use method given"))
    return problems


def _flat(row: Any) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for f in fields(row):
        value = getattr(row, f.name)
        if f.name == "factor":
            continue
        if isinstance(value, EstimateWithCI):
            flat |= {
                f.name: value.value, f"{f.name}_se": value.se, f"{f.name}_low": value.low,
                f"{f.name}_high": value.high,
            }  # fmt: skip
        else:
            flat[f.name] = np.nan if value is None else value
    return flat


def _of_switch(found: Switch, grade: str) -> list[dict[str, Any]]:
    """A row per crossing, one without where there is none."""
    row = {"input": found.factor, "grade": grade, "verdict": found.verdict}
    span = {"start": found.start, "end": found.end}
    if not found.crossings:
        return [{**row, "at": np.nan, "at_low": np.nan, "at_high": np.nan, **span}]
    return [{**row, "at": c.at, "at_low": _given(c.low), "at_high": _given(c.high), **span} for c in found.crossings]


def _given(value: float | None) -> float:
    return np.nan if value is None else value


def _of_box(box: Box, grade: Callable[[str], str]) -> list[dict[str, Any]]:
    """A row per limit, one without where there is none; density and coverage of the whole box in each."""
    whole = {**_flat_figure("density", box.density), **_flat_figure("coverage", box.coverage)}
    whole |= {"mass": box.mass, **_flat_figure("share", box.share), "found": box.found}
    if not box.limits:
        return [{"input": "", "grade": "", "low": np.nan, "high": np.nan, "p": np.nan, **whole}]
    return [
        {
            "input": limit.factor, "grade": grade(limit.factor),
            "low": np.nan if limit.low is None else limit.low, "high": np.nan if limit.high is None else limit.high,
            "p": limit.p, **whole,
        }
        for limit in box.limits
    ]  # fmt: skip


def _flat_figure(name: str, figure: EstimateWithCI) -> dict[str, float]:
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
