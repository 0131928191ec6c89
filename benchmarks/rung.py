"""The strategic rung of one changed program, burn-in and baseline reused: what the explorer lives anew at each move.

In two markets, since time goes with deals: one fitted on a busy manufacturer's export, and the quickstart's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.engines import PROGRAM, SCENARIO
from benchmarks.timing import timed
from simulator.engines.ledger import Outcome
from simulator.engines.rollout import Rollout
from simulator.engines.settle import settle
from simulator.engines.vector import VectorLife
from simulator.run import chunk_size, fit_reference, prepare
from simulator.scenario.load import load

PARTNERS, REPLICATIONS = 100, 1000


def _live(start: VectorLife, rollout: Rollout, horizon: int) -> Outcome:
    return settle(start.fork(rollout).run(0, horizon).finish())


def table(long: bool) -> Iterator[str]:
    """Lines of the table."""
    for path in (SCENARIO, "scenarios/quickstart.toml"):
        scenario = load(path)
        (segment,) = scenario.partners
        scenario = scenario.with_({f"partners.{segment}.count": PARTNERS})
        horizon, size = scenario.time.horizon_weeks, chunk_size(scenario, REPLICATIONS)
        reference = fit_reference(scenario)
        spent, lived, deals = 0.0, 0, 0
        while lived < (REPLICATIONS if long else size):
            stage = prepare(scenario, reference, (PROGRAM,), 7, np.arange(lived, lived + size))
            start = stage.burn_in(stage.conduct[True])
            before = start.fork(stage.rollout("baseline")).run(0, horizon)  # draws the customers that are met first
            took, _ = timed(partial(_live, start, stage.rollout(PROGRAM), horizon))
            spent, lived, deals = spent + took, lived + size, deals + before.opps.rows - start.opps.rows
        yield (
            f"{scenario.name}: {PARTNERS} partners, {horizon} weeks, {deals / lived:,.0f} deals: "
            f"{spent / lived * 1000:.1f} ms a replication, {spent / lived * REPLICATIONS:.1f} s for {REPLICATIONS:,} "
            f"({lived:,} lived, {size} at once)"
        )
