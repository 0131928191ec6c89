"""Outcome bonus: paid for what becomes of a customer after the sale."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.core.arrays import column
from simulator.program.base import ComponentSpec, component, number
from simulator.program.schedule import Schedule


@component
class OutcomeBonus(ComponentSpec):
    """Pays `amount` for each customer that goes live (in time, with `within_weeks`), is retained, or becomes a
    reference; of an expansion it pays `share` of the money."""

    kind: Literal["outcome_bonus"] = "outcome_bonus"
    measure: Literal["live", "retained", "expansion", "reference"] = Field(description="outcome paid for")
    amount: float | None = number(None, "paid per customer", unit="money per customer", ge=0)
    share: float | None = number(None, "paid of an expansion", unit="share of revenue", ge=0, le=1)

    def measured(self) -> str:
        return self.measure

    def schedule(self) -> Schedule:
        paid = self.share if self.measure == "expansion" else self.amount
        assert paid is not None  # the check of scenarios asks for it
        return Schedule(column(paid))
