"""The fields of a scenario that say whether partners take part in the program at all.

The fields of a scenario that say what happens between the partners of a pilot, and how well surveys measure.

The fields of a scenario that say what costs the trust of partners in a program, and how it comes back.

The scenario: everything a simulation is told. Frozen, validated, every number with unit, bounds and source.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

import simulator.program.components  # noqa: F401  (registers the component kinds)
from simulator.program.base import COMPONENTS, ComponentSpec, Listed, TableSpec, number
from simulator.program.compile import ProgramSpec
from simulator.scenario.behavior import Behavior, Disputes, Gaming
from simulator.scenario.market import Economy, Market, PartnerSegment, Shocks, Territory
from simulator.scenario.plugins import load_plugins


class Participation(TableSpec):
    """Partners go dormant and return, and prospective ones join, as the program is worth it. Absent: all take part."""

    active_share: float = number(
        0.6, "share of partners that are active under the baseline", unit="share", gt=0, lt=1,
        source="over 60 % of partners without a deal in four quarters; 15-20 % active good, 30 % the best", grade="C",
    )  # fmt: skip
    response: float = number(
        3.0,
        "rise of the log-odds of being active when the program adds the partner's usual income once more",
        unit="logit per usual income",
        ge=0,
        le=50,
        source="no study of partner firms was found",
    )
    review_share: float = number(
        0.25, "share of partners that reconsider at a quarter's end", unit="share per quarter", ge=0, le=1
    )
    memory_quarters: float = number(
        2.0, "memory in which a partner smooths what the program is worth to it", unit="quarters", ge=1, le=40
    )
    risk_aversion: float = number(
        0.5, "relative risk aversion: a premium of half of it times variance over income", unit="multiple", ge=0, le=20
    )
    join_share: float = number(
        0.05, "share of prospective partners that join in a quarter under the baseline", unit="share per quarter",
        gt=0, lt=1,
    )  # fmt: skip
    ramp_weeks: float = number(
        26.0, "time in which a new partner reaches its full sourcing", unit="weeks", ge=1, le=260
    )


class PilotEffects(TableSpec):
    """What happens while some partners are on a candidate and others are not. Nothing of it where all numbers are 0."""

    contamination: float = number(
        0.0,
        "share of the response that leaks to a partner when all others of its territory are on the candidate",
        unit="share", ge=0, le=1,
        source="Torgerson 2001, BMJ 322: 355 plans for 0.2; 0 to 0.3 is plausible, off by default",
    )  # fmt: skip
    resentment: float = number(
        0.0,
        "share by which the value of work falls when all others of the territory are offered twice as much",
        unit="share per relative gap", ge=0, le=2,
        source="Breza, Kaur and Shamdasani 2018: pay unequal for no reason that shows costs workers 0.24 sd of output "
        "and 12 % of attendance; 0 to 0.5 is plausible, off by default",
    )  # fmt: skip
    drop_out: float = number(
        0.0, "share of a pilot's partners that drop out in a quarter, and are on the baseline from then on",
        unit="share per quarter", ge=0, lt=1, source="judgement: 0 to 0.1 is plausible, off by default",
    )  # fmt: skip
    survey_reliability: float = number(
        0.7, "share of the variance of a survey's answers that is not noise", unit="share", ge=0, le=1,
        source="Nunnally 1978: 0.7 is modest, 0.8 good", grade="B",
    )  # fmt: skip


class Trust(TableSpec):
    """Trust of partners, 1 whole and 0 none, multiplies what a program's payouts are worth to them. Absent: always 1.

    No study was found that measures it for partner firms; all numbers are judgement and should be varied.
    """

    norm_weeks: float = number(
        6.0, "weeks from a window's end to payment that partners take as usual", unit="weeks", ge=0, le=52,
        source="quarter end + 45 days",
    )  # fmt: skip
    late: float = number(0.01, "trust lost per quarter and week of payment beyond the norm", unit="trust", ge=0, le=1)
    clawback: float = number(
        0.3, "trust lost where all of a year's deals are taken back in a quarter", unit="trust", ge=0, le=1
    )
    out_of_line: float = number(
        0.05, "trust lost in a quarter where the pay of one's bookings is nothing and that of peers is usual",
        unit="trust", ge=0, le=1,
    )  # fmt: skip
    dispute: float = number(0.03, "trust lost per dispute", unit="trust", ge=0, le=1)
    raised_targets: float = number(
        0.5, "trust lost where a review doubles the targets", unit="trust per doubling", ge=0, le=5
    )
    recovery: float = number(0.1, "share of lost trust that comes back in a quarter", unit="share", ge=0, le=1)


load_plugins()
KINDS = frozenset(COMPONENTS)
"""The component kinds that the schema knows."""

if TYPE_CHECKING:
    AnyComponent = ComponentSpec
else:
    AnyComponent = Annotated[reduce(operator.or_, COMPONENTS.values()), Field(discriminator="kind")]


class Time(TableSpec):
    """Length of a run. The fiscal quarter has 13 weeks, the year 52; week 0 starts a fiscal year."""

    horizon_weeks: int = number(52, "weeks simulated from launch", unit="weeks", ge=13, le=520)
    burn_in_weeks: int = number(
        91,
        "weeks under the baseline before launch, so that the pipeline is mature and last year's results exist",
        unit="weeks",
        ge=0,
        le=260,
    )


class Budget(TableSpec):
    """What may be spent."""

    per_year: float = number(..., "program budget", unit="money per year", gt=0)


class Goals(TableSpec):
    """What the vendor values, in money per unit of an outcome; program cost always counts in full against it.

    `simulator.stats.value` makes one figure of it, for selection, search and the value of information.
    """

    margin: float = number(1.0, "worth of gross margin", unit="money per money", ge=0)
    bookings: float = number(0.0, "worth of bookings beyond their margin", unit="money per money", ge=0)
    pipeline: float = number(0.0, "worth of pipeline created", unit="money per money", ge=0)
    new_accounts: float = number(0.0, "extra worth of bookings with new customers", unit="money per money", ge=0)
    named_accounts: float = number(0.0, "extra worth of bookings in named accounts", unit="money per money", ge=0)
    velocity: float = number(
        0.0, "worth of a partner's deal signed a week sooner than under the baseline", unit="money per week", ge=0
    )
    retention: float = number(
        0.0, "worth of a customer who stays a year, beyond the first year's margin", unit="money per customer", ge=0
    )


class Run(TableSpec):
    """Settings of a run that do not change what is simulated."""

    replications: int = number(500, "replications", unit="replications", ge=2, le=1_000_000)
    seed: int = number(1, "seed of all randomness", unit="integer", ge=0, le=2**63 - 1)


Distribution = Literal["uniform", "triangular", "pert", "normal", "lognormal", "beta", "discrete", "empirical"]


class Uncertain(TableSpec):
    """Distribution of one uncertain number. The parameters that the distribution needs must be given."""

    distribution: Distribution = Field(
        description="uniform, triangular, pert: low, high (mode); normal: mean, sd; lognormal: median, log_sd; "
        "beta: a, b on [low, high]; discrete: values (weights); empirical: values, a sample"
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
    values: Listed[float] = Field((), description="values of a discrete distribution, or an empirical sample")
    weights: Listed[float] = Field((), description="their weights; equal where absent")
    source: str = Field("", description="where the distribution comes from")


class Correlation(TableSpec):
    """Two uncertain numbers that go together, by a Gaussian copula: each keeps its own distribution."""

    a: str = Field(description="path of an uncertain number")
    b: str = Field(description="path of another one")
    rank: float = Field(description="their rank correlation (Spearman's)", gt=-1, lt=1)
    source: str = Field("", description="where it comes from")


class Program(ProgramSpec):
    """A candidate design: a named set of components, with tier status and explicit stacking."""

    components: dict[str, AnyComponent] = Field(default_factory=dict, description="components by name")


class Scenario(TableSpec):
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
    disputes: Disputes | None = None
    participation: Participation | None = None
    trust: Trust | None = None
    shocks: Shocks = Field(default_factory=Shocks)
    pilot: PilotEffects = Field(default_factory=PilotEffects)
    budget: Budget | None = None
    goals: Goals = Field(default_factory=Goals)
    uncertainty: dict[str, Uncertain] = Field(
        default_factory=dict, description="uncertain numbers by the path of the number"
    )
    correlation: Listed[Correlation] = Field((), description="uncertain numbers that go together; others do not")
    run: Run = Field(default_factory=Run)
    programs: dict[str, Program] = Field(
        description='candidate programs by name; "baseline" is the status quo', min_length=1
    )

    def with_(self, values: Mapping[str, Any]) -> Scenario:
        """A new scenario with other values at some paths; see `paths.with_values`."""
        from simulator.scenario.paths import with_values

        return with_values(self, values)

    def with_program(self, name: str, *, like: str, values: Mapping[str, Any] | None = None) -> Scenario:
        """A new scenario with a further program: one that is there, with other values at paths within it.

        Raises `InputError` where the name is taken, `like` is not there, or the program breaks a rule.
        """
        from simulator.scenario.paths import with_program

        return with_program(self, name, like, values or {})

    def tree(self) -> dict[str, Any]:
        """The scenario as plain nested dicts and lists, defaults filled in."""
        return self.model_dump(mode="json")
