"""The scenario: everything a simulation is told. Frozen, validated, every number with unit, bounds and source."""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

import simulator.program.components  # noqa: F401  (registers the component kinds)
from simulator.program.spec import (
    COMPONENTS,
    ComponentSpec,
    Listed,
    Multiple,
    Share,
    Spec,
    TierStatus,
    number,
)

if TYPE_CHECKING:
    AnyComponent = ComponentSpec
else:
    AnyComponent = Annotated[reduce(operator.or_, COMPONENTS.values()), Field(discriminator="kind")]


class Time(Spec):
    """Length of a run. The fiscal quarter has 13 weeks, the year 52; week 0 starts a fiscal year."""

    horizon_weeks: int = number(52, "weeks simulated from launch", unit="weeks", ge=13, le=520)
    burn_in_weeks: int = number(
        91,
        "weeks under the baseline before launch, so that the pipeline is mature and last year's results exist",
        unit="weeks",
        ge=0,
        le=260,
    )


class Economy(Spec):
    """What moves demand in all markets alike."""

    market_log_sd: float = number(0.10, "stationary spread of the log of market demand", unit="log units", ge=0, le=1)
    market_persistence: float = number(0.95, "week-to-week correlation of market demand", unit="share", ge=0, lt=1)
    season: Listed[Multiple] = Field(
        (1.0, 1.0, 1.0, 1.0),
        description="demand by fiscal quarter [multiple of mean]",
        min_length=4,
        max_length=4,
    )


class Market(Spec):
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
    new_account_share: float = number(0.4, "share of deals with new customers", unit="share", ge=0, le=1)
    named_account_share: float = number(
        0.15, "share of existing-customer deals in named accounts", unit="share", ge=0, le=1
    )
    churn_per_year: float = number(0.10, "rate at which customers are lost after signing", unit="per year", ge=0, le=3)


class Territory(Spec):
    """A region with the customers that the vendor would find by itself."""

    vendor_opportunities_per_year: float = number(
        ..., "opportunities that the vendor finds whatever partners do", unit="per year", ge=0, le=1e5
    )
    markets: dict[str, Share] = Field(description="mix of market segments; sums to 1 [share]", min_length=1)


class PartnerSegment(Spec):
    """A group of partners with the same distributions of traits."""

    count: int = number(..., "number of partners", unit="partners", ge=1, le=20000)
    territory: str = Field(description="name of the territory they work in")
    markets: dict[str, Share] = Field(description="mix of market segments; sums to 1 [share]", min_length=1)
    opportunities_per_year: float = number(
        ...,
        "mean opportunities that a partner finds per year under the baseline",
        unit="per year",
        gt=0,
        le=2000,
    )
    volume_log_sd: float = number(
        1.0, "spread of the log of partner volume", unit="log units", ge=0, le=2.5,
        source="top 20 % of partners bring 75-80 % of revenue, which is 1.5 to 1.7", grade="B",
    )  # fmt: skip
    size_log_sd_between: float = number(0.3, "spread between partners of log deal size", unit="log units", ge=0, le=2)
    win_logit_sd_between: float = number(
        0.5, "spread between partners of the log-odds of winning", unit="logits", ge=0, le=3
    )
    own_margin: float = number(0.15, "partner's own margin on closed revenue", unit="share of revenue", gt=0, le=1)
    certifications_per_year: float = number(
        2.0, "certifications earned under the baseline", unit="per year", ge=0, le=200
    )
    own_certification_value: float = number(2000.0, "own value of a certification", unit="money", gt=0)
    own_success_margin: float = number(
        0.05,
        "partner's own margin on post-sale business, of closed revenue",
        unit="share of revenue",
        gt=0,
        le=1,
    )
    second_partner_share: float = number(0.1, "share of deals with a second partner", unit="share", ge=0, le=1)


class Behavior(Spec):
    """How partners respond to what a program pays."""

    elasticity: float = number(
        0.5, "response of activity to its value; gamma/(1-gamma); 0 switches it off", unit="elasticity", ge=0, le=3,
        source="no study measures it for partner firms: the weakest number of all", grade="J",
    )  # fmt: skip
    adjustment_weeks: float = number(8.0, "time in which activity adjusts to its target", unit="weeks", ge=1, le=104)
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
        0.2,
        "share of sourcing that another partner of the territory would have found",
        unit="share",
        ge=0,
        le=1,
    )
    registration_hazard: float = number(
        0.3,
        "hazard of registering a customer that the vendor found, at usual sourcing",
        unit="hazard",
        ge=0,
        le=10,
    )
    cosell_win: float = number(
        0.3, "log-odds of winning per unit of log(1 + co-sell intensity)", unit="logit", ge=0, le=5,
        source="win rate about 12 % higher with partners in every size band; selection not removed", grade="B",
    )  # fmt: skip
    cosell_speed: float = number(
        0.2, "elasticity of the speed of a deal in its co-sell intensity", unit="elasticity", ge=0, le=2
    )
    second_partner_win: float = number(
        0.4, "log-odds of winning per unit of a second partner's contribution", unit="logit", ge=0, le=3
    )
    skill_elasticity: float = number(0.2, "elasticity of sourcing in the skill stock", unit="elasticity", ge=0, le=2)
    skill_decay_weeks: float = number(52.0, "time in which the skill stock decays", unit="weeks", ge=1, le=520)
    success_churn: float = number(
        0.5, "elasticity of customer loss in post-sale activity", unit="elasticity", ge=0, le=3
    )


