"""Revenue share: a rate on closed revenue, flat or by revenue tier, marginal or retroactive."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.base import ComponentSpec, Listed, TableSpec, component, number
from simulator.program.schedule import Schedule, stepped_rates


class RevenueTier(TableSpec):
    """From `above` on the rate is `rate`."""

    above: float = number(..., "closed revenue in the window from which the rate holds", unit="money", gt=0)
    rate: float = number(..., "share of revenue paid", unit="share of revenue", ge=0, le=1)


@component
class RevenueShare(ComponentSpec):
    """Pays a share of closed revenue. With window "claim" the tiers are in the size of the single deal."""

    kind: Literal["revenue_share"] = "revenue_share"
    rate: float = number(
        ...,
        "share of revenue paid below the first tier",
        unit="share of revenue",
        ge=0,
        le=1,
        source="HubSpot pays 20 %, Microsoft's core incentive 3.75 %, Dell about 5 %",
        grade="A",
    )
    tiers: Listed[RevenueTier] = Field((), description="higher or lower rates from a revenue on")
    tiering: Literal["marginal", "retroactive"] = Field(
        "marginal",
        description="marginal: the rate applies above its threshold; retroactive: to all revenue of the window",
    )

    def measured(self) -> str:
        return "revenue"

    def schedule(self) -> Schedule:
        steps = [(tier.above * 100, tier.rate) for tier in self.tiers]
        return stepped_rates(self.rate, steps, retroactive=self.tiering == "retroactive")

    def ladders(self) -> dict[str, tuple[float, ...]]:
        return {"tiers[{}].above": tuple(t.above for t in self.tiers)}
