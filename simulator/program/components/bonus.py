"""Bonus: lump sums at thresholds of a measure within a window."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.core.arrays import column
from simulator.program.base import ComponentSpec, Listed, TableSpec, component, number
from simulator.program.schedule import Schedule, knot


class Lump(TableSpec):
    """At `at` a further `amount` is paid."""

    at: float = number(..., "value of the measure from which the lump is paid", unit="money or count", gt=0)
    amount: float = number(..., "lump sum", unit="money", ge=0)


@component
class Bonus(ComponentSpec):
    """Pays lump sums; several lumps add up as their thresholds are passed."""

    kind: Literal["bonus"] = "bonus"
    measure: str = Field("revenue", description="measure that the thresholds are on")
    lumps: Listed[Lump] = Field(description="lump sums by threshold", min_length=1)

    def measured(self) -> str:
        return self.measure

    def schedule(self) -> Schedule:
        return Schedule(column(0.0), tuple(knot(lump.at * 100, jump=lump.amount * 100) for lump in self.lumps))

    def ladders(self) -> dict[str, tuple[float, ...]]:
        return {"lumps[{}].at": tuple(t.at for t in self.lumps)}
