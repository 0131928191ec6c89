"""One changed program with response and gaming, burn-in and baseline reused: what the explorer simulates at each move.

In two markets, since time goes with deals: one fitted on a busy manufacturer's export, and the quickstart's. First by
one process, in CPU time; then by two at once, in the time that passes while they simulate it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmarks.engines import PROGRAM, SCENARIO
from simulator.engines.totals.settlement import settle
from simulator.reference.fit import Reference
from simulator.runs.simulate import chunk_size, fit_reference, prepare
from simulator.scenario.load import load
from simulator.scenario.schema import Scenario

PARTNERS, REPLICATIONS = 100, 1000


class Lived(NamedTuple):
    """A chunk: CPU seconds, seconds passed, and deals of the baseline."""

    cpu: float
    passed: float
    deals: int


def live(scenario: Scenario, reference: Reference, size: int, first: int) -> Lived:
    """Simulate the replications from `first` on."""
    horizon = scenario.time.horizon_weeks
    stage = prepare(scenario, reference, (PROGRAM,), 7, np.arange(first, first + size))
    start = stage.burn_in(stage.mode[True])
    before = start.branch(stage.rollout("baseline")).run(0, horizon)  # draws the customers that are met first
    cpu, clock = time.process_time(), time.perf_counter()
    settle(start.branch(stage.rollout(PROGRAM)).run(0, horizon).finish())
    return Lived(time.process_time() - cpu, time.perf_counter() - clock, before.opps.rows - start.opps.rows)


def table(long: bool) -> Iterator[str]:
    """Lines of the table."""
    for path in (SCENARIO, "scenarios/quickstart.toml"):
        scenario = load(path)
        (segment,) = scenario.partners
        scenario = scenario.with_({f"partners.{segment}.count": PARTNERS})
        size = chunk_size(scenario, REPLICATIONS)
        work = partial(live, scenario, fit_reference(scenario), size)
        firsts = range(0, REPLICATIONS if long else 2 * size, size)
        work(0)  # what is made at the first use belongs to no replication
        alone = [work(first) for first in firsts]
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(work, (0, 0)))  # nor does what each of the two makes
            both = list(pool.map(work, firsts))
        simulated = size * len(firsts)
        each, shared = sum(x.cpu for x in alone) / simulated, sum(x.passed for x in both) / simulated / 2
        yield (
            f"{scenario.name}: {PARTNERS} partners, {scenario.time.horizon_weeks} weeks, "
            f"{sum(x.deals for x in alone) / simulated:,.0f} deals: {1000 * each:.1f} ms a replication; "
            f"{REPLICATIONS:,} take {REPLICATIONS * each:.1f} s in one process, {REPLICATIONS * shared:.1f} s in two "
            f"({simulated:,} lived, {size} at once)"
        )
