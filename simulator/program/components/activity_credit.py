"""Activity credit: a fixed amount per verified activity."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.program.base import ComponentSpec, component, number
from simulator.program.schedule import Schedule, stepped_rates


@component
class ActivityCredit(ComponentSpec):
    """Pays `amount` for each claim of an activity, up to `limit` claims per window."""

    kind: Literal["activity_credit"] = "activity_credit"
    measure: Literal["qualified", "demo", "pilot", "certification", "deals"] = Field(description="activity paid for")
    amount: float = number(..., "paid per claim", unit="money per claim", ge=0)
    limit: float | None = number(None, "most claims paid per window; none: no limit", unit="claims", gt=0)

    def measured(self) -> str:
        return self.measure

    def schedule(self) -> Schedule:
        steps = [] if self.limit is None else [(self.limit * 100, 0.0)]
        return stepped_rates(self.amount, steps)
