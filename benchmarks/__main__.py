"""The short benchmarks by one command: `python -m benchmarks [PART ...] [--long]`.

Times are CPU times of one process unless a line says otherwise, and what is compared is compared in one run. What
takes long is a command of its own: `python -m benchmarks.NAME` with `executors`, `precision`, `kills`, `soak`, `size`.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Iterator

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import scipy  # noqa: E402
import simpy  # noqa: E402

from benchmarks import changed_program, engines, memory, scaling, start  # noqa: E402
from benchmarks.peers import compare as peers  # noqa: E402

PARTS: dict[str, tuple[str, Callable[[bool], Iterator[str]]]] = {
    "start": ("Import and command line", start.table),
    "engines": ("Vector against events, and against drawing the uniforms alone", engines.table),
    "changed-program": ("One changed program with response and gaming, burn-in reused", changed_program.table),
    "peers": ("Peers on the cut-down model", peers.table),
    "scaling": ("Cost by size, with exponents", scaling.table),
    "memory": ("Memory", memory.table),
}


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS), default=list(PARTS))
    parser.add_argument("--long", action="store_true", help="more replications and larger sizes")
    asked = parser.parse_args()
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {load}; Python {platform.python_version()}, numpy "
        f"{np.__version__}, scipy {scipy.__version__}, simpy {simpy.__version__}"
    )
    for part in asked.parts:
        title, table = PARTS[part]
        print(f"\n{title}")
        for line in table(asked.long):
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
