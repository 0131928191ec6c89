"""Variants of programs: the same program with other numbers, simulated together so that they share worlds and burn-in.

The reference population is fitted once for a scenario; a variant needs only statistics of its own claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from simulator.errors import InputError
from simulator.fit import Reference
from simulator.run import Simulated, fit_reference, simulate
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Program, Scenario
from simulator.stats.estimate import Array, Statistic
from simulator.stats.measure import BASELINE, STRATEGIC, lives
from simulator.stats.metrics import metrics_of
from simulator.stats.value import net_value

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Bench:
    """Worlds on which variants are tried: a scenario, how many replications, from which seed, by how many processes."""

    scenario: Scenario
    replications: int
    seed: int
    workers: int = 1
    progress: Progress | None = None

    @cached_property
    def reference(self) -> Reference:
        """The reference population of the scenario, fitted at the first use."""
        return fit_reference(self.scenario)

    def elsewhere(self, replications: int, seed: int) -> Bench:
        """Other worlds for the same scenario and reference population."""
        other = replace(self, replications=replications, seed=seed)
        other.__dict__["reference"] = self.reference
        return other

    def simulate(self, programs: Mapping[str, Program]) -> Simulated:
        """Simulate programs beside the baseline; they need not be the scenario's."""
        kept = {BASELINE: self.scenario.programs[BASELINE]}
        scenario = self.scenario.model_copy(update={"programs": {**kept, **programs}})
        return simulate(
            scenario,
            programs=tuple(programs),
            replications=self.replications,
            seed=self.seed,
            workers=self.workers,
            progress=self.progress,
            reference=self.reference.extended(scenario),
        )


def variant(scenario: Scenario, program: str, values: Mapping[str, float]) -> Program:
    """A program of the scenario with other values at some paths; raises `InputError` where that breaks a rule."""
    return with_values(scenario, values).programs[program]


def permitted(scenario: Scenario, program: str, values: Mapping[str, float]) -> bool:
    """Whether `variant` gives a program."""
    try:
        variant(scenario, program, values)
    except InputError:
        return False
    return True


def uncertain_numbers(scenario: Scenario, program: str) -> list[str]:
    """Uncertain numbers of a program. Variants could not share them, so such a program has none."""
    return [path for path in scenario.uncertainty if path.startswith(f"programs.{program}.")]


def value_in(simulated: Simulated, program: str, rung: str = STRATEGIC) -> Array:
    """Net value of a program per replication, (N,), in the currency."""
    return net_value(lives(simulated, program, rung), simulated.scenario.goals)


def gain_in(simulated: Simulated, program: str) -> Array:
    """Net value over the baseline's in the same worlds, (N,)."""
    return value_in(simulated, program) - value_in(simulated, BASELINE)


def statistic_in(simulated: Simulated, program: str, metric: str) -> Statistic | None:
    """A metric of a program on the strategic rung; None where it has no such metric."""
    view = lives(simulated, program, STRATEGIC)
    return next((m.of(view) for m in metrics_of(view.own) if m.name == metric), None)


def numbered(programs: Sequence[Program]) -> dict[str, Program]:
    """Programs under names of their own."""
    return {f"variant-{k + 1}": program for k, program in enumerate(programs)}
