"""What a program gives its partners beside pay: enablement, and prizes for the best of a quarter.

Every support has a cost and an effect on what partners bring. Training adds to the activity that a partner's skill
follows; content makes stages faster as far as it is used; an executive sponsor helps in named accounts, product
specialists in complex deals, as far as there are enough of them. A prize is recognition, no cash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from simulator.core.arrays import Array, column
from simulator.program.base import TableSpec, number
from simulator.program.measures import MEASURES


class Support(TableSpec):
    """What a kind of support costs the vendor."""

    cost_per_year: float = number(0.0, "fixed cost", unit="money per year", ge=0)
    cost_per_partner: float = number(0.0, "cost for every partner on the program", unit="money per year", ge=0)


class Training(Support):
    """Partners' skill grows as if they trained more."""

    skill: float = number(
        0.3, "added to the training activity that skill follows", unit="multiple of usual", ge=0, le=10
    )


class Content(Support):
    """Sales content makes stages faster, as far as partners use it in their co-sell work."""

    speed: float = number(0.1, "how much faster stages are at full use", unit="share", ge=0, le=3)
    use: float = number(0.5, "share of usual co-sell work in which it is used", unit="share", ge=0, le=1)


class Sponsor(Support):
    """An executive sponsor takes part in deals with named accounts."""

    win: float = number(0.3, "rise of the log-odds of winning with named accounts", unit="logit", ge=0, le=5)


class Specialists(Support):
    """Product specialists help with complex deals; partners share them."""

    capacity: float = number(..., "open complex deals that they can look after at a time", unit="deals", gt=0, le=1e6)
    win: float = number(0.4, "rise of the log-odds of winning a complex deal at full access", unit="logit", ge=0, le=5)


class Enablement(TableSpec):
    """Non-cash support of a program. Odds and cycles of a scenario are those without it."""

    training: Training | None = Field(None, description="training of partners")
    content: Content | None = Field(None, description="sales content")
    sponsor: Sponsor | None = Field(None, description="executive sponsor for named accounts")
    specialists: Specialists | None = Field(None, description="product specialists, a shared capacity")


@dataclass(frozen=True)
class Supports:
    """Compiled enablement. costs: name -> (fixed, per partner) cents per year; the rest None where absent; (R or 1, 1).

    skill: added training activity; content: (speed, use); sponsor: logits; specialists: (capacity, logits).
    """

    costs: dict[str, tuple[Array, Array]]
    skill: Array | None
    content: tuple[Array, Array] | None
    sponsor: Array | None
    specialists: tuple[Array, Array] | None


def supports_of(spec: Enablement | None) -> Supports | None:
    """The supports of a program, None where it gives none."""
    if spec is None or not any(True for _ in given(spec)):
        return None
    costs = {name: getattr(spec, name) for name in given(spec)}
    training, content, sponsor, specialists = spec.training, spec.content, spec.sponsor, spec.specialists
    return Supports(
        costs={n: (column(s.cost_per_year * 100), column(s.cost_per_partner * 100)) for n, s in costs.items()},
        skill=None if training is None else column(training.skill),
        content=None if content is None else (column(content.speed), column(content.use)),
        sponsor=None if sponsor is None else column(sponsor.win),
        specialists=None if specialists is None else (column(specialists.capacity), column(specialists.win)),
    )


def given(spec: Enablement) -> Iterator[str]:
    """Names of the supports that are given."""
    return (name for name in type(spec).model_fields if getattr(spec, name) is not None)


class Award(TableSpec):
    """The best `winners` of a fiscal quarter get a prize; who reports nothing wins nothing."""

    measure: str = Field("revenue", description=f"one of {', '.join(MEASURES)}")
    winners: int = number(1, "partners that win in a quarter", unit="partners", ge=1, le=1000)
    value: float = number(..., "what winning is worth to a partner", unit="money", ge=0)
    cost: float = number(0.0, "what a prize costs the vendor", unit="money per winner", ge=0)


@dataclass(frozen=True)
class Prize:
    """A compiled award; value and cost in cents, (R or 1, 1)."""

    name: str
    measure: str
    winners: int
    value: Array
    cost: Array


def prizes_of(awards: Mapping[str, Award]) -> tuple[Prize, ...]:
    """The prizes of a program."""
    return tuple(
        Prize(name, a.measure, a.winners, column(a.value * 100), column(a.cost * 100)) for name, a in awards.items()
    )
