"""Scenario discovery: a box of inputs in which an outcome is often bad (PRIM, Friedman and Fisher 1999).

Peeling takes off, again and again, the slice of one input's low or high end that leaves the highest share of bad
replications; pasting adds back what does not lower that share. Of the boxes passed on the way the one is kept whose
density (share bad inside) and coverage (share of the bad that is inside) have the largest harmonic mean. A limit whose
removal could have given the same by chance is dropped: its quasi-p-value is the binomial probability of as many bad
inside, at the density without that limit (Bryant and Lempert 2010).

The box is sought on the first half of the replications and its figures are taken on the second, so that they are not
those of a box that was chosen for having them. Halves, as every second point of a Sobol' sequence is on one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from simulator.core.arrays import Array
from simulator.stats.intervals import CONFIDENCE
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor

Bools = NDArray[np.bool_]
_PEEL = 0.05
_PASTE = 0.01
_SMALLEST = 0.05
"""A box holds at least this share of the replications."""
FEWEST = 200


@dataclass(frozen=True)
class BoxLimit:
    """An input's interval in the box, in its unit; None for an end that is not limited. p: quasi-p-value."""

    factor: str
    low: float | None
    high: float | None
    p: float


@dataclass(frozen=True)
class Box:
    """limits: none where no box is better than chance; density, coverage, mass: on replications not searched.

    share: bad among all of those; seen, bad: the inputs (N, K) and which replications are bad.
    """

    limits: tuple[BoxLimit, ...]
    density: EstimateWithCI
    coverage: EstimateWithCI
    mass: float
    share: EstimateWithCI
    seen: Array
    bad: Bools

    @property
    def found(self) -> bool:
        """Whether the box holds more bad than elsewhere, by more than the error."""
        return bool(self.limits) and self.density.low > self.share.value


@dataclass(frozen=True)
class _Ends:
    """Ends of a box, (K,) each."""

    low: Array
    high: Array

    def hold(self, x: Array) -> Bools:
        return np.asarray(np.all((x >= self.low) & (x <= self.high), axis=1))

    def moved(self, side: str, k: int, value: float) -> _Ends:
        ends = {"low": self.low.copy(), "high": self.high.copy()}
        ends[side][k] = value
        return _Ends(**ends)


def prim(x: Array, bad: Bools, factors: Sequence[Factor]) -> Box:
    """The box of single inputs among (N, K) in which `bad` (N,) is most concentrated; groups are left out."""
    singles = [f for f in factors if f.single]
    mine = x[:, [f.columns[0] for f in singles]]
    check = np.arange(len(x)) >= len(x) // 2
    seek = ~check
    ends, p = _significant(_best(mine[seek], bad[seek]), mine[seek], bad[seek])
    limits = tuple(_limit(f.name, ends, k, p[k]) for k, f in enumerate(singles) if k in p)
    inside = ends.hold(mine)
    hits, count, total = int((bad & inside & check).sum()), int((inside & check).sum()), int((bad & check).sum())
    everywhere = _share(total, int(check.sum()))
    return Box(limits, _share(hits, count), _share(hits, total), count / int(check.sum()), everywhere, x, bad)


def _best(x: Array, bad: Bools) -> _Ends:
    """The box on the way with the largest harmonic mean of density and coverage, pasted."""
    whole = _Ends(np.full(x.shape[1], -np.inf), np.full(x.shape[1], np.inf))
    if not bad.any():
        return whole
    passed = [whole]
    while (smaller := _peeled(passed[-1], x, bad)) is not None:
        passed.append(smaller)
    return _pasted(max(passed, key=lambda ends: _balance(ends, x, bad)), x, bad)


def _balance(ends: _Ends, x: Array, bad: Bools) -> float:
    inside = ends.hold(x)
    return float(2 * (bad & inside).sum() / (inside.sum() + bad.sum()))


