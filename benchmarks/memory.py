"""Memory: what a replication in a chunk takes, and the peak of a process by the number of replications.

python -m benchmarks.memory N      runs N replications of a tiny scenario and prints the peak in MB
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator

from benchmarks.peers.model import cut_down
from benchmarks.timing import chunks_of
from simulator.runs.checkpoints import keeping
from simulator.runs.simulate import fit_reference, simulate

CHUNK = 500
TINY = {"partners.all.count": 3, "time.horizon_weeks": 13, "time.burn_in_weeks": 13}


def tiny(replications: int) -> float:
    """Peak in MB of this process after a run of a tiny scenario whose chunks are kept on disk."""
    scenario = cut_down().with_(TINY)
    with tempfile.TemporaryDirectory() as place, keeping(place, "memory", []) as kept:
        simulate(scenario, programs=("steps",), replications=replications, seed=7, chunk=CHUNK, kept=kept)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(long: bool) -> Iterator[str]:
    """Lines of the table."""
    scenario = cut_down()
    work = chunks_of(scenario, fit_reference(scenario), ("steps",))
    work(0, 1)
    peaks = []
    for count in (4, 20):
        tracemalloc.start()
        work(0, count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    weeks = scenario.time.burn_in_weeks + scenario.time.horizon_weeks
    yield f"{(peaks[1] - peaks[0]) / 16 / 1024:,.0f} KiB a replication of 50 partners and {weeks} weeks"
    for count in (1000, 10_000, 100_000) if long else (1000, 4000):
        out = subprocess.run([sys.executable, "-m", "benchmarks.memory", str(count)], check=True, capture_output=True)
        yield f"{count:>9,} replications of a tiny scenario, chunks of {CHUNK}: peak {out.stdout.decode().strip()} MB"


if __name__ == "__main__":
    print(f"{tiny(int(sys.argv[1])):.0f}")
