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
    from simulator.calibration.backtest import Backtest, backtest
    from simulator.calibration.behavior_abc import FittedBehavior, behavior
    from simulator.calibration.calibrate import Calibration, calibrate
    from simulator.core.errors import InputError, Problem, SimulatorError
    from simulator.notebook.explorer_widget import explore
    from simulator.report.payout_curve import payout_curve
    from simulator.scenario.load import load, parse
    from simulator.scenario.paths import number_paths, value_at, with_values
    from simulator.scenario.schema import Scenario
    from simulator.studies.base import Study
    from simulator.studies.compare import Comparison, compare
    from simulator.studies.forecast import Forecast, forecast
    from simulator.studies.lint.lint import Lint, lint
    from simulator.studies.optimize import Optimum, optimize
    from simulator.studies.pilot import Pilot, pilot
    from simulator.studies.pilot_design import Redesign, redesign
    from simulator.studies.program_diff import ProgramDiff, diff
    from simulator.studies.redteam import RedTeam, redteam
    from simulator.studies.rollout import StagedRollout, rollout
    from simulator.studies.select import Selection, select
    from simulator.studies.sensitivity.study import Sensitivity, sensitivity
    from simulator.studies.trace import Trace, trace
    from simulator.studies.value_of_information import ValueOfInformation, value_of_information
    from simulator.studies.variance_split import VarianceSplit, split
    from simulator.studies.verify import Verification, verify
    from simulator.studies.winners import Winners, winners

_HOMES = {
    "Backtest": "simulator.calibration.backtest",
    "Calibration": "simulator.calibration.calibrate",
    "Comparison": "simulator.studies.compare",
    "FittedBehavior": "simulator.calibration.behavior_abc",
    "Forecast": "simulator.studies.forecast",
    "InputError": "simulator.core.errors",
    "Lint": "simulator.studies.lint.lint",
    "Optimum": "simulator.studies.optimize",
    "Pilot": "simulator.studies.pilot",
    "Problem": "simulator.core.errors",
    "ProgramDiff": "simulator.studies.program_diff",
    "RedTeam": "simulator.studies.redteam",
    "Redesign": "simulator.studies.pilot_design",
    "Scenario": "simulator.scenario.schema",
    "Selection": "simulator.studies.select",
    "Sensitivity": "simulator.studies.sensitivity.study",
    "SimulatorError": "simulator.core.errors",
    "StagedRollout": "simulator.studies.rollout",
    "Study": "simulator.studies.base",
    "Trace": "simulator.studies.trace",
    "ValueOfInformation": "simulator.studies.value_of_information",
    "VarianceSplit": "simulator.studies.variance_split",
    "Verification": "simulator.studies.verify",
    "Winners": "simulator.studies.winners",
    "backtest": "simulator.calibration.backtest",
    "behavior": "simulator.calibration.behavior_abc",
    "calibrate": "simulator.calibration.calibrate",
    "compare": "simulator.studies.compare",
    "diff": "simulator.studies.program_diff",
    "explore": "simulator.notebook.explorer_widget",
    "forecast": "simulator.studies.forecast",
    "lint": "simulator.studies.lint.lint",
    "load": "simulator.scenario.load",
    "number_paths": "simulator.scenario.paths",
    "optimize": "simulator.studies.optimize",
    "parse": "simulator.scenario.load",
    "payout_curve": "simulator.report.payout_curve",
    "pilot": "simulator.studies.pilot",
    "redesign": "simulator.studies.pilot_design",
    "redteam": "simulator.studies.redteam",
    "rollout": "simulator.studies.rollout",
    "select": "simulator.studies.select",
    "sensitivity": "simulator.studies.sensitivity.study",
    "split": "simulator.studies.variance_split",
    "trace": "simulator.studies.trace",
    "value_at": "simulator.scenario.paths",
    "value_of_information": "simulator.studies.value_of_information",
    "verify": "simulator.studies.verify",
    "winners": "simulator.studies.winners",
    "with_values": "simulator.scenario.paths",
}

__all__ = [
    "Backtest",
    "Calibration",
    "Comparison",
    "FittedBehavior",
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
