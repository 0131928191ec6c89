"""Recognition: a prize, no cash, for the best partners of a quarter by a measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from simulator.core.arrays import Array
from simulator.program.base import TableSpec, number
from simulator.program.measures import MEASURES
from simulator.program.values import Numbers


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


def prizes_of(awards: Mapping[str, Award], number: Numbers) -> tuple[Prize, ...]:
    """The prizes of a program. number: reader below its awards."""
    return tuple(
        Prize(name, a.measure, a.winners, number(f"{name}.value") * 100, number(f"{name}.cost") * 100)
        for name, a in awards.items()
    )
