"""What drives the worst tenth: how the inputs of the worst replications differ from those of the rest.

Given the worst tenth of the outcome, an input that does not matter is spread as ever (Hornberger and Spear 1981). Two
figures per input: shift, by how much its mean percentile in the worst tenth differs from that of the rest, with a
Welch t interval; and the Kolmogorov-Smirnov distance of the two distributions, which also sees a change of shape, with
a p-value adjusted for the number of inputs (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from simulator.core.arrays import Array
from simulator.stats.intervals import CONFIDENCE
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, figure

Bools = NDArray[np.bool_]
WORST_ONE_IN = 10
FEWEST = 100
"""Replications needed for a worst tenth of ten."""


@dataclass(frozen=True)
class Drift:
    """shift: in percentile points; distance: 0 to 1; p: adjusted; worst, rest: medians of the input in its unit."""

    factor: str
    shift: EstimateWithCI
    distance: float
    p: float
    worst: float
    rest: float

    @property
    def distinguishable(self) -> bool:
        """Whether the two distributions differ by more than chance, over all inputs looked at."""
        return bool(self.p < 1 - CONFIDENCE)


def tail(x: Array, y: Array, factors: Sequence[Factor], *, higher_is_better: bool) -> list[Drift]:
    """Drift of single inputs among (N, K) in the worst tenth of outcomes (N,); groups have none."""
    worst = worst_tenth(y, higher_is_better=higher_is_better)
    found = [_drift(f.name, x[:, f.columns[0]], worst) for f in factors if f.single]
    return [_with_p(d, p) for d, p in zip(found, _holm([d.p for d in found]), strict=True)]


def worst_tenth(y: Array, *, higher_is_better: bool) -> Bools:
    """Which of (N,) outcomes are the worst tenth; the first of equals."""
    order = np.argsort(y if higher_is_better else -y, kind="stable")
    worst = np.zeros(len(y), dtype=bool)
    worst[order[: len(y) // WORST_ONE_IN]] = True
    return worst


def _drift(name: str, x: Array, worst: Bools) -> Drift:
    percentile = (stats.rankdata(x) - 0.5) / len(x) * 100
    inside, outside = percentile[worst], percentile[~worst]
    parts = [float(np.var(side, ddof=1)) / len(side) for side in (inside, outside)]
    variance = sum(parts)
    bottom = sum(part**2 / (len(side) - 1) for part, side in zip(parts, (inside, outside), strict=True))
    shift = figure(float(inside.mean() - outside.mean()), variance**0.5, variance**2 / bottom if bottom else np.inf)
    test = stats.ks_2samp(inside, outside)
    return Drift(
        name, shift, float(test.statistic), float(test.pvalue), float(np.median(x[worst])), float(np.median(x[~worst]))
    )


def _with_p(d: Drift, p: float) -> Drift:
    return Drift(d.factor, d.shift, d.distance, p, d.worst, d.rest)


def _holm(p: Sequence[float]) -> list[float]:
    order = np.argsort(p)
    raised = np.maximum.accumulate([min(1.0, p[k] * (len(p) - rank)) for rank, k in enumerate(order)])
    adjusted = np.empty(len(p))
    adjusted[order] = raised
    return [float(v) for v in adjusted]
