"""The table of sensitivity methods. A new method is one function on arrays and one row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.stats.sensitivity import first_order, prim, sobol, switching, tornado
from simulator.stats.sensitivity.factors import Factor
from simulator.studies.sensitivity.model_runs import DesignedRuns, ModelRuns

MethodResult = dict[str, list[Any]]
"""What a method finds, by program: a row per factor; of `prim` one box."""


@dataclass(frozen=True)
class MethodInputs:
    """factors: what to look at; inputs: how many the model has; replications: in all, or worlds per point.

    points: of a design, 0 without one; tied: whether the inputs of a group are correlated.
    """

    factors: Sequence[Factor]
    inputs: int
    replications: int
    points: int
    seed: int
    higher_is_better: bool
    tied: bool = False


@dataclass(frozen=True)
class Method:
    """replications: default, None for the scenario's; fewest: that it needs; points, steps: default and unit of points.

    find: from runs as the model draws them, None where it needs points of its own in common worlds, which `design` has;
    together: whether groups stand in place of their
    members; directed: whether it must be known which outcome is better; paired: whether it needs a second program;
    untied: whether correlated inputs must be in one group.
    """

    name: str
    meaning: str
    find: Callable[[ModelRuns, MethodInputs], MethodResult] | None = None
    design: Callable[[DesignedRuns, MethodInputs], MethodResult] | None = None
    replications: int | None = None
    fewest: int = 2
    points: int = 0
    steps: int = 1
    together: bool = False
    directed: bool = False
    paired: bool = False
    untied: bool = False
    grouped: bool = True


def _given(response: ModelRuns, task: MethodInputs) -> MethodResult:
    x, found = response.sampled(task.replications)
    return {p: list(first_order.first_order(x, y, task.factors)) for p, y in found.items()}


def _switching(response: ModelRuns, task: MethodInputs) -> MethodResult:
    x, found = response.sampled(task.replications)
    return {p: list(switching.switching(x, y, task.factors)) for p, y in found.items()}


def _prim(response: ModelRuns, task: MethodInputs) -> MethodResult:
    x, found = response.sampled(task.replications)
    return {p: [prim.prim(x, (y < 0) if task.higher_is_better else (y > 0), task.factors)] for p, y in found.items()}


def _tornado(response: DesignedRuns, task: MethodInputs) -> MethodResult:
    points = tornado.design(task.factors, task.inputs)
    found = response.designed(points, task.replications)
    return {p: list(tornado.bars(y, task.factors)) for p, y in found.items()}


def _sobol(response: DesignedRuns, task: MethodInputs) -> MethodResult:
    points = sobol.design(task.factors, task.inputs, task.points, task.seed)
    found = response.designed(points, task.replications, tied=task.tied)
    return {p: list(sobol.indices(y, task.factors)) for p, y in found.items()}


_ROWS = (
    Method("given", "first-order indices from plain replications", _given, fewest=50),
    Method(
        "tornado", "each input at its P10 and P90, the others at their medians", design=_tornado,
        replications=100, together=True,
    ),
    Method(
        "switching", "at which value of an input the better of two programs changes", _switching,
        fewest=50, paired=True, grouped=False,
    ),
    Method(
        "prim", "a box of inputs in which a program loses", _prim,
        fewest=prim.FEWEST, directed=True, paired=True, grouped=False,
    ),
    Method(
        "sobol", "first-order and total indices by a design", design=_sobol,
        replications=8, points=128, steps=2 * sobol.SCRAMBLES, together=True, untied=True,
    ),
)  # fmt: skip
METHODS = {method.name: method for method in _ROWS}
"""Methods by name, the plainest first."""
