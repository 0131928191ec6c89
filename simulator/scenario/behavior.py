"""The fields of a scenario that say how partners act: how they respond to pay, and which games they may play."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.base import Listed, Share, TableSpec, number


class Behavior(TableSpec):
    """How partners respond to what a program pays."""

    elasticity: float = number(
        0.5, "response of activity to its value; gamma/(1-gamma); 0 switches it off", unit="elasticity", ge=0, le=3,
        source="no study measures it for partner firms: the weakest number of all", grade="J",
    )  # fmt: skip
    adjustment_weeks: float = number(8.0, "time in which activity adjusts to its target", unit="weeks", ge=1, le=104)
    complexity_discount: float = number(
        0.0,
        "share of a program's perceived price that is lost per component beyond those of the baseline",
        unit="share per component",
        ge=0,
        le=0.5,
        source="no measurement was found; partners see a complex program less clearly",
    )
    inert_share: float = number(0.2, "share of partners that never re-optimises", unit="share", ge=0, le=1)
    hours_capacity: float = number(2.0, "most hours, in multiples of baseline hours", unit="multiple", ge=1, le=20)
    effort_shares: Listed[Share] = Field(
        (0.4, 0.35, 0.1, 0.15),
        description="baseline hours on source, cosell, enable, success; sums to 1 [share]",
        min_length=4,
        max_length=4,
    )
    discount_rate: float = number(0.15, "partner's discount rate on payout lag", unit="per year", ge=0, le=2)
    pace_prior_deals: float = number(
        4.0,
        "deals of its type's mean that a partner's recent closings are shrunk to in its forecast",
        unit="deals",
        ge=0,
        le=1000,
    )
    pace_weeks: float = number(26.0, "memory of recent closings", unit="weeks", ge=1, le=260)
    rivalrous_share: float = number(
        0.2, "share of sourcing that another partner of the territory would have found", unit="share", ge=0, le=1
    )
    registration_hazard: float = number(
        0.3, "hazard of registering a customer that the vendor found, at usual sourcing", unit="hazard", ge=0, le=10
    )
    cosell_win: float = number(
        0.3, "log-odds of winning per unit of log(1 + co-sell intensity)", unit="logit", ge=0, le=5,
        source="win rate about 12 % higher with partners in every size band; selection not removed", grade="B",
    )  # fmt: skip
    cosell_speed: float = number(
        0.2, "elasticity of the speed of a deal in its co-sell intensity", unit="elasticity", ge=0, le=2
    )
    discount_win: float = number(
        10.0, "log-odds of winning per unit of discount conceded", unit="logit", ge=0, le=50,
        source="judgement: with a quarter of the odds still open, a tenth off the price wins a fifth more proposals",
    )  # fmt: skip
    second_partner_win: float = number(
        0.4, "log-odds of winning per unit of a second partner's contribution", unit="logit", ge=0, le=3
    )
    documentation_log_sd: float = number(
        0.3,
        "spread of the log of what is documented of a second partner's contribution around what it was",
        unit="log units",
        ge=0,
        le=2,
    )
    skill_elasticity: float = number(0.2, "elasticity of sourcing in the skill stock", unit="elasticity", ge=0, le=2)
    skill_decay_weeks: float = number(52.0, "time in which the skill stock decays", unit="weeks", ge=1, le=520)
    fund_lift: float = number(
        0.05,
        "most by which spending of co-marketing funds raises sourcing",
        unit="share",
        ge=0,
        le=2,
        source="no study was found",
    )
    fund_scale: float = number(
        0.02, "stock of spending at which 63 % of that is reached", unit="years of the partner's revenue", gt=0, le=1
    )
    fund_weeks: float = number(13.0, "time in which the stock of spending decays", unit="weeks", ge=1, le=260)
    success_outcomes: float = number(
        0.5,
        "elasticity in post-sale activity of how fast customers go live, expand and give references",
        unit="elasticity",
        ge=0,
        le=3,
    )
    success_churn: float = number(
        0.5, "elasticity of customer loss in post-sale activity", unit="elasticity", ge=0, le=3
    )


class Disputes(TableSpec):
    """Disputes about attribution, where two partners are on a deal or a partner claims the vendor's own customer."""

    probability: float = number(
        0.2, "probability that a signed joint deal is disputed where both partners gave as much",
        unit="probability", ge=0, le=1, source="judgement: no count of attribution disputes was found",
    )  # fmt: skip
    claimed_probability: float = number(
        0.5, "probability that the vendor's sellers dispute a customer of theirs claimed without joint work",
        unit="probability", ge=0, le=1,
    )  # fmt: skip
    overturned_share: float = number(
        0.5, "share of disputes that are overturned: equal shares of a joint deal, nothing for a claimed customer",
        unit="share", ge=0, le=1,
    )  # fmt: skip
    delay_weeks: float = number(8.0, "weeks by which a dispute delays payment", unit="weeks", ge=0, le=104)
    cost: float = number(500.0, "the vendor's cost of settling a dispute", unit="money per dispute", ge=0)


