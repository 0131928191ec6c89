"""Designs: which point of the uncertain numbers, and which world, each replication has.

A design of a study is a rule from replication numbers to points and worlds. It is a small frozen value, so a
replication's parameters and world depend on its number alone, on neither chunk nor worker, and a study can go on where
it stopped.

    Sobol        replication r has point r of a scrambled Sobol' sequence and world r
    Independent  replication r has a point of its own draws and world r
    Crossed      replication k R + j has vector k and world j, so that chance can be told from what is unknown
    Given        points and worlds as stated

Sobol' points are scrambled by a digital shift that is drawn, by address, from the seed and the number's path; another
uncertain number leaves the shifts of the others alone. With several scrambles, replication r belongs to scramble
r mod S and has its point r // S: the scrambles are independent of each other, so their spread gives the error.

The scenario's correlations are put on the points here and nowhere else; inverse distribution functions turn the
coordinates into the values of the uncertain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.core.quasi_random import sobol_points
from simulator.core.streams import Streams, name_word
from simulator.scenario.paths import bounds_at
from simulator.scenario.schema import Scenario
from simulator.scenario.uncertainty import correlated, normal_correlations, quantile


class Design(Protocol):
    """A rule from replication numbers to points and worlds."""

    @property
    def size(self) -> int | None:
        """How many replications there are; None for any number."""
        ...

    @property
    def as_stated(self) -> bool:
        """Whether the points are used as they are, without the scenario's correlations."""
        ...

    def unit(self, paths: Sequence[str], seed: int, ids: Ints, /) -> Array:
        """Coordinates in (0, 1) of the uncertain numbers at `paths`, (len(ids), K). ids: replication numbers."""
        ...

    def world_ids(self, ids: Ints, /) -> Ints:
        """The world that each replication meets, (len(ids),): where it is the same, so are all chance events."""
        ...


@dataclass(frozen=True)
class Sobol:
    """Points of a Sobol' sequence, which fill the space evenly. scrambles: independent scrambles, S."""

    scrambles: int = 1
    size: int | None = field(default=None, init=False)
    as_stated: bool = field(default=False, init=False)

    def unit(self, paths: Sequence[str], seed: int, ids: Ints, /) -> Array:
        """Coordinates (len(ids), K)."""
        return sobol_points(paths, seed, ids, self.scrambles)

    def world_ids(self, ids: Ints, /) -> Ints:
        """One each."""
        return ids


SOBOL = Sobol()
"""What a study has unless it asks for another design."""


@dataclass(frozen=True)
class Independent:
    """Points drawn independently, for procedures that need independent replications."""

    size: int | None = field(default=None, init=False)
    as_stated: bool = field(default=False, init=False)

    def unit(self, paths: Sequence[str], seed: int, ids: Ints, /) -> Array:
        """Coordinates (len(ids), K)."""
        words = np.array([name_word(p) for p in paths])
        drawn = Streams(seed).draw("independent parameters", ids[:, None], words[None, :])
        return np.asarray(drawn[0].reshape(len(ids), len(paths)))

    def world_ids(self, ids: Ints, /) -> Ints:
        """One each."""
        return ids


@dataclass(frozen=True)
class Crossed:
    """The first `vectors` points of `points`, each in the same `worlds`; replication k worlds + j is vector k in j."""

    vectors: int
    worlds: int
    points: Design = SOBOL

    @property
    def size(self) -> int:
        """vectors x worlds."""
        return self.vectors * self.worlds

    @property
    def as_stated(self) -> bool:
        """As those of `points`."""
        return self.points.as_stated

    def unit(self, paths: Sequence[str], seed: int, ids: Ints, /) -> Array:
        """Coordinates (len(ids), K)."""
        return self.points.unit(paths, seed, ids // self.worlds)

    def world_ids(self, ids: Ints, /) -> Ints:
        """The same for every vector."""
        return ids % self.worlds


@dataclass(frozen=True, eq=False)
class Given:
    """Points as stated, in the order of the scenario's uncertain numbers.

    coordinates: (N, K) in (0, 1); worlds: world of each, (N,), its own number if None; as_stated: False where the
    scenario's correlations are still to be put on them.
    """

    coordinates: Array
    worlds: Ints | None = None
    as_stated: bool = True

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.coordinates)

    def unit(self, _paths: Sequence[str], _seed: int, ids: Ints, /) -> Array:
        """Coordinates (len(ids), K)."""
        return np.asarray(self.coordinates[ids])

    def world_ids(self, ids: Ints, /) -> Ints:
        """As stated."""
        return ids if self.worlds is None else np.asarray(self.worlds[ids])


def unit_points(scenario: Scenario, design: Design, seed: int, ids: Ints) -> Array | None:
    """Coordinates in (0, 1) of the uncertain numbers, shape (len(ids), K), or None where nothing is uncertain.

    ids: replication numbers. A coordinate is the probability of a lower value of its number.
    """
    paths = tuple(scenario.uncertainty)
    if not paths:
        return None
    unit = design.unit(paths, seed, ids)
    if design.as_stated or not scenario.correlation:
        return unit
    return correlated(unit, normal_correlations(paths, scenario.correlation))


def drawn_values(scenario: Scenario, unit: Array | None) -> dict[str, Array]:
    """Path -> (R,) values of the uncertain numbers at their coordinates."""
    if unit is None:
        return {}
    return {
        path: quantile(u, unit[:, k], *bounds_at(scenario, path))
        for k, (path, u) in enumerate(scenario.uncertainty.items())
    }
