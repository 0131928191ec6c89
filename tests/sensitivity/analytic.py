"""A scenario whose simulation is swapped for a function with known indices, at the one call that simulates.

All else is the tool's own path: the scenario's distributions, the design, replications and worlds, totals in cents, the
metric, the difference to the baseline, the method, and the study that a command prints.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulator.core.arrays import Array
from simulator.runs.designs import SOBOL
from simulator.runs.simulate import RESPONSE_LEVELS, SimulationResult
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from simulator.studies.sensitivity import outcome
from tests import made_up
from tests.scenario.texts import SMALL

# Numbers of the small scenario that can be uncertain, each with an interval within its bounds.
PATHS = (
    ("behavior.elasticity", 0.2, 1.2), ("behavior.cosell_win", 0.0, 0.5), ("gaming.opportunist_share", 0.0, 0.6),
    ("economy.market_log_sd", 0.0, 0.4), ("behavior.inert_share", 0.0, 0.5), ("behavior.discount_rate", 0.0, 0.3),
    ("gaming.timing_cost", 10.0, 500.0), ("gaming.misreport_cost", 10.0, 500.0),
)  # fmt: skip
CENTS = 1e8
_UNCERTAIN = re.compile(r"\[+(?:uncertainty|correlation).*?(?=\n\[|\Z)", re.DOTALL)
Function = Callable[[Array], Array]
"""Outcome (N,) at points (N, K) of the unit cube, in millions of money."""


def text(inputs: int, extra: str = "") -> str:
    """A file with the small scenario and so many uniform uncertain numbers."""
    tables = [
        f'\n[uncertainty."{path}"]\ndistribution = "uniform"\nlow = {low}\nhigh = {high}\nsource = "J: made up"\n'
        for path, low, high in PATHS[:inputs]
    ]
    return _UNCERTAIN.sub("", SMALL) + "".join(tables) + extra


def scenario(inputs: int, extra: str = "") -> Scenario:
    """The small scenario with so many uniform uncertain numbers."""
    return parse(text(inputs, extra))


def answer(monkeypatch: pytest.MonkeyPatch, function: Function, *, luck: float = 0.0, shared: float = 0.0) -> None:
    """Let `function` answer instead of the simulation: the margin of `growth`; the baseline's is 0.

    luck: standard deviation of what each world adds to growth at each point; shared: of what it adds to all programs.
    """

    def simulate(
        scenario: Scenario, *, programs: Any, replications: int, seed: int, **options: Any
    ) -> SimulationResult:
        design = options.get("design") or SOBOL
        made = SimulationResult(scenario, tuple(programs), seed, replications, "vector", {}, {}, design)
        unit = made.unit()
        assert unit is not None
        worlds = design.world_ids(made.ids)
        draws = np.random.default_rng(seed)
        common = shared * draws.standard_normal(worlds.max() + 1)[worlds]
        own = luck * draws.standard_normal(replications)
        value = np.rint((function(unit) + own + common) * CENTS).astype(np.int64)
        rest = np.rint(common * CENTS).astype(np.int64)
        totals = {
            (name, level): made_up.totals(replications, margin=value if name == "growth" else rest)
            for name in ("baseline", "none", "growth")
            for level in RESPONSE_LEVELS
        }
        return SimulationResult(scenario, tuple(programs), seed, replications, "vector", totals, {}, design)

    monkeypatch.setattr(outcome, "simulate", simulate)


def ishigami(u: Array) -> Array:
    """Ishigami and Homma (1990) with a = 7, b = .1."""
    x = -np.pi + 2 * np.pi * u
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


ISHIGAMI_FIRST, ISHIGAMI_TOTAL = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)
"""Published; to four digits."""

G = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])


def sobol_g(u: Array) -> Array:
    """Sobol's g function with a = (0, 1, 4.5, 9, 99, 99, 99, 99)."""
    return np.asarray(np.prod((np.abs(4 * u - 2) + G) / (1 + G), axis=1))


_ALONE = 1 / (3 * (1 + G) ** 2)
_ALL = np.prod(1 + _ALONE) - 1
G_FIRST = _ALONE / _ALL
"""V_i / V with V_i = 1 / (3 (1 + a_i)^2) and V = prod(1 + V_i) - 1 (Saltelli et al. 2008)."""
G_TOTAL = _ALONE * np.prod(1 + _ALONE) / (1 + _ALONE) / _ALL
