"""Second partners in the vector engine: they file a claim of their own with every claim of a joint deal.

A signature that the first partner moves takes the second one's claim along. That claim is booked when everybody has
chosen, so that nobody's choice depends on who chose before.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Bools, Ints
from simulator.core.table import ColumnTable
from simulator.engines.vector.state import VectorState
from simulator.program.credit_splits import ALONE, FIRST, SECOND
from simulator.program.measures import Event

ALONE_CELL = -1


def other_cells(state: VectorState, deal: Ints, rep: Ints, worked: Bools) -> Ints:
    """Cell of the second partner of deals that are worked on, else -1."""
    if state.world.joint is None:
        return np.full(len(deal), ALONE_CELL)
    other = state.world.joint.rows["other"][deal]
    return np.where(worked & (other >= 0), rep * state.shape[1] + other, ALONE_CELL)


def first_role(other: Ints) -> Ints:
    """Role of the first partner's claims, from the cells of second partners."""
    return np.where(other >= 0, FIRST, ALONE)


def join_in(state: VectorState, rows: Ints) -> Ints:
    """Let second partners file with the claims `rows`; returns their claims."""
    if state.world.joint is None:
        return rows[:0]
    c, other = state.claims, state.opps["other"]
    rows = rows[other[c["opp"][rows]] >= 0]
    if not len(rows):
        return rows
    c["role"][rows] = FIRST
    same = {name: c[name][rows] for name in c.names}
    theirs: Ints = c.append(len(rows), **same | {"cell": other[c["opp"][rows]], "role": SECOND, "false": False})
    return theirs


def joined_to(claims: ColumnTable, rows: Ints) -> Ints:
    """The second partners' claims of the signatures `rows`, in order of the table."""
    mine: Ints = rows[claims["role"][rows] == FIRST]
    if not len(mine):
        return mine
    theirs = np.flatnonzero((claims["role"][:] == SECOND) & (claims["event"][:] == Event.SIGNED))
    found: Ints = theirs[np.isin(claims["opp"][theirs], claims["opp"][mine])]
    return found


def follow(state: VectorState, week: int, pulled: Ints, pushed: Ints) -> Ints:
    """Take the second partners' claims along with signatures that were pulled or pushed at `week`.

    Returns the claims that are to be booked in the windows to come.
    """
    if state.world.joint is None:
        return pulled[:0]
    c = state.claims
    early, late = join_in(state, pulled), joined_to(c, pushed)
    for b in state.accounts:
        b.post(early, c)
        b.post(late, c, sign=-1.0)
    lost = state.opps["lost"][c["opp"][late]]
    c["event"][late[lost]] = -1
    c["week"][late], c["time"][late], c["moved"][late] = week, float(week), 1
    return np.asarray(late[~lost])
