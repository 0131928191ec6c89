"""How an outcome responds to inputs: what a sensitivity method asks of a model, and the simulation that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from simulator.core.arrays import Array
from simulator.runs.designs import Given
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.schema import Scenario
from simulator.studies.sensitivity.outcome import StudyOutcome

Values = Mapping[str, Array]
"""Outcomes by program."""


class ModelRuns(Protocol):
    """What a sensitivity method asks of a model."""

    def sampled(self, replications: int) -> tuple[Array, Values]:
        """Inputs (N, K) as the model draws them, in their units, and outcomes (N,)."""
        ...


class DesignedRuns(ModelRuns, Protocol):
    """A response that can be had at points of one's own too."""

    def designed(self, points: Array, worlds: int, *, tied: bool = False) -> Values:
        """Outcomes (V, R) at points (V, K) of the unit cube, each in the same R worlds.

        tied: whether the scenario's correlations are still to be put on the points.
        """
        ...


@dataclass(frozen=True)
class Stored:
    """Runs that were made already as a response, to methods without points of their own."""

    simulated: SimulationResult
    outcome: StudyOutcome

    def sampled(self, replications: int) -> tuple[Array, Values]:
        """Inputs and outcomes of the runs there are."""
        assert replications == self.simulated.replications
        return inputs_in(self.simulated), self.outcome.values(self.simulated)


def inputs_in(simulated: SimulationResult) -> Array:
    """Values (N, K) of the uncertain numbers in each replication."""
    values = simulated.values()
    return np.column_stack([values[path] for path in simulated.scenario.uncertainty])


@dataclass
class Simulation:
    """The scenario's simulation as a response. settings: further options of `simulate`; last: what was simulated."""

    scenario: Scenario
    outcome: StudyOutcome
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    progress: Callable[[int, int], None] | None = None
    last: SimulationResult | None = None

    def sampled(self, replications: int) -> tuple[Array, Values]:
        """Inputs and outcomes of the replications that a comparison would have."""
        last = self._simulate(replications)
        return inputs_in(last), self.outcome.values(last)

    def designed(self, points: Array, worlds: int, *, tied: bool = False) -> Values:
        """Outcomes of the points; replication v R + j is point v in world j."""
        count = len(points) * worlds
        at, world = np.repeat(points, worlds, axis=0), np.tile(np.arange(worlds), len(points))
        last = self._simulate(count, design=Given(at, world, as_stated=not tied))
        found = self.outcome.values(last, block=worlds)
        return {program: value.reshape(len(points), worlds) for program, value in found.items()}

    def _simulate(self, replications: int, **design: Any) -> SimulationResult:
        self.last = simulate(
            self.scenario,
            programs=self.outcome.simulated,
            replications=replications,
            seed=self.seed,
            progress=self.progress,
            **design,
            **self.settings,
        )
        return self.last
