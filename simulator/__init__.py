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
    from simulator.calibration.backtest import Backtest as Backtest, backtest as backtest
    from simulator.calibration.behavior_abc import FittedBehavior as FittedBehavior, behavior as behavior
    from simulator.calibration.calibrate import Calibration as Calibration, calibrate as calibrate
    from simulator.core.errors import InputError as InputError, Problem as Problem, SimulatorError as SimulatorError
    from simulator.notebook.explorer_widget import explore as explore
    from simulator.report.payout_curve import payout_curve as payout_curve
    from simulator.scenario.load import load as load, parse as parse
    from simulator.scenario.paths import number_paths as number_paths, value_at as value_at, with_values as with_values
    from simulator.scenario.schema import Scenario as Scenario
    from simulator.studies.base import Study as Study
    from simulator.studies.compare import Comparison as Comparison, compare as compare
    from simulator.studies.forecast import Forecast as Forecast, forecast as forecast
    from simulator.studies.lint.lint import Lint as Lint, lint as lint
    from simulator.studies.optimize import Optimum as Optimum, optimize as optimize
    from simulator.studies.pilot import Pilot as Pilot, pilot as pilot
    from simulator.studies.pilot_design import Redesign as Redesign, redesign as redesign
    from simulator.studies.program_diff import ProgramDiff as ProgramDiff, diff as diff
    from simulator.studies.redteam import RedTeam as RedTeam, redteam as redteam
    from simulator.studies.rollout import StagedRollout as StagedRollout, rollout as rollout
    from simulator.studies.select import Selection as Selection, select as select
    from simulator.studies.sensitivity.study import Sensitivity as Sensitivity, sensitivity as sensitivity
    from simulator.studies.trace import Trace as Trace, trace as trace
    from simulator.studies.value_of_information import (
        ValueOfInformation as ValueOfInformation,
        value_of_information as value_of_information,
    )
    from simulator.studies.variance_split import VarianceSplit as VarianceSplit, split as split
    from simulator.studies.verify import Verification as Verification, verify as verify
    from simulator.studies.winners import Winners as Winners, winners as winners

_HOMES = {
    name: f"simulator.{home}"
    for home, names in {
        "calibration.backtest": "Backtest backtest",
        "calibration.behavior_abc": "FittedBehavior behavior",
        "calibration.calibrate": "Calibration calibrate",
        "core.errors": "InputError Problem SimulatorError",
        "notebook.explorer_widget": "explore",
        "report.payout_curve": "payout_curve",
        "scenario.load": "load parse",
        "scenario.paths": "number_paths value_at with_values",
        "scenario.schema": "Scenario",
        "studies.base": "Study",
        "studies.compare": "Comparison compare",
        "studies.forecast": "Forecast forecast",
        "studies.lint.lint": "Lint lint",
        "studies.optimize": "Optimum optimize",
        "studies.pilot": "Pilot pilot",
        "studies.pilot_design": "Redesign redesign",
        "studies.program_diff": "ProgramDiff diff",
        "studies.redteam": "RedTeam redteam",
        "studies.rollout": "StagedRollout rollout",
        "studies.select": "Selection select",
        "studies.sensitivity.study": "Sensitivity sensitivity",
        "studies.trace": "Trace trace",
        "studies.value_of_information": "ValueOfInformation value_of_information",
        "studies.variance_split": "VarianceSplit split",
        "studies.verify": "Verification verify",
        "studies.winners": "Winners winners",
    }.items()
    for name in names.split()
}
"""Public name -> module that defines it."""
__all__ = sorted(_HOMES)


class _Package(ModuleType):
    """Keeps the function `calibrate` from being covered by the subpackage of its name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOMES):
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("incentive-sim")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


sys.modules[__name__].__class__ = _Package
