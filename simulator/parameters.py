"""Parameter vectors: which values the uncertain numbers take in each replication.

Replication r has point r of a Sobol' sequence over the uncertain numbers, scrambled by a digital shift that is drawn,
by address, from the seed and the number's path. So a replication's parameters depend on neither chunk nor worker, and
another uncertain number leaves the shifts of the others alone. With distinct replications the points fill the space
evenly, which is what makes means over them precise.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.stats import qmc

from simulator.program.compiled import Ints
from simulator.program.numbers import Array
from simulator.scenario.paths import bounds_at
from simulator.scenario.schema import Scenario
from simulator.scenario.uncertainty import quantile
from simulator.streams import Streams, name_word

_BITS = 30


def unit_points(scenario: Scenario, seed: int, ids: Ints) -> Array | None:
    """Coordinates in (0, 1) of the uncertain numbers, shape (len(ids), K), or None where nothing is uncertain.

    ids: consecutive replication numbers.
    """
    paths = tuple(scenario.uncertainty)
    if not paths:
        return None
    engine = qmc.Sobol(len(paths), scramble=False, bits=_BITS)
    if ids[0] > 0:
        engine.fast_forward(int(ids[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy advises powers of two; replications come in any number
        points = np.rint(engine.random(len(ids), workers=1) * 2**_BITS).astype(np.int64)
    words = np.array([name_word(p) for p in paths])
    shift = (Streams(seed).draw("parameters", 0, words)[0] * 2**_BITS).astype(np.int64)
    return np.asarray(((points ^ shift) + 0.5) / 2.0**_BITS)


def drawn_values(scenario: Scenario, unit: Array | None) -> dict[str, Array]:
    """Path -> (R,) values of the uncertain numbers at their coordinates."""
    if unit is None:
        return {}
    return {
        path: quantile(u, unit[:, k], *bounds_at(scenario, path))
        for k, (path, u) in enumerate(scenario.uncertainty.items())
    }
