"""Vector against events on one core, and against the floor: drawing as many uniforms with NumPy's fastest generator.

"One run" is one program with response and gaming, burn-in included, each replication simulated whole. "The study" is
every program of the scenario on every behavior level, as `compare` runs it, where the vector engine draws each world
once and shares the burn-in. Worlds are drawn within the time of both engines. The results of the replications that
both lived are compared first: a benchmark of engines that disagree would mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.timing import timed
from simulator.core.arrays import Array
from simulator.core.streams import Streams
from simulator.engines.events.engine import EventRun
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.reference.fit import Reference
from simulator.runs.simulate import event_outcomes, fit_reference, prepare, vector_outcomes
from simulator.scenario.load import load
from simulator.scenario.schema import Scenario

SCENARIO, PROGRAM = "scenarios/b2b_manufacturer.toml", "accelerator"
CHUNK = 64


def one_life(scenario: Scenario, reference: Reference, replications: int, events: int) -> tuple[float, float]:
    """CPU seconds per replication of one program with response and gaming: (vector, events)."""

    def vector(count: int = CHUNK) -> dict[str, Any]:
        stage = prepare(scenario, reference, (PROGRAM,), 7, np.arange(count))
        run = VectorRun(stage.world, stage.rollout(PROGRAM), stage.mode[True])
        return settle(run.run(-scenario.time.burn_in_weeks, scenario.time.horizon_weeks).finish()).totals

    def simpy(r: int) -> dict[str, Any]:
        stage = prepare(scenario, reference, (PROGRAM,), 7, np.array([r]))
        return settle(EventRun(stage.world, stage.rollout(PROGRAM), stage.mode[True]).run()).totals

    vector(2)  # what is made at the first use belongs to no replication
    fast = [timed(vector) for _ in range(max(replications // CHUNK, 1))]
    slow = [timed(lambda r=r: simpy(r)) for r in range(events)]  # type: ignore[misc]
    for r, (_, totals) in enumerate(slow):
        for name, value in totals.items():
            assert value[0] == fast[0][1][name][r], f"engines disagree on {name} in replication {r}"
    return sum(took for took, _ in fast) / (CHUNK * len(fast)), sum(took for took, _ in slow) / events


def study(scenario: Scenario, reference: Reference, replications: int, events: int) -> tuple[float, float]:
    """CPU seconds per replication of all programs on all behavior levels: (vector, events)."""
    programs = tuple(scenario.programs)

    def run(outcomes: Callable[..., object], ids: Any) -> None:
        for _ in outcomes(prepare(scenario, reference, programs, 7, ids), programs):  # type: ignore[attr-defined]
            pass

    fast, _ = timed(lambda: run(vector_outcomes, np.arange(replications)))
    slow, _ = timed(lambda: [run(event_outcomes, np.array([r])) for r in range(events)])
    return fast / replications, slow / events


def uniforms(scenario: Scenario, reference: Reference) -> tuple[float, float]:
    """Uniforms that one life draws per replication, and the seconds that drawing them with SFC64 takes."""
    drawn, draws = [0], Streams.draws

    def counting(*args: Any) -> Array:
        found = draws(*args)
        drawn[0] += found.size
        return found

    Streams.draws = counting  # type: ignore[method-assign]
    try:
        stage = prepare(scenario, reference, (PROGRAM,), 7, np.arange(4))
        run = VectorRun(stage.world, stage.rollout(PROGRAM), stage.mode[True])
        run.run(-scenario.time.burn_in_weeks, scenario.time.horizon_weeks)
    finally:
        Streams.draws = draws  # type: ignore[method-assign]
    generator, into = np.random.Generator(np.random.SFC64(1)), np.empty(1 << 18)
    took = min(timed(lambda: [generator.random(out=into) for _ in range(40)])[0] for _ in range(5))
    return drawn[0] / 4, drawn[0] / 4 * took / (40 * len(into))


def table(long: bool) -> Iterator[str]:
    """Lines of the table."""
    scenario = load(SCENARIO)
    reference = fit_reference(scenario)
    yield (
        f"{scenario.name}: {sum(s.count for s in scenario.partners.values())} partners, "
        f"{scenario.time.burn_in_weeks} + {scenario.time.horizon_weeks} weeks, {len(scenario.programs)} programs"
    )
    count, floor = uniforms(scenario, reference)
    fast, slow = one_life(scenario, reference, 512 if long else CHUNK, 8 if long else 2)
    yield f"{'':<12}{'vector ms':>12}{'events ms':>12}{'ratio':>8}{'floors':>8}   per replication"
    yield f"{'one run':<12}{1000 * fast:>12.1f}{1000 * slow:>12.0f}{slow / fast:>8.0f}{fast / floor:>8.0f}"
    if long:
        fast, slow = study(scenario, reference, CHUNK, 1)
        yield f"{'the study':<12}{1000 * fast:>12.1f}{1000 * slow:>12.0f}{slow / fast:>8.0f}"
    yield f"A life draws {count:,.0f} uniforms, which take SFC64 {1000 * floor:.2f} ms: one floor"
