"""How often estimators call an effect in A/A pilots of `b2b_manufacturer`, fitted to real sales: nobody is on the
candidate, and the assignment is drawn again and again in the same worlds. Four minutes of one core."""

from __future__ import annotations

import argparse

import numpy as np

from simulator.pilots.estimators import ESTIMATORS, violated_assumptions
from simulator.pilots.panel import PilotReadings
from simulator.pilots.plan import Plan
from simulator.pilots.simulate import simulate_pilots
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import load

DESIGNS = ("parallel", "matched_pairs", "stepped_wedge", "switchback")
OUTCOMES = ("bookings", "qualified")
SLOW = {"mixed": 2, "synthetic": 4}
"""Assignments per world of estimators that take long."""


def main() -> None:
    """Print a line per design, outcome and estimator that fits."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--worlds", type=int, default=48)
    options.add_argument("--assignments", type=int, default=12)
    given = options.parse_args()
    scenario = load("scenarios/b2b_manufacturer.toml")
    stage = prepare(scenario, fit_reference(scenario), ["accelerator"], 11, np.arange(given.worlds))
    plans = [
        Plan.model_validate({"candidate": "accelerator", "design": {"quarters": 4, "assignment": name}})
        for name in DESIGNS
    ]
    for design, pilots in zip(DESIGNS, simulate_pilots(stage, plans, outcomes=OUTCOMES), strict=True):
        for outcome in OUTCOMES:
            readings = pilots.by_outcome[outcome]
            for name in ESTIMATORS:
                if not any(violated_assumptions(name, readings.panel)):
                    _line(f"{design:14} {outcome:10} {name:14}", name, readings, SLOW.get(name, given.assignments))


def _line(label: str, name: str, readings: PilotReadings, draws: int) -> None:
    called = [ESTIMATORS[name].estimate(readings.without_effect(3, draw)).rejects() for draw in range(draws)]
    by_world = np.mean(called, axis=0)
    print(f"{label} {100 * by_world.mean():4.1f} % +- {100 * by_world.std() / np.sqrt(len(by_world)):.1f}", flush=True)


if __name__ == "__main__":
    main()
