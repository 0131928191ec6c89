"""Second partners in the vector engine: they file a claim of their own with every claim of a joint deal.

A signature that the first partner moves takes the second one's claim along. That claim is booked when everybody has
chosen, so that nobody's choice depends on who chose before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.core.table import Table
from simulator.program.compiled import CompiledComponent, CompiledProgram, own_amount, own_credit
from simulator.program.credit_splits import ALONE, FIRST, SECOND, Joint
from simulator.program.measures import Event
from simulator.world.world import World

if TYPE_CHECKING:
    from simulator.engines.vector.engine import VectorRun

ALONE_CELL = -1


def other_cells(run: VectorRun, deal: Ints, rep: Ints, worked: Bools) -> Ints:
    """Cell of the second partner of deals that are worked on, else -1."""
    if run.world.joint is None:
        return np.full(len(deal), ALONE_CELL)
    other = run.world.joint.rows["other"][deal]
    return np.where(worked & (other >= 0), rep * run.shape[1] + other, ALONE_CELL)


def first_role(other: Ints) -> Ints:
    """Role of the first partner's claims, from the cells of second partners."""
    return np.where(other >= 0, FIRST, ALONE)


def join_in(run: VectorRun, rows: Ints) -> Ints:
    """Let second partners file with the claims `rows`; returns their claims."""
    if run.world.joint is None:
        return rows[:0]
    c, other = run.claims, run.opps["other"]
    rows = rows[other[c["opp"][rows]] >= 0]
    if not len(rows):
        return rows
    c["role"][rows] = FIRST
    same = {name: c[name][rows] for name in c.names}
    theirs: Ints = c.append(len(rows), **same | {"cell": other[c["opp"][rows]], "role": SECOND, "false": False})
    return theirs


def joined_to(claims: Table, rows: Ints) -> Ints:
    """The second partners' claims of the signatures `rows`, in order of the table."""
    mine: Ints = rows[claims["role"][rows] == FIRST]
    if not len(mine):
        return mine
    theirs = np.flatnonzero((claims["role"][:] == SECOND) & (claims["event"][:] == Event.SIGNED))
    found: Ints = theirs[np.isin(claims["opp"][theirs], claims["opp"][mine])]
    return found


def own_credits(world: World, c: CompiledComponent, claims: Table, rows: Ints, credit: Array) -> Array:
    """What a component's split leaves to the partners of the claims `rows` of the credit of their deals."""
    rep, role = claims["cell"][rows] // world.shape[1], claims["role"][rows]
    return own_credit(c, rep=rep, credit=credit, role=role, joint=_facts(world, claims["deal"][rows], rep))


def ceiling_base(world: World, program: CompiledProgram, claims: Table, rows: Ints) -> Array:
    """The amounts by which a program's ceiling binds the claims `rows`."""
    amount = claims["amount"][rows]
    if world.joint is None or program.deal_ceiling is None:
        return amount
    rep, role = claims["cell"][rows] // world.shape[1], claims["role"][rows]
    return own_amount(program, rep=rep, amount=amount, role=role, joint=_facts(world, claims["deal"][rows], rep))


def _facts(world: World, deal: Ints, rep: Ints) -> Callable[[Ints], Joint]:
    return lambda at: world.joint_facts(deal[at], rep[at])


def follow(run: VectorRun, week: int, pulled: Ints, pushed: Ints) -> Ints:
    """Take the second partners' claims along with signatures that were pulled or pushed at `week`.

    Returns the claims that are to be booked in the windows to come.
    """
    if run.world.joint is None:
        return pulled[:0]
    c = run.claims
    early, late = join_in(run, pulled), joined_to(c, pushed)
    for b in run.accounts:
        b.post(early, c)
        b.post(late, c, sign=-1.0)
    lost = run.opps["lost"][c["opp"][late]]
    c["event"][late[lost]] = -1
    c["week"][late], c["time"][late], c["moved"][late] = week, float(week), 1
    return np.asarray(late[~lost])
