"""What a comparison will cost in time, memory and disk, measured on a slice of it.

The reference population is fitted in full, as it must be anyway. Then chunks of few and of more replications are lived;
time of a chunk is a + b n, so N replications in chunks of c take N / c (a + b c). Memory is the peak of what a chunk
allocates, in the same way.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from simulator import totals
from simulator.progress import span
from simulator.run import Work, chunk_size, fit_reference
from simulator.scenario.schema import Scenario
from simulator.studies.asked import asked_programs, check_run
from simulator.vectors import SOBOL

_LONG = 4.0
"""Seconds of a single replication from which more of them are not lived to learn more."""
_MORE = 9
_SHARED = 250e6
"""Bytes that a Python process with the libraries takes before it simulates anything."""


@dataclass(frozen=True)
class CostOfRun:
    """An estimate. chunk: replications computed together; fit, seconds: of one core, of the fit and of all replications
    after it; memory: bytes at the peak, of one worker; disk: bytes of the stored replications."""

    replications: int
    workers: int
    chunk: int
    fit: float
    seconds: float
    memory: float
    disk: float

    @property
    def core_hours(self) -> float:
        """Hours of one core."""
        return (self.fit + self.seconds) / 3600

    @property
    def elapsed(self) -> float:
        """Seconds until it is done, where every worker has a core."""
        return self.fit + self.seconds / self.workers

    def lines(self) -> list[str]:
        """In words."""
        return [
            f"{self.replications:,} replications would take about {span(self.elapsed)} with {self.workers} worker"
            f"{'s' if self.workers > 1 else ''}: {span(self.fit)} to fit the reference population, then "
            f"{1000 * self.seconds / self.replications:,.0f} ms of one core each ({self.core_hours:,.2f} core-hours)",
            f"Memory about {self.memory / 1e6:,.0f} MB per worker, in chunks of {self.chunk:,}; "
            f"{self.disk / 1e6:,.1f} MB on disk while it runs",
        ]

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps({**asdict(self), "core_hours": self.core_hours, "elapsed": self.elapsed}, indent=2)


def cost_of_run(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    engine: str = "vector",
    workers: int = 1,
    chunk: int | None = None,
    gaming_detail: bool = False,
) -> CostOfRun:
    """Estimate what `compare` with these settings will cost. Takes the time of the fit and of a few replications."""
    names = asked_programs(scenario, programs)
    count = scenario.run.replications if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    check_run(replications=count, seed=start, engine=engine, workers=workers, chunk=chunk)
    begun = time.process_time()
    reference = fit_reference(scenario)
    fit = time.process_time() - begun
    work = Work(scenario, reference, names, start, engine, SOBOL, gaming_detail=gaming_detail)
    size = chunk_size(scenario, count, workers, chunk, engine)
    work.chunk(0, 1)  # what is compiled or cached at the first use belongs to no replication
    one = _measured(work, 1)
    few = 1 if one.seconds > _LONG else min(_MORE, size, count)
    more = one if few == 1 else _measured(work, few)
    seconds, memory, disk = (_line(few, a, b) for a, b in zip(one, more, strict=True))
    chunks = math.ceil(count / size)
    return CostOfRun(
        count, workers, size, fit, chunks * seconds[0] + count * seconds[1],
        _SHARED + memory[0] + memory[1] * size, disk[1] * count,
    )  # fmt: skip


class _Slice(NamedTuple):
    """What a chunk took: seconds of one core, bytes at the peak, bytes of its stored totals."""

    seconds: float
    memory: float
    disk: float


def _line(few: int, one: float, more: float) -> tuple[float, float]:
    """Fixed part and part of each replication, from a chunk of one and one of `few`."""
    if few == 1:
        return 0.0, one
    each = max((more - one) / (few - 1), 0.0)
    return max(one - each, 0.0), each


def _measured(work: Work, count: int) -> _Slice:
    begun = time.process_time()
    work.chunk(0, count)
    seconds = time.process_time() - begun
    tracemalloc.start()  # apart from the time, which it would lengthen
    try:
        found = work.chunk(0, count)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "chunk.parquet"
        totals.write(path, found)
        return _Slice(seconds, float(peak), float(path.stat().st_size))
