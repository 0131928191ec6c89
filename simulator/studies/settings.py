"""What every run of a study is asked for, checked in one place before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.core.errors import InputError, Problem
from simulator.runs.designs import Design
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import shown, suggestion

Progress = Callable[[int, int], None]
"""Called with the replications that are done, and all."""
ENGINES = ("vector", "events")
_PLACE = "options"
"""What messages about options name as their file."""


@dataclass(frozen=True)
class RunSettings:
    """Settings of a run that were checked.

    programs: to simulate; replications: how many; seed: of all randomness; workers: processes; engine: `vector` or
    `events`; chunk: replications computed together, chosen if None; design: how uncertain numbers are drawn; executor:
    of `concurrent.futures`, instead of processes of our own.
    """

    programs: tuple[str, ...]
    replications: int
    seed: int
    workers: int = 1
    engine: str = "vector"
    chunk: int | None = None
    design: Design | None = None
    executor: Executor | None = None
    progress: Progress | None = None

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        *,
        programs: Sequence[str] | None = None,
        replications: int | None = None,
        seed: int | None = None,
        workers: int = 1,
        engine: str = "vector",
        chunk: int | None = None,
        design: Design | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        least: int = 2,
    ) -> RunSettings:
        """Settings with the scenario's own where nothing was asked for; raises `InputError` with all faults.

        least: how few replications the study can do with.
        """
        count = scenario.run.replications if replications is None else replications
        start = scenario.run.seed if seed is None else seed
        problems = [*_unknown_programs(scenario, programs), *_design_problems(design)]
        lowest = {"replications": (count, least), "seed": (start, 0), "workers": (workers, 1)}
        if chunk is not None:
            lowest["chunk"] = (chunk, 1)
        problems += [
            Problem(_PLACE, name, shown(value), f"must be at least {low}")
            for name, (value, low) in lowest.items()
            if value < low
        ]
        if engine not in ENGINES:
            rule, hint = f"must be one of {', '.join(ENGINES)}", suggestion(engine, ENGINES)
            problems.append(Problem(_PLACE, "engine", shown(engine), rule, hint))
        if problems:
            raise InputError(problems)
        names = tuple(dict.fromkeys(scenario.programs if programs is None else programs))
        return cls(names, count, start, workers, engine, chunk, design, executor, progress)

    def simulate(self, scenario: Scenario, **changed: Any) -> SimulationResult:
        """Simulate the scenario with these settings. changed: what else `simulate` takes, or takes instead."""
        return simulate(scenario, **{**vars(self), **changed})


def check_precision(precision: float | None, most: int, replications: int | None, design: Design | None) -> None:
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
    if design is not None:
        problems.append(Problem(_PLACE, "vectors", "", "precision chooses the design itself", "leave it out"))
    if problems:
        raise InputError(problems)


def _design_problems(design: Design | None) -> list[Problem]:
    """A design whose replications share worlds is refused: errors take them as separate."""
    if design is None or design.size is None:
        return []
    worlds = design.world_ids(np.arange(design.size))
    if len(np.unique(worlds)) == len(worlds):
        return []
    rule = "replications must each meet a world of their own"
    return [Problem(_PLACE, "vectors", repr(design), rule, "see `sim.split`")]


def _unknown_programs(scenario: Scenario, programs: Sequence[str] | None) -> list[Problem]:
    known = list(scenario.programs)
    everything = f"there are {', '.join(known)}"
    if programs is not None and not programs:
        return [Problem(_PLACE, "programs", "", "names no program", everything)]
    return [
        Problem(
            _PLACE, "programs", shown(name), "no such program in the scenario", suggestion(name, known) or everything
        )
        for name in programs or ()
        if name not in known
    ]
