"""Accelerator and decelerator: a commission rate whose multiple rises or falls with quota attainment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.base import ComponentSpec, Listed, TableSpec, component, number
from simulator.program.schedule import Schedule, stepped_rates


class AttainmentTier(TableSpec):
    """From this share of quota on the base rate is multiplied."""

    above: float = number(..., "attainment from which the multiple holds", unit="share of quota", gt=0, le=20)
    multiple: float = number(..., "multiple of the base rate", unit="multiple", ge=0, le=50)


@component
class Accelerator(ComponentSpec):
    """Pays `rate * multiple` of revenue, the multiple by attainment of a quota.

    The quota is `quota` times what the partner closes per window under the baseline, so large and small partners
    have comparable quotas.
    """

    kind: Literal["accelerator"] = "accelerator"
    reference = "quota"
    rate: float = number(..., "base commission", unit="share of revenue", ge=0, le=1)
    quota: float = number(
        1.0, "quota in multiples of the partner's expected baseline result", unit="multiple", gt=0, le=20
    )
    start_multiple: float = number(
        1.0,
        "multiple below the first threshold (a decelerator below 1)",
        unit="multiple",
        ge=0,
        le=50,
        source="typical curve: x0.5 to 40 %, x1 to 100 %, x1.5 to 150 %, x2 beyond",
        grade="C",
    )
    multiples: Listed[AttainmentTier] = Field(description="multiples by attainment", min_length=1)
    tiering: Literal["marginal", "retroactive"] = "marginal"

    def measured(self) -> str:
        return "revenue"

    def schedule(self) -> Schedule:
        steps = [(self.quota * tier.above, self.rate * tier.multiple) for tier in self.multiples]
        return stepped_rates(self.rate * self.start_multiple, steps, retroactive=self.tiering == "retroactive")

    def ladders(self) -> dict[str, tuple[float, ...]]:
        return {"multiples[{}].above": tuple(t.above for t in self.multiples)}