class Gaming(Spec):
    """Which games opportunists may play and what they cost them."""

    timing: bool = Field(True, description="pull signatures before, or push them past, the end of a window")
    padding: bool = Field(True, description="false or empty activity claims")
    credit_claiming: bool = Field(True, description="registering customers that the vendor would find anyway")
    opportunist_share: float = number(
        0.15, "share of partners that game when it pays", unit="share", ge=0, le=1,
        source="5-10 % of incentives abused (Deloitte/AGMA 2011); mainly effort (Steenburgh 2008)", grade="B",
    )  # fmt: skip
    misreport_cost: float = number(
        4000.0,
        "quadratic cost of misreporting: money per (claim per week)^2, median partner",
        unit="money",
        gt=0,
    )
    misreport_log_sd: float = number(0.5, "spread of the log of that cost", unit="log units", ge=0, le=2)
    timing_cost: float = number(250.0, "an opportunist's own cost of moving one signature", unit="money per deal", ge=0)
    max_shift_weeks: int = number(4, "most weeks a signature can be moved", unit="weeks", ge=1, le=12)
    concession_per_week: float = number(
        0.01, "price concession for signing a week earlier", unit="share of deal per week", ge=0, le=0.2,
        source="pricing under accelerators costs a vendor 6-8 % of revenue (Larkin 2014)", grade="A",
    )  # fmt: skip
    price_authority: Literal["vendor", "partner"] = Field(
        "partner",
        description="partner: partners set prices, so the vendor bears a concession; vendor: they bear it",
    )
    push_loss_per_week: float = number(
        0.01, "risk of losing a deal by delaying it a week", unit="probability per week", ge=0, le=0.5
    )


class Budget(Spec):
    """What may be spent."""

    per_year: float = number(..., "program budget", unit="money per year", gt=0)


class Goals(Spec):
    """What the vendor values: weights on outcomes, used for alignment, selection and optimization."""

    bookings: float = number(1.0, "weight of bookings", unit="weight", ge=0)
    pipeline: float = number(0.0, "weight of pipeline created", unit="weight", ge=0)
    new_accounts: float = number(0.0, "weight of bookings with new customers", unit="weight", ge=0)
    named_accounts: float = number(0.0, "weight of bookings in named accounts", unit="weight", ge=0)
    velocity: float = number(0.0, "weight of speed", unit="weight", ge=0)
    retention: float = number(0.0, "weight of customers kept", unit="weight", ge=0)
    margin: float = number(0.0, "weight of gross margin", unit="weight", ge=0)


class Run(Spec):
    """Settings of a run that do not change what is simulated."""

    replications: int = number(500, "replications", unit="replications", ge=2, le=1_000_000)
    seed: int = number(1, "seed of all randomness", unit="integer", ge=0, le=2**63 - 1)


class Uncertain(Spec):
    """Distribution of one uncertain number. The parameters that the distribution needs must be given."""

    distribution: Literal["uniform", "triangular", "pert", "normal", "lognormal", "beta", "discrete"] = Field(
        description="uniform, triangular, pert: low, high (mode); normal: mean, sd; lognormal: median, log_sd; "
        "beta: a, b on [low, high]; discrete: values (weights)"
    )
    low: float | None = Field(None, description="lower end [unit of the number]")
    high: float | None = Field(None, description="upper end [unit of the number]")
    mode: float | None = Field(None, description="most likely value [unit of the number]")
    mean: float | None = Field(None, description="mean of a normal [unit of the number]")
    sd: float | None = Field(None, description="standard deviation of a normal [unit of the number]", gt=0)
    median: float | None = Field(None, description="median of a lognormal [unit of the number]", gt=0)
    log_sd: float | None = Field(None, description="spread of the log of a lognormal [log units]", gt=0, le=5)
    a: float | None = Field(None, description="first shape of a beta", gt=0)
    b: float | None = Field(None, description="second shape of a beta", gt=0)
    values: Listed[float] = Field((), description="values of a discrete distribution")
    weights: Listed[float] = Field((), description="their weights; equal where absent")
    source: str = Field("", description="where the distribution comes from")


class Program(Spec):
    """A candidate design: a named set of components, with tier status and explicit stacking."""

    label: str = Field("", description="name used in reports", max_length=80)
    components: dict[str, AnyComponent] = Field(default_factory=dict, description="components by name")
    tiers: TierStatus | None = Field(None, description="partner tiers")
    deal_ceiling: float | None = number(
        None, "most that all components paid by claim pay on one deal", unit="share of deal", gt=0, le=1
    )
    admin_cost_per_year: float = number(0.0, "fixed cost of running the program", unit="money per year", ge=0)


class Scenario(Spec):
    """A whole scenario file."""

    name: str = Field(description="short name", min_length=1, max_length=80)
    description: str = Field("", description="what the scenario is about, its sources and grades")
    currency: str = Field("USD", description="currency of all money", min_length=1, max_length=8)
    time: Time = Field(default_factory=Time)
    economy: Economy = Field(default_factory=Economy)
    markets: dict[str, Market] = Field(description="market segments by name", min_length=1)
    territories: dict[str, Territory] = Field(description="territories by name", min_length=1)
    partners: dict[str, PartnerSegment] = Field(description="partner segments by name", min_length=1)
    behavior: Behavior = Field(default_factory=Behavior)
    gaming: Gaming = Field(default_factory=Gaming)
    budget: Budget | None = None
    goals: Goals = Field(default_factory=Goals)
    uncertainty: dict[str, Uncertain] = Field(
        default_factory=dict, description="uncertain numbers by the path of the number"
    )
    run: Run = Field(default_factory=Run)
    programs: dict[str, Program] = Field(
        description='candidate programs by name; "baseline" is the status quo', min_length=1
    )

    def tree(self) -> dict[str, Any]:
        """The scenario as plain nested dicts and lists, defaults filled in."""
        return self.model_dump(mode="json")
