"""What 5,000 partners x 156 weeks x 6 programs x 10,000 replications would take: measured on a slice, extrapolated.

    python -m benchmarks.size [--regions N ...] [--replications N]

A territory may bring 500 opportunities a week at most, so the partners of the scenario are laid out in regions of as
many partners as the file has, each a territory and a partner segment of its own with the file's numbers. A replication
of a few numbers of regions is lived; the largest is extrapolated by the exponent of cost in partners, at least 1.
"""

from __future__ import annotations

import argparse
import json
import tracemalloc
from typing import Any

import numpy as np

from benchmarks.timing import chunks_of, timed
from simulator.runs.simulate import fit_reference
from simulator.scenario.load import load
from simulator.scenario.schema import Scenario

PARTNERS, WEEKS, REPLICATIONS = 5000, 156, 10_000


def regions(scenario: Scenario, count: int) -> Scenario:
    """The scenario's only territory and partner segment `count` times, over the long horizon, nothing uncertain."""
    tree: dict[str, Any] = scenario.tree()
    (territory,), (segment,) = tree["territories"].values(), tree["partners"].values()
    tree["territories"] = {f"region{k}": territory for k in range(count)}
    tree["partners"] = {f"region{k}": segment | {"territory": f"region{k}"} for k in range(count)}
    tree["time"]["horizon_weeks"], tree["uncertainty"], tree["correlation"] = WEEKS, {}, []
    return Scenario.model_validate_json(json.dumps(tree))


def main() -> None:
    """Measure the slices and extrapolate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenario", nargs="?", default="scenarios/b2b_manufacturer.toml")
    parser.add_argument("--regions", type=int, nargs="+", default=[6, 12])
    parser.add_argument("--replications", type=int, default=1)
    asked = parser.parse_args()
    scenario = load(asked.scenario)
    programs = tuple(scenario.programs)
    partners, seconds = [], []
    for count in asked.regions:
        grown = regions(scenario, count)
        fit, reference = timed(lambda s=grown: fit_reference(s))  # type: ignore[misc]
        work = chunks_of(grown, reference, programs)
        work(0, 1) if count == asked.regions[0] else None
        took, _ = timed(lambda w=work: w(0, asked.replications))  # type: ignore[misc]
        partners.append(sum(s.count for s in grown.partners.values()))
        seconds.append(took / asked.replications)
        print(f"{partners[-1]:6} partners: fit {fit:.1f} s, {seconds[-1]:.2f} s a replication", flush=True)
    tracemalloc.start()
    work(0, 1)
    peak = tracemalloc.get_traced_memory()[1]
    exponent = np.polyfit(np.log(partners), np.log(seconds), 1)[0]
    each = seconds[-1] * (PARTNERS / partners[-1]) ** max(exponent, 1.0)
    print(
        f"exponent {exponent:.2f}, taken as at least 1: {each:,.0f} s a replication of {PARTNERS:,} partners, {WEEKS} "
        f"weeks, {len(programs)} programs and all rungs; {each * REPLICATIONS / 3600:,.0f} core-hours for "
        f"{REPLICATIONS:,} replications; memory {peak / partners[-1] * PARTNERS / 1e9:.1f} GB a worker, one at a time"
    )


if __name__ == "__main__":
    main()
