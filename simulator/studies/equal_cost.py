"""Candidates at equal expected cost: a lever of each is scaled until it costs, on average, what was asked for.

The scale is found by a root search on fixed worlds, so that the cost is a smooth function of it up to rounding. Each
round tries a few scales of every candidate in one simulation: first around 1, then around the point where a
straight line through the nearest scales meets the target, inside the bracket as soon as there is one. The error of the
scale is that of the paired cost difference over the slope.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from simulator.errors import InputError, Problem
from simulator.program.numbers import steps
from simulator.run import Simulated
from simulator.scenario.finding import suggestion
from simulator.scenario.paths import bounds_at, number_paths, value_at, whole_at, with_values
from simulator.scenario.schema import Program, Scenario
from simulator.stats.estimate import Array, Difference, difference, mean_of
from simulator.stats.measure import BASELINE, STRATEGIC
from simulator.studies.variants import Bench, numbered, permitted, uncertain_numbers, variant

TOLERANCE = 0.002
"""Expected cost counts as equal within this share of the target."""
_FIRST = (1.0, 0.7)
_ROUNDS = 8
_STEP = 2.0


@dataclass(frozen=True)
class Levelled:
    """A candidate scaled to a target cost.

    paths: what was scaled together; scale: by which factor, with its standard error; values: the numbers that result,
    by path; gap: expected cost less the target; target: in the currency; reached: whether the gap is within tolerance.
    """

    program: str
    paths: tuple[str, ...]
    scale: float
    se: float | None
    values: Mapping[str, float]
    gap: Difference
    target: float
    reached: bool

    def value_se(self, path: str) -> float | None:
        """Standard error of the number at a path."""
        return None if self.se is None else self.se * self.values[path] / self.scale


def levers_of(scenario: Scenario, paths: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Paths to scale by the candidate that they belong to; raises `InputError` with every fault found."""
    found: dict[str, tuple[str, ...]] = {}
    problems = []
    for path in paths:
        rule, hint = _fault(scenario, path)
        if rule:
            problems.append(Problem("options", "equal cost", repr(path), rule, hint))
            continue
        program = str(steps(path)[1])
        found[program] = (*found.get(program, ()), path)
    if problems:
        raise InputError(problems)
    return found


def _fault(scenario: Scenario, path: str) -> tuple[str, str]:
    """Rule that a path breaks, and a way out; empty where it can be scaled."""
    try:
        value = value_at(scenario, path)
    except InputError:
        known = [n.path for n in number_paths(scenario) if n.path.startswith("programs.")]
        return "is no path of the scenario", suggestion(path, known)
    where = steps(path)
    if where[0] != "programs" or where[1] == BASELINE:
        return "must lead into a candidate program", "the baseline and the world are not scaled"
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return "must be a number above 0", ""
    if uncertain_numbers(scenario, str(where[1])):
        return "belongs to a program with uncertain numbers, which variants could not share", "make them certain"
    return "", ""


def equal_cost(
    bench: Bench, levers: Mapping[str, Sequence[str]], *, target: Array | None = None, tolerance: float = TOLERANCE
) -> tuple[Levelled, ...]:
    """Scale each candidate's levers until its expected cost is the target's.

    levers: candidate -> paths that are scaled together; target: cost per replication on the bench's worlds, (N,), that
    of the baseline if None. A target that cannot be met gives the closest scale, with `reached` False.
    """
    roots = {name: _Root(_range(bench.scenario, paths)) for name, paths in levers.items()}

    def values(name: str, scale: float) -> dict[str, float]:
        return _scaled(bench.scenario, levers[name], scale)

    aim = target
    for _ in range(_ROUNDS):
        asked = [
            (name, scale)
            for name, root in roots.items()
            for scale in root.proposals(tolerance)
            if permitted(bench.scenario, name, values(name, scale))
        ]
        if not asked:
            break
        made: list[Program] = [variant(bench.scenario, name, values(name, scale)) for name, scale in asked]
        names = numbered(made)
        simulated = bench.simulate(names)
        if aim is None:
            aim = cost_in(simulated, BASELINE)
        for (name, scale), given in zip(asked, names, strict=True):
            roots[name].note(scale, cost_in(simulated, given), aim)
    assert aim is not None
    return tuple(_levelled(name, tuple(levers[name]), roots[name], values, aim, tolerance) for name in roots)


def with_levels(scenario: Scenario, levelled: Sequence[Levelled]) -> Scenario:
    """The scenario with the scaled values."""
    return with_values(scenario, {path: value for found in levelled for path, value in found.values.items()})


