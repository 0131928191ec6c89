"""Deal registration: a rate uplift on deals that the partner registered and closed while protected."""

from __future__ import annotations

from typing import Literal

import numpy as np

from simulator.core.arrays import column
from simulator.program.base import ComponentSpec, Window, component, number
from simulator.program.conditions import Registration
from simulator.program.schedule import Schedule


@component
class DealRegistration(ComponentSpec):
    """Pays an uplift on a registered deal of at least `min_amount` that is signed within the protection window.

    A registration is filed when the opportunity is found. In each fiscal quarter the first `registrations_per_quarter`
    are accepted, in the order of filing. Where a second partner takes part and `second_uplift` is given, it registers
    the deal too, within its own number, and is paid that on top of what the first one gets.
    """

    kind: Literal["deal_registration"] = "deal_registration"
    window: Window = "claim"
    uplift: float = number(
        ...,
        "share of the deal's revenue paid on top",
        unit="share of revenue",
        ge=0,
        le=1,
        source="Check Point: +25 points new customer, +15 competitive, at list 20,000 and above",
        grade="A",
    )
    second_uplift: float | None = number(
        None, "share of the deal's revenue paid to a second registrant", unit="share of revenue", ge=0, le=1
    )
    protection_weeks: float = number(
        13.0, "weeks from registration within which the deal must be signed", unit="weeks", gt=0, le=156,
        source="60 to 180 days, 90 days common", grade="C",
    )  # fmt: skip
    registrations_per_quarter: int = number(
        50, "registrations accepted per partner and quarter", unit="registrations", ge=1,
        source="HubSpot capped registered domains at 50 for untiered partners", grade="A",
    )  # fmt: skip

    def measured(self) -> str:
        return "revenue"

    def schedule(self) -> Schedule:
        return Schedule(column(self.uplift))

    def registration(self) -> Registration:
        second = None
        if self.second_uplift is not None:
            whole = column(self.uplift)
            second = np.where(whole > 0, self.second_uplift / np.where(whole > 0, whole, 1.0), 0.0)
        return Registration(column(self.protection_weeks), self.registrations_per_quarter, second)

    @property
    def shares_deals(self) -> bool:
        return self.split is not None or self.second_uplift is not None
