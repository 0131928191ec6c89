"""One at a time: what the outcome becomes with one factor at its P10 and at its P90, all others at their medians.

All points meet the same R worlds, so each difference is taken within worlds, and a factor without effect gives exactly
0. A group has all its inputs at P10, then all at P90. An input alone is moved to its own quantiles also where it is
correlated with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, mean_figure

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Bar:
    """low, high: change from all medians with the factor at P10 and P90; swing: from P10 to P90."""

    factor: str
    low: EstimateWithCI
    high: EstimateWithCI
    swing: EstimateWithCI

    @property
    def distinguishable(self) -> bool:
        """Whether any of the three differences is not 0, by more than its error."""
        return any(got.distinguishable for got in (self.low, self.high, self.swing))


def design(factors: Sequence[Factor], inputs: int) -> Array:
    """Points (1 + 2 F, K): all medians, then each factor at P10 and at P90."""
    points = np.full((1 + 2 * len(factors), inputs), 0.5)
    for k, f in enumerate(factors):
        points[1 + 2 * k, f.columns] = LOW
        points[2 + 2 * k, f.columns] = HIGH
    return points


def bars(y: Array, factors: Sequence[Factor]) -> list[Bar]:
    """Bars from the outcomes (1 + 2 F, R) of a design, in the order of the factors."""
    middle = y[0]
    return [
        Bar(f.name, mean_figure(low - middle), mean_figure(high - middle), mean_figure(high - low))
        for f, low, high in zip(factors, y[1::2], y[2::2], strict=True)
    ]
