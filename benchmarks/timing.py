"""CPU time of a job, and the job of simulating chunks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from simulator.reference.fit import Reference
from simulator.runs.simulate import simulate
from simulator.scenario.schema import Scenario

T = TypeVar("T")


def timed(job: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of this process, and the result."""
    begun = time.process_time()
    found = job()
    return time.process_time() - begun, found


def chunks_of(scenario: Scenario, reference: Reference, programs: Sequence[str]) -> Callable[[int, int], object]:
    """What simulates the replications from `first` on, `count` at once, on every behavior level."""

    def chunk(first: int, count: int) -> object:
        return simulate(
            scenario, programs=programs, seed=7, reference=reference, first=first, replications=count, chunk=count
        )

    return chunk
