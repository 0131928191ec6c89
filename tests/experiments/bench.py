"""Small simulated worlds for experiments, and what is measured in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.engines.vector.engine import VectorRun
from simulator.program.measures import Event
from simulator.runs.simulate import Replications, fit_reference, prepare
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario

Array = NDArray[np.float64]
SURE = 4.0
"""Standard errors by which a direction has to show: false alarms once in 30,000."""

WORLD = """
name = "field evidence"
[time]
burn_in_weeks = 65
[markets.mid]
size_median = 30000
size_max = 1000000
signature_weeks = 3.0
[territories.all]
vendor_opportunities_per_year = 40
markets = { mid = 1.0 }
[partners.reseller]
count = 20
territory = "all"
markets = { mid = 1.0 }
opportunities_per_year = 60
[behavior]
inert_share = 0.0
[gaming]
timing_cost = 50
opportunist_share = 0.3
padding = false
credit_claiming = false
"""
LINEAR = """
[programs.{0}.components.core]
kind = "revenue_share"
rate = {1}
"""
ACCELERATOR = """
[programs.{0}.components.core]
kind = "accelerator"
rate = 0.03
quota = {2}
window = "{1}"
multiples = [{{ above = 1.0, multiple = 4.0 }}]
"""
LUMPS = """
[programs.{0}.components.core]
kind = "revenue_share"
rate = {1}
[programs.{0}.components.bonus]
kind = "bonus"
lumps = [{{ at = 80000, amount = 4000 }}, {{ at = 160000, amount = 6000 }}]
"""
QUOTA_AND_CAP = """
[programs.{0}.components.core]
kind = "accelerator"
rate = 0.05
start_multiple = 0.0
multiples = [{{ above = 0.6, multiple = 1.0 }}, {{ above = 1.3, multiple = 0.0 }}]
"""
QUOTA = """
[programs.{0}.components.core]
kind = "accelerator"
rate = 0.04
window = "{1}"
start_multiple = 0.25
multiples = [{{ above = 0.9, multiple = 3.0 }}, {{ above = 1.1, multiple = {2} }}]
"""


@dataclass(frozen=True)
class Effect:
    """A mean over replications with its standard error."""

    mean: float
    se: float

    @property
    def sign(self) -> int:
        """1 or -1 where the mean is that side of 0 by `SURE` standard errors, else 0."""
        return int(np.sign(self.mean)) if abs(self.mean) > SURE * self.se else 0

    def __format__(self, spec: str) -> str:
        return f"{self.mean:{spec}} ± {self.se:{spec}}"


@dataclass(frozen=True)
class Evidence:
    """source, published: the study and its direction; shown: the same in the simulation, with errors; holds: whether.

    lines: label -> (x, mean, standard error) for the figure, whose axes are `across` and `up`.
    """

    key: str
    title: str
    source: str
    published: str
    shown: str
    holds: bool
    across: str
    up: str
    lines: dict[str, tuple[Array, Array, Array]] = field(default_factory=dict)
    bars: bool = False


class _Watched(VectorRun):
    """A life that keeps sourcing activity by week from launch on, (weeks, R, P)."""

    def run(self, start: int, stop: int) -> VectorRun:
        self.sourcing: list[Array] = []
        return super().run(start, stop)

    def _remember(self, week: int) -> None:
        super()._remember(week)
        if week >= 0:
            self.sourcing.append(self.effort.activity[0])


@dataclass(frozen=True)
class Bench:
    """A scenario made of `WORLD` and programs, with its stage of `replications`."""

    scenario: Scenario
    stage: Replications

    def live(self, program: str, *, gaming: bool = True) -> _Watched:
        """A finished life of everyone on `program`."""
        setting = self.stage.world.setting
        run = _Watched(self.stage.world, self.stage.rollout(program), self.stage.mode[gaming])
        run.run(-setting.burn_in, setting.horizon)
        run.finish()
        return run


def bench(replications: int, *programs: str, **values: float) -> Bench:
    """A bench; values: by path, with `__` for the dot."""
    scenario = parse(WORLD + "".join(programs))
    changed = {path.replace("__", "."): value for path, value in values.items()}
    scenario = with_values(scenario, changed) if changed else scenario
    stage = prepare(scenario, fit_reference(scenario), tuple(scenario.programs), 3, np.arange(replications))
    return Bench(scenario, stage)


def effect(values: Array) -> Effect:
    """Mean of one value per replication."""
    values = np.asarray(values, dtype=float)
    return Effect(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))


def by_week(run: VectorRun, period: int, value: Array | None = None) -> Array:
    """Claims of signatures by week of a period of `period` weeks from launch on, (R, period)."""
    c = run.claims
    rows = np.flatnonzero((c["event"] == Event.SIGNED) & (c["week"] >= 0))
    slot = (c["cell"][rows] // run.shape[1]) * period + c["week"][rows] % period
    weights = None if value is None else value[rows]
    return np.bincount(slot, weights=weights, minlength=run.shape[0] * period).reshape(run.shape[0], period)


def moves_after(run: VectorRun, week: int) -> Array:
    """Signatures pulled or pushed across a window's end after `week`, (R,)."""
    c = run.claims
    rows = np.flatnonzero((c["moved"] != 0) & (c["week"] >= week))
    return np.bincount(c["cell"][rows] // run.shape[1], minlength=run.shape[0]).astype(float)


def shares(counts: Array) -> Array:
    """Rows that sum to 1, in multiples of an even spread."""
    return np.asarray(counts / counts.sum(axis=1, keepdims=True) * counts.shape[1])


def line(x: Array, values: Array) -> tuple[Array, Array, Array]:
    """Mean and standard error over replications (axis 0)."""
    return x, values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
