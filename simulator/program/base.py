"""The written form of a program: what every component declares, and the registry of component kinds.

A new component kind is one class in `program/components/` that derives from `ComponentSpec`, carries a `kind` literal,
a `measure`, and a `schedule` method. Being registered makes it part of the scenario schema, its JSON Schema, both
engines and the reports.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from simulator.core.arrays import Array, column
from simulator.program.conditions import MarketingFund, Registration
from simulator.program.measures import MEASURES
from simulator.program.schedule import Schedule

Window = Literal["claim", "quarter", "half", "year"]
WINDOW_WEEKS: dict[str, int] = {"claim": 0, "quarter": 13, "half": 26, "year": 52}

T = TypeVar("T")
Listed = Annotated[tuple[T, ...], Field(strict=False)]
"""A TOML array; strict validation would refuse a list where a tuple is declared."""

Share = Annotated[float, Field(ge=0, le=1)]
"""An element of a list or table of shares."""

Multiple = Annotated[float, Field(ge=0, le=100)]
"""An element of a list or table of multiples."""


class TableSpec(BaseModel):
    """A frozen piece of a scenario file; unknown keys and loose types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def number(
    default: Any,
    meaning: str,
    *,
    unit: str,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    source: str = "judgement",
    grade: Literal["A", "B", "C", "J"] = "J",
) -> Any:
    """A documented number of the schema: default (... for none), unit, bounds, source and evidence grade."""
    extra: JsonDict = {"unit": unit, "source": source, "grade": grade}
    return Field(default, description=f"{meaning} [{unit}]", ge=ge, gt=gt, le=le, lt=lt, json_schema_extra=extra)


_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[str | int, ...]:
    """`a.b[0].c` as `("a", "b", 0, "c")`."""
    return tuple(name if name else int(index) for name, index in _STEP.findall(path))


S = TypeVar("S", bound=TableSpec)


def with_drawn(tables: S, drawn: Mapping[str, Array]) -> S:
    """The tables with the values drawn for uncertain numbers, (R,), in their places as columns (R, 1).

    drawn: by path. What compiles the tables reads all numbers alike: as attributes that are a float or such a column.
    """
    for path, values in drawn.items():
        tables = _with(tables, steps(path), column(values))
    return tables


def _with(place: Any, way: Sequence[str | int], value: Array) -> Any:
    """A copy of nested tables, dicts and tuples with another value where `way` leads."""
    if not way:
        return value
    step, rest = way[0], way[1:]
    if isinstance(place, tuple):
        return tuple(_with(part, rest, value) if k == step else part for k, part in enumerate(place))
    if isinstance(place, dict):
        return {**place, step: _with(place[step], rest, value)}
    return place.model_copy(update={str(step): _with(getattr(place, str(step)), rest, value)})


class Terms(TableSpec):
    """How and when a component pays, and how its claims are checked."""

    payout_lag_weeks: float = number(
        6.0,
        "weeks from the end of the window to payment",
        unit="weeks",
        ge=0,
        le=52,
        source="quarterly arrears are standard; quarter end + 45 days",
    )
    holdback_share: float = number(0.0, "share of the payout kept back at payment", unit="share", ge=0, le=1)
    holdback_weeks: float = number(26.0, "weeks a holdback is kept after payment", unit="weeks", ge=0, le=104)
    clawback_weeks: float = number(
        0.0,
        "a customer lost within this time of signing takes the payout on its deal back; 0 switches it off",
        unit="weeks",
        ge=0,
        le=104,
    )
    audit_rate: float = number(0.0, "share of claims that is verified", unit="share", ge=0, le=1)
    audit_cost: float = number(0.0, "the vendor's cost of verifying one claim", unit="money", ge=0)
    penalty_multiple: float = number(
        0.0,
        "penalty for a detected false claim, in multiples of what it would have paid",
        unit="multiple",
        ge=0,
        le=20,
    )
    countersign_weeks: float = number(
        0.0, "weeks that the vendor's countersign adds to the payout lag", unit="weeks", ge=0, le=26
    )
    countersign_refusal: float = number(
        0.0, "share of honest claims on deals that are refused a countersign and count for nothing", unit="share",
        ge=0, lt=1,
    )  # fmt: skip
    price_basis: Literal["net", "list"] = Field(
        "net", description="net: claims count at the price after concessions; list: before"
    )
    cap: float | None = number(None, "most that is paid per window (per claim where paid by claim)", unit="money", gt=0)
    floor: float | None = number(None, "payouts below this are not made", unit="money", gt=0)


