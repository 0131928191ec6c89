"""What partners of the vector engine lived through in a quarter, as their trust needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.engines.disputing import disputes_of_quarter
from simulator.engines.tables import DONE
from simulator.model.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR
from simulator.model.trust import Facts
from simulator.program.compiled import Bools
from simulator.program.numbers import Array

if TYPE_CHECKING:
    from simulator.engines.vector import VectorLife


def review(life: VectorLife, week: int) -> None:
    """Let trust move at the end of a quarter."""
    trust = life.planner.trust
    if trust is None or week % WEEKS_PER_QUARTER or week == -life.setting.burn_in:
        return
    paid, late = _payments(life, week)
    window, raised = np.zeros(life.shape), np.zeros(life.shape)
    for b in life.books:
        longest = [c.terms.clawback_weeks for c in b.offer.program.components]
        mine = b.member & np.ones(life.shape, dtype=bool)
        window = np.where(mine, np.max(np.broadcast_arrays(np.zeros((1, 1)), *longest), axis=0), window)
        if b.in_force is not None:
            raised = np.where(mine, b.in_force.raised, raised)
    o = life.opps
    due, cell = o["due"][:], o["cell"][:]
    signed = (o["stage"][:] == DONE) & ~o["lost"] & o["attached"] & (due < week) & (due >= week - WEEKS_PER_YEAR)
    ended = (o["ends"][:] >= week - WEEKS_PER_QUARTER) & (o["ends"][:] < week)
    taken = signed & ended & (o["ends"][:] - due <= window.reshape(-1)[cell])
    booked = signed & (due >= week - WEEKS_PER_QUARTER)

    def total(pick: Bools, value: Array) -> Array:
        sums = np.bincount(cell[pick], weights=value[pick], minlength=window.size)
        return sums.astype(float).reshape(life.shape)

    one = np.ones(o.rows)
    trust.review(week, Facts(
        paid, late, total(signed, one), total(taken, one), total(booked, o["amount"][:] - o["conceded"][:]),
        disputes_of_quarter(life, week).astype(float), raised,
    ))  # fmt: skip


def _payments(life: VectorLife, week: int) -> tuple[Array, Array]:
    """Cents that accrued in the windows closed at `week`, and cent-weeks of them beyond the usual lag."""
    norm = life.setting.numbers("trust.norm_weeks")
    paid, late = np.zeros(life.shape), np.zeros(life.shape)
    for b in (*life.closed, *life.books):
        for closing in (c for c in b.closings if c.end == week):
            lag = b.offer.program.components[closing.component].terms.payout_lag_weeks
            paid = paid + closing.accrued
            late = late + np.rint(closing.accrued * np.maximum(lag - norm, 0.0))
    return paid, late
