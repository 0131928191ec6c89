"""The fields of a scenario that say what happens to the market during a run: shocks, the same for every program."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.spec import Listed, Spec, number


class Spell(Spec):
    """When something holds: from the start of a week to before the start of another."""

    from_week: int = number(..., "first week, counted from launch", unit="week", ge=-260, le=519)
    until_week: int | None = number(None, "week in which it is over; none: it stays", unit="week", ge=-259, le=520)


class DemandShock(Spell):
    """Fewer or more opportunities, of partners and of the vendor."""

    factor: float = number(..., "demand in multiples of what it would be", unit="multiple", ge=0, le=5)
    markets: Listed[str] = Field((), description="market segments that it hits; empty: all")


class PriceShock(Spell):
    """Another price level of the opportunities found while it lasts. Their odds stay."""

    factor: float = number(..., "deal sizes in multiples of what they would be", unit="multiple", gt=0, le=10)
    markets: Listed[str] = Field((), description="market segments that it hits; empty: all")


class CompetitorShock(Spell):
    """A competitor's offer: an hour of the partner's time is worth more elsewhere."""

    factor: float = number(..., "worth of a partner's hour elsewhere", unit="multiple", gt=0, le=10)
    partners: Listed[str] = Field((), description="partner segments that get the offer; empty: all")


class Departure(Spec):
    """A key partner leaves: it sources, registers, certifies and claims nothing more. One of `partner` and `rank`."""

    from_week: int = number(..., "week in which it leaves, counted from launch", unit="week", ge=-260, le=519)
    partner: str | None = Field(None, description="its name: partner segment, '-', number; 'reseller-1' is the first")
    rank: int | None = number(
        None, "its rank by base volume in each replication, 1 the largest", unit="rank", ge=1, le=20000
    )
    open_deals: Literal["worked", "orphaned"] = Field(
        "worked", description="worked: it finishes its open deals; orphaned: nobody co-sells on them any more"
    )


class Shocks(Spec):
    """What happens to the market, the same for every program."""

    demand: Listed[DemandShock] = Field((), description="drops and rises of demand")
    price: Listed[PriceShock] = Field((), description="changes of the price level")
    competitor: Listed[CompetitorShock] = Field((), description="offers of competitors to partners")
    departure: Listed[Departure] = Field((), description="key partners that leave")
