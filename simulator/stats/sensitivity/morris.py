"""Elementary effects (Morris 1991): which of many inputs matter at all, at few points.

Each of r trajectories starts at a random point of a grid of 4 levels and moves one factor after another by half the
range, in random order. An elementary effect is the change of the outcome per full range of the factor's probability.
Levels are the quantiles 1/8, 3/8, 5/8 and 7/8, so that no unbounded input goes to its far ends. mean_abs is the mean
size of the effects (mu* of Campolongo et al. 2007), spread their standard deviation, which is 0 where an input's
effect is the same everywhere: large against mean_abs it says bent or interacting. All points meet the same R worlds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, mean_figure, uniforms

_LEVELS = 4
_STEP = 0.5


@dataclass(frozen=True)
class Effects:
    """mean, None for a group, whose inputs move in different directions; in the unit of the outcome.

    noise: the mean size that luck alone would give, from how the effects differ between worlds.
    """

    factor: str
    mean_abs: EstimateWithCI
    mean: EstimateWithCI | None
    spread: float
    noise: float

    @property
    def distinguishable(self) -> bool:
        """Whether the effects are larger than luck would make them."""
        return self.mean_abs.low > self.noise


def design(factors: Sequence[Factor], inputs: int, trajectories: int, seed: int) -> Array:
    """Points (r (F + 1), K), trajectory by trajectory."""
    start = np.floor(uniforms(seed, "morris start", trajectories, inputs) * _LEVELS)
    return np.concatenate(
        [_walk(level, order, factors) for level, order in zip(start, _orders(factors, trajectories, seed), strict=True)]
    )


def effects(y: Array, factors: Sequence[Factor], points: Array, seed: int) -> list[Effects]:
    """Effects from the outcomes (r (F + 1), R) of a design with its `points` and `seed`."""
    steps = len(factors) + 1
    rows, at = y.reshape(-1, steps, y.shape[1]), points.reshape(-1, steps, points.shape[1])
    orders = _orders(factors, len(rows), seed)
    found = np.empty((*orders.shape, y.shape[1]))
    for r, order in enumerate(orders):
        for k, which in enumerate(order):
            column = factors[which].columns[0]
            up = np.sign(at[r, k + 1, column] - at[r, k, column])
            found[r, which] = up * (rows[r, k + 1] - rows[r, k]) / _STEP
    return [_effects(f, found[:, k]) for k, f in enumerate(factors)]


def _effects(factor: Factor, in_worlds: Array) -> Effects:
    """in_worlds: elementary effects (r, R)."""
    found = np.mean(in_worlds, axis=1)
    worlds = in_worlds.shape[1]
    se = np.std(in_worlds, axis=1, ddof=1) / np.sqrt(worlds) if worlds > 1 else np.zeros(len(found))
    mean = mean_figure(found) if factor.single else None
    noise = float(np.sqrt(2 / np.pi) * np.mean(se))
    return Effects(factor.name, mean_figure(np.abs(found)), mean, float(np.std(found, ddof=1)), noise)


def _orders(factors: Sequence[Factor], trajectories: int, seed: int) -> Ints:
    return np.argsort(uniforms(seed, "morris order", trajectories, len(factors)), axis=1)


def _walk(level: Array, order: Ints, factors: Sequence[Factor]) -> Array:
    moved = {column for f in factors for column in f.columns}
    here = (level + 0.5) / _LEVELS
    here[[k for k in range(len(here)) if k not in moved]] = 0.5
    points = [here]
    for which in order:
        here = here.copy()
        columns = list(factors[which].columns)
        here[columns] += np.where(here[columns] < _STEP, _STEP, -_STEP)
        points.append(here)
    return np.stack(points)
