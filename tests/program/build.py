"""Programs and schedules for tests, from scenario text or from plain numbers."""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array
from simulator.program.compile import compile_program
from simulator.program.compiled import CompiledComponent, CompiledProgram
from simulator.program.schedule import Knot, Schedule
from simulator.scenario.load import parse
from tests.scenario.texts import SMALL


def num(value: float) -> Array:
    return np.array([[float(value)]])


def scalar(array: Array) -> float:
    return float(np.asarray(array).reshape(()))


def schedule(
    base: float,
    knots: list[tuple[float, float, float]],
    *,
    floor: float | None = None,
    cap: float | None = None,
    retroactive: bool = False,
) -> Schedule:
    """A schedule of (at, slope change, jump) knots."""
    made = tuple(Knot(num(at), num(change), num(jump)) for at, change, jump in knots)
    limits = (None if floor is None else num(floor), None if cap is None else num(cap))
    return Schedule(num(base), made, *limits, retroactive)


def paid(pay: Schedule, attainment: float) -> float:
    return scalar(pay.payout(num(attainment)))


def compiled(text: str) -> CompiledProgram:
    """The program `p` of the shared small scenario, `text` standing below `[programs.p]`."""
    scenario = parse(f"{SMALL}\n[programs.p]\n{text}")
    return compile_program("p", scenario.programs["p"], tuple(scenario.markets))


def only(text: str) -> CompiledComponent:
    return compiled(f"[programs.p.components.c]\n{text}").components[0]


def money(component: CompiledComponent, attained: float, reference: float = 1.0) -> float:
    """Payout in money at an attainment in money or units, thresholds in units of `reference`."""
    pay = component.schedule if component.reference == "money" else component.schedule.scaled(num(reference * 100))
    return paid(pay, attained * 100) / 100
