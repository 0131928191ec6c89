"""The column profile: which column of a CRM export means what, and what about it cannot be trusted.

A profile is a small TOML file, written once per export format. It holds judgement that no program can
supply: which stages are wins, whether the close date was typed or set by a batch job, what a foreign amount
is worth.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator, model_validator

from simulator.core.errors import InputError, Problem, fault
from simulator.program.base import Listed, TableSpec, number
from simulator.scenario.line_numbers import key_lines, line_of
from simulator.scenario.validation.finding import Steps, dotted, shown, suggestion

SHIPPED = Path(__file__).parent / "profiles"

OF_FUNNEL = 5
"""Open stages of the funnel: found, qualified, after the demo, after the pilot, agreed."""
_WON, _LOST, _CLOSED = re.compile(r"\bwon\b"), re.compile(r"\blost\b"), re.compile(r"\bclos|cancel|\bdead\b|disqualif")

Column = Annotated[str, Field(min_length=1)]
Rate = Annotated[float, Field(gt=0, le=1e6)]


class Columns(TableSpec):
    """Names of the export's columns by their meaning."""

    id: Column | None = Field(None, description="opportunity id; without it only exact duplicates can be found")
    owner: Column = Field(description="the partner that the opportunity belongs to")
    account: Column | None = Field(None, description="the customer")
    product: Column | None = Field(None, description="the product sold; used to tell list prices from free sizes")
    amount: Column = Field(description="value of the opportunity")
    currency: Column | None = Field(None, description="currency of the value")
    created: Column = Field(description="day on which the opportunity was created")
    closed: Column | None = Field(None, description="day on which it was won or lost")
    stage: Column = Field(description="stage, see [stages]")
    segment: Column | None = Field(None, description="market segment; none: one market")
    engagement: Column | None = Field(None, description="tells partner business from direct business")


class Stages(TableSpec):
    """What the values of the stage column mean."""

    won: Listed[str] = Field(min_length=1, description="values that mean won")
    lost: Listed[str] = Field(min_length=1, description="values that mean lost")
    open: Listed[str] = Field((), description="values that mean undecided")

    @model_validator(mode="after")
    def _disjoint(self) -> Stages:
        values = (*self.won, *self.lost, *self.open)
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"a stage can mean one thing only, listed more than once: {', '.join(map(repr, twice))}")
        return self


class Dates(TableSpec):
    """How dates are written and whether the close date means anything."""

    format: str = Field("%Y-%m-%d", description="strptime format of all dates", min_length=2)
    closed_date_valid: bool = Field(False, description="the close date is the day of the decision")
    closed_date_reason: str = Field("", description="why it is not")
    export_date: date | None = Field(None, description="day of the export; later dates are dropped")

    @field_validator("format")
    @classmethod
    def _round_trip(cls, value: str) -> str:
        """A format must bring back the day that it writes."""
        day = datetime(2017, 11, 25)
        try:
            back = datetime.strptime(day.strftime(value), value)
        except ValueError:
            back = None
        if back is None or back.date() != day.date():
            raise ValueError("is not a strptime format of a whole date, such as %Y-%m-%d or %d/%m/%Y")
        return value


class Amounts(TableSpec):
    """How amounts are written and what they leave out."""

    decimal: str = Field(".", description="decimal sign", min_length=1, max_length=1)
    thousands: str = Field("", description="sign between thousands", max_length=1)
    lost_amount_is_zero: bool = Field(False, description="lost deals carry no amount")


class Currency(TableSpec):
    """The scenario's currency and what one unit of another is worth in it."""

    scenario: str = Field("USD", description="currency of the scenario", min_length=1, max_length=8)
    rates: dict[str, Rate] = Field(default_factory=dict, description="scenario currency per unit of the currency")
    rates_source: str = Field("", description="where the rates come from, and of when they are")

    @model_validator(mode="after")
    def _sourced(self) -> Currency:
        if self.rates and not self.rates_source.strip():
            raise ValueError("rates_source must say where the conversion rates come from")
        if self.rates.get(self.scenario, 1.0) != 1.0:
            raise ValueError(f"the rate of the scenario currency {self.scenario} must be 1")
        return self


class Engagement(TableSpec):
    """Values of the engagement column."""

    partner: Listed[str] = Field((), description="values that mean business with a partner; none: every other value")
    direct: Listed[str] = Field(
        min_length=1, description='values that mean the vendor alone; "" is an empty cell: direct deals need no owner'
    )


