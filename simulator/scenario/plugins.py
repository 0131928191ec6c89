"""Component kinds from outside: modules that register theirs before the schema is built.

Found through entry points of the group `incentive_sim.components` of installed packages, and through the environment
variable `INCENTIVE_SIM_COMPONENTS`, names of modules separated by commas. Importing such a module before a scenario is
read does as well.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import entry_points

from simulator.core.errors import SimulatorError

GROUP = "incentive_sim.components"
VARIABLE = "INCENTIVE_SIM_COMPONENTS"


def load_plugins() -> None:
    """Import all of them; raises `SimulatorError` where one cannot be imported."""
    for point in entry_points(group=GROUP):
        _imported(point.value.partition(":")[0], f"entry point {point.name}")
    for name in os.environ.get(VARIABLE, "").split(","):
        if name.strip():
            _imported(name.strip(), VARIABLE)


def _imported(module: str, source: str) -> None:
    try:
        import_module(module)
    except Exception as error:
        raise SimulatorError(f"{source}: the component module {module} cannot be imported: {error}") from error
