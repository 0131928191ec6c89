"""Growth over last year: points on revenue by growth against the same window a year before."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.base import ComponentSpec, Listed, TableSpec, component, number
from simulator.program.schedule import Schedule, rate_knots
from simulator.program.values import Numbers


class GrowthTier(TableSpec):
    """From this growth on the rate is `points`."""

    growth: float = number(..., "growth over the same window of last year", unit="share", gt=-1, le=20)
    points: float = number(..., "share of revenue paid", unit="share of revenue", ge=0, le=1)


@component
class Growth(ComponentSpec):
    """Pays points on the window's revenue (retroactive) or on the revenue beyond the threshold (marginal)."""

    kind: Literal["growth"] = "growth"
    reference = "growth"
    points: Listed[GrowthTier] = Field(description="points by growth", min_length=1)
    minimum_base: float = number(
        10_000.0,
        "least that counts as last year's result, so that growth from nothing is not free",
        unit="money",
        gt=0,
    )
    tiering: Literal["marginal", "retroactive"] = "retroactive"

    def measured(self) -> str:
        return "revenue"

    def schedule(self, number: Numbers) -> Schedule:
        steps = [(1.0 + number(f"points[{j}].growth"), number(f"points[{j}].points")) for j in range(len(self.points))]
        base = 0.0 * number("minimum_base")
        return Schedule(base, rate_knots(base, steps), retroactive=self.tiering == "retroactive")

    def ladders(self) -> dict[str, tuple[float, ...]]:
        return {"points[{}].growth": tuple(t.growth for t in self.points)}