class QualityGate(TableSpec):
    """What a partner's own deals must look like when a window closes; otherwise nothing accrues."""

    max_discount: float | None = number(
        None, "most that is conceded on the deals signed in the window", unit="share of list value", ge=0, lt=1
    )
    min_retention: float | None = number(
        None, "least share of the deals signed in the last 52 weeks that are still customers", unit="share", gt=0, le=1
    )
    min_attach: float | None = number(
        None, "least share of what was signed in the window that has services attached", unit="share of list value",
        gt=0, le=1, source="Cisco: points from an attach of 15 % and of 30 % on", grade="B",
    )  # fmt: skip
    min_win_share: float | None = number(
        None, "least share of the deals decided in the window that were won", unit="share", gt=0, le=1
    )


class ProgramBudget(TableSpec):
    """What all partners together may accrue; beyond it accruals are prorated."""

    amount: float = number(..., "most that accrues in a period", unit="money", gt=0)
    per: Literal["quarter", "year"] = Field("year", description="fiscal period")


SplitRule = Literal["fixed", "equal", "contribution", "contribution_and_risk", "shapley"]


class CreditSplit(TableSpec):
    """How the credit of a deal is shared where a second partner took part."""

    rule: SplitRule = Field(
        description="fixed: `second` to the second partner; equal; contribution: by documented contribution; "
        "contribution_and_risk: by it and by what was contributed at own risk; shapley: Shapley value of the "
        "win-odds game"
    )
    second: float = number(0.3, "the second partner's share by the fixed rule", unit="share", ge=0, le=1)
    risk_weight: float = number(0.5, "weight of risk borne against contribution", unit="share", ge=0, le=1)


