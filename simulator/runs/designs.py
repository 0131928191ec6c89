"""Vectors: which point of the uncertain numbers, and which world, each replication has.

A design of a study is a rule from replication numbers to points and worlds. It is a small frozen value, so a
replication's parameters and luck depend on its number alone, on neither chunk nor worker, and a study can go on where
it stopped.

    Sobol        replication r has point r of a scrambled Sobol' sequence and world r
    Independent  replication r has a point of its own draws and world r
    Crossed      replication k R + j has vector k and world j, so that luck and ignorance can be told apart
    Given        points and worlds as stated

Sobol' points are scrambled by a digital shift that is drawn, by address, from the seed and the number's path; another
uncertain number leaves the shifts of the others alone. With several scrambles, replication r belongs to scramble
r mod S and has its point r // S: the scrambles are independent of each other, so their spread gives the error.

Parameter vectors: which values the uncertain numbers take in each replication.

A design (`simulator.design`) gives every replication a point in the unit cube; the scenario's correlations are put on
it here and nowhere else; the inverse distribution functions turn its coordinates into values.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from scipy.stats import qmc

from simulator.core.arrays import Array, Ints
from simulator.core.streams import Streams, name_word
from simulator.scenario.paths import bounds_at
from simulator.scenario.schema import Scenario
from simulator.scenario.uncertainty import correlated, normal_correlations, quantile

_BITS = 30


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

    def luck(self, ids: Ints, /) -> Ints:
        """The world that each replication meets, (len(ids),): where it is the same, so is all luck."""
        ...


@dataclass(frozen=True)
class Sobol:
    """Points of a Sobol' sequence, which fill the space evenly. scrambles: independent scrambles, S."""

    scrambles: int = 1
    size: int | None = field(default=None, init=False)
    as_stated: bool = field(default=False, init=False)

    def unit(self, paths: Sequence[str], seed: int, ids: Ints, /) -> Array:
        """Coordinates (len(ids), K)."""
        point, scramble = np.divmod(ids, self.scrambles)
        first = int(point.min())
        points = _sobol_points(len(paths), first, int(point.max()) - first + 1)[point - first]
        words = np.array([name_word(p) for p in paths])
        known, which = np.unique(scramble, return_inverse=True)
        shift = Streams(seed).draw("parameters", known[:, None], words[None, :])[0].reshape(len(known), -1)
        moved = points ^ (shift * 2**_BITS).astype(np.int64)[which]
        return np.asarray((moved + 0.5) / 2.0**_BITS)

    def luck(self, ids: Ints, /) -> Ints:
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

    def luck(self, ids: Ints, /) -> Ints:
        """One each."""
        return ids


@dataclass(frozen=True)
class Crossed:
    """The first `design` points of `points`, each in the same `worlds`; replication k worlds + j is vector k in j."""

    design: int
    worlds: int
    points: Design = SOBOL

    @property
    def size(self) -> int:
        """vectors x worlds."""
        return self.design * self.worlds

    @property
    def as_stated(self) -> bool:
        """As those of `points`."""
        return self.points.as_stated

    def unit(self, paths: Sequence[str], seed: int, ids: Ints, /) -> Array:
        """Coordinates (len(ids), K)."""
        return self.points.unit(paths, seed, ids // self.worlds)

    def luck(self, ids: Ints, /) -> Ints:
        """The same for every vector."""
        return ids % self.worlds


@dataclass(frozen=True, eq=False)
class Given:
    """Points as stated, in the order of the scenario's uncertain numbers.

    coordinates: (N, K) in (0, 1); lives_in: world of each, (N,), its own number if None; as_stated: False where the
    scenario's correlations are still to be put on them.
    """

    coordinates: Array
    lives_in: Ints | None = None
    as_stated: bool = True

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.coordinates)

    def unit(self, _paths: Sequence[str], _seed: int, ids: Ints, /) -> Array:
        """Coordinates (len(ids), K)."""
        return np.asarray(self.coordinates[ids])

    def luck(self, ids: Ints, /) -> Ints:
        """As stated."""
        return ids if self.lives_in is None else np.asarray(self.lives_in[ids])


def _sobol_points(dimensions: int, first: int, count: int) -> Ints:
    """Points first to first + count - 1 as whole numbers of 2^-30, (count, dimensions)."""
    engine = qmc.Sobol(dimensions, scramble=False, bits=_BITS)
    if first > 0:
        engine.fast_forward(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy advises powers of two; replications come in any number
        points = np.rint(engine.random(count, workers=1) * 2**_BITS)
    return np.asarray(points, dtype=np.int64)


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
