"""Disputes in the vector engine: which claims are disputed, how many, and how long payment waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.core.table import Table
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.world.disputes import NONE
from simulator.world.setting import WEEKS_PER_QUARTER
from simulator.world.world import World

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


def delay(world: World, claims: Table, rows: Ints) -> Array:
    """Weeks by which disputes delay what is paid on the claims `rows`, (n,)."""
    if world.disputes is None:
        return np.zeros(len(rows))
    weeks = world.disputes.number("delay_weeks", claims["cell"][rows] // world.shape[1])
    return np.where(claims["disputed"][rows] != NONE, weeks, 0.0)


def waited(run: VectorRun, rows: Ints, part: Array) -> Array:
    """Cent-weeks that the payouts `part` of the claims `rows` wait for disputes, whole, (R, P)."""
    size = run.shape[0] * run.shape[1]
    late = np.rint(part * delay(run.world, run.claims, rows))
    return np.bincount(run.claims["cell"][rows], weights=late, minlength=size).astype(float).reshape(run.shape)


def dispute_totals(run: VectorRun) -> dict[str, Ints]:
    """Disputes about signatures within the horizon, and what settling them costs in cents; (R,)."""
    none = np.zeros(run.shape[0], dtype=np.int64)
    if run.world.disputes is None:
        return {"disputes": none, "disputes.cost": none}
    c = run.claims
    inside = (c["week"] >= 0) & (c["week"] < run.setting.horizon) & (c["role"] != SECOND)
    rep = c["cell"][_contested(run) & inside] // run.shape[1]
    count = np.bincount(rep, minlength=run.shape[0])
    each = np.rint(run.world.disputes.number("cost", np.arange(run.shape[0])) * 100).astype(np.int64)
    return {"disputes": count, "disputes.cost": count * each}
