"""A component kind made elsewhere: a sum for every so much of a measure. Nothing in the simulator names it."""

from __future__ import annotations

from typing import Literal

from simulator.core.arrays import column
from simulator.program.base import ComponentSpec, component, number
from simulator.program.schedule import Schedule, knot


@component
class Milestones(ComponentSpec):
    """Pays `amount` for every full `each` of revenue, `most` times at most."""

    kind: Literal["milestones"] = "milestones"
    each: float = number(..., "revenue per milestone", unit="money", gt=0)
    amount: float = number(..., "paid per milestone", unit="money", ge=0)
    most: int = number(10, "milestones paid per window", unit="milestones", ge=1, le=50)

    def measured(self) -> str:
        return "revenue"

    def schedule(self) -> Schedule:
        each, amount = self.each * 100, self.amount * 100
        return Schedule(column(0.0), tuple(knot(each * (n + 1), jump=amount) for n in range(self.most)))