class HistoryColumns(TableSpec):
    """Columns of a stage history: a row for each stage that an opportunity entered."""

    id: Column = Field("Opportunity ID", description="opportunity id")
    stage: Column = Field("Stage", description="stage that was entered")
    entered: Column = Field("Entered", description="day on which it was")
    milestones: Listed[str] = Field(
        (), description="stages that a deal enters when it is qualified, after the joint demo, after the pilot; none: "
        "the open stages in their order, of which there must be five or more, spread evenly",
    )  # fmt: skip

    @model_validator(mode="after")
    def _three(self) -> HistoryColumns:
        if len(set(self.milestones)) not in (0, 3) or len(self.milestones) > 3:
            raise ValueError("milestones must name three stages, or none")
        return self


class RosterColumns(TableSpec):
    """Columns of a partner roster: a row for each partner of the program. Those that a profile does not name itself may
    be missing."""

    partner: Column = Field("Partner", description="the partner, as the export names it")
    segment: Column = Field("Segment", description="partner segment")
    tier: Column = Field("Tier", description="tier, which stands in for a segment where none is given")
    territory: Column = Field("Territory", description="territory that the partner works in")
    start: Column = Field("Start Date", description="first day in the program")


class PayoutColumns(TableSpec):
    """Columns of past payouts: a row for each payment."""

    partner: Column = Field("Partner", description="the partner, as the export names it")
    end: Column = Field("Period End", description="last day of the period that was paid for")
    paid: Column = Field("Paid", description="money that was paid, in the scenario currency")


class Exclusion(TableSpec):
    """Rows that do not belong to the business being modelled."""

    column: Column
    values: Listed[str] = Field(min_length=1, description="rows with one of these values are left out")
    reason: str = Field(description="why", min_length=3)


class ProgramChange(TableSpec):
    """A past change of the program, from which the response of partners may be read."""

    day: date = Field(description="first day on which it held")
    value_ratio: float = Field(
        description="what an opportunity brought a partner after it over before it, own margin and pay", gt=0, le=20
    )
    owners: Listed[str] = Field((), description="partners it applied to; none listed: all")

    @field_validator("value_ratio")
    @classmethod
    def _moved(cls, value: float) -> float:
        if value == 1:
            raise ValueError("a ratio of 1 changes nothing that partners could answer to")
        return value


class Judgement(TableSpec):
    """Numbers that steer the fit, all judgement."""

    min_activity_weeks: float = number(
        26.0,
        "a partner counts as active for at least this long after its first opportunity",
        unit="weeks",
        ge=1,
        le=104,
    )
    maturity_weeks: float | None = number(
        None,
        "age from which a cohort counts as decided; none: 95 % of the observed cycles",
        unit="weeks",
        ge=0,
        le=520,
    )
    vendor_share: float = number(
        0.25, "share of all opportunities that the vendor finds by itself", unit="share", ge=0, le=0.95
    )
    segment_min_rows: int = number(200, "decided rows that a segment needs to stand alone", unit="rows", ge=50)


