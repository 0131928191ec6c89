"""The strategic rung of one changed program, burn-in and baseline reused: what the explorer lives anew at each move."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.engines import PROGRAM, SCENARIO
from benchmarks.timing import timed
from simulator.engines.settle import settle
from simulator.engines.vector import VectorLife
from simulator.run import fit_reference, prepare
from simulator.scenario.load import load

PARTNERS, REPLICATIONS, CHUNK = 100, 1000, 32


def table(long: bool) -> Iterator[str]:
    """Lines of the table."""
    scenario = load(SCENARIO)
    (segment,) = scenario.partners
    scenario = scenario.with_({f"partners.{segment}.count": PARTNERS})
    burn_in, horizon = scenario.time.burn_in_weeks, scenario.time.horizon_weeks
    reference = fit_reference(scenario)
    spent, lived = 0.0, 0
    while lived < (REPLICATIONS if long else CHUNK):
        stage = prepare(scenario, reference, (PROGRAM,), 7, np.arange(lived, lived + CHUNK))
        start = stage.burn_in(stage.conduct[True])
        start.fork(stage.rollout("baseline")).run(0, horizon)  # draws the customers that a life meets first
        spent += timed(lambda s=start, t=stage: settle(s.fork(t.rollout(PROGRAM)).run(0, horizon).finish()))[0]  # type: ignore[misc]
        lived += CHUNK
    yield (
        f"{PARTNERS} partners, {horizon} weeks: {spent / lived * 1000:.1f} ms a replication, "
        f"{spent / lived * REPLICATIONS:.1f} s for {REPLICATIONS:,} ({lived:,} lived)"
    )
