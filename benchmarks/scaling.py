"""How cost grows with size: one number at a time is doubled, and log time fitted by a line in log size.

The slope is the exponent: 1 is proportional. Fixed parts of a chunk make it smaller. The sizes take turns for some
rounds and the least time of each counts, as a machine that slows down meanwhile would bend the line.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.peers.model import cut_down
from benchmarks.timing import chunks_of, timed
from simulator.runs.simulate import fit_reference, simulate
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario

CHUNK, ROUNDS = 16, 3


def sized(axis: str, size: int) -> tuple[Scenario, tuple[str, ...], int]:
    """Scenario, programs and replications with one of them `size` times the usual."""
    scenario, programs, replications = cut_down(), ["steps"], CHUNK
    if axis == "partners":
        scenario = with_values(scenario, {"partners.all.count": 50 * size})
    elif axis == "weeks":
        scenario = with_values(scenario, {"time.burn_in_weeks": 26 * size, "time.horizon_weeks": 26 * size})
    elif axis == "replications":
        replications *= size
    else:
        tree: dict[str, Any] = scenario.tree()
        steps = tree["programs"]["steps"]
        if axis == "programs":
            tree["programs"] |= {f"steps{k}": steps for k in range(1, size)}
            programs += [f"steps{k}" for k in range(1, size)]
        else:
            steps["components"] |= {f"share{k}": steps["components"]["share"] for k in range(1, size)}
        scenario = Scenario.model_validate_json(json.dumps(tree))
    return scenario, tuple(programs), replications


def table(long: bool) -> Iterator[str]:
    """Lines of the table."""
    sizes = (1, 2, 4, 8) if long else (1, 2, 4)
    for axis in ("partners", "weeks", "replications", "programs", "components"):
        jobs = [_job(axis, size) for size in sizes]
        seconds = [min(took) for took in zip(*([timed(job)[0] for job in jobs] for _ in range(ROUNDS)), strict=True)]
        slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
        shown = "".join(f"{s:8.2f}" for s in seconds)
        yield f"{axis:<14}x {', '.join(map(str, sizes))}: {shown} s   exponent {slope:.2f}"
    yield _workers(256 if long else 96)


def _job(axis: str, size: int) -> Callable[[], None]:
    scenario, programs, replications = sized(axis, size)
    work = chunks_of(scenario, fit_reference(scenario), programs)

    def job() -> None:
        for at in range(0, replications, CHUNK):
            work(at, CHUNK)

    return job


def _workers(replications: int) -> str:
    scenario = cut_down()
    reference, took = fit_reference(scenario), []
    for workers in (1, 2):
        begun = time.perf_counter()
        simulate(scenario, programs=("steps",), replications=replications, seed=7, workers=workers, chunk=CHUNK,
                 reference=reference)  # fmt: skip
        took.append(time.perf_counter() - begun)
    return f"{'workers':<14}x 1, 2: {took[0]:8.2f}{took[1]:8.2f} s elapsed, {took[0] / took[1]:.2f} times as fast"