class ComponentSpec(TableSpec):
    """One rule of a program: measure + window + schedule + filter + terms."""

    kind: str
    label: str = Field("", description="name used in reports", max_length=80)
    window: Window = Field("quarter", description="period over which claims add up before they are paid")
    markets: Listed[str] = Field((), description="market segments that count; empty: all")
    accounts: Literal["any", "new", "existing", "named"] = Field("any", description="accounts that count")
    engagement: Literal["any", "sourced", "assisted"] = Field(
        "any",
        description="sourced: found by the partner; assisted: the vendor's customer, registered by the partner",
    )
    min_amount: float = number(0.0, "deals below this size do not count", unit="money", ge=0)
    only_partners: Listed[str] = Field(
        (), description="the only partners it is for, by segment or as SEGMENT-NUMBER; empty: all"
    )
    not_partners: Listed[str] = Field((), description="partners it is not for, by segment or as SEGMENT-NUMBER")
    from_week: int | None = number(None, "week after launch from which claims count", unit="weeks", ge=0, le=520)
    until_week: int | None = number(None, "week after launch from which no claim counts", unit="weeks", ge=1, le=520)
    within_weeks: float | None = number(
        None,
        "a claim counts if made at most this long after the opportunity was found; "
        "after the sale: after the contract was signed",
        unit="weeks",
        gt=0,
        le=520,
    )
    credit_by_market: dict[str, Multiple] = Field(
        default_factory=dict, description="weight of a claim by market segment; 1 where absent [multiple]"
    )
    credit_by_complexity: dict[Literal["standard", "complex"], Multiple] = Field(
        default_factory=dict, description="weight of a claim by deal complexity; 1 where absent [multiple]"
    )
    credit_by_engagement: dict[Literal["sourced", "assisted"], Multiple] = Field(
        default_factory=dict, description="weight of a claim by engagement; 1 where absent [multiple]"
    )
    credit_by_attach: dict[Literal["plain", "attached"], Multiple] = Field(
        default_factory=dict,
        description="weight of a claim by whether services are attached to the deal; 1 where absent [multiple]",
    )
    payout_by_tier: dict[str, Multiple] = Field(
        default_factory=dict, description="multiple of the payout by tier status; 1 where absent [multiple]"
    )
    gate: QualityGate | None = Field(None, description="condition on the quality of the partner's deals")
    pool: float | None = number(
        None, "most that accrues per window over all partners; beyond it accruals are prorated", unit="money", gt=0
    )
    exclusive_group: str | None = Field(
        None, description="of the components in one group only the highest payout applies; others add up"
    )
    split: CreditSplit | None = Field(
        None, description="how a deal is shared where a second partner took part; none: the first has all of it"
    )
    terms: Terms = Field(default_factory=Terms)

    reference: ClassVar[Literal["money", "quota", "growth"]] = "money"

    @abstractmethod
    def measured(self) -> str:
        """Name of the measure that the component pays on."""

    @property
    def least_reference(self) -> float:
        """Least money that counts as last year's result where thresholds are in growth."""
        return 0.0

    @abstractmethod
    def schedule(self) -> Schedule:
        """Payout per window without limits; thresholds in units of the component's `reference`."""

    def advance(self) -> Array | None:
        """Cents paid when a window starts, of which a partner keeps what `schedule` gives at its end; None: nothing."""
        return None

    def registration(self) -> Registration | None:
        """Under which terms deals must be registered to count; None: they need not be."""
        return None

    @property
    def shares_deals(self) -> bool:
        """Whether it pays second partners of deals."""
        return self.split is not None

    def spending(self) -> MarketingFund | None:
        """How what accrues is spent where it is a fund for joint marketing; None: it is the partner's."""
        return None

    def ladders(self) -> dict[str, tuple[float, ...]]:
        """Lists of thresholds that must rise, by their path below the component."""
        return {}


COMPONENTS: dict[str, type[ComponentSpec]] = {}


def component(cls: type[ComponentSpec]) -> type[ComponentSpec]:
    """Register a component kind under the value of its `kind` literal."""
    kind = cls.model_fields["kind"].default
    COMPONENTS[kind] = cls
    return cls


class Points(TableSpec):
    """What a unit of a measure adds to a total of points."""

    measure: str = Field(description=f"one of {', '.join(MEASURES)}")
    weight: float = number(
        ...,
        "points per unit of the measure",
        unit="points per money or count",
        ge=0,
        le=1e6,
        source="HubSpot: 5, 3 and 1 points per 100 of monthly revenue sourced, assisted and managed",
        grade="A",
    )
    engagement: Literal["any", "sourced", "assisted"] = Field("any", description="deals that count")


class Criterion(TableSpec):
    """A threshold on what a partner did over the trailing year: on one measure, or on a weighted sum of several."""

    measure: str | None = Field(None, description=f"one of {', '.join(MEASURES)}; none: points")
    points: Listed[Points] = Field((), description="terms of a sum of points, instead of one measure")
    at_least: float = number(..., "trailing-year total that is needed", unit="money, count or points", gt=0)


class TierLevel(TableSpec):
    """One tier above the entry tier: all criteria must be met."""

    criteria: Listed[Criterion] = Field(description="all must be met", min_length=1)


class TierStatus(TableSpec):
    """Partner tiers: several criteria over a trailing year, reviewed at a cadence."""

    entry: str = Field("registered", description="name of the tier that everyone has")
    levels: dict[str, TierLevel] = Field(description="tiers above the entry tier, lowest first", min_length=1)
    upgrade_every_quarters: int = number(
        1, "quarters between reviews that may raise a tier", unit="quarters", ge=1, le=4
    )
    downgrade_every_quarters: int = number(
        2,
        "quarters between reviews that may lower a tier",
        unit="quarters",
        ge=1,
        le=8,
        source="HubSpot technology partner tiers: upgrades quarterly, downgrades semi-annual",
        grade="A",
    )
