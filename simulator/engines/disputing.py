"""Disputes in the vector engine: which claims are disputed, how many, and how long payment waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.disputes import NONE
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.compiled import Bools, Ints
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.program.sharing import SECOND
from simulator.table import Table
from simulator.world import World

if TYPE_CHECKING:
    from simulator.engines.vector import VectorLife


def disputed(life: VectorLife, opp: Ints) -> Ints:
    """States of the signatures of opportunities, see `simulator.disputes`."""
    o = life.opps
    if life.world.disputes is None:
        return np.full(len(opp), NONE)
    rep = o["cell"][opp] // life.shape[1]
    return life.world.disputed(o["deal"][opp], rep, o["other"][opp] >= 0, o["false"][opp])


def disputes_of_quarter(life: VectorLife, week: int) -> Ints:
    """Disputes about signatures that each partner filed in the quarter before the boundary `week`, (R, P).

    Both partners of a joint deal have the dispute.
    """
    if life.world.disputes is None:
        return np.zeros(life.shape, dtype=np.int64)
    filed = life.claims["week"]
    cell = life.claims["cell"][_contested(life) & (filed >= week - WEEKS_PER_QUARTER) & (filed < week)]
    return np.bincount(cell, minlength=life.shape[0] * life.shape[1]).reshape(life.shape)


def _contested(life: VectorLife) -> Bools:
    c = life.claims
    return np.asarray((c["disputed"] != NONE) & (c["event"] == Event.SIGNED))


def delay(world: World, claims: Table, rows: Ints) -> Array:
    """Weeks by which disputes delay what is paid on the claims `rows`, (n,)."""
    if world.disputes is None:
        return np.zeros(len(rows))
    weeks = world.disputes.number("delay_weeks", claims["cell"][rows] // world.shape[1])
    return np.where(claims["disputed"][rows] != NONE, weeks, 0.0)


def waited(life: VectorLife, rows: Ints, part: Array) -> Array:
    """Cent-weeks that the payouts `part` of the claims `rows` wait for disputes, whole, (R, P)."""
    size = life.shape[0] * life.shape[1]
    late = np.rint(part * delay(life.world, life.claims, rows))
    return np.bincount(life.claims["cell"][rows], weights=late, minlength=size).astype(float).reshape(life.shape)


def dispute_totals(life: VectorLife) -> dict[str, Ints]:
    """Disputes about signatures within the horizon, and what settling them costs in cents; (R,)."""
    none = np.zeros(life.shape[0], dtype=np.int64)
    if life.world.disputes is None:
        return {"disputes": none, "disputes.cost": none}
    c = life.claims
    inside = (c["week"] >= 0) & (c["week"] < life.setting.horizon) & (c["role"] != SECOND)
    rep = c["cell"][_contested(life) & inside] // life.shape[1]
    count = np.bincount(rep, minlength=life.shape[0])
    each = np.rint(life.world.disputes.number("cost", np.arange(life.shape[0])) * 100).astype(np.int64)
    return {"disputes": count, "disputes.cost": count * each}
