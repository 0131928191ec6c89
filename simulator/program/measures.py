"""Measures: the quantities that claims add up in.

A measure says on which event a claim arises and what it counts. Values are in hundredths: cents of money, or 100 for
one unit, so that every sum is an exact integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Event(IntEnum):
    """What a claim reports. The first four follow the funnel and its stages."""

    QUALIFIED = 0
    DEMO = 1
    PILOT = 2
    SIGNED = 3
    CERTIFIED = 4
    LIVE = 5
    RETAINED = 6
    EXPANDED = 7
    REFERRED = 8


@dataclass(frozen=True)
class Measure:
    """event: the claim it adds up; by_amount: money of the deal, else one per claim; padded: whether a partner can
    claim it without its having happened (nobody signs a false contract)."""

    event: Event
    by_amount: bool
    unit: str
    padded: bool


MEASURES: dict[str, Measure] = {
    "revenue": Measure(Event.SIGNED, True, "money", False),
    "deals": Measure(Event.SIGNED, False, "deals", False),
    "qualified": Measure(Event.QUALIFIED, False, "opportunities", True),
    "demo": Measure(Event.DEMO, False, "demos", True),
    "pilot": Measure(Event.PILOT, False, "pilots", True),
    "live": Measure(Event.LIVE, False, "customers", False),
    "retained": Measure(Event.RETAINED, False, "customers", False),
    "expansion": Measure(Event.EXPANDED, True, "money", False),
    "reference": Measure(Event.REFERRED, False, "customers", False),
    "certification": Measure(Event.CERTIFIED, False, "certifications", True),
}
"""Every measure by name. A new one is a new row here."""
