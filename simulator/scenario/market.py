"""The fields of a scenario that say who is there: economy, market segments, territories, partner segments.

The fields of a scenario that say what happens to the market during a run: shocks, the same for every program.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.base import Listed, Multiple, Share, TableSpec, number


class Economy(TableSpec):
    """What moves demand in all markets alike."""

    market_log_sd: float = number(0.10, "stationary spread of the log of market demand", unit="log units", ge=0, le=1)
    market_persistence: float = number(0.95, "week-to-week correlation of market demand", unit="share", ge=0, lt=1)
    season: Listed[Multiple] = Field(
        (1.0, 1.0, 1.0, 1.0), description="demand by fiscal quarter [multiple of mean]", min_length=4, max_length=4
    )


class AfterSale(TableSpec):
    """What becomes of a customer after the sale; see `simulator.model.after_sale`."""

    live_weeks: float = number(
        8.0,
        "median time from signature until the customer is live, at usual post-sale work",
        unit="weeks",
        gt=0,
        le=200,
    )
    live_log_sd: float = number(0.5, "spread of the log of that time", unit="log units", ge=0, le=2)
    renewal_weeks: float = number(
        52.0, "time after signature at which a customer counts as retained", unit="weeks", gt=0, le=260
    )
    expansions_per_year: float = number(
        0.3, "rate at which live customers expand for the first time", unit="per year", ge=0, le=20
    )
    expansion_share: float = number(0.2, "money of an expansion", unit="share of the deal", gt=0, le=5)
    references_per_year: float = number(
        0.1, "rate at which live customers become a reference", unit="per year", ge=0, le=20
    )


class Market(TableSpec):
    """A market segment: deal sizes, odds, cycle, margin and what happens after the sale."""

    size_median: float = number(..., "median deal size", unit="money", gt=0, le=1e9)
    size_log_sd: float = number(
        1.2, "spread of the log of deal size within a partner", unit="log units", ge=0, le=3.5,
        source="right-skewed sizes; the spread is assumed", grade="J",
    )  # fmt: skip
    size_max: float = number(..., "largest deal", unit="money", gt=0, le=1e10)
    win_probability: float = number(
        0.22, "odds of winning a median deal with a partner at its usual intensity, as a probability",
        unit="probability", gt=0, lt=1, source="qualified opportunities 25-45 %, all 15-25 %", grade="C",
    )  # fmt: skip
    direct_win_probability: float = number(
        0.20, "the same where the vendor works alone", unit="probability", gt=0, lt=1,
        source="+8 % relative lift by partners, discounted for selection", grade="B",
    )  # fmt: skip
    win_slope: float = number(
        -0.1, "change of the log-odds of winning per unit of log size", unit="logit per log unit", ge=-3, le=1
    )
    stage_weights: Listed[Share] = Field(
        (0.25, 0.25, 0.25, 0.25),
        description="share of the log-odds decided at qualification, joint demo, pilot, proposal; sums to 1 [share]",
        min_length=4,
        max_length=4,
    )
    stage_durations: Listed[Share] = Field(
        (0.15, 0.25, 0.35, 0.25),
        description="share of the cycle spent until qualification, demo, pilot, decision; sums to 1 [share]",
        min_length=4,
        max_length=4,
    )
    cycle_weeks: float = number(
        12.0, "median time from opportunity to decision", unit="weeks", gt=0, le=200,
        source="median 84 days", grade="C",
    )  # fmt: skip
    cycle_log_sd: float = number(0.6, "spread of the log of the cycle", unit="log units", ge=0, le=2)
    signature_weeks: float = number(1.5, "mean time from verbal win to signature", unit="weeks", ge=0, le=26)
    gross_margin: float = number(0.7, "vendor's gross margin before incentives", unit="share of revenue", gt=0, le=1)
    complex_share: float = number(0.3, "share of deals that are complex", unit="share", ge=0, le=1)
    complex_cycle: float = number(1.3, "cycle of a complex deal", unit="multiple", gt=0, le=10)
    attach_share: float = number(
        0.0, "share of deals with services attached", unit="share", ge=0, le=1,
        source="Cisco pays points from 15 % and from 30 % on", grade="B",
    )  # fmt: skip
    new_account_share: float = number(0.4, "share of deals with new customers", unit="share", ge=0, le=1)
    named_account_share: float = number(
        0.15, "share of existing-customer deals in named accounts", unit="share", ge=0, le=1
    )
    after_sale: AfterSale | None = Field(None, description="what becomes of a customer; absent: nothing is followed")
    churn_per_year: float = number(0.10, "rate at which customers are lost after signing", unit="per year", ge=0, le=3)


class Territory(TableSpec):
    """A region with the customers that the vendor would find by itself."""

    vendor_opportunities_per_year: float = number(
        ..., "opportunities that the vendor finds whatever partners do", unit="per year", ge=0, le=1e5
    )
    markets: dict[str, Share] = Field(description="mix of market segments; sums to 1 [share]", min_length=1)


class PartnerSegment(TableSpec):
    """A group of partners with the same distributions of traits."""

    count: int = number(..., "number of partners", unit="partners", ge=1, le=20000)
    prospects: int = number(0, "prospective partners that may join from launch on", unit="partners", ge=0, le=20000)
    territory: str = Field(description="name of the territory they work in")
    markets: dict[str, Share] = Field(description="mix of market segments; sums to 1 [share]", min_length=1)
    opportunities_per_year: float = number(
        ..., "mean opportunities that a partner finds per year under the baseline", unit="per year", gt=0, le=2000
    )
    volume_log_sd: float = number(
        1.0, "spread of the log of partner volume", unit="log units", ge=0, le=2.5,
        source="top 20 % of partners bring 75-80 % of revenue, which is 1.5 to 1.7", grade="B",
    )  # fmt: skip
    size_log_sd_between: float = number(0.3, "spread between partners of log deal size", unit="log units", ge=0, le=2)
    win_logit_sd_between: float = number(
        0.5, "spread between partners of the log-odds of winning", unit="logits", ge=0, le=3
    )
    cost_of_capital: float = number(
        0.0, "what money costs a partner per year beyond the discount rate: how much it feels payout lag",
        unit="share per year", ge=0, le=2,
    )  # fmt: skip
    own_margin: float = number(0.15, "partner's own margin on closed revenue", unit="share of revenue", gt=0, le=1)
    certifications_per_year: float = number(
        2.0, "certifications earned under the baseline", unit="per year", ge=0, le=200
    )
    own_certification_value: float = number(2000.0, "own value of a certification", unit="money", gt=0)
    own_success_margin: float = number(
        0.05, "partner's own margin on post-sale business, of closed revenue", unit="share of revenue", gt=0, le=1
    )
    second_partner_share: float = number(0.1, "share of deals with a second partner", unit="share", ge=0, le=1)


class Spell(TableSpec):
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


class Departure(TableSpec):
    """A key partner leaves: it sources, registers, certifies and claims nothing more. One of `partner` and `rank`."""

    from_week: int = number(..., "week in which it leaves, counted from launch", unit="week", ge=-260, le=519)
    partner: str | None = Field(None, description="its name: partner segment, '-', number; 'reseller-1' is the first")
    rank: int | None = number(
        None, "its rank by base volume in each replication, 1 the largest", unit="rank", ge=1, le=20000
    )
    open_deals: Literal["worked", "orphaned"] = Field(
        "worked", description="worked: it finishes its open deals; orphaned: nobody co-sells on them any more"
    )


class Shocks(TableSpec):
    """What happens to the market, the same for every program."""

    demand: Listed[DemandShock] = Field((), description="drops and rises of demand")
    price: Listed[PriceShock] = Field((), description="changes of the price level")
    competitor: Listed[CompetitorShock] = Field((), description="offers of competitors to partners")
    departure: Listed[Departure] = Field((), description="key partners that leave")
