"""Points that fill the unit cube evenly: Sobol' sequences, scrambled by a digital shift with an address.

The shift is drawn from the seed, the scramble and the name of the coordinate, so that a further coordinate leaves the
others alone, and a sequence can go on where it stopped.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from simulator.core.arrays import Array, Ints
from simulator.core.streams import Streams, name_word

_BITS = 30


def sobol_points(names: Sequence[str], seed: int, ids: Ints, scrambles: int = 1) -> Array:
    """Coordinates in (0, 1), (len(ids), len(names)); number r belongs to scramble r mod scrambles."""
    point, scramble = np.divmod(ids, scrambles)
    first = int(point.min())
    points = _unscrambled(len(names), first, int(point.max()) - first + 1)[point - first]
    words = np.array([name_word(name) for name in names])
    known, which = np.unique(scramble, return_inverse=True)
    shift = Streams(seed).draw("parameters", known[:, None], words[None, :])[0].reshape(len(known), -1)
    moved = points ^ (shift * 2**_BITS).astype(np.int64)[which]
    return np.asarray((moved + 0.5) / 2.0**_BITS)


def _unscrambled(dimensions: int, first: int, count: int) -> Ints:
    """Points first to first + count - 1 as whole numbers of 2^-30, (count, dimensions)."""
    engine = qmc.Sobol(dimensions, scramble=False, bits=_BITS)
    if first > 0:
        engine.fast_forward(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy advises powers of two; replications come in any number
        points = np.rint(engine.random(count, workers=1) * 2**_BITS)
    return np.asarray(points, dtype=np.int64)
