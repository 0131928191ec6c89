"""Disputes in the vector engine: which claims are disputed, how many, and how long payment waits for it."""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Bools, Ints
from simulator.engines.vector.state import VectorState
from simulator.program.measures import Event
from simulator.world.disputes import NONE
from simulator.world.setting import WEEKS_PER_QUARTER


def disputed(state: VectorState, opp: Ints) -> Ints:
    """States of the signatures of opportunities, see `simulator.world.disputes`."""
    o = state.opps
    if state.world.disputes is None:
        return np.full(len(opp), NONE)
    rep = o["cell"][opp] // state.shape[1]
    return state.world.disputed(o["deal"][opp], rep, o["other"][opp] >= 0, o["false"][opp])


def disputes_of_quarter(state: VectorState, week: int) -> Ints:
    """Disputes about signatures that each partner filed in the quarter before the boundary `week`, (R, P).

    Both partners of a joint deal have the dispute.
    """
    if state.world.disputes is None:
        return np.zeros(state.shape, dtype=np.int64)
    filed = state.claims["week"]
    cell = state.claims["cell"][_contested(state) & (filed >= week - WEEKS_PER_QUARTER) & (filed < week)]
    return np.bincount(cell, minlength=state.shape[0] * state.shape[1]).reshape(state.shape)


def _contested(state: VectorState) -> Bools:
    c = state.claims
    return np.asarray((c["disputed"] != NONE) & (c["event"] == Event.SIGNED))
