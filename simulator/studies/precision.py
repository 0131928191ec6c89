"""Running until the figures are precise enough: batches of replications until every half-width is reached.

Goals at precision p, for the 95 % intervals: the mean cost of each program within p of itself, and the paired
differences of cost and of pipeline, each within p of the baseline's mean. Chance whose mean is known is taken out of
the estimates (`simulator.stats.controls`); what that gained is measured in the same run.

A run that stops when its own error is small stops a little too often where the error was underestimated by chance, so
intervals hold slightly less often than they say. With the first look after at least `FIRST` replications this is below
what 1,000 repeated studies can show (Chow and Robbins 1965: it vanishes with the precision).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from simulator.metrics.controls import controls_of
from simulator.metrics.measure import BASELINE, STRATEGIC, runs, shown_programs
from simulator.metrics.registry import metrics_of
from simulator.runs.simulate import SimulationResult
from simulator.stats.estimate import Statistic, difference, estimate
from simulator.stats.variance_reduction import LEAST_PER_CONTROL, Sampling

FIRST = 256
"""Replications before the first look."""
MOST = 20_000
"""Replications at most, where nothing else is asked for."""
_BATCH = 64
_GROWTH = 4.0
"""A look at few replications says little of how many are needed: grow by no more than this."""
_MARGIN = 1.03
_COMPARED = ("program_cost", "pipeline_created")

Simulate = Callable[[int, int, SimulationResult | None], SimulationResult]
"""(first replication, how many, the study so far) -> the replications asked for."""


@dataclass(frozen=True)
class Goal:
    """One half-width, relative to a mean. of: the mean of a program, or its difference to the baseline.

    half_width: reached, plain: what it would be without taking known chance out; infinite where undefined.
    """

    program: str
    metric: str
    of: str
    half_width: float
    plain: float

    @property
    def gain(self) -> float:
        """How many times more replications the plain estimate would need."""
        return (self.plain / self.half_width) ** 2 if self.half_width else 1.0

    @property
    def text(self) -> str:
        """`difference of pipeline_created, growth`."""
        return f"{self.of} of {self.metric}, {self.program}"


@dataclass(frozen=True)
class PrecisionEffort:
    """What a precision took. asked: half-width asked for; most: replications allowed; looks: times it was checked."""

    asked: float
    most: int
    replications: int
    seconds: float
    looks: int
    goals: tuple[Goal, ...]

    @property
    def missed(self) -> tuple[Goal, ...]:
        """Goals not reached."""
        return tuple(goal for goal in self.goals if not goal.half_width <= self.asked)

    @property
    def bottleneck(self) -> Goal:
        """The goal that took the most replications."""
        return max(self.goals, key=lambda goal: goal.half_width)

    def table(self) -> pd.DataFrame:
        """A row per goal: half-width reached, without controls, gain, and replications to the precision asked for."""
        rows = [
            {
                "of": g.of, "metric": g.metric, "program": g.program, "half_width": g.half_width, "plain": g.plain,
                "gain": g.gain, "replications": needed(self.replications, g.half_width, self.asked),
                "replications_plain": needed(self.replications, g.plain, self.asked),
            }
            for g in self.goals
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """As plain dicts; None for what is infinite."""
        goals = [
            {name: None if value == math.inf else value for name, value in asdict(goal).items()} for goal in self.goals
        ]
        return {**asdict(self), "goals": goals, "reached": not self.missed}

    def lines(self) -> list[str]:
        """What it took, in words."""
        gains = [g.gain for g in self.goals if math.isfinite(g.gain)]
        took = f"{self.replications:,} replications, {self.seconds:,.0f} s, {self.looks} looks"
        lines = [f"Precision {self.asked:.2%}: {took}; the bottleneck was {_reached(self.bottleneck)}"]
        if gains:
            known = f"{min(gains):.1f} to {max(gains):.1f} times"
            lines.append(f"Chance of known mean taken out; without it {known} as many replications would be needed")
        for goal in self.missed:
            more = needed(self.replications, goal.half_width, self.asked)
            wanted = f"about {more:,.0f} replications" if math.isfinite(more) else "undefined"
            lines.append(f"NOT REACHED within {self.most:,} replications: {_reached(goal)}; it would take {wanted}")
        return lines


def run_to(asked: float, most: int, simulate: Simulate) -> tuple[SimulationResult, Sampling, PrecisionEffort]:
    """Simulate until all goals are within `asked`, or `most` replications. Returns what to measure with as well."""
    start, looks = time.perf_counter(), 0
    study: SimulationResult | None = None
    count = min(FIRST, most)
    while True:
        begun = 0 if study is None else study.replications
        part = simulate(begun, count - begun, study)
        study = part if study is None else study.extended(part)
        sampling = sampling_with_controls(study)
        goals = tuple(goals_of(study, sampling))
        looks += 1
        count = next_count(study.replications, max(g.half_width for g in goals) / asked, most)
        if count == study.replications:
            break
    effort = PrecisionEffort(asked, most, study.replications, time.perf_counter() - start, looks, goals)
    return study, sampling, effort


def next_count(count: int, ratio: float, most: int) -> int:
    """Replications to have next, `count` if enough. ratio: widest half-width over the one asked for."""
    if ratio <= 1.0 or count >= most:
        return count
    growth = min(ratio * ratio * _MARGIN, _GROWTH)
    return min(most, _BATCH * math.ceil(max(count * growth, count + _BATCH) / _BATCH))


def needed(count: int, half_width: float, asked: float) -> float:
    """Replications that bring a half-width seen at `count` replications to the one asked for."""
    return math.ceil(count * (half_width / asked) ** 2) if math.isfinite(half_width) else math.inf


def sampling_with_controls(simulated: SimulationResult) -> Sampling:
    """Errors with known chance taken out, where there are replications enough for it."""
    controls = controls_of(simulated)
    enough = simulated.replications >= LEAST_PER_CONTROL * (controls.shape[1] + 1)
    return Sampling(controls=controls if enough else None)


def goals_of(simulated: SimulationResult, sampling: Sampling) -> Iterator[Goal]:
    """The half-widths of a study, as shares of the means that they are measured by."""
    found = {p: _statistics(simulated, p) for p in shown_programs(simulated)}
    plain = Sampling()
    for program, statistics in found.items():
        widths = [_width_of_mean(s.refined(statistics["program_cost"])) for s in (sampling, plain)]
        yield Goal(program, "program_cost", "mean", *widths)
        for metric in _COMPARED if program != BASELINE else ():
            pair = (statistics[metric], found[BASELINE][metric])
            gaps = [_width_of_gap(*(s.refined(x) for x in pair)) for s in (sampling, plain)]
            yield Goal(program, metric, "difference", *gaps)


def _statistics(simulated: SimulationResult, program: str) -> dict[str, Statistic]:
    view = runs(simulated, program, STRATEGIC)
    return {m.name: m.of(view) for m in metrics_of(view.own) if m.name in _COMPARED}


def _width_of_mean(statistic: Statistic) -> float:
    got = estimate(statistic)
    return _relative(got.low, got.high, got.mean)


def _width_of_gap(one: Statistic, other: Statistic) -> float:
    got = difference(one, other)
    return _relative(got.low, got.high, other.value)


def _relative(low: float | None, high: float | None, mean: float | None) -> float:
    if low is None or high is None or not mean:
        return 0.0 if low == high == 0.0 else math.inf
    return float(np.abs((high - low) / 2 / mean))


def _reached(goal: Goal) -> str:
    return f"{goal.text} (\u00b1{goal.half_width:.2%} reached)"
