"""Plain normal panels with an effect put in, whose truth is known."""

from __future__ import annotations

from typing import Literal

import numpy as np

from simulator.pilots.panel import PilotPanel


def normal_panel(
    seed: int,
    pilots: int,
    clusters: int,
    each: int = 1,
    *,
    periods: int = 4,
    before: int = 2,
    effect: float = 0.0,
    shared: float = 0.7,
    design: Literal["parallel", "wedge", "switchback"] = "parallel",
    pairs: bool = False,
    dropout: float = 0.0,
) -> PilotPanel:
    """Outcome: season + cluster's level (sd `shared`) + partner's level (1) + cluster's period (shared / 2) + noise (1)
    + effect where on the candidate; half of the clusters are, by lot, within strata of two clusters where `pairs`."""
    chance = np.random.default_rng(seed)
    p = clusters * each
    level = np.repeat(shared * chance.normal(size=(pilots, clusters)), each, axis=1) + chance.normal(size=(pilots, p))
    every = chance.normal(size=(pilots, p, before + periods)) + level[..., None] + np.sin(np.arange(before + periods))
    every += np.repeat(0.5 * shared * chance.normal(size=(pilots, clusters, before + periods)), each, axis=1)
    lot, stratum = chance.random((pilots, clusters)), np.zeros(clusters, dtype=np.int64)
    if pairs:
        stratum = np.arange(clusters) // 2
    rank = np.argsort(np.argsort(stratum + lot, axis=1), axis=1)
    time = np.arange(periods)
    if design == "parallel":
        on = np.broadcast_to((rank % 2 == 0 if pairs else rank < clusters // 2)[..., None], (*rank.shape, periods))
    elif design == "wedge":
        on = time > (rank % (periods - 1))[..., None]
    else:
        on = (time // 2 + rank[..., None]) % 2 == 0
    treated = np.repeat(on, each, axis=1)
    return PilotPanel(
        outcome=every[..., before:] + effect * treated,
        before=every[..., :before],
        treated=treated,
        observed=chance.random((pilots, p, periods)) >= dropout,
        cluster=np.broadcast_to(np.repeat(np.arange(clusters), each), (pilots, p)),
        stratum=np.broadcast_to(np.repeat(stratum, each), (pilots, p)),
    )
