"""Growth over last year: points on revenue by growth against the same window a year before."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.base import ComponentSpec, Listed, TableSpec, component, number
from simulator.program.schedule import Schedule, stepped_rates


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

    def schedule(self) -> Schedule:
        steps = [(1.0 + tier.growth, tier.points) for tier in self.points]
        return stepped_rates(0.0, steps, retroactive=self.tiering == "retroactive")

    @property
    def least_reference(self) -> float:
        return self.minimum_base

    def ladders(self) -> dict[str, tuple[float, ...]]:
        return {"points[{}].growth": tuple(t.growth for t in self.points)}