class Profile(TableSpec):
    """A whole profile file."""

    name: str = Field(description="short name", min_length=1, max_length=60)
    description: str = ""
    columns: Columns
    stages: Stages
    dates: Dates = Field(default_factory=Dates)
    amounts: Amounts = Field(default_factory=Amounts)
    currency: Currency = Field(default_factory=Currency)
    engagement: Engagement | None = None
    history: HistoryColumns = Field(default_factory=HistoryColumns)
    roster: RosterColumns = Field(default_factory=RosterColumns)
    payouts: PayoutColumns = Field(default_factory=PayoutColumns)
    repairs: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="replacements by column: wrong value to right value"
    )
    exclude: Listed[Exclusion] = ()
    infer: bool = Field(
        False, description="format of dates and numbers, currency and further stages come from the rows"
    )
    optional: Listed[str] = Field((), description="uses of columns that an export may lack, where `infer` holds")
    alternatives: dict[str, Listed[str]] = Field(
        default_factory=dict, description="names that a column may have instead, by use, where `infer` holds"
    )
    changes: Listed[ProgramChange] = ()
    judgement: Judgement = Field(default_factory=Judgement)

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        if self.dates.closed_date_valid and self.columns.closed is None:
            raise ValueError("dates.closed_date_valid is true, but columns.closed names no column")
        if (self.columns.engagement is None) != (self.engagement is None):
            raise ValueError("columns.engagement and the table [engagement] go together: give both or neither")
        return self

    def named_columns(self) -> dict[str, str]:
        """All columns that the export must have, by the path in the profile that names them."""
        named = {f"columns.{use}": name for use, name in self.columns.model_dump().items() if name is not None}
        named |= {f"repairs.{name}": name for name in self.repairs}
        return named | {f"exclude[{j}].column": rule.column for j, rule in enumerate(self.exclude)}

    def outcome_of(self, stage: str) -> str | None:
        """Whether a stage means won, lost or open; None where the profile does not say.

        Companies name their open stages themselves. So a profile of a CRM (`infer`) takes a stage that it does not know
        for open, unless its name speaks of an end; one that says won or lost is that.
        """
        stages = self.stages
        for outcome, values in (("won", stages.won), ("lost", stages.lost), ("open", stages.open)):
            if stage in values:
                return outcome
        name = stage.casefold()
        if not self.infer or not name:
            return None
        won, lost = bool(_WON.search(name)), bool(_LOST.search(name))
        if won != lost:
            return "won" if won else "lost"
        return None if won or _CLOSED.search(name) else "open"

    def open_stage(self, passed: int) -> str:
        """The open stage, in their order, of a deal that passed so many stages of the funnel."""
        stages = self.stages.open or ("open",)
        return stages[passed * len(stages) // OF_FUNNEL]

    def milestone_of(self, stage: str) -> int | None:
        """Stages of the funnel that a deal in a stage has passed, 0 to 3; None where the profile does not say."""
        opens, named = self.stages.open, self.history.milestones
        if named:
            # Stages between two milestones belong to the earlier one.
            places = [opens.index(name) if name in opens else -1 for name in named]
            if stage in named:
                return named.index(stage) + 1
            return sum(0 <= place <= opens.index(stage) for place in places) if stage in opens else None
        if stage not in opens or len(opens) < OF_FUNNEL:
            return None
        return sum(opens.index(stage) >= passed * len(opens) // OF_FUNNEL for passed in (1, 2, 3))


@dataclass(frozen=True)
class Source:
    """A profile and the file it was read from. label: the file as the user named it."""

    profile: Profile
    label: str
    path: Path


def shipped_profiles() -> list[str]:
    """Names of the profiles that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_profile(profile: Path | str) -> Source:
    """Read and check a profile: a path, or the name of a shipped one. All problems are reported at once."""
    label = str(profile)
    path = SHIPPED / f"{label}.toml" if label in shipped_profiles() else Path(profile)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        hint = f"a path, or one of the shipped profiles {', '.join(shipped_profiles())}"
        raise fault(label, "profile", None, "cannot be read as a UTF-8 file", hint) from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise fault(label, "profile", None, f"is not valid TOML: {error}") from None
    try:
        return Source(Profile.model_validate(tree), label, path)
    except ValidationError as error:
        lines = key_lines(text)
        raise InputError([_problem(label, lines, dict(item)) for item in error.errors()]) from None


def _problem(label: str, lines: Mapping[Steps, int], error: dict[str, Any]) -> Problem:
    """One of pydantic's errors in our words."""
    steps: Steps = tuple(error["loc"])
    rule, hint = str(error["msg"]).removeprefix("Value error, "), ""
    if error["type"] == "missing":
        rule = "is required"
    elif error["type"] == "extra_forbidden":
        rule, hint = "is not a key of a profile", suggestion(steps[-1], _known_keys(steps[:-1]))
    value = "" if error["type"] in ("missing", "extra_forbidden", "value_error") else shown(error["input"])
    return Problem(label, dotted(steps) or "profile", value, rule[0].lower() + rule[1:], hint, line_of(lines, steps))


def _known_keys(steps: Steps) -> list[str]:
    """Keys that the profile knows in the table at `steps`."""
    model: Any = Profile
    for step in steps:
        if isinstance(step, int):
            continue
        known = {"engagement": Engagement, "exclude": Exclusion, "changes": ProgramChange}
        model = known.get(step) or getattr(model.model_fields.get(step), "annotation", None)
        if not (isinstance(model, type) and issubclass(model, TableSpec)):
            return []
    return list(model.model_fields)
