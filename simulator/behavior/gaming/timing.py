"""Timing: moving a signature across the end of a window, where the windows pay differently.

What a pull or a push costs, and the schedules at single partners that the choice of a filing date rests on.
"""

from __future__ import annotations

import numpy as np

from simulator.behavior.perceived_value import PerceivedValue
from simulator.core.arrays import Array, Bools, Ints
from simulator.program.schedule import Knot, Schedule, expected_payout


def at_cells(schedule: Schedule, rep: Ints, who: Ints) -> Schedule:
    """A schedule of arrays over (R or 1, P or 1) laid out along cells, shape (n, 1)."""

    def flat(a: Array) -> Array:
        return np.asarray(a[rep % a.shape[0], who % a.shape[1]])[:, None]

    knots = tuple(Knot(flat(k.at), flat(k.change), flat(k.jump)) for k in schedule.knots)
    floor = None if schedule.floor is None else flat(schedule.floor)
    cap = None if schedule.cap is None else flat(schedule.cap)
    return Schedule(flat(schedule.base), knots, floor, cap, schedule.retroactive)


def perceived(view: PerceivedValue, k: int, payout: Array, rep: Ints, who: Ints) -> Array:
    """What a payout (n, options) of component k is worth to the partners: of a fund they feel a part."""
    return payout * np.broadcast_to(view.fund_value_share[k], view.rate.shape)[rep, who][:, None]


def next_window(
    view: PerceivedValue, k: int, smooth: Schedule, pace: Array, week: int, rep: Ints, who: Ints, extra: Array
) -> Array:
    """Expected payout of component k's window from `week` on when `extra` (n, options) is moved into it; cents."""
    c, shape = view.program.components[k], view.rate.shape
    if c.eligibility is not None and not c.eligibility.active(week):
        return np.zeros(extra.shape)
    mean, sd = view.ahead(k, week, float(c.window), pace)
    mean, sd = (np.broadcast_to(a, shape)[rep, who][:, None] for a in (mean, sd))
    expected = expected_payout(at_cells(smooth, rep, who), mean + extra, sd)
    return expected * np.broadcast_to(view.payout_value_share[k], shape)[rep, who][:, None]


def push_lost(mark: Array, weeks: Array, risk_per_week: Array) -> Bools:
    """Whether a deal delayed by `weeks` is lost, by its own mark."""
    return np.asarray(mark < -np.expm1(weeks * np.log1p(-risk_per_week)), dtype=bool)


def push_risk(weeks: Array, risk_per_week: Array) -> Array:
    """Probability that a deal delayed by `weeks` is lost."""
    return -np.expm1(weeks * np.log1p(-risk_per_week))


def early_concession(amount: Array, weeks: Array, concession_per_week: Array) -> Array:
    """Cents given to the customer for signing `weeks` early, at most half of the deal."""
    return np.rint(amount * np.minimum(weeks * concession_per_week, 0.5))
