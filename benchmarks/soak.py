"""A long run under random kills of workers: the same bits every time, and memory that does not grow.

    python -m benchmarks.soak [SCENARIO] [--minutes M] [--every S] [--replications N]

The same study is run again and again on two processes of our own, while a thread kills one of them about every S
seconds. Every result is compared with that of one undisturbed process. Needs psutil.
"""

from __future__ import annotations

import argparse
import os
import random
import threading
import time

import psutil

from benchmarks.executors import digest
from simulator.runs.simulate import SimulationResult, fit_reference, simulate
from simulator.scenario.load import load


class Killer(threading.Thread):
    """Kills a random worker of this process at random times, until told to stop."""

    def __init__(self, every: float) -> None:
        super().__init__(daemon=True)
        self._every, self._chance, self.done, self.kills = every, random.Random(1), threading.Event(), 0

    def run(self) -> None:
        while not self.done.wait(self._chance.uniform(0.2, 1.8) * self._every):
            workers = [w for server in psutil.Process().children() for w in server.children()]
            if workers:
                self._chance.choice(workers).kill()
                self.kills += 1


def main() -> None:
    """Run and report after every study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("scenario", nargs="?", default="benchmarks/peers/cut_down.toml")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--replications", type=int, default=160)
    asked = parser.parse_args()
    scenario = load(asked.scenario)
    reference = fit_reference(scenario)

    def study(workers: int) -> SimulationResult:
        return simulate(
            scenario, programs=tuple(scenario.programs), replications=asked.replications, seed=7, workers=workers,
            chunk=8, reference=reference,
        )  # fmt: skip

    expected, begun, studies, least = digest(study(1)), time.monotonic(), 0, 0
    killer = Killer(asked.every)
    killer.start()
    while time.monotonic() - begun < 60 * asked.minutes:
        if digest(study(2)) != expected:
            raise SystemExit(f"another result after {killer.kills} kills")
        studies += 1
        resident = psutil.Process(os.getpid()).memory_info().rss // 2**20
        least = least or resident
        print(f"{(time.monotonic() - begun) / 60:6.1f} min, {studies} studies, {killer.kills} kills, "
              f"{resident} MB resident, {least} MB after the first", flush=True)  # fmt: skip
    killer.done.set()
    print(f"{expected}: the same bits {studies} times under {killer.kills} kills")


if __name__ == "__main__":
    main()
