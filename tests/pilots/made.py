"""Made-up pilots: normal outcomes with a known effect, so that what a design can see has a closed form."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Array
from simulator.core.streams import Streams
from simulator.pilots.panel import PilotPanel, PilotReadings


def normals(seed: int, name: str, *shape: int) -> Array:
    """Standard normals of a shape."""
    count = int(np.prod(shape))
    return np.asarray(ndtri(Streams(seed).draw(name, np.arange(count), 0)[0]).reshape(shape))


def readings(
    effect: float, *, pilots: int = 400, partners: int = 20, periods: int = 2, before: int = 1, level: float = 10.0,
    sd: float = 1.0, leak: float = 0.0, cluster: int = 1, shared: float = 0.0, seed: int = 1,
) -> PilotReadings:  # fmt: skip
    """Pilots of two halves with a constant effect, of which a share `leak` reaches those who are not on the candidate.

    A partner's mean over the periods has the standard deviation sd, or with clusters of several partners and a spread
    `shared` between them the square root of sd^2 + shared^2.
    """
    shape = (pilots, partners, periods)
    noise = sd * np.sqrt(periods) * normals(seed, "after", *shape)
    noise = noise + np.repeat(shared * normals(seed, "shared", pilots, partners // cluster), cluster, axis=1)[..., None]
    off = level + noise
    lots = normals(seed, "lots", pilots, partners // cluster)
    half = np.argsort(np.argsort(lots, axis=1), axis=1) < partners // cluster // 2
    on_it = np.broadcast_to(np.repeat(half, cluster, axis=1)[..., None], shape)
    panel = PilotPanel(
        off + np.where(on_it, effect, leak * effect),
        level + sd * normals(seed, "before", pilots, partners, before),
        np.asarray(on_it),
        np.ones(shape, dtype=bool),
        np.broadcast_to(np.arange(partners) // cluster, shape[:2]),
        np.zeros(shape[:2], dtype=np.int64),
    )
    return PilotReadings(panel, off + effect, off)
