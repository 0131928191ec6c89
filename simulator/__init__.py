"""Simulate how partners respond to co-selling incentive programs, and what each costs, lifts and invites.

    import simulator as sim

    scenario = sim.load("scenarios/quickstart.toml")
    study = sim.compare(scenario, replications=500, seed=1)
    study.table()

Public names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.calibrate.backtest import Backtest, backtest
    from simulator.calibrate.behavior import Behavior, behavior
    from simulator.calibrate.calibration import Calibration, calibrate
    from simulator.errors import InputError, Problem, SimulatorError
    from simulator.report.explore_widget import explore
    from simulator.report.payout import payout_curve
    from simulator.scenario.load import load, parse
    from simulator.scenario.paths import number_paths, value_at, with_values
    from simulator.scenario.schema import Scenario
    from simulator.studies.compare import Comparison, compare
    from simulator.studies.forecast import Forecast, forecast
    from simulator.studies.knowledge import ValueOfInformation, value_of_information
    from simulator.studies.lint import Lint, lint
    from simulator.studies.optimize import optimize
    from simulator.studies.optimum import Optimum
    from simulator.studies.pilot import Pilot, pilot
    from simulator.studies.programs import ProgramDiff, diff
    from simulator.studies.redesign import Redesign, redesign
    from simulator.studies.redteam import RedTeam, redteam
    from simulator.studies.rollout import StagedRollout, rollout
    from simulator.studies.select import Selection, select
    from simulator.studies.sensitivity import Sensitivity, sensitivity
    from simulator.studies.split import VarianceSplit, split
    from simulator.studies.study import Study
    from simulator.studies.trace import Trace, trace
    from simulator.studies.verify import Verification, verify
    from simulator.studies.winners import Winners, winners

_HOMES = {
    "Backtest": "simulator.calibrate.backtest",
    "Behavior": "simulator.calibrate.behavior",
    "Calibration": "simulator.calibrate.calibration",
    "Comparison": "simulator.studies.compare",
    "Forecast": "simulator.studies.forecast",
    "InputError": "simulator.errors",
    "Lint": "simulator.studies.lint",
    "Optimum": "simulator.studies.optimum",
    "Pilot": "simulator.studies.pilot",
    "Problem": "simulator.errors",
    "ProgramDiff": "simulator.studies.programs",
    "RedTeam": "simulator.studies.redteam",
    "Redesign": "simulator.studies.redesign",
    "Scenario": "simulator.scenario.schema",
    "Selection": "simulator.studies.select",
    "Sensitivity": "simulator.studies.sensitivity",
    "SimulatorError": "simulator.errors",
    "StagedRollout": "simulator.studies.rollout",
    "Study": "simulator.studies.study",
    "Trace": "simulator.studies.trace",
    "ValueOfInformation": "simulator.studies.knowledge",
    "VarianceSplit": "simulator.studies.split",
    "Verification": "simulator.studies.verify",
    "Winners": "simulator.studies.winners",
    "backtest": "simulator.calibrate.backtest",
    "behavior": "simulator.calibrate.behavior",
    "calibrate": "simulator.calibrate.calibration",
    "compare": "simulator.studies.compare",
    "diff": "simulator.studies.programs",
    "explore": "simulator.report.explore_widget",
    "forecast": "simulator.studies.forecast",
    "lint": "simulator.studies.lint",
    "load": "simulator.scenario.load",
    "number_paths": "simulator.scenario.paths",
    "optimize": "simulator.studies.optimize",
    "parse": "simulator.scenario.load",
    "payout_curve": "simulator.report.payout",
    "pilot": "simulator.studies.pilot",
    "redesign": "simulator.studies.redesign",
    "redteam": "simulator.studies.redteam",
    "rollout": "simulator.studies.rollout",
    "select": "simulator.studies.select",
    "sensitivity": "simulator.studies.sensitivity",
    "split": "simulator.studies.split",
    "trace": "simulator.studies.trace",
    "value_at": "simulator.scenario.paths",
    "value_of_information": "simulator.studies.knowledge",
    "verify": "simulator.studies.verify",
    "winners": "simulator.studies.winners",
    "with_values": "simulator.scenario.paths",
}

__all__ = [
    "Backtest",
    "Behavior",
    "Calibration",
    "Comparison",
    "Forecast",
    "InputError",
    "Lint",
    "Optimum",
    "Pilot",
    "Problem",
    "ProgramDiff",
    "RedTeam",
    "Redesign",
    "Scenario",
    "Selection",
    "Sensitivity",
    "SimulatorError",
    "StagedRollout",
    "Study",
    "Trace",
    "ValueOfInformation",
    "VarianceSplit",
    "Verification",
    "Winners",
    "backtest",
    "behavior",
    "calibrate",
    "compare",
    "diff",
    "explore",
    "forecast",
    "lint",
    "load",
    "number_paths",
    "optimize",
    "parse",
    "payout_curve",
    "pilot",
    "redesign",
    "redteam",
    "rollout",
    "select",
    "sensitivity",
    "split",
    "trace",
    "value_at",
    "value_of_information",
    "verify",
    "winners",
    "with_values",
]


class _Package(ModuleType):
    """Keeps the function `calibrate` from being covered by the subpackage of its name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOMES):
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


sys.modules[__name__].__class__ = _Package