def _peeled(ends: _Ends, x: Array, bad: Bools) -> _Ends | None:
    """The box less the slice that leaves the highest density; None where nothing is left to take."""
    inside = ends.hold(x)
    least = max(_SMALLEST * len(x), 1)
    best, highest = None, -1.0
    for k in range(x.shape[1]):
        for side in ("low", "high"):
            tried = _sliced(ends, x[inside, k], side, k)
            left = tried.hold(x)
            if left.sum() < least or left.sum() == inside.sum():
                continue
            density = float(bad[left].mean())
            if density > highest:
                best, highest = tried, density
    return best


def _sliced(ends: _Ends, values: Array, side: str, k: int) -> _Ends:
    """One slice off; where many have the same value, all of them."""
    if side == "low":
        left = values[values > np.quantile(values, _PEEL, method="lower")]
        return ends.moved("low", k, float(left.min()) if len(left) else np.inf)
    left = values[values < np.quantile(values, 1 - _PEEL, method="higher")]
    return ends.moved("high", k, float(left.max()) if len(left) else -np.inf)


def _pasted(ends: _Ends, x: Array, bad: Bools) -> _Ends:
    """Slices added back as long as the balance of density and coverage rises."""
    best, highest = ends, _balance(ends, x, bad)
    while True:
        tried = [
            t for k in range(x.shape[1]) for side in ("low", "high") if (t := _wider(best, x, side, k)) is not None
        ]
        top = max(tried, key=lambda t: _balance(t, x, bad), default=None)
        if top is None or _balance(top, x, bad) <= highest:
            return best
        best, highest = top, _balance(top, x, bad)


def _wider(ends: _Ends, x: Array, side: str, k: int) -> _Ends | None:
    end = (ends.low if side == "low" else ends.high)[k]
    if not np.isfinite(end):
        return None
    free = ends.moved(side, k, -np.inf if side == "low" else np.inf)
    beyond = x[free.hold(x), k]
    beyond = np.sort(beyond[beyond < end])[::-1] if side == "low" else np.sort(beyond[beyond > end])
    take = max(1, round(_PASTE * len(x)))
    return ends.moved(side, k, float(beyond[take - 1])) if len(beyond) >= take else free


def _significant(ends: _Ends, x: Array, bad: Bools) -> tuple[_Ends, dict[int, float]]:
    """The box without limits that chance explains, the weakest first; and the quasi-p-values of the rest."""
    while True:
        limited = [k for k in range(x.shape[1]) if np.isfinite(ends.low[k]) or np.isfinite(ends.high[k])]
        p = {k: _quasi_p(ends, x, bad, k) for k in limited}
        weakest = max(p, key=lambda k: p[k], default=None)
        if weakest is None or p[weakest] < 1 - CONFIDENCE:
            return ends, p
        ends = ends.moved("low", weakest, -np.inf).moved("high", weakest, np.inf)


def _quasi_p(ends: _Ends, x: Array, bad: Bools, k: int) -> float:
    inside = ends.hold(x)
    free = ends.moved("low", k, -np.inf).moved("high", k, np.inf).hold(x)
    return float(stats.binom.sf(int((bad & inside).sum()) - 1, int(inside.sum()), float(bad[free].mean())))


def _limit(name: str, ends: _Ends, k: int, p: float) -> BoxLimit:
    low, high = float(ends.low[k]), float(ends.high[k])
    return BoxLimit(name, low if np.isfinite(low) else None, high if np.isfinite(high) else None, p)


def _share(hits: int, count: int) -> EstimateWithCI:
    """A share with Wilson's interval; from 0 to 1 where there is nothing to count."""
    if count == 0:
        return EstimateWithCI(0.0, 0.0, 0.0, 1.0)
    p = hits / count
    interval = stats.binomtest(hits, count).proportion_ci(CONFIDENCE, method="wilson")
    return EstimateWithCI(p, float(np.sqrt(p * (1 - p) / count)), float(interval.low), float(interval.high))
