"""What claims report of deals, and the quantities they add up in.

What a deal is, is one integer, its code: market, complexity, engagement, account kind and attachment. A measure says on
which event a claim arises and what it counts. Values are in hundredths: cents of money, or 100 for one unit, so that
every sum is an exact integer.

Tiers and prizes add up tallies: a measure on all claims, or on those of one engagement. A criterion is a weighted sum
of tallies, sum_t w_t x_t >= T; one on a single measure has one term of weight 1. Claims without a deal (certifications,
false claims) have the code -1, no engagement, and count in every tally of their event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from simulator.core.arrays import Array, Bools, Ints

ENGAGEMENTS = ("sourced", "assisted")
ACCOUNTS = ("new", "existing", "named")
COMPLEXITIES = ("standard", "complex")
ATTACHMENTS = ("plain", "attached")
CODES_PER_MARKET = len(COMPLEXITIES) * len(ENGAGEMENTS) * len(ACCOUNTS) * len(ATTACHMENTS)


def deal_code(market: Ints, complexity: Ints, engagement: Ints, account: Ints, attached: Ints) -> Ints:
    """The code of a deal's market, complexity, engagement, account and attachment, each as its position in its list."""
    return (((market * 2 + complexity) * 2 + engagement) * 3 + account) * 2 + attached


def engagement_of(code: Ints) -> Ints:
    """The position in `ENGAGEMENTS` of deals by their code."""
    return code // (len(ACCOUNTS) * len(ATTACHMENTS)) % len(ENGAGEMENTS)


def complexity_of(code: Ints) -> Ints:
    """The position in `COMPLEXITIES` of deals by their code."""
    return code // (len(ENGAGEMENTS) * len(ACCOUNTS) * len(ATTACHMENTS)) % len(COMPLEXITIES)


def attached_of(code: Ints) -> Bools:
    """Whether deals are attached, by their code."""
    return np.asarray((code >= 0) & (code % len(ATTACHMENTS) == 1))


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


@dataclass(frozen=True)
class Tally:
    """A measure on the claims of one engagement, by its position; None for all."""

    measure: Measure
    engagement: int | None = None

    def counts(self, event: Ints, code: Ints) -> Bools:
        """Which claims count, by event and code of their deals."""
        mine: Bools = event == self.measure.event
        if self.engagement is None:
            return mine
        return np.asarray(mine & ((code < 0) | (engagement_of(code) == self.engagement)))

    def value(self, amount: Array) -> Array:
        """What claims that count add, in hundredths."""
        return amount if self.measure.by_amount else np.full(amount.shape, 100.0)


def tally_name(measure: str, engagement: str) -> str:
    """The name of a tally in `TALLIES`."""
    return measure if engagement == "any" else f"{measure} {engagement}"


TALLIES: dict[str, Tally] = {name: Tally(measure) for name, measure in MEASURES.items()} | {
    tally_name(name, engagement): Tally(measure, k)
    for name, measure in MEASURES.items()
    for k, engagement in enumerate(ENGAGEMENTS)
}
"""Every tally by name."""
