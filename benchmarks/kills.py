"""SIGKILL at random moments, then the same command again: nothing is lost and the bits are the same.

    python -m benchmarks.kills [SCENARIO] [--kills N] [--replications N] [--workers K]

`compare` is started, killed with its workers after a random time, and started again, until it has been killed so often;
then it runs to its end; one that ends too soon is begun anew. The stored replications are compared, byte by byte, with
those of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from simulator.runs.checkpoints import UNFINISHED


def command(scenario: str, out: str, replications: int, workers: int) -> list[str]:
    """The command, which is the same every time."""
    return [
        sys.executable, "-m", "simulator", "compare", scenario, "--replications", str(replications), "--seed", "7",
        "--chunk", "4", "--workers", str(workers), "--out", out, "--no-plots", "--quiet",
    ]  # fmt: skip


def replications_of(out: str) -> str:
    """SHA-256 of the stored replications of the only run below `out`."""
    (path,) = Path(out).glob("*/replications.parquet")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def kept(out: str) -> int:
    """Chunks that are kept of the run under way."""
    return len(list(Path(out, UNFINISHED).glob("*/*.parquet")))


def main() -> None:
    """Run undisturbed, then under kills, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("scenario", nargs="?", default="benchmarks/peers/cut_down.toml")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--replications", type=int, default=48)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    chance, killed = random.Random(1), 0
    with tempfile.TemporaryDirectory() as quiet:
        begun = time.perf_counter()
        subprocess.run(command(asked.scenario, quiet, asked.replications, asked.workers), check=True)
        whole = time.perf_counter() - begun
        expected = replications_of(quiet)
    print(f"{asked.replications} replications in {whole:.0f} s undisturbed: {expected}", flush=True)
    while killed < asked.kills:
        with tempfile.TemporaryDirectory() as out:
            again = command(asked.scenario, out, asked.replications, asked.workers)
            while killed < asked.kills and killed_once(again, chance.uniform(0.05, 1.0) * whole):
                killed += 1
                print(f"killed {killed} times; {kept(out)} chunks are kept", flush=True)
            # Where it was done before it could be killed, the command finds the stored run and computes nothing.
            subprocess.run(again, check=True, stdout=subprocess.DEVNULL)
            if replications_of(out) != expected:
                raise SystemExit(f"another result: {replications_of(out)}")
            print(f"ended with the same bits: {expected}", flush=True)


def killed_once(again: list[str], after: float) -> bool:
    """Start the command and kill it with its workers; False where it was done before."""
    run = subprocess.Popen(again, start_new_session=True)
    try:
        run.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return True
    return False


if __name__ == "__main__":
    main()
