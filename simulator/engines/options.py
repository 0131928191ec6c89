"""Schedules at single partners, as the choice of a filing date needs them; shared by both engines."""

from __future__ import annotations

import numpy as np

from simulator.model.perception import Perception
from simulator.program.compiled import Ints
from simulator.program.numbers import Array
from simulator.program.schedule import Knot, Schedule, expected_payout


def at_cells(schedule: Schedule, rep: Ints, who: Ints) -> Schedule:
    """A schedule of arrays over (R or 1, P or 1) laid out along cells, shape (n, 1)."""

    def flat(a: Array) -> Array:
        return np.asarray(a[rep % a.shape[0], who % a.shape[1]])[:, None]

    knots = tuple(Knot(flat(k.at), flat(k.change), flat(k.jump)) for k in schedule.knots)
    floor = None if schedule.floor is None else flat(schedule.floor)
    cap = None if schedule.cap is None else flat(schedule.cap)
    return Schedule(flat(schedule.base), knots, floor, cap, schedule.retroactive)


def next_window(view: Perception, k: int, smooth: Schedule, pace: Array, rep: Ints, who: Ints, extra: Array) -> Array:
    """Expected payout of the coming window of component k when `extra` (n, options) is moved into it; cents."""
    mean, sd = view.ahead(k, float(view.program.components[k].window), pace)
    shape = view.rate.shape
    mean, sd = (np.broadcast_to(a, shape)[rep, who][:, None] for a in (mean, sd))
    return expected_payout(at_cells(smooth, rep, who), mean + extra, sd)
