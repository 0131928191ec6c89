"""Searching lever values with few simulations: a surrogate is fitted to what was simulated and says where to look next.

The worlds stay the same throughout, so that the function searched is smooth up to rounding and settings are compared
with common random numbers. It starts with a space-filling design. Each round then fits a surrogate to the gain and to
each constraint, draws candidate settings all over the space and around the best one, and simulates a handful of them
together: those that score best on predicted gain and on distance from what is known, with weights that go from looking
around to closing in (the metric stochastic response surface method, Regis and Shoemaker 2007). Settings predicted to
break a constraint are put behind those that are not. Equal seeds give equal searches.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from simulator.core.streams import Streams
from simulator.stats.estimate import Array, Estimate
from simulator.stats.surrogate import Surrogate, fit_surrogate

BATCH = 6
"""Settings simulated together in a round, which share worlds and burn-in."""
_WEIGHTS = (0.5, 0.8, 0.95, 1.0)
_SCALES = (0.2, 0.05, 0.0125)
_GLOBAL, _LOCAL = 512, 256
_APART = 0.004
"""Settings closer than this, in parts of a lever's range, are not simulated twice."""
_QUIET_ROUNDS = 2
_SCAN = 401


@dataclass(frozen=True)
class Lever:
    """A number that is chosen, from `low` to `high` in steps of `step` from `low` on; 0 for any value."""

    path: str
    low: float
    high: float
    step: float = 0.0

    def at(self, u: Array) -> Array:
        """Values at positions u in [0, 1], on the lever's steps."""
        value = self.low + np.asarray(u) * (self.high - self.low)
        if self.step:
            value = np.minimum(self.low + np.rint((value - self.low) / self.step) * self.step, self._last)
        return np.asarray(value)

    def position(self, value: Array) -> Array:
        """Positions of values, in parts of the range."""
        return np.asarray((np.asarray(value) - self.low) / (self.high - self.low))

    @property
    def _last(self) -> float:
        return self.low + math.floor((self.high - self.low) / self.step + 1e-9) * self.step


