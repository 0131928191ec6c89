"""From a ladder of rates to the knots of a schedule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.program.numbers import Array
from simulator.program.schedule import Knot


def rate_knots(base: Array, steps: Sequence[tuple[Array, Array]]) -> tuple[Knot, ...]:
    """Knots of a schedule with slope `base` that takes slope `rate` from each (threshold, rate) on."""
    knots, slope = [], base
    for at, rate in steps:
        knots.append(Knot(at, rate - slope, np.zeros_like(at)))
        slope = rate
    return tuple(knots)