class Gaming(TableSpec):
    """Which games opportunists may play and what they cost them."""

    timing: bool = Field(True, description="pull signatures before, or push them past, the end of a window")
    padding: bool = Field(True, description="false or empty activity claims")
    credit_claiming: bool = Field(True, description="registering customers that the vendor would find anyway")
    splitting: bool = Field(False, description="filing one deal as several claims, or two deals as one")
    discount_dumping: bool = Field(
        False, description="buying the win with the vendor's price, where partners hold price authority"
    )
    squatting: bool = Field(
        False,
        description="registering the vendor's customers that others would work, to hold what a registration protects",
    )
    opportunist_share: float = number(
        0.15, "share of partners that game when it pays", unit="share", ge=0, le=1,
        source="5-10 % of incentives abused (Deloitte/AGMA 2011); mainly effort (Steenburgh 2008)", grade="B",
    )  # fmt: skip
    misreport_cost: float = number(
        4000.0, "quadratic cost of misreporting: money per (claim per week)^2, median partner", unit="money", gt=0
    )
    misreport_log_sd: float = number(0.5, "spread of the log of that cost", unit="log units", ge=0, le=2)
    timing_cost: float = number(250.0, "an opportunist's own cost of moving one signature", unit="money per deal", ge=0)
    max_shift_weeks: int = number(4, "most weeks a signature can be moved", unit="weeks", ge=1, le=12)
    concession_per_week: float = number(
        0.01, "price concession for signing a week earlier", unit="share of deal per week", ge=0, le=0.2,
        source="pricing under accelerators costs a vendor 6-8 % of revenue (Larkin 2014)", grade="A",
    )  # fmt: skip
    price_authority: Literal["vendor", "partner"] = Field(
        "partner", description="partner: partners set prices, so the vendor bears a concession; vendor: they bear it"
    )
    rushed_churn: float = number(
        1.0,
        "rate at which customers are lost whose signature was pulled forward",
        unit="multiple of the market's rate",
        ge=1,
        le=20,
        source="output rushed to a deadline is of lower quality (Tzioumis and Gee 2013); the size is judgement",
    )
    max_discount: float = number(
        0.2, "largest concession made to win a deal, on top of usual discounts", unit="share of deal", ge=0, le=0.4
    )
    discount_cost: float = number(
        250.0, "an opportunist's own cost of getting a concession through", unit="money per deal", ge=0
    )
    discount_detection: float = number(
        0.5, "share of audits of a claim that find its concession unwarranted", unit="share", ge=0, le=1
    )
    max_pieces: int = number(4, "most claims that one deal is filed as", unit="claims", ge=2, le=10)
    bundle_weeks: int = number(6, "most weeks between deals that are filed as one", unit="weeks", ge=1, le=12)
    split_cost: float = number(
        250.0, "an opportunist's own cost of each filing more, or undone", unit="money per filing", ge=0
    )
    split_detection: float = number(
        0.5, "share of audits of a claim that find its deal split or bundled", unit="share", ge=0, le=1
    )
    push_loss_per_week: float = number(
        0.01, "risk of losing a deal by delaying it a week", unit="probability per week", ge=0, le=0.5
    )
