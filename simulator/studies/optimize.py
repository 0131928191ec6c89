"""Tuning the levers of a program for the scenario's goals under constraints, and what is left of it on fresh worlds.

The search compares settings on the same worlds. The best of many is best partly by the luck of those worlds (the
winner's curse), so it is simulated again on worlds that the search has not seen, beside the program as it is and beside
the simplest alternative: one flat share of revenue with the same expected cost. What is reported as found is what is
seen there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from simulator.errors import InputError, Problem
from simulator.run import Simulated
from simulator.scenario.finding import dotted, shown
from simulator.scenario.paths import value_at
from simulator.scenario.schema import Program, Scenario
from simulator.stats.estimate import Array, estimate, mean_of
from simulator.studies.asked import check_run
from simulator.studies.equal_cost import Levelled, cost_in, equal_cost
from simulator.studies.levers import Levers, load_levers
from simulator.studies.optimum import AS_IS, BEST, LINEAR, NET_VALUE, SHOWN, Optimum, Retold, values_at
from simulator.studies.search import Trial, search
from simulator.studies.study import timed
from simulator.studies.variants import Bench, Progress, gain_in, numbered, permitted, statistic_in, value_in, variant

REPLICATIONS = 200
"""Replications of the search, by default."""
FRESH = 2
"""So many times as many fresh worlds as the search had."""
_LINEAR_RATE = "components.share.rate"
_FIRST_RATE = 0.05


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
            programs[LINEAR] = flat_share(linear.values[linear.paths[0]])
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

    def _linear(self, best: Program) -> Levelled | None:
        """The flat share of revenue that costs as much as `best` on the worlds of the search."""
        cost = cost_in(self._bench.simulate({"best": best}), "best")
        if float(cost.mean()) <= 0:
            return None
        name = _free(self._scenario)
        bench = self._bench.adding({name: flat_share(_FIRST_RATE)})
        path = dotted(("programs", name)) + f".{_LINEAR_RATE}"
        return equal_cost(bench, {name: (path,)}, target=cost)[0]


def flat_share(rate: float) -> Program:
    """The simplest linear program: one flat share of all closed revenue."""
    return Program.model_validate({"components": {"share": {"kind": "revenue_share", "rate": rate}}})


def _free(scenario: Scenario) -> str:
    name = LINEAR
    while name in scenario.programs:
        name += "-flat"
    return name
