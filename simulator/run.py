"""Running a study: programs x rungs x replications, in chunks, by one or more workers.

The reference population is fitted once. Each chunk draws its world once and shares it, and the burn-in, between all
programs and rungs. Results do not depend on how replications are split, since every draw has its own address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
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
from simulator.errors import SimulatorError, fault
from simulator.fit import Design, Reference
from simulator.kept import Kept, gaps
from simulator.model.gaming import KINDS, kinds_on
from simulator.model.setting import WEEKS_PER_YEAR, compile_setting
from simulator.parameters import drawn_values, unit_points
from simulator.program.compiled import Ints
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.scenario.schema import Scenario
from simulator.streams import Streams
from simulator.totals import Totals, joined
from simulator.vectors import SOBOL, Vectors
from simulator.workers import keep_memory, share
from simulator.world import World

RUNGS = ("static", "responsive", "strategic")
Outcomes = Iterator[tuple[tuple[str, str], Outcome]]
CHUNK = 256
"""Replications per chunk at most."""
_CHUNK_DEALS = 1_250_000
"""Deals of a chunk at most, at about .5 KB each; what is kept of a partner and week counts as a tenth of a deal."""
_EVENT_CHUNK = 4
_DESIGN_POINTS = 64


@dataclass(frozen=True)
class Simulated:
    """Outcomes of a study.

    totals: (program, rung) -> total name -> (N,) integers per replication, money in cents; `baseline` and the built-in
    `none` are always there; fitted: what partners take for granted, see `simulator.fit.Reference.fitted`; vectors: the
    design; first: number of the first replication; reference: the fitted reference population, None if not at hand.
    """

    scenario: Scenario
    programs: tuple[str, ...]
    seed: int
    replications: int
    engine: str
    totals: Totals
    fitted: Mapping[str, Any] = field(default_factory=dict)
    vectors: Vectors = SOBOL
    first: int = 0
    reference: Reference | None = field(default=None, repr=False, compare=False)

    @property
    def ids(self) -> Ints:
        """Numbers of the replications, (N,)."""
        return np.arange(self.first, self.first + self.replications)

    def unit(self) -> Array | None:
        """Coordinates of the uncertain numbers in (0, 1), (N, K); None where nothing is uncertain."""
        return unit_points(self.scenario, self.vectors, self.seed, self.ids)

    def values(self) -> dict[str, Array]:
        """Path -> (N,) value of each uncertain number in each replication."""
        return drawn_values(self.scenario, self.unit())

    def extended(self, by: Simulated) -> Simulated:
        """This study and the one that continues it, as if they had been simulated at once."""
        mine, theirs = ((s.scenario, s.programs, s.seed, s.engine, s.vectors) for s in (self, by))
        if mine != theirs or by.first != self.first + self.replications:
            raise SimulatorError("only the replications that follow, of the same study, can be added to it")
        return replace(self, replications=self.replications + by.replications, totals=joined([self.totals, by.totals]))


@dataclass(frozen=True)
class Stage:
    """Everything that lives of some replications share: world, programs with their prospects, and outlook."""

    world: World
    offers: dict[str, Offer]
    conduct: dict[bool, Conduct]

    @property
    def events(self) -> frozenset[Event]:
        """The events whose claims some program looks at."""
        return frozenset().union(*(offer.events for offer in self.offers.values()))

    def rollout(self, program: str) -> Rollout:
        """Everyone on `program` from launch on."""
        setting = self.world.setting
        offers: tuple[Offer, ...] = (self.offers["baseline"],)
        if program != "baseline":
            offers = (*offers, self.offers[program])
        return everyone(offers, len(offers) - 1, setting.partners.count, setting.horizon)

    def burn_in(self, conduct: Conduct) -> VectorLife:
        """The life under the baseline up to launch, which every program branches off from."""
        life = VectorLife(self.world, self.rollout("baseline"), conduct, self.events)
        return life.run(-self.world.setting.burn_in, 0).compact(0)


def fit_reference(scenario: Scenario) -> Reference:
    """Fit the reference population of a scenario, on a design over its uncertain numbers."""
    if not scenario.uncertainty:
        return Reference(scenario)
    count = max(_DESIGN_POINTS, 4 * (2 * len(scenario.uncertainty) + 1))
    unit = SOBOL.unit(tuple(scenario.uncertainty), 0, np.arange(count))
    return Reference(scenario, Design(unit, drawn_values(scenario, unit)))


def prepare(
    scenario: Scenario,
    reference: Reference,
    programs: Sequence[str],
    seed: int,
    ids: Ints,
    vectors: Vectors = SOBOL,
) -> Stage:
    """The stage of the replications `ids` (in rising order)."""
    unit = unit_points(scenario, vectors, seed, ids)
    setting = compile_setting(scenario, drawn_values(scenario, unit))
    world = World(setting, Streams(seed), ids, luck=vectors.luck(ids))
    outlook = reference.outlook(setting, world, unit)
    names = dict.fromkeys(("baseline", "none", *programs))
    offers = {name: reference.offer(name, setting, unit) for name in names}
    kinds = kinds_on(scenario.gaming)
    return Stage(world, offers, {False: Conduct(frozenset(), outlook), True: Conduct(kinds, outlook)})


def vector_outcomes(
    stage: Stage, programs: Sequence[str], *, standings: bool = False
) -> Iterator[tuple[tuple[str, str], Outcome]]:
    """Outcomes of `programs` on every rung, by the vector engine; `none` first, for deadweight."""
    who = Standings(stage.world, on=standings)
    horizon = stage.world.setting.horizon
    for gaming, rung in ((False, "responsive"), (True, "strategic")):
        start = stage.burn_in(stage.conduct[gaming])
        won_without = None
        for name in _none_first(programs):
            paid_again = name == "baseline" and not gaming
            life = start.fork(stage.rollout(name), to_repay=paid_again).run(0, horizon).finish()
            if name == "none":
                won_without = won_candidates(life)
            yield (name, rung), who.add(name, rung, settle(life, won_without), partial(vector_tiering, life))
            if paid_again:
                honest = life
            del life  # before the next one is lived
        if not gaming:
            won = won_candidates(honest)
            for name in _none_first(programs):
                paid = start.repay(honest, stage.rollout(name)) if name != "baseline" else honest
                yield (name, "static"), who.add(name, "static", settle(paid, won), partial(vector_tiering, paid))
                del paid
            del honest


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


Counted = dict[tuple[str, str], dict[str, NDArray[np.int64]]]
KindLives = Callable[[Stage, Sequence[str], Conduct], Iterator[tuple[str, Outcome]]]


def vector_kind(stage: Stage, programs: Sequence[str], conduct: Conduct) -> Iterator[tuple[str, Outcome]]:
    """Outcomes of `programs` lived under a conduct, by the vector engine."""
    start, horizon = stage.burn_in(conduct), stage.world.setting.horizon
    for name in programs:
        yield name, settle(start.fork(stage.rollout(name)).run(0, horizon).finish())


def event_kind(stage: Stage, programs: Sequence[str], conduct: Conduct) -> Iterator[tuple[str, Outcome]]:
    """Outcomes of `programs` lived under a conduct, by the event engine."""
    for name in programs:
        yield name, tally(EventLife(stage.world, stage.rollout(name), conduct).run())


def add_kinds(stage: Stage, programs: Sequence[str], totals: Counted, alone: KindLives) -> None:
    """Split the gaming loss of each program by kind: lives with one kind alone, and what is left as interaction."""
    names = list(dict.fromkeys(("baseline", *programs)))
    for name in names:
        own, honest = totals[name, "strategic"], totals[name, "responsive"]
        own["gaming_loss.interaction"] = _loss(own, honest)
    for kind in (k for k in KINDS if k in stage.conduct[True].gaming):
        conduct = replace(stage.conduct[True], gaming=frozenset({kind}))
        for name, outcome in alone(stage, names, conduct):
            own, honest = totals[name, "strategic"], totals[name, "responsive"]
            part = _loss(outcome.totals, honest)
            own[f"gaming_loss.{kind}"] = part
            own["gaming_loss.interaction"] = own["gaming_loss.interaction"] - part


def _loss(own: Mapping[str, NDArray[np.int64]], honest: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    return (own["cost"] - honest["cost"]) + (honest["margin"] - own["margin"])


def _none_first(programs: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(("none", "baseline", *programs)))


@dataclass(frozen=True)
class Work:
    """What every chunk of a study has in common."""

    scenario: Scenario
    reference: Reference
    programs: tuple[str, ...]
    seed: int
    engine: str
    vectors: Vectors
    standings: bool = False
    gaming_detail: bool = False

    def chunk(self, first: int, count: int) -> Totals:
        """Totals of the replications first to first + count - 1."""
        keep_memory()
        ids = np.arange(first, first + count)
        if self.engine == "vector":
            return self._totals(ids, vector_outcomes, vector_kind)
        return joined([self._totals(ids[k : k + 1], event_outcomes, event_kind) for k in range(count)])

    def _totals(self, ids: Ints, outcomes: Callable[..., Outcomes], alone: KindLives) -> Totals:
        stage = self._stage(ids)
        lives = outcomes(stage, self.programs, standings=self.standings)
        totals: Counted = {key: dict(outcome.totals) for key, outcome in lives}
        if self.gaming_detail:
            add_kinds(stage, self.programs, totals, alone)
        return dict(totals)

    def _stage(self, ids: Ints) -> Stage:
        return prepare(self.scenario, self.reference, self.programs, self.seed, ids, self.vectors)


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
    vectors: Vectors | None = None,
    first: int = 0,
    reference: Reference | None = None,
    standings: bool = False,
    gaming_detail: bool = False,
    kept: Kept | None = None,
) -> Simulated:
    """Simulate `programs` on every rung.

    engine: "vector" or "events"; workers: processes; chunk: replications computed together (results do not depend on
    it); progress: called with (replications done, all) when all is ready and after each chunk; executor: any
    `concurrent.futures` executor instead of processes of our own; vectors: which point and world each replication has,
    scrambled Sobol' points if None;
    first: number of the first replication, so that a study can be continued (`Simulated.extended`); reference: the
    reference population if it was fitted already; standings: also count who wins and loses, see
    `simulator.engines.standings`; gaming_detail: also live each kind of gaming alone, for the totals
    `gaming_loss.KIND` and `gaming_loss.interaction` of the strategic rung; kept: where chunks are kept as they come,
    so that what an earlier run of the same identity left need not be computed again, and memory does not grow with
    replications. Raises `InputError` if the design has too few replications.
    """
    names = tuple(dict.fromkeys(programs))
    design = SOBOL if vectors is None else vectors
    if design.size is not None and first + replications > design.size:
        raise fault("options", "replications", replications, f"the design has {design.size - first} from {first} on")
    fitted = fit_reference(scenario) if reference is None else reference
    work = Work(scenario, fitted, names, seed, engine, design, standings, gaming_detail)
    size = chunk_size(scenario, replications, workers, chunk, engine)
    done = _Done(first, replications, progress, kept)
    jobs = done.missing(size)
    if executor is None and (workers <= 1 or len(jobs) <= 1):
        for at, count in jobs:
            done.add(at, count, work.chunk(at, count))
    else:
        share(work.chunk, jobs, done.add, workers, executor)
    return Simulated(scenario, names, seed, replications, engine, done.totals(), fitted.fitted(), design, first, fitted)


def chunk_size(
    scenario: Scenario, replications: int, workers: int = 1, chunk: int | None = None, engine: str = "vector"
) -> int:
    """Replications computed together: `chunk` if asked, otherwise as many as take less than 1 GB, whatever the size of
    the scenario; no more than leaves every worker as many chunks as the others."""
    if chunk is not None or engine != "vector":
        return min(chunk or _EVENT_CHUNK, -(-replications // max(workers, 1)))
    weeks = scenario.time.burn_in_weeks + scenario.time.horizon_weeks
    yearly = sum(s.count * (s.opportunities_per_year + 0.1 * WEEKS_PER_YEAR) for s in scenario.partners.values())
    yearly += sum(t.vendor_opportunities_per_year for t in scenario.territories.values())
    most = max(1, min(CHUNK, int(_CHUNK_DEALS * WEEKS_PER_YEAR / (yearly * weeks))))
    rounds = -(-replications // (most * max(workers, 1)))
    return -(-replications // (rounds * max(workers, 1)))


class _Done:
    """Chunks that are done, in memory or kept on disk, and who is told."""

    def __init__(self, first: int, count: int, progress: Callable[[int, int], None] | None, kept: Kept | None) -> None:
        self._first, self._count, self._progress, self._kept = first, count, progress, kept
        self._parts: dict[int, Totals] = {}
        self._finished = 0

    def missing(self, size: int) -> list[tuple[int, int]]:
        """What is to be computed, in parts (first, count) of up to `size`."""
        spans = [] if self._kept is None else self._kept.spans
        jobs = gaps(spans, self._first, self._first + self._count, size)
        self._finished = self._count - sum(count for _, count in jobs)
        self._tell()
        return jobs

    def add(self, first: int, count: int, totals: Totals) -> None:
        if self._kept is None:
            self._parts[first] = totals
        else:
            self._kept.add(first, count, totals)
        self._finished += count
        self._tell()

    def _tell(self) -> None:
        if self._progress:
            self._progress(self._finished, self._count)

    def totals(self) -> Totals:
        """Totals of all replications."""
        if self._kept is not None:
            return self._kept.totals(self._first, self._count)
        return joined([self._parts[at] for at in sorted(self._parts)])
