"""Parameter vectors: which values the uncertain numbers take in each replication.

A design (`simulator.vectors`) gives every replication a point in the unit cube; the scenario's correlations are put on
it here and nowhere else; the inverse distribution functions turn its coordinates into values.
"""

from __future__ import annotations

from simulator.program.compiled import Ints
from simulator.program.numbers import Array
from simulator.scenario.correlation import correlated, normal_correlations
from simulator.scenario.paths import bounds_at
from simulator.scenario.schema import Scenario
from simulator.scenario.uncertainty import quantile
from simulator.vectors import Vectors


def unit_points(scenario: Scenario, vectors: Vectors, seed: int, ids: Ints) -> Array | None:
    """Coordinates in (0, 1) of the uncertain numbers, shape (len(ids), K), or None where nothing is uncertain.

    ids: replication numbers. A coordinate is the probability of a lower value of its number.
    """
    paths = tuple(scenario.uncertainty)
    if not paths:
        return None
    unit = vectors.unit(paths, seed, ids)
    if vectors.as_stated or not scenario.correlation:
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
