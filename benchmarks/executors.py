"""The same study on several executors: the same bits from all, and the time of each as a ratio to one process.

    python -m benchmarks.executors [SCENARIO] [--replications N] [--rounds N] [--kill]

Executors: this process alone; two processes of a pool; threads; a Dask cluster of two worker processes on this machine.
All workers have imported what they need before the clock starts. They take turns for some rounds, and the least time of
each counts, as a machine that is shared slows down and recovers. With --kill a Dask worker is killed during the run and
another one added, as happens on a cluster; it is an error if the run ended before that.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import platform
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

import simulator.scenario.load as scenario_files  # noqa: E402
from simulator.runs.simulate import SimulationResult, fit_reference, simulate  # noqa: E402


def digest(simulated: SimulationResult) -> str:
    """SHA-256 of all totals."""
    total = hashlib.sha256()
    for key, own in simulated.totals.items():
        for name, value in own.items():
            total.update(repr((key, name)).encode() + np.ascontiguousarray(value).tobytes())
    return total.hexdigest()[:16]


def on_pool(run: Callable[..., SimulationResult]) -> tuple[float, SimulationResult]:
    """The study on two processes of the standard pool."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
        list(pool.map(exec, ["import simulator.run"] * 8))
        begun = time.perf_counter()
        found = run(executor=pool)
        return time.perf_counter() - begun, found


def on_dask(run: Callable[..., SimulationResult], kill: bool) -> tuple[float, SimulationResult]:
    """The study on two Dask workers; with `kill` one is killed after two seconds and one is added."""
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.worker.profile.enabled": False})  # a sampler that costs a quarter of the work
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.run(exec, "import simulator.run")

        disturbed = threading.Event()

        def disturb() -> None:
            disturbed.set()
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
            cluster.scale(3)

        timer = threading.Timer(2.0, disturb)
        if kill:
            timer.start()
        begun = time.perf_counter()
        found = run(executor=client.get_executor())
        took = time.perf_counter() - begun
        timer.cancel()
        if kill and not disturbed.is_set():
            raise SystemExit("the run ended before a worker was killed: ask for more replications")
        return took, found


def main() -> None:
    """Run on each executor and print times, ratios and digests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("scenario", nargs="?", default="scenarios/quickstart.toml")
    parser.add_argument("--replications", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--kill", action="store_true")
    chosen = parser.parse_args()
    scenario = scenario_files.load(chosen.scenario)
    reference = fit_reference(scenario)

    def run(**how: object) -> SimulationResult:
        return simulate(
            scenario, programs=tuple(scenario.programs), replications=chosen.replications, seed=7, chunk=32,
            reference=reference, **how,  # type: ignore[arg-type]
        )  # fmt: skip

    def timed(job: Callable[[], SimulationResult]) -> tuple[float, SimulationResult]:
        begun = time.perf_counter()
        found = job()
        return time.perf_counter() - begun, found

    def threads() -> SimulationResult:
        with ThreadPoolExecutor(2) as pool:
            return run(executor=pool)

    ways: dict[str, Callable[[], tuple[float, SimulationResult]]] = {
        "one process": lambda: timed(run),
        "two processes": lambda: on_pool(run),
        "two threads": lambda: timed(threads),
        "two Dask workers": lambda: on_dask(run, chosen.kill),
    }
    turns = [{name: way() for name, way in ways.items()} for _ in range(chosen.rounds)]
    rows = {name: min((turn[name] for turn in turns), key=lambda row: row[0]) for name in ways}
    one = rows["one process"][0]
    print(f"{scenario.name}, {chosen.replications} replications, {os.cpu_count()} cores, Python "
          f"{platform.python_version()}, numpy {np.__version__}")  # fmt: skip
    for name, (seconds, found) in rows.items():
        print(f"{name:<18}{seconds:8.1f} s{one / seconds:8.2f} times as fast   {digest(found)}")
    if len({digest(found) for turn in turns for _, found in turn.values()}) > 1:
        raise SystemExit("the executors disagree")


if __name__ == "__main__":
    main()
