"""The flat share of revenue that costs on average what a program costs, by a search for the root in fixed worlds."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from simulator.metrics.measure import STRATEGIC
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Program
from simulator.stats.estimate import Array, Difference, difference, mean_of
from simulator.studies.base import Bench, numbered


@dataclass(frozen=True)
class FlatShare:
    """The flat share of revenue that costs on average what a program costs.

    rate: with its standard error, that of the paired cost difference over the slope; target: expected cost of the
    program, in the currency; gap: expected cost of the share less that; reached: whether the gap is within tolerance.
    """

    rate: float
    rate_se: float | None
    target: float
    gap: Difference
    reached: bool


_FIRST_RATE = 0.05


_ROUNDS = 8


def flat_share(rate: float) -> Program:
    """The simplest linear program: one flat share of all closed revenue."""
    return Program.model_validate({"components": {"share": {"kind": "revenue_share", "rate": rate}}})


def flat_share_costing(bench: Bench, target: Array) -> FlatShare:
    """The flat share of revenue whose expected cost is the target's.

    The worlds are fixed, so that the cost is a smooth function of the rate up to rounding. Each round tries a few rates
    in one simulation: first around a usual one, then around the point where a straight line through the nearest rates
    meets the target, inside the bracket as soon as there is one. A target that cannot be met gives the closest rate.
    target: cost per replication on the bench's worlds, (N,), in the currency.
    """
    root = _Root((1e-6, 1.0 / _FIRST_RATE), target)
    for _ in range(_ROUNDS):
        asked = root.proposals()
        if not asked:
            break
        names = numbered([flat_share(scale * _FIRST_RATE) for scale in asked])
        simulated = bench.simulate(names)
        for scale, name in zip(asked, names, strict=True):
            root.note(scale, cost_in(simulated, name))
    return root.found()


def cost_in(simulated: SimulationResult, program: str) -> Array:
    """Program cost per replication where partners respond and game, (N,), in the currency."""
    return np.asarray(simulated.totals[program, STRATEGIC]["cost"] / 100.0)


@dataclass
class _Root:
    """Rates tried so far, as multiples of `_FIRST_RATE`. span: least and greatest permitted; target: as asked, (N,);
    seen: multiple -> cost less target per replication, (N,)."""

    span: tuple[float, float]
    target: Array
    seen: dict[float, Array] = field(default_factory=dict)

    def note(self, scale: float, cost: Array) -> None:
        self.seen[scale] = cost - self.target

    def mean(self, scale: float) -> float:
        return float(np.mean(self.seen[scale]))

    @property
    def best(self) -> float:
        return min(self.seen, key=lambda s: abs(self.mean(s)))

    @property
    def reached(self) -> bool:
        """Whether the best one meets the target."""
        return abs(self.mean(self.best)) <= TOLERANCE * abs(float(np.mean(self.target)))

    def proposals(self) -> list[float]:
        """Multiples to try next; none when the target is met or out of reach."""
        low, high = self.span
        if not self.seen:
            return list(_FIRST)
        if self.reached:
            return []
        bracket = self.bracket()
        found = self._inside(*bracket) if bracket else self._outside()
        return [s for s in dict.fromkeys(found) if low <= s <= high and s not in self.seen]

    def bracket(self) -> tuple[float, float] | None:
        """Neighbouring multiples on both sides of the target, the narrowest."""
        tried = sorted(self.seen)
        pairs = [(a, b) for a, b in pairwise(tried) if self.mean(a) * self.mean(b) <= 0]
        return min(pairs, key=lambda p: p[1] - p[0]) if pairs else None

    def _inside(self, a: float, b: float) -> list[float]:
        one, other = self.mean(a), self.mean(b)
        meets = a + (b - a) * one / (one - other) if one != other else (a + b) / 2
        near = 0.1 * (b - a)
        return [meets, max(meets - near, (a + meets) / 2), min(meets + near, (b + meets) / 2)]

    def _outside(self) -> list[float]:
        """Where the line through the two multiples nearest to the target meets it, and further out on that side."""
        near, next_ = sorted(self.seen, key=lambda s: abs(self.mean(s)))[:2]
        slope = self.slope()
        meets = near - self.mean(near) / slope if slope else near * _STEP
        up = near >= next_
        far = near * _STEP if up else near / _STEP
        meets = min(max(meets, near / _STEP**2), near * _STEP**2)
        inward = meets <= near if up else meets >= near
        aim = far if inward else meets
        beyond = near + _STEP * (aim - near)
        return [min(max(x, self.span[0]), self.span[1]) for x in (aim, beyond, far)]

    def slope(self) -> float:
        """Change of the mean cost per unit of the multiple near the best one."""
        others = sorted((s for s in self.seen if s != self.best), key=lambda s: abs(s - self.best))
        return (self.mean(others[0]) - self.mean(self.best)) / (others[0] - self.best)

    def found(self) -> FlatShare:
        """The best one."""
        scale, slope = self.best, self.slope()
        gap = difference(mean_of(self.seen[scale]), mean_of(np.zeros(len(self.target))))
        se = abs(gap.se / slope) if gap.se is not None and slope else None
        rate = scale * _FIRST_RATE
        return FlatShare(
            rate=rate,
            rate_se=None if se is None else se * rate / scale,
            target=float(np.mean(self.target)),
            gap=gap,
            reached=self.reached,
        )


TOLERANCE = 0.002
"""Expected cost counts as equal within this share of the target."""


_FIRST = (1.0, 0.7)


_STEP = 2.0
