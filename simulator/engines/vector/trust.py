"""What partners of the vector engine experienced in a quarter, as their trust needs it."""

from __future__ import annotations

import numpy as np

from simulator.behavior.trust import QuarterExperience
from simulator.core.arrays import Array, Bools
from simulator.engines.records import DONE
from simulator.engines.vector.disputes import disputes_of_quarter
from simulator.engines.vector.state import VectorState
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR


def review(state: VectorState, week: int) -> None:
    """Let trust move at the end of a quarter."""
    trust = state.effort.trust
    if trust is None or week % WEEKS_PER_QUARTER or week == -state.setting.burn_in:
        return
    paid, late = _payments(state, week)
    window, raised = np.zeros(state.shape), np.zeros(state.shape)
    for b in state.accounts:
        longest = [c.terms.clawback_weeks for c in b.offer.program.components]
        mine = b.member & np.ones(state.shape, dtype=bool)
        window = np.where(mine, np.max(np.broadcast_arrays(np.zeros((1, 1)), *longest), axis=0), window)
        if b.in_force is not None:
            raised = np.where(mine, b.in_force.raised, raised)
    o = state.opps
    due, cell = o["due"][:], o["cell"][:]
    signed = (o["stage"][:] == DONE) & ~o["lost"] & o["attached"] & (due < week) & (due >= week - WEEKS_PER_YEAR)
    ended = (o["ends"][:] >= week - WEEKS_PER_QUARTER) & (o["ends"][:] < week)
    taken = signed & ended & (o["ends"][:] - due <= window.reshape(-1)[cell])
    booked = signed & (due >= week - WEEKS_PER_QUARTER)

    def total(pick: Bools, value: Array) -> Array:
        sums = np.bincount(cell[pick], weights=value[pick], minlength=window.size)
        return sums.astype(float).reshape(state.shape)

    one = np.ones(o.rows)
    trust.review(week, QuarterExperience(
        paid, late, total(signed, one), total(taken, one), total(booked, o["amount"][:] - o["conceded"][:]),
        disputes_of_quarter(state, week).astype(float), raised,
    ))  # fmt: skip


def _payments(state: VectorState, week: int) -> tuple[Array, Array]:
    """Cents that accrued in the windows closed at `week`, and cent-weeks of them beyond the usual lag."""
    norm = state.setting.number("trust", "norm_weeks")
    paid, late = np.zeros(state.shape), np.zeros(state.shape)
    for b in (*state.closed, *state.accounts):
        for closing in (c for c in b.closings if c.end == week):
            lag = b.offer.program.components[closing.component].terms.payout_lag_weeks
            paid = paid + closing.accrued
            late = late + np.rint(closing.accrued * np.maximum(lag - norm, 0.0))
    return paid, late
