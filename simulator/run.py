"""Running a study: programs x rungs x replications, in chunks, by one or more workers.

The reference population is fitted once. Each chunk draws its world once and shares it, and the burn-in, between all
programs and rungs. Results do not depend on how replications are split, since every draw has its own address.
"""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.events import EventLife
from simulator.engines.ledger import Outcome
from simulator.engines.rollout import Conduct, Offer, Rollout, everyone
from simulator.engines.settle import settle, won_candidates
from simulator.engines.standings import Standings, event_tiering, vector_tiering
from simulator.engines.tally import tally, won_deals
from simulator.engines.vector import VectorLife
from simulator.errors import SimulatorError
from simulator.fit import Design, Reference
from simulator.model.setting import compile_setting
from simulator.parameters import drawn_values, unit_points
from simulator.program.compiled import Ints
from simulator.scenario.schema import Scenario
from simulator.streams import Streams
from simulator.world import World

RUNGS = ("static", "responsive", "strategic")
Totals = dict[tuple[str, str], dict[str, NDArray[np.int64]]]
CHUNK = 64
"""Replications per chunk; about 5 MB each at 50 partners and 150 weeks."""
_DESIGN_POINTS = 64


@dataclass(frozen=True)
class Simulated:
    """Outcomes of a study.

    totals: (program, rung) -> total name -> (N,) integers per replication, money in cents; `baseline` and the built-in
    `none` are always there; fitted: what partners take for granted, see `simulator.fit.Reference.fitted`.
    """

    scenario: Scenario
    programs: tuple[str, ...]
    seed: int
    replications: int
    engine: str
    totals: Totals
    fitted: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """Everything that lives of some replications share: world, programs with their prospects, and outlook."""

    world: World
    offers: dict[str, Offer]
    conduct: dict[bool, Conduct]

    def rollout(self, program: str) -> Rollout:
        """Everyone on `program` from launch on."""
        setting = self.world.setting
        offers: tuple[Offer, ...] = (self.offers["baseline"],)
        if program != "baseline":
            offers = (*offers, self.offers[program])
        return everyone(offers, len(offers) - 1, setting.partners.count, setting.horizon)


def fit_reference(scenario: Scenario) -> Reference:
    """Fit the reference population of a scenario, on a design over its uncertain numbers."""
    if not scenario.uncertainty:
        return Reference(scenario)
    count = max(_DESIGN_POINTS, 4 * (2 * len(scenario.uncertainty) + 1))
    unit = unit_points(scenario, 0, np.arange(count))
    assert unit is not None
    return Reference(scenario, Design(unit, drawn_values(scenario, unit)))


def prepare(scenario: Scenario, reference: Reference, programs: Sequence[str], seed: int, ids: Ints) -> Stage:
    """The stage of the replications `ids` (consecutive)."""
    unit = unit_points(scenario, seed, ids)
    setting = compile_setting(scenario, drawn_values(scenario, unit))
    world = World(setting, Streams(seed), ids)
    outlook = reference.outlook(setting, world, unit)
    names = dict.fromkeys(("baseline", "none", *programs))
    offers = {name: reference.offer(name, setting, unit) for name in names}
    return Stage(world, offers, {g: Conduct(g, outlook) for g in (False, True)})


def vector_outcomes(
    stage: Stage, programs: Sequence[str], *, standings: bool = False
) -> Iterator[tuple[tuple[str, str], Outcome]]:
    """Outcomes of `programs` on every rung, by the vector engine; `none` first, for deadweight."""
    who = Standings(stage.world, on=standings)
    burn_in, horizon = stage.world.setting.burn_in, stage.world.setting.horizon
    for gaming, rung in ((False, "responsive"), (True, "strategic")):
        start = VectorLife(stage.world, stage.rollout("baseline"), stage.conduct[gaming]).run(-burn_in, 0).compact(0)
        won_without = None
        for name in _none_first(programs):
            life = start.fork(stage.rollout(name)).run(0, horizon).finish()
            if name == "none":
                won_without = won_candidates(life)
            yield (name, rung), who.add(name, rung, settle(life, won_without), partial(vector_tiering, life))
            if name == "baseline" and not gaming:
                honest = life
        if not gaming:
            won = won_candidates(honest)
            for name in _none_first(programs):
                paid = start.repay(honest, stage.rollout(name)) if name != "baseline" else honest
                yield (name, "static"), who.add(name, "static", settle(paid, won), partial(vector_tiering, paid))


