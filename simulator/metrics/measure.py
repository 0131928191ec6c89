"""All metrics of a simulation: estimates by program and behavior level, and paired differences to the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from simulator.metrics.base import Metric, MetricInputs
from simulator.metrics.controls import sampling_of
from simulator.metrics.registry import metrics_of
from simulator.runs.simulate import RESPONSE_LEVELS, SimulationResult
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Difference, Estimate, Statistic, difference, estimate, joint_differences
from simulator.stats.variance_reduction import PLAIN, Sampling
from simulator.world.setting import WEEKS_PER_YEAR

BASELINE = "baseline"
NONE = "none"
STRATEGIC = "strategic"
RESPONSIVE = "responsive"
STATIC = "static"

T = TypeVar("T")
Key = tuple[str, str, str]
"""(program, level, metric)"""


@dataclass(frozen=True)
class Measured:
    """definitions: metrics by name; estimates, differences: by (program, level, metric), in table order.

    Metrics that a program does not have (a tier, a component) are left out for it. sampling: what errors rest on.
    """

    definitions: dict[str, Metric]
    estimates: dict[Key, Estimate]
    differences: dict[Key, Difference]
    sampling: Sampling = PLAIN


def measure(simulated: SimulationResult, sampling: Sampling | None = None) -> Measured:
    """Measure everything. Values of single replications are not kept; a metric gives them again.

    sampling: what errors rest on; that of the study's design if None.
    """
    rests_on = sampling_of(simulated) if sampling is None else sampling
    definitions = _definitions(simulated)
    estimates: dict[Key, Estimate] = {}
    gaps: dict[Key, Difference] = {}
    for level in RESPONSE_LEVELS:
        views = {program: runs(simulated, program, level) for program in shown_programs(simulated)}
        present = {program: {m.name for m in metrics_of(view.own)} for program, view in views.items()}
        for name, metric in definitions.items():
            if metric.gaming and level != STRATEGIC:
                continue
            found = {p: rests_on.refined(metric.of(view)) for p, view in views.items() if name in present[p]}
            estimates |= {(p, level, name): estimate(statistic) for p, statistic in found.items()}
            gaps |= {(p, level, name): gap for p, gap in _against_baseline(found).items()}
    return Measured(
        definitions, _sorted(simulated, definitions, estimates), _sorted(simulated, definitions, gaps), rests_on
    )


def _against_baseline(found: dict[str, Statistic]) -> dict[str, Difference]:
    """Differences of the programs that have a metric, where the baseline has it; its own is exactly 0."""
    if BASELINE not in found:
        return {}
    status_quo = found[BASELINE]
    others = {p: statistic for p, statistic in found.items() if p != BASELINE}
    gaps = zip(others, joint_differences(list(others.values()), status_quo), strict=True)
    return {BASELINE: difference(status_quo, status_quo), **dict(gaps)}


def runs(simulated: SimulationResult, program: str, level: str) -> MetricInputs:
    """What metrics may look at for one program on one behavior level."""
    totals = simulated.totals
    return MetricInputs(
        own=totals[program, level],
        baseline=totals[BASELINE, level],
        none=totals[NONE, level],
        without_gaming=totals[program, RESPONSIVE],
        budget=budget_of(simulated.scenario),
        is_baseline=program == BASELINE,
        static=totals[program, STATIC],
    )


def shown_programs(simulated: SimulationResult) -> tuple[str, ...]:
    """The baseline, which is always simulated, and the programs that were asked for."""
    return tuple(dict.fromkeys((BASELINE, *simulated.programs)))


def budget_of(scenario: Scenario) -> int | None:
    """Budget for the horizon in cents."""
    if scenario.budget is None:
        return None
    return round(scenario.budget.per_year * 100 * scenario.time.horizon_weeks / WEEKS_PER_YEAR)


def _definitions(simulated: SimulationResult) -> dict[str, Metric]:
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


def _sorted(simulated: SimulationResult, definitions: dict[str, Metric], found: dict[Key, T]) -> dict[Key, T]:
    keys = [(p, r, m) for p in shown_programs(simulated) for r in RESPONSE_LEVELS for m in definitions]
    return {key: found[key] for key in keys if key in found}
