"""What enablement costs and how it was used: pure counts over who is on which program, for both engines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.behavior.effort import EffortState
from simulator.behavior.enablement import support_cost
from simulator.core.arrays import Array
from simulator.engines.assignment import ProgramAssignment


def noncash(rollout: ProgramAssignment, horizon: int) -> dict[str, Array]:
    """Cost of each support from launch to the horizon, cents, (R or 1,)."""
    on = np.stack([rollout.at(week) for week in range(horizon)])
    found: dict[str, Array] = {}
    for index, offer in enumerate(rollout.offers):
        supports, mine = offer.program.supports, on == index
        for name in supports.costs if supports else ():
            assert supports is not None
            weeks, partner_weeks = (
                n[:, None].astype(float) for n in (mine.any(axis=2).sum(axis=0), mine.sum(axis=(0, 2)))
            )
            found[name] = found.get(name, np.zeros(1)) + support_cost(supports, name, weeks, partner_weeks)
    return found


def help_totals(effort: EffortState, rollout: ProgramAssignment, horizon: int) -> dict[str, NDArray[np.int64]]:
    """Mean use of content and access to specialists over partner-weeks, in millionths, where a program has them."""
    given = [offer.program.supports for offer in rollout.offers]
    names = ("content", "specialists")
    return {
        f"helped.{name}": np.rint(effort.help_total[k] / (effort.rate.shape[1] * horizon) * 1e6).astype(np.int64)
        for k, name in enumerate(names)
        if any(s is not None and name in s.costs for s in given)
    }
