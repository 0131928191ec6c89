"""Closing windows in the vector engine: what accrues once gates, budgets and commitments have been looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.core.arrays import Array, Bools
from simulator.engines.vector.accounts import ClosedWindows, ProgramAccounts
from simulator.engines.vector.state import VectorState
from simulator.program.conditions import Quality
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event, attached_of


def close_windows(state: VectorState, week: int, leaving: Bools) -> None:
    """Accrue the windows that end at `week`, and every window of the partners `leaving` (R, P)."""
    drafts = [
        (b, b.draft(week, b.member & leaving, lambda start: measured(state, start, week))) for b in state.accounts
    ]
    state.funds.limit(week, drafts, state.in_force)
    for b, closings in drafts:
        b.closings += [_spent(state, b, closing) for closing in closings]


def _spent(state: VectorState, b: ProgramAccounts, closing: ClosedWindows) -> ClosedWindows:
    """A closing with what partners spend of a fund; the rest is forfeited."""
    share = b.perception.spent[closing.component]
    if share is None:
        return closing
    kept = np.rint(closing.accrued * share)
    state.effort.spend(kept)
    return replace(closing, kept=kept)


def measured(state: VectorState, start: int, end: int) -> Quality:
    """Quality of all partners' deals in the window from `start` to before `end`, (R, P)."""
    c, o = state.claims, state.opps
    signed = (
        (c["event"] == Event.SIGNED) & (c["role"] != SECOND) & (c["week"] >= min(start, end - 52)) & (c["week"] < end)
    )
    rows = np.flatnonzero(signed)
    opp, cell, week = c["opp"][rows], c["cell"][rows], c["week"][rows]

    def total(pick: Bools, value: Array) -> Array:
        sums = np.bincount(cell[pick], weights=value[pick], minlength=state.shape[0] * state.shape[1])
        return sums.astype(float).reshape(state.shape)

    inside, trailing = week >= start, week >= end - 52
    decided = o["attached"] & (o["decided"] >= start) & (o["decided"] < end)
    verdicts = [
        np.bincount(o["cell"][pick], minlength=state.open.size).astype(float).reshape(state.shape)
        for pick in (decided, decided & ~o["lost"])
    ]
    return Quality(
        total(inside, o["amount"][opp]), total(inside, o["conceded"][opp]), total(trailing, np.ones(len(rows))),
        total(trailing, (o["ends"][opp] > end).astype(float)),
        total(inside, o["amount"][opp] * attached_of(c["code"][rows])), *verdicts,
    )  # fmt: skip
