"""Upfront commitment: paid at the start of every window, taken back if the target is missed at its end."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.core.arrays import Array, column
from simulator.program.base import ComponentSpec, component, number
from simulator.program.schedule import Schedule, knot, stepped_rates


@component
class UpfrontCommitment(ComponentSpec):
    """Pays `amount` when the window starts. At its end the partner keeps all of it if the target is met; below, nothing
    or the share of the target that was attained."""

    kind: Literal["upfront_commitment"] = "upfront_commitment"
    measure: str = Field("revenue", description="measure that the target is on")
    amount: float = number(..., "paid at the start of every window", unit="money", gt=0)
    target: float = number(..., "value of the measure that is committed to", unit="money or count", gt=0)
    shortfall: Literal["all", "pro_rata"] = Field(
        "all", description="what a missed target takes back: all, or the share of the target that is missing"
    )

    def measured(self) -> str:
        return self.measure

    def advance(self) -> Array:
        return column(self.amount * 100)

    def schedule(self) -> Schedule:
        at, amount = self.target * 100, self.amount * 100
        if self.shortfall == "all":
            return Schedule(column(0.0), (knot(at, jump=amount),))
        return stepped_rates(amount / at, [(at, 0.0)])
