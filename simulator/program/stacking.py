"""Stacking: which payouts of a program add up, which exclude one another, and the ceiling per deal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.core.arrays import Array, Ints, take
from simulator.program.compiled import CompiledProgram
from simulator.program.credit_splits import ALONE, SECOND, Joint, second_share


def resolve_groups(program: CompiledProgram, payouts: Sequence[Array], *, by_claim: bool) -> list[Array]:
    """In each exclusive group keep only the highest payout (the first of equals); others become 0.

    payouts: one array per component, all of one shape; only groups of components paid by claim, or only of those paid
    by window, are looked at.
    """
    kept = list(payouts)
    for group in program.groups:
        if program.components[group[0]].by_claim != by_claim:
            continue
        best = np.argmax(np.stack([payouts[k] for k in group]), axis=0)
        for position, k in enumerate(group):
            kept[k] = np.where(best == position, payouts[k], 0.0)
    return kept


def apply_ceiling(program: CompiledProgram, payouts: Sequence[Array], *, rep: Ints, amount: Array) -> list[Array]:
    """Scale the payouts by claim on each deal down, to whole cents, where their sum passes the program's ceiling."""
    if program.deal_ceiling is None:
        return list(payouts)
    most = np.floor(take(program.deal_ceiling, rep) * amount)
    total = np.zeros(amount.shape)
    for p in payouts:
        total = total + p
    over = (total > most) & (amount > 0)
    scale = np.where(over, most / np.where(over, total, 1.0), 1.0)
    return [np.where(over, np.floor(p * scale), p) for p in payouts]


def own_amount(
    program: CompiledProgram, *, rep: Ints, amount: Array, role: Ints, joint: Callable[[Ints], Joint]
) -> Array:
    """The part of each deal's amount (n,) that the ceiling leaves to the claim's own partner.

    The second partner's part is the largest share that a component paid by claim gives it; together the parts are the
    deal. joint: facts of the claims at places.
    """
    at = np.flatnonzero(role != ALONE)
    rules = [c.split for c in program.components if c.by_claim and c.split is not None]
    if not len(at) or not rules:
        return amount
    facts = joint(at)
    second = np.max([second_share(rule, rep=rep[at], joint=facts) for rule in rules], axis=0)
    out = amount.astype(float)
    # Never 0 for a deal: an amount of 0 says that there is none, and no ceiling.
    out[at] = np.maximum(amount[at] * np.where(role[at] == SECOND, second, 1.0 - second), 1e-9)
    return out
