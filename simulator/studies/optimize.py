"""Tuning the levers of a program for the scenario's goals under constraints, and what is left of it on fresh worlds.

The search compares settings on the same worlds. The best of many is best partly by the luck of those worlds (the
winner's curse), so it is simulated again on worlds that the search has not seen, beside the program as it is and beside
the simplest alternative: one flat share of revenue with the same expected cost. What is reported as found is what is
seen there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from simulator.errors import InputError, Problem
from simulator.run import Simulated
from simulator.scenario.finding import shown
from simulator.scenario.paths import value_at
from simulator.scenario.schema import Program, Scenario
from simulator.stats.estimate import Array, difference, estimate, mean_of
from simulator.stats.measure import STRATEGIC
from simulator.studies.asked import check_run
from simulator.studies.levers import Levers, load_levers
from simulator.studies.optimum import AS_IS, BEST, LINEAR, NET_VALUE, SHOWN, FlatShare, Optimum, Retold, values_at
from simulator.studies.search import Trial, search
from simulator.studies.study import timed
from simulator.studies.variants import Bench, Progress, gain_in, numbered, permitted, statistic_in, value_in, variant

REPLICATIONS = 200
"""Replications of the search, by default."""
FRESH = 2
"""So many times as many fresh worlds as the search had."""
TOLERANCE = 0.002
"""Expected cost counts as equal within this share of the target."""
_FIRST_RATE = 0.05
_FIRST = (1.0, 0.7)
_ROUNDS = 8
_STEP = 2.0


@timed
def optimize(
    scenario: Scenario,
    levers: Levers | str | os.PathLike[str],
    *,
    replications: int | None = None,
    seed: int | None = None,
    evaluations: int | None = None,
    fresh_replications: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Optimum:
    """Tune the levers of a program for the highest net value under constraints.

    levers: as read, or a levers file; replications: worlds of the search; seed: the scenario's if None, fresh worlds
    have the next one; evaluations: most settings to simulate, 20 and 10 per lever if None; fresh_replications: twice
    those of the search if None. Raises `InputError` for what cannot be run.
    """
    asked = levers if isinstance(levers, Levers) else load_levers(levers, scenario)
    count = REPLICATIONS if replications is None else replications
    fresh = FRESH * count if fresh_replications is None else fresh_replications
    start = scenario.run.seed if seed is None else seed
    most = 20 + 10 * len(asked.levers) if evaluations is None else evaluations
    check_run(replications=min(count, fresh), seed=start, workers=workers)
    if most < len(asked.levers) + 3:
        raise InputError([Problem("options", "evaluations", shown(most), f"must be at least {len(asked.levers) + 3}")])
    return _Tuning(Bench(scenario, count, start, workers, progress), asked).run(most, fresh)


class _Tuning:
    """A search on a bench: settings as variants, and the stories of the best one."""

    def __init__(self, bench: Bench, asked: Levers) -> None:
        self._bench, self._asked, self._scenario = bench, asked, bench.scenario
        self._lives = 0

    def run(self, evaluations: int, fresh: int) -> Optimum:
        levers = self._asked.levers
        here = [float(value_at(self._scenario, lever.path)) for lever in levers]
        inside = all(lever.low <= v <= lever.high for lever, v in zip(levers, here, strict=True))
        searched = search(
            levers, self._evaluate, evaluations=evaluations, seed=self._bench.seed, permitted=self._permitted,
            start=here if inside else None,
        )  # fmt: skip
        best = self._program(searched.settings[searched.closest])
        programs = {AS_IS: self._scenario.programs[self._asked.program], BEST: best}
        linear = self._linear(best)
        if linear is not None and linear.reached:
            programs[LINEAR] = flat_share(linear.rate)
        other = self._bench.elsewhere(fresh, self._bench.seed + 1)
        told = self._retold(programs, other)
        return Optimum(
            self._scenario, self._asked, searched, told, linear, self._bench.seed, self._bench.replications,
            other.seed, other.replications, self._lives,
        )  # fmt: skip

    def _evaluate(self, settings: Array) -> list[Trial]:
        return self._trials([self._program(s) for s in settings], self._bench)

    def _retold(self, programs: Mapping[str, Program], fresh: Bench) -> dict[str, Retold]:
        before, after = (self._trials(list(programs.values()), bench) for bench in (self._bench, fresh))
        return {name: Retold(name, one, two) for name, one, two in zip(programs, before, after, strict=True)}

    def _trials(self, programs: Sequence[Program], bench: Bench) -> list[Trial]:
        names = numbered(programs)
        simulated = bench.simulate(names)
        self._lives += len(names) * bench.replications
        return [self._trial(simulated, name) for name in names]

    def _trial(self, simulated: Simulated, name: str) -> Trial:
        shown_here = {}
        excess = []
        for metric in dict.fromkeys((*SHOWN, *(limit.metric for limit in self._asked.limits))):
            found = statistic_in(simulated, name, metric)
            if found is not None:
                shown_here[metric] = estimate(found)
        shown_here[NET_VALUE] = estimate(mean_of(value_in(simulated, name)))
        for limit in self._asked.limits:
            got = shown_here.get(limit.metric)
            excess.append(limit.excess(got.mean if got else None))
        return Trial(gain_in(simulated, name), tuple(excess), shown_here)

    def _program(self, setting: Array) -> Program:
        return variant(self._scenario, self._asked.program, values_at(self._asked.levers, setting))

    def _permitted(self, setting: Array) -> bool:
        return permitted(self._scenario, self._asked.program, values_at(self._asked.levers, setting))

    def _linear(self, best: Program) -> FlatShare | None:
        """The flat share of revenue that costs as much as `best` on the worlds of the search."""
        cost = _cost_in(self._bench.simulate({"best": best}), "best")
        return None if float(cost.mean()) <= 0 else flat_share_costing(self._bench, cost)


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
            root.note(scale, _cost_in(simulated, name))
    return root.found()


def _cost_in(simulated: Simulated, program: str) -> Array:
    """Program cost per replication on the strategic rung, (N,), in the currency."""
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
