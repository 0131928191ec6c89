"""Tallies: what tiers and prizes add up over time, a measure on all claims or on those of one engagement.

A criterion is a weighted sum of tallies, sum_t w_t x_t >= T; one on a single measure has one term of weight 1. Claims
without a deal (certifications, false claims) have no engagement and count in every tally of their event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.program.compiled import ENGAGEMENTS, Bools, Ints, engagement_of
from simulator.program.measures import MEASURES, Measure
from simulator.program.numbers import Array


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
