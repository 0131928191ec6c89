"""Checks of what a study is asked to do, before anything is run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.errors import InputError, Problem, fault
from simulator.scenario.finding import shown, suggestion
from simulator.scenario.schema import Scenario
from simulator.vectors import Vectors

ENGINES = ("vector", "events")
_PLACE = "options"
"""What messages about options name as their file."""


def asked_programs(scenario: Scenario, programs: Sequence[str] | None) -> tuple[str, ...]:
    """The programs to simulate, all if None; raises `InputError` for each that is not in the scenario."""
    if programs is None:
        return tuple(scenario.programs)
    known = list(scenario.programs)
    problems = [_unknown(name, known) for name in programs if name not in scenario.programs]
    if not programs:
        problems.append(Problem(_PLACE, "programs", "", "names no program", f"there are {', '.join(known)}"))
    if problems:
        raise InputError(problems)
    return tuple(dict.fromkeys(programs))


def check_run(
    *, replications: int, seed: int, engine: str = "vector", workers: int = 1, chunk: int | None = None
) -> None:
    """Raises `InputError` with all faults of the settings of a run."""
    least = {"replications": (replications, 2), "seed": (seed, 0), "workers": (workers, 1)}
    if chunk is not None:
        least["chunk"] = (chunk, 1)
    problems = [
        Problem(_PLACE, name, shown(value), f"must be at least {low}")
        for name, (value, low) in least.items()
        if value < low
    ]
    if engine not in ENGINES:
        problems.append(
            Problem(
                _PLACE, "engine", shown(engine), f"must be one of {', '.join(ENGINES)}", suggestion(engine, ENGINES)
            )
        )
    if problems:
        raise InputError(problems)


def check_design(vectors: Vectors | None) -> None:
    """Raises `InputError` for a design whose replications share worlds: errors take them as separate."""
    if vectors is None or vectors.size is None:
        return
    luck = vectors.luck(np.arange(vectors.size))
    if len(np.unique(luck)) < len(luck):
        raise fault(_PLACE, "vectors", vectors, "replications must each meet a world of their own", "see `sim.split`")


def check_precision(precision: float | None, most: int, replications: int | None, vectors: Vectors | None) -> None:
    """Raises `InputError` for a precision that cannot be run to."""
    if precision is None:
        return
    problems = []
    if not 0 < precision < 1:
        problems.append(Problem(_PLACE, "precision", shown(precision), "must be between 0 and 1", "1 % is 0.01"))
    if replications is not None:
        rule = "says how many, and so does precision"
        problems.append(Problem(_PLACE, "replications", shown(replications), rule, "give one of the two, and `most`"))
    if most < 2:
        problems.append(Problem(_PLACE, "most", shown(most), "must be at least 2"))
    if vectors is not None:
        problems.append(Problem(_PLACE, "vectors", "", "precision chooses the design itself", "leave it out"))
    if problems:
        raise InputError(problems)


def _unknown(name: str, known: list[str]) -> Problem:
    hint = suggestion(name, known) or f"there are {', '.join(known)}"
    return Problem(_PLACE, "programs", shown(name), "no such program in the scenario", hint)
