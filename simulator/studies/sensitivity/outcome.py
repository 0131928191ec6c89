"""The outcome that a sensitivity study explains, by replication: a metric of a program, or the difference of two.

A metric need not be a mean. What it is in one replication is its pseudo-value, statistic + influence: their mean is the
statistic, their spread its error, and for a mean they are the values of the replications themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.core.arrays import Array
from simulator.core.errors import InputError, Problem
from simulator.metrics.base import Direction, Family, Metric, MetricInputs, Totals, Unit
from simulator.metrics.measure import STRATEGIC, runs
from simulator.metrics.net_value import net_value
from simulator.metrics.registry import METRICS, metrics_of
from simulator.runs.designs import SOBOL, Design, Given
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import suggestion

NET_VALUE = "net_value"
_PLACE = "options"


@dataclass(frozen=True)
class StudyOutcome:
    """metric: name of a metric, or `net_value`; against: the program whose outcome is taken off, None for none.

    label, unit, direction: of the metric; money has the currency as its unit.
    """

    metric: str
    programs: tuple[str, ...]
    against: str | None
    label: str
    unit: str
    direction: Direction
    currency: str

    @property
    def simulated(self) -> tuple[str, ...]:
        """Programs that must be simulated."""
        return tuple(dict.fromkeys((*self.programs, *([self.against] if self.against else []))))

    @property
    def words(self) -> str:
        """What it is, in words: `net value less that of baseline`."""
        return f"{self.metric_words} less that of {self.against}" if self.against else self.metric_words

    @property
    def metric_words(self) -> str:
        """The metric's short name in running text."""
        return self.label[:1].lower() + self.label[1:]

    def values(self, simulated: SimulationResult, block: int | None = None) -> dict[str, Array]:
        """Values (N,) by program. block: replications that belong together, all if None."""
        found = {name: _values(self.metric, simulated, name, block) for name in self.simulated}
        return {p: found[p] - found[self.against] if self.against else found[p] for p in self.programs}


def outcome_of(scenario: Scenario, metric: str, programs: Sequence[str], against: str | None) -> StudyOutcome:
    """The outcome; raises `InputError` for an unknown metric."""
    label, unit, direction = _described(metric)
    shown_unit = scenario.currency if unit == "money" else unit
    return StudyOutcome(metric, tuple(programs), against, label, shown_unit, direction, scenario.currency)


@dataclass(frozen=True)
class ModelRuns:
    """The simulation that answers for an outcome. progress: is told of replications done, and of how many."""

    scenario: Scenario
    outcome: StudyOutcome
    seed: int
    workers: int = 1
    progress: Callable[[int, int], None] | None = None

    def sampled(self, replications: int) -> SimulationResult:
        """The replications that a comparison would have."""
        return self._simulate(replications, SOBOL)

    def designed(self, points: Array, worlds: int, *, correlate: bool) -> SimulationResult:
        """Each point (V, K) of the unit cube in the same R worlds; replication v R + j is point v in world j.

        correlate: whether the scenario's correlations are still to be put on the points.
        """
        at, world = np.repeat(points, worlds, axis=0), np.tile(np.arange(worlds), len(points))
        return self._simulate(len(at), Given(at, world, as_stated=not correlate))

    def _simulate(self, replications: int, design: Design) -> SimulationResult:
        return simulate(
            self.scenario,
            programs=self.outcome.simulated,
            replications=replications,
            seed=self.seed,
            workers=self.workers,
            progress=self.progress,
            design=design,
        )


def inputs_in(simulated: SimulationResult) -> Array:
    """Values (N, K) of the uncertain numbers in each replication."""
    values = simulated.values()
    return np.column_stack([values[path] for path in simulated.scenario.uncertainty])


def _described(metric: str) -> tuple[str, Unit, Direction]:
    """Label, unit and direction."""
    if metric == NET_VALUE:
        return "Net value", "money", "higher"
    found = _definition(metric)
    if found is None:
        hint = suggestion(metric, [NET_VALUE, *(name for name, _ in _stated())]) or "docs/metrics.md lists them"
        raise InputError([Problem(_PLACE, "metric", repr(metric), "is no metric", hint)])
    return found.label, found.unit, found.direction


def _stated() -> Iterator[tuple[str, Metric | Family]]:
    """Names of metrics; of a family its first part."""
    for entry in METRICS:
        yield (entry.member("", lambda x: x.own["cost"]).name if isinstance(entry, Family) else entry.name), entry


def _definition(metric: str) -> Metric | None:
    for name, entry in _stated():
        if isinstance(entry, Metric) and name == metric:
            return entry
        if isinstance(entry, Family) and metric.startswith(name) and metric != name:
            return entry.member(metric.removeprefix(name), lambda x: x.own["cost"])
    return None


def _values(metric: str, simulated: SimulationResult, program: str, block: int | None) -> Array:
    view = runs(simulated, program, STRATEGIC)
    if metric == NET_VALUE:
        return net_value(view, simulated.scenario.goals)
    found = next((m for m in metrics_of(view.own) if m.name == metric), None)
    if found is None:
        raise InputError([Problem(_PLACE, "metric", repr(metric), f"program {program} has no such metric")])
    size = block or simulated.replications
    starts = range(0, simulated.replications, size)
    return np.concatenate([_pseudo(found, _part(view, slice(at, at + size)), program) for at in starts])


def _pseudo(metric: Metric, view: MetricInputs, program: str) -> Array:
    statistic = metric.of(view)
    if statistic.value is None or not len(statistic.influence):
        reason = statistic.reason or "has no error"
        problem = Problem(
            _PLACE, "metric", repr(metric.name), f"is undefined for program {program} at some inputs: {reason}",
            "take one that is not a ratio, or more replications",
        )  # fmt: skip
        raise InputError([problem])
    return statistic.value + statistic.influence


def _part(view: MetricInputs, rows: slice) -> MetricInputs:
    def cut(totals: Totals) -> Totals:
        return {name: value[rows] for name, value in totals.items()}

    return replace(
        view,
        own=cut(view.own),
        baseline=cut(view.baseline),
        none=cut(view.none),
        without_gaming=cut(view.without_gaming),
    )
