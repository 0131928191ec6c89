"""All metrics of a simulation: estimates by program and rung, and paired differences to the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from simulator.model.setting import WEEKS_PER_YEAR
from simulator.run import RUNGS, Simulated
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Difference, Estimate, Statistic, difference, estimate
from simulator.stats.metric import Lives, Metric
from simulator.stats.metrics import metrics_of

BASELINE = "baseline"
NONE = "none"
STRATEGIC = "strategic"
RESPONSIVE = "responsive"

T = TypeVar("T")
Key = tuple[str, str, str]
"""(program, rung, metric)"""


@dataclass(frozen=True)
class Measured:
    """definitions: metrics by name; estimates, differences: by (program, rung, metric), in table order.

    Metrics that a program does not have (a tier, a component) are left out for it.
    """

    definitions: dict[str, Metric]
    estimates: dict[Key, Estimate]
    differences: dict[Key, Difference]


def measure(simulated: Simulated) -> Measured:
    """Measure everything. Values of single replications are not kept; a metric gives them again."""
    estimates: dict[Key, Estimate] = {}
    gaps: dict[Key, Difference] = {}
    definitions = _definitions(simulated)
    for rung in RUNGS:
        for metric, status_quo in _present(simulated, definitions, BASELINE, rung):
            gaps[BASELINE, rung, metric.name] = difference(status_quo, status_quo)
            estimates[BASELINE, rung, metric.name] = estimate(status_quo)
        for program in shown_programs(simulated)[1:]:
            for metric, own in _present(simulated, definitions, program, rung):
                estimates[program, rung, metric.name] = estimate(own)
                if (BASELINE, rung, metric.name) in gaps:
                    status_quo = metric.of(lives(simulated, BASELINE, rung))
                    gaps[program, rung, metric.name] = difference(own, status_quo)
    return Measured(definitions, _sorted(simulated, definitions, estimates), _sorted(simulated, definitions, gaps))


def lives(simulated: Simulated, program: str, rung: str) -> Lives:
    """What metrics may look at for one program on one rung."""
    totals = simulated.totals
    return Lives(
        own=totals[program, rung],
        baseline=totals[BASELINE, rung],
        none=totals[NONE, rung],
        honest=totals[program, RESPONSIVE],
        budget=budget_of(simulated.scenario),
        is_baseline=program == BASELINE,
    )


def shown_programs(simulated: Simulated) -> tuple[str, ...]:
    """The baseline, which is always simulated, and the programs that were asked for."""
    return tuple(dict.fromkeys((BASELINE, *simulated.programs)))


def budget_of(scenario: Scenario) -> int | None:
    """Budget for the horizon in cents."""
    if scenario.budget is None:
        return None
    return round(scenario.budget.per_year * 100 * scenario.time.horizon_weeks / WEEKS_PER_YEAR)


def _present(
    simulated: Simulated, definitions: dict[str, Metric], program: str, rung: str
) -> Iterator[tuple[Metric, Statistic]]:
    """The metrics that a program has on a rung, with their statistics."""
    view = lives(simulated, program, rung)
    for metric in metrics_of(view.own):
        if metric.name in definitions and (rung == STRATEGIC or not metric.gaming):
            yield metric, metric.of(view)


def _definitions(simulated: Simulated) -> dict[str, Metric]:
    """All metrics of all programs; members of a family stay together, in the order they are first seen."""
    order: dict[str, list[Metric]] = {}
    for program in shown_programs(simulated):
        for metric in metrics_of(simulated.totals[program, STRATEGIC]):
            family = order.setdefault(_family(metric.name), [])
            if metric.name not in [m.name for m in family]:
                family.append(metric)
    return {m.name: m for family in order.values() for m in family}


def _family(name: str) -> str:
    head, dot, _ = name.partition(".")
    return head + dot


def _sorted(simulated: Simulated, definitions: dict[str, Metric], found: dict[Key, T]) -> dict[Key, T]:
    keys = [(p, r, m) for p in shown_programs(simulated) for r in RUNGS for m in definitions]
    return {key: found[key] for key in keys if key in found}