@dataclass(frozen=True)
class SearchTrial:
    """What was seen of one setting on some worlds.

    gain: value over the baseline's per replication, (N,); excess: by how much each constraint is passed, above 0 where
    it is broken; shown: further figures.
    """

    gain: Array
    excess: tuple[float, ...] = ()
    shown: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean gain."""
        return float(np.mean(self.gain))

    @property
    def feasible(self) -> bool:
        """Whether every constraint holds."""
        return all(e <= 0 for e in self.excess)


Evaluate = Callable[[Array], Sequence[SearchTrial]]
"""Trials of settings (m, d), all on the same worlds."""
Permitted = Callable[[Array], bool]
"""Whether a setting (d,) is one that a program can have at all."""


@dataclass(frozen=True)
class SearchResult:
    """settings: (n, d) in the order of simulation; trials: of each; best: position of the best one that keeps all
    constraints, None if none does; rounds: calls of the evaluator."""

    levers: tuple[Lever, ...]
    settings: Array
    trials: tuple[SearchTrial, ...]
    best: int | None
    rounds: int

    @property
    def closest(self) -> int:
        """The best setting, or the one that breaks the constraints least."""
        return _closest(self.trials) if self.best is None else self.best

    def surrogate(self) -> Surrogate:
        """The surrogate of the mean gain over positions in the unit cube."""
        return fit_surrogate(_positions(self.levers, self.settings), np.array([t.mean for t in self.trials]))

    def along(self, lever: int) -> tuple[Array, Array]:
        """Values of one lever over its range, and the predicted gain there with the others at their best values."""
        line = np.repeat(_positions(self.levers, self.settings[[self.closest]]), _SCAN, axis=0)
        line[:, lever] = np.linspace(0.0, 1.0, _SCAN)
        at = self.levers[lever]
        return at.low + line[:, lever] * (at.high - at.low), self.surrogate()(line)

    def flat(self, lever: int, within: float) -> tuple[float, float]:
        """The range of a lever around its best value in which the predicted gain is less by at most `within`.

        The other levers stay at their best values.
        """
        at, predicted = self.along(lever)
        middle = int(np.argmin(np.abs(at - self.settings[self.closest, lever])))
        good = predicted >= predicted[middle] - within
        low, high = middle, middle
        while low > 0 and good[low - 1]:
            low -= 1
        while high < len(at) - 1 and good[high + 1]:
            high += 1
        return float(at[low]), float(at[high])


def search(
    levers: Sequence[Lever],
    evaluate: Evaluate,
    *,
    evaluations: int,
    seed: int,
    permitted: Permitted = lambda _: True,
    start: Sequence[float] | None = None,
    enough: float = 0.1,
) -> SearchResult:
    """Search for the setting with the highest mean gain among those that keep all constraints.

    evaluations: most settings to simulate; permitted: which settings are possible; start: a setting to begin with;
    enough: it ends early after two rounds in which the best gain rose by less than this share of its standard error.
    """
    run = _Run(tuple(levers), evaluate, permitted, Streams(seed), evaluations)
    run.simulate(run.design(start))
    quiet = 0
    while len(run.trials) < evaluations and quiet < _QUIET_ROUNDS:
        before = _best(run.trials)
        chosen = run.next_settings()
        if not len(chosen):
            break
        run.simulate(chosen)
        quiet = quiet + 1 if _settled(run.trials, before, enough) else 0
    return SearchResult(run.levers, run.settings, tuple(run.trials), _best(run.trials), run.rounds)


class _Run:
    """A search under way."""

    def __init__(
        self, levers: tuple[Lever, ...], evaluate: Evaluate, permitted: Permitted, streams: Streams, evaluations: int
    ) -> None:
        self.levers, self._evaluate, self._permitted = levers, evaluate, permitted
        self._streams, self._evaluations = streams, evaluations
        self.settings: Array = np.zeros((0, len(levers)))
        self.trials: list[SearchTrial] = []
        self.rounds = 0

    def simulate(self, settings: Array) -> None:
        """Simulate settings and keep what is seen."""
        self.trials += list(self._evaluate(settings))
        self.settings = np.concatenate((self.settings, settings))
        self.rounds += 1

    def design(self, start: Sequence[float] | None) -> Array:
        """The first settings: `start`, and points spread evenly over the space."""
        d = len(self.levers)
        count = min(self._evaluations, 6 + 4 * d)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the even spread of a power of two is not needed
            points = qmc.Sobol(d, scramble=False).random(8 * count)
        points = (points + self._uniforms(0, 1, d)) % 1.0
        first = np.zeros((0, d)) if start is None else _positions(self.levers, np.array([start], dtype=float))
        return self._picked(np.concatenate((first, points)), count)

    def next_settings(self) -> Array:
        """The settings of the next round."""
        known = _positions(self.levers, self.settings)
        candidates = self._candidates(known[_closest(self.trials)])
        promise = _promise(known, self.trials, candidates)
        chosen: list[Array] = []
        room = min(BATCH, self._evaluations - len(self.trials))
        open_ = np.ones(len(candidates), dtype=bool)
        while len(chosen) < room and open_.any():
            apart = np.sqrt(((candidates[:, None, :] - known[None, :, :]) ** 2).sum(axis=-1)).min(axis=1)
            open_ &= apart >= _APART
            weight = _WEIGHTS[len(chosen) % len(_WEIGHTS)]
            score = np.where(open_, weight * _unit(promise) + (1 - weight) * _unit(apart), -np.inf)
            pick = int(np.argmax(score))
            if not open_[pick]:
                break
            open_[pick] = False
            setting = _settings(self.levers, candidates[[pick]])[0]
            if self._permitted(setting):
                chosen.append(setting)
                known = np.concatenate((known, candidates[[pick]]))
        return np.array(chosen).reshape(-1, len(self.levers))

    def _candidates(self, best: Array) -> Array:
        """Positions on the levers' steps: anywhere, and around the best at three scales."""
        d = len(self.levers)
        u = self._uniforms(self.rounds, _GLOBAL + _LOCAL * len(_SCALES), d)
        near = np.repeat(np.array(_SCALES), _LOCAL)[:, None] * ndtri(u[_GLOBAL:])
        anywhere = np.concatenate((u[:_GLOBAL], np.clip(best + near, 0.0, 1.0)))
        return _positions(self.levers, _settings(self.levers, anywhere))

    def _picked(self, positions: Array, count: int) -> Array:
        """The first `count` distinct permitted settings."""
        found: list[Array] = []
        for setting in _settings(self.levers, positions):
            if len(found) < count and not any((setting == f).all() for f in found) and self._permitted(setting):
                found.append(setting)
        return np.array(found).reshape(-1, len(self.levers))

    def _uniforms(self, round_: int, count: int, d: int) -> Array:
        blocks = -(-d // 4)
        row, ordinal = np.divmod(np.arange(count * blocks), blocks)
        return self._streams.draw("search", round_, row, 0, ordinal).T.reshape(count, 4 * blocks)[:, :d]


def _settings(levers: Sequence[Lever], positions: Array) -> Array:
    return np.stack([lever.at(positions[:, j]) for j, lever in enumerate(levers)], axis=1)


def _positions(levers: Sequence[Lever], settings: Array) -> Array:
    return np.stack([lever.position(settings[:, j]) for j, lever in enumerate(levers)], axis=1)


def _promise(known: Array, trials: Sequence[SearchTrial], candidates: Array) -> Array:
    """Predicted gain in its standard deviations, far down where a constraint is predicted to be broken."""
    gains = np.array([t.mean for t in trials])
    promise = fit_surrogate(known, gains)(candidates) / (float(np.std(gains)) or 1.0)
    for excess in np.array([t.excess for t in trials]).T:
        size = float(np.std(excess)) or 1.0
        broken = np.maximum(fit_surrogate(known, excess)(candidates) / size, 0.0)
        promise = promise - 10.0 * broken
    return np.asarray(promise)


def _unit(x: Array) -> Array:
    span = float(np.ptp(x))
    return np.asarray((x - x.min()) / span if span > 0 else np.zeros_like(x))


def _best(trials: Sequence[SearchTrial]) -> int | None:
    kept = [k for k, t in enumerate(trials) if t.feasible]
    return max(kept, key=lambda k: trials[k].mean) if kept else None


def _closest(trials: Sequence[SearchTrial]) -> int:
    """The best trial; where all break a constraint, the one that breaks them least by the spread of each."""
    best = _best(trials)
    if best is not None:
        return best
    excess = np.array([t.excess for t in trials])
    size = np.std(excess, axis=0)
    return int(np.argmin((np.maximum(excess, 0.0) / np.where(size > 0, size, 1.0)).sum(axis=1)))


def _settled(trials: Sequence[SearchTrial], before: int | None, enough: float) -> bool:
    now = _best(trials)
    if before is None or now is None:
        return False
    gain = trials[now].gain
    error = float(np.std(gain - trials[before].gain)) if now != before else 0.0
    rise = trials[now].mean - trials[before].mean
    return rise <= enough * max(error, float(np.std(gain)) * 0.1) / math.sqrt(len(gain))
