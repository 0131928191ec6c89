"""Replications and seconds to a precision: plain Monte Carlo against what the tool does by default.

    python -m benchmarks.precision [--scenario FILE] [--replications N] [--precision P] [--workers K]

One run of N replications gives all variances; replications to the precision are extrapolated from them, as variances of
means fall with 1/N. Plain: every program in worlds of its own, so that variances of a difference add up, and plain
averages. Default: all programs in the same worlds, and luck of known mean taken out, as `compare --precision` does.
Seconds are replications times the seconds per replication of this run, fit of the reference population left out; that
is generous to the plain way, where worlds and burn-in are not shared.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from simulator.metrics.measure import BASELINE, STRATEGIC, runs, shown_programs  # noqa: E402
from simulator.metrics.registry import metrics_of  # noqa: E402
from simulator.runs.simulate import SimulationResult, fit_reference, simulate  # noqa: E402
from simulator.scenario.load import load  # noqa: E402
from simulator.stats.estimate import Statistic  # noqa: E402
from simulator.stats.intervals import t_quantile  # noqa: E402
from simulator.studies.precision import goals_of, needed, sampling_with_controls  # noqa: E402


def statistic(study: SimulationResult, program: str, metric: str) -> Statistic:
    view = runs(study, program, STRATEGIC)
    return next(m for m in metrics_of(view.own) if m.name == metric).of(view)


def unpaired(study: SimulationResult, program: str, metric: str) -> float:
    """Half-width of a difference between separate worlds, as a share of the baseline's mean."""
    one, other = statistic(study, program, metric), statistic(study, BASELINE, metric)
    n = study.replications
    variance = sum(float((s.influence**2).sum()) / (n * (n - 1)) for s in (one, other))
    return t_quantile(n - 1) * math.sqrt(variance) / abs(other.value or math.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default=str(ROOT / "scenarios" / "b2b_manufacturer.toml"))
    parser.add_argument("--replications", type=int, default=512)
    parser.add_argument("--precision", type=float, default=0.01)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    scenario = load(asked.scenario)
    reference = fit_reference(scenario)
    start = time.perf_counter()
    study = simulate(
        scenario, programs=tuple(scenario.programs), replications=asked.replications, seed=7, workers=asked.workers,
        reference=reference,
    )  # fmt: skip
    each = (time.perf_counter() - start) / asked.replications
    programs = len(shown_programs(study))
    print(f"{scenario.name}: {asked.replications} replications of {programs} programs, {each:.3f} s each")
    print(f"to {asked.precision:.1%}; extrapolated from this run's variances\n")
    print(f"{'':<44}{'plain':>18}{'default':>18}")
    print(f"{'':<44}{'replications    s':>18}{'replications    s':>18}{'fewer':>8}")
    most = [0.0, 0.0]
    for goal in goals_of(study, sampling_with_controls(study)):
        plain = goal.plain if goal.of == "mean" else unpaired(study, goal.program, goal.metric)
        found = [needed(asked.replications, width, asked.precision) for width in (plain, goal.half_width)]
        most = [max(a, b) for a, b in zip(most, found, strict=True)]
        cells = "".join(f"{n:>11,.0f}{n * each:>7,.0f}" for n in found)
        print(f"{goal.text:<44}{cells}{found[0] / max(found[1], 1):>8,.1f}")
    cells = "".join(f"{n:>11,.0f}{n * each:>7,.0f}" for n in most)
    print(f"{'all of them':<44}{cells}{most[0] / max(most[1], 1):>8,.1f}")


if __name__ == "__main__":
    main()
