"""Disputes in the vector engine: which claims are disputed, how many, and how long payment waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Bools, Ints
from simulator.program.measures import Event
from simulator.world.disputes import NONE
from simulator.world.setting import WEEKS_PER_QUARTER

if TYPE_CHECKING:
    from simulator.engines.vector.engine import VectorRun


def disputed(run: VectorRun, opp: Ints) -> Ints:
    """States of the signatures of opportunities, see `simulator.world.disputes`."""
    o = run.opps
    if run.world.disputes is None:
        return np.full(len(opp), NONE)
    rep = o["cell"][opp] // run.shape[1]
    return run.world.disputed(o["deal"][opp], rep, o["other"][opp] >= 0, o["false"][opp])


def disputes_of_quarter(run: VectorRun, week: int) -> Ints:
    """Disputes about signatures that each partner filed in the quarter before the boundary `week`, (R, P).

    Both partners of a joint deal have the dispute.
    """
    if run.world.disputes is None:
        return np.zeros(run.shape, dtype=np.int64)
    filed = run.claims["week"]
    cell = run.claims["cell"][_contested(run) & (filed >= week - WEEKS_PER_QUARTER) & (filed < week)]
    return np.bincount(cell, minlength=run.shape[0] * run.shape[1]).reshape(run.shape)


def _contested(run: VectorRun) -> Bools:
    c = run.claims
    return np.asarray((c["disputed"] != NONE) & (c["event"] == Event.SIGNED))
