r"""The best response of an agent that picks its output exactly.

    z* = argmax S(z) - C(z)

for a payout schedule S and a convex cost C. On a piece of slope b the best output is where C'(z) = b, moved to the
piece's nearer end; S need not be concave, so the best of all pieces is taken: a kink of falling rates attracts, a rise
of rates leaves a hole around it, a jump draws output onto its threshold. In the simulated world output is noisy and
lumpy; there this rule says what the payout alone invites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulator.core.arrays import Array, Bools
from simulator.program.schedule import Schedule, Segments, segments


class Cost(Protocol):
    """A convex cost of output; `least` is the smallest output there is."""

    @property
    def least(self) -> float: ...
    def of(self, output: Array) -> Array:
        """C(z)."""

    def best(self, slope: Array) -> Array:
        """The output at which the marginal cost is `slope`, which is at least 0."""


@dataclass(frozen=True)
class IsoelasticCost:
    """C(z) = n / (1 + 1/e) (z/n)^(1 + 1/e): at a constant rate b output is n b^e (Saez 2010; Kleven and Waseem 2013).

    scale: n, output at a rate of 1; elasticity: e > 0, of output in the rate.
    """

    scale: Array
    elasticity: Array
    least = 0.0

    def of(self, output: Array) -> Array:
        power = 1.0 + 1.0 / self.elasticity
        return np.asarray(self.scale / power * np.power(output / self.scale, power))

    def best(self, slope: Array) -> Array:
        return np.asarray(self.scale * np.power(slope, self.elasticity))


def best_response(schedule: Schedule, cost: Cost) -> Array:
    """The output that maximises payout less cost; of equals the lowest.

    The arrays of `schedule` and `cost` broadcast together, so that many agents choose at once. Where the payout falls
    at a threshold the best output may be the last one below it.
    """
    pieces = segments(schedule.smooth())
    end = pieces.end
    highest = np.where(_falls_after(pieces), np.nextafter(end, -np.inf), end)
    output = np.clip(cost.best(np.maximum(pieces.slope, 0.0)), np.maximum(pieces.start, cost.least), highest)
    profit = pieces.value + pieces.slope * (output - pieces.anchor) - cost.of(output)
    there = (pieces.start < end) & (end > cost.least)
    best = np.argmax(np.where(there, profit, -np.inf), axis=0)
    return np.asarray(np.take_along_axis(output, best[None], axis=0)[0])


def _falls_after(pieces: Segments) -> Bools:
    """Whether payout falls, by more than rounding, where each piece ends."""
    before = pieces.value[:-1] + pieces.slope[:-1] * np.diff(pieces.anchor, axis=0)
    falls = before - pieces.value[1:] > 1e-12 * np.abs(before)
    return np.concatenate((falls, np.zeros_like(pieces.slope[:1], dtype=bool)))