def cost_in(simulated: Simulated, program: str) -> Array:
    """Program cost per replication on the strategic rung, (N,), in the currency."""
    return np.asarray(simulated.totals[program, STRATEGIC]["cost"] / 100.0)


@dataclass
class _Root:
    """Scales tried so far. span: least and greatest permitted; seen: scale -> cost less target per replication."""

    span: tuple[float, float]
    seen: dict[float, Array] = field(default_factory=dict)
    size: float = 1.0

    def note(self, scale: float, cost: Array, target: Array) -> None:
        self.seen[scale] = cost - target
        self.size = abs(float(np.mean(target))) or 1.0

    def mean(self, scale: float) -> float:
        return float(np.mean(self.seen[scale]))

    @property
    def best(self) -> float:
        return min(self.seen, key=lambda s: abs(self.mean(s)))

    def proposals(self, tolerance: float) -> list[float]:
        """Scales to try next; none when the target is met or out of reach."""
        low, high = self.span
        if not self.seen:
            return [s for s in _FIRST if low <= s <= high] or [min(max(1.0, low), high)]
        if abs(self.mean(self.best)) <= tolerance * self.size:
            return []
        bracket = self.bracket()
        found = self._inside(*bracket) if bracket else self._outside()
        return [s for s in dict.fromkeys(found) if low <= s <= high and s not in self.seen]

    def bracket(self) -> tuple[float, float] | None:
        """Neighbouring scales on both sides of the target, the narrowest."""
        tried = sorted(self.seen)
        pairs = [(a, b) for a, b in pairwise(tried) if self.mean(a) * self.mean(b) <= 0]
        return min(pairs, key=lambda p: p[1] - p[0]) if pairs else None

    def _inside(self, a: float, b: float) -> list[float]:
        one, other = self.mean(a), self.mean(b)
        meets = a + (b - a) * one / (one - other) if one != other else (a + b) / 2
        near = 0.1 * (b - a)
        return [meets, max(meets - near, (a + meets) / 2), min(meets + near, (b + meets) / 2)]

    def _outside(self) -> list[float]:
        """Where the line through the two scales nearest to the target meets it, and further out on that side."""
        near, next_ = sorted(self.seen, key=lambda s: abs(self.mean(s)))[:2] if len(self.seen) > 1 else (1.0, 0.0)
        slope = self.slope() if len(self.seen) > 1 else 0.0
        meets = near - self.mean(near) / slope if slope else near * _STEP
        up = near >= next_
        far = near * _STEP if up else near / _STEP
        meets = min(max(meets, near / _STEP**2), near * _STEP**2)
        inward = meets <= near if up else meets >= near
        aim = far if inward else meets
        beyond = near + _STEP * (aim - near)
        return [min(max(x, self.span[0]), self.span[1]) for x in (aim, beyond, far)]

    def slope(self) -> float:
        """Change of the mean cost per unit of scale near the best one."""
        others = sorted((s for s in self.seen if s != self.best), key=lambda s: abs(s - self.best))
        if not others:
            return 0.0
        return (self.mean(others[0]) - self.mean(self.best)) / (others[0] - self.best)


def _scaled(scenario: Scenario, paths: Sequence[str], scale: float) -> dict[str, float]:
    """Values at a scale, rounded where only whole numbers are permitted."""
    scaled = {path: scale * value_at(scenario, path) for path in paths}
    return {path: round(value) if whole_at(scenario, path) else value for path, value in scaled.items()}


def _range(scenario: Scenario, paths: Sequence[str]) -> tuple[float, float]:
    """The scales that keep every number within its bounds."""
    lows, highs = [], []
    for path in paths:
        low, high = bounds_at(scenario, path)
        value = value_at(scenario, path)
        lows.append(low / value)
        highs.append(high / value)
    return max(*lows, 1e-6), min(*highs, math.inf)


def _levelled(
    name: str,
    paths: tuple[str, ...],
    root: _Root,
    values: Callable[[str, float], dict[str, float]],
    target: Array,
    tolerance: float,
) -> Levelled:
    scale = root.best
    gap = difference(mean_of(root.seen[scale]), mean_of(np.zeros(len(target))))
    slope = root.slope()
    return Levelled(
        program=name,
        paths=paths,
        scale=scale,
        se=abs(gap.se / slope) if gap.se is not None and slope else None,
        values=values(name, scale),
        gap=gap,
        target=float(np.mean(target)),
        reached=abs(root.mean(scale)) <= tolerance * root.size,
    )