def event_outcomes(
    stage: Stage, programs: Sequence[str], *, standings: bool = False
) -> Iterator[tuple[tuple[str, str], Outcome]]:
    """Outcomes of one replication by the event engine."""
    who = Standings(stage.world, on=standings)
    for gaming, rung in ((False, "responsive"), (True, "strategic")):
        won_without = None
        for name in _none_first(programs):
            life = EventLife(stage.world, stage.rollout(name), stage.conduct[gaming]).run()
            if name == "none":
                won_without = won_deals(life)
            yield (name, rung), who.add(name, rung, tally(life, won_without), partial(event_tiering, life))
    for name in _none_first(programs):
        paid = stage.rollout(name)
        life = EventLife(stage.world, stage.rollout("baseline"), stage.conduct[False], paid=paid).run()
        yield (name, "static"), who.add(name, "static", tally(life, won_deals(life)), partial(event_tiering, life))


def _none_first(programs: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(("none", "baseline", *programs)))


def _chunk(
    scenario: Scenario,
    reference: Reference,
    programs: tuple[str, ...],
    seed: int,
    engine: str,
    first: int,
    count: int,
) -> Totals:
    if engine == "vector":
        stage = prepare(scenario, reference, programs, seed, np.arange(first, first + count))
        return {key: outcome.totals for key, outcome in vector_outcomes(stage, programs)}
    parts = []
    for replication in range(first, first + count):
        stage = prepare(scenario, reference, programs, seed, np.array([replication]))
        parts.append({key: outcome.totals for key, outcome in event_outcomes(stage, programs)})
    return _joined(parts)


def _joined(parts: Sequence[Totals]) -> Totals:
    return {
        key: {name: np.concatenate([p[key][name] for p in parts]) for name in totals}
        for key, totals in parts[0].items()
    }


def simulate(
    scenario: Scenario,
    *,
    programs: Sequence[str],
    replications: int,
    seed: int,
    engine: str = "vector",
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    executor: Executor | None = None,
) -> Simulated:
    """Simulate `programs` on every rung.

    engine: "vector" or "events"; workers: processes; chunk: replications computed together (results do not depend on
    it); progress: called with (replications done, all); executor: any `concurrent.futures` executor instead of
    processes of our own.
    """
    names = tuple(dict.fromkeys(programs))
    reference = fit_reference(scenario)
    size = chunk or (CHUNK if engine == "vector" else 4)
    size = min(size, -(-replications // max(workers, 1)))
    jobs = [(first, min(size, replications - first)) for first in range(0, replications, size)]
    common = (scenario, reference, names, seed, engine)
    done: dict[int, Totals] = {}
    finished = 0
    if executor is None and (workers <= 1 or len(jobs) == 1):
        for first, count in jobs:
            done[first] = _chunk(*common, first, count)
            finished += count
            if progress:
                progress(finished, replications)
    else:
        pool = executor or ProcessPoolExecutor(workers, mp_context=_context())
        try:
            futures = {pool.submit(_chunk, *common, first, count): (first, count) for first, count in jobs}
            for future in as_completed(futures):
                first, count = futures[future]
                done[first] = future.result()
                finished += count
                if progress:
                    progress(finished, replications)
        except BrokenExecutor as error:
            raise SimulatorError(
                'a worker process died; a script that uses workers must start under `if __name__ == "__main__":`, '
                "and too little memory is helped by a smaller chunk"
            ) from error
        finally:
            if executor is None:
                pool.shutdown(cancel_futures=True)
    totals = _joined([done[first] for first, _ in jobs])
    return Simulated(scenario, names, seed, replications, engine, totals, reference.fitted())


def _context() -> multiprocessing.context.BaseContext:
    methods = multiprocessing.get_all_start_methods()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
