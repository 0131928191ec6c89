"""Running a study: programs x behavior levels x replications, in chunks, by one or more workers.

The reference population is fitted once. Each chunk draws its world once and shares it, and the burn-in, between all
programs and behavior levels. Results do not depend on how replications are split, since every draw has its own address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.behavior.gaming.kinds import KINDS, kinds_on
from simulator.core.arrays import Array, Bools, Ints
from simulator.core.errors import SimulatorError, fault
from simulator.core.streams import Streams
from simulator.engines.assignment import BehaviorMode, ProgramAssignment, ProgramWithForecasts, everyone
from simulator.engines.events.engine import EventRun
from simulator.engines.ledger import RunOutcome
from simulator.engines.records import RunRecords, won_in_world
from simulator.engines.totals.settlement import count, settle
from simulator.engines.totals.winners import PartnerResults
from simulator.engines.vector.engine import VectorRun
from simulator.program.measures import Event
from simulator.reference.fit import Reference, ReferenceDesign
from simulator.runs.checkpoints import CheckpointStore, gaps
from simulator.runs.designs import SOBOL, Design, drawn_values, unit_points
from simulator.runs.totals import Totals, joined
from simulator.runs.workers import keep_memory, share
from simulator.scenario.schema import Scenario
from simulator.world.setting import WEEKS_PER_YEAR, compile_setting
from simulator.world.world import World

LEVEL_LABELS = {"static": "no response", "responsive": "partners respond", "strategic": "respond and game"}
"""Behavior levels by id, with what they are called where people read them."""
RESPONSE_LEVELS = tuple(LEVEL_LABELS)
T = TypeVar("T")
Outcomes = Iterator[tuple[tuple[str, str], RunOutcome]]
CHUNK = 256
"""Replications per chunk at most."""
_CHUNK_DEALS = 1_250_000
"""Deals of a chunk at most, at about .5 KB each; what is kept of a partner and week counts as a tenth of a deal."""
_EVENT_CHUNK = 4
_DESIGN_POINTS = 64


@dataclass(frozen=True)
class SimulationResult:
    """Outcomes of a study.

    totals: (program, level) -> total name -> (N,) integers per replication, money in cents; `baseline` and the built-in
    `none` are always there; fitted: what partners take for granted, see `simulator.fit.Reference.fitted`; design: the
    design; first: number of the first replication; reference: the fitted reference population, None if not at hand.
    """

    scenario: Scenario
    programs: tuple[str, ...]
    seed: int
    replications: int
    engine: str
    totals: Totals
    fitted: Mapping[str, Any] = field(default_factory=dict)
    design: Design = SOBOL
    first: int = 0
    reference: Reference | None = field(default=None, repr=False, compare=False)

    @property
    def ids(self) -> Ints:
        """Numbers of the replications, (N,)."""
        return np.arange(self.first, self.first + self.replications)

    def unit(self) -> Array | None:
        """Coordinates of the uncertain numbers in (0, 1), (N, K); None where nothing is uncertain."""
        return unit_points(self.scenario, self.design, self.seed, self.ids)

    def values(self) -> dict[str, Array]:
        """Path -> (N,) value of each uncertain number in each replication."""
        return drawn_values(self.scenario, self.unit())

    def extended(self, by: SimulationResult) -> SimulationResult:
        """This study and the one that continues it, as if they had been simulated at once."""
        mine, theirs = ((s.scenario, s.programs, s.seed, s.engine, s.design) for s in (self, by))
        if mine != theirs or by.first != self.first + self.replications:
            raise SimulatorError("only the replications that follow, of the same study, can be added to it")
        return replace(self, replications=self.replications + by.replications, totals=joined([self.totals, by.totals]))


@dataclass(frozen=True)
class Replications:
    """What the runs of some replications share: world, programs with their forecasts, and expectations by mode."""

    world: World
    offers: dict[str, ProgramWithForecasts]
    mode: dict[bool, BehaviorMode]

    @property
    def events(self) -> frozenset[Event]:
        """The events whose claims some program looks at."""
        return frozenset().union(*(offer.events for offer in self.offers.values()))

    def rollout(self, program: str) -> ProgramAssignment:
        """Everyone on `program` from launch on."""
        setting = self.world.setting
        offers: tuple[ProgramWithForecasts, ...] = (self.offers["baseline"],)
        if program != "baseline":
            offers = (*offers, self.offers[program])
        return everyone(offers, len(offers) - 1, setting.partners.count, setting.horizon)

    def burn_in(self, mode: BehaviorMode) -> VectorRun:
        """The run under the baseline up to launch, which every program branches off from."""
        run = VectorRun(self.world, self.rollout("baseline"), mode, self.events)
        return run.run(-self.world.setting.burn_in, 0).compact(0)


def fit_reference(scenario: Scenario) -> Reference:
    """Fit the reference population of a scenario, on a design over its uncertain numbers."""
    if not scenario.uncertainty:
        return Reference(scenario)
    count = max(_DESIGN_POINTS, 4 * (2 * len(scenario.uncertainty) + 1))
    unit = SOBOL.unit(tuple(scenario.uncertainty), 0, np.arange(count))
    return Reference(scenario, ReferenceDesign(unit, drawn_values(scenario, unit)))


def prepare(
    scenario: Scenario,
    reference: Reference,
    programs: Sequence[str],
    seed: int,
    ids: Ints,
    design: Design = SOBOL,
) -> Replications:
    """World, programs and behavior modes of the replications `ids` (in rising order)."""
    unit = unit_points(scenario, design, seed, ids)
    setting = compile_setting(scenario, drawn_values(scenario, unit))
    world = World(setting, Streams(seed), ids, world_ids=design.world_ids(ids))
    expectations = reference.expectations(setting, world, unit)
    names = dict.fromkeys(("baseline", "none", *programs))
    offers = {name: reference.offer(name, setting, unit) for name in names}
    kinds = kinds_on(scenario.gaming)
    return Replications(
        world, offers, {False: BehaviorMode(frozenset(), expectations), True: BehaviorMode(kinds, expectations)}
    )


Runs = Iterator[tuple[tuple[str, str], RunRecords, Bools | None]]
"""(program, behavior level), the records of its run, and which deals of the world were won without the program."""


def vector_runs(stage: Replications, programs: Sequence[str]) -> Runs:
    """Runs of `programs` on every behavior level by the vector engine; `none` first, for deadweight."""
    horizon = stage.world.setting.horizon
    for gaming, level in ((False, "responsive"), (True, "strategic")):
        start = stage.burn_in(stage.mode[gaming])
        won_without = None
        for name in _none_first(programs):
            paid_again = name == "baseline" and not gaming
            run = start.branch(stage.rollout(name), to_reprice=paid_again).run(0, horizon).finish()
            if name == "none":
                won_without = won_in_world(run.world, run.opps)
            yield (name, level), run.records(), won_without
            if paid_again:
                without_gaming = run
            del run  # before the next one is simulated
        if not gaming:
            won = won_in_world(stage.world, without_gaming.opps)
            for name in _none_first(programs):
                paid = start.reprice(without_gaming, stage.rollout(name)) if name != "baseline" else without_gaming
                yield (name, "static"), paid.records(), won
                del paid
            del without_gaming


def event_runs(stage: Replications, programs: Sequence[str]) -> Runs:
    """Runs of one replication by the event engine."""
    for gaming, level in ((False, "responsive"), (True, "strategic")):
        won_without = None
        for name in _none_first(programs):
            records = EventRun(stage.world, stage.rollout(name), stage.mode[gaming]).run().records()
            if name == "none":
                won_without = won_in_world(stage.world, records.deals)
            yield (name, level), records, won_without
    for name in _none_first(programs):
        run = EventRun(stage.world, stage.rollout("baseline"), stage.mode[False], paid=stage.rollout(name)).run()
        records = run.records()
        yield (name, "static"), records, won_in_world(stage.world, records.deals)


def outcomes(runs: Runs, world: World, *, standings: bool = False) -> Outcomes:
    """What runs came to. standings: also count who wins and loses against the baseline."""
    who = PartnerResults(world, on=standings)
    for key, records, won_without in runs:
        tiers, outcome = records.tiers, count(records, won_without)
        del records
        yield key, who.add(*key, outcome, tiers)


def vector_outcomes(stage: Replications, programs: Sequence[str], *, standings: bool = False) -> Outcomes:
    """Outcomes of `programs` on every behavior level, by the vector engine."""
    return outcomes(vector_runs(stage, programs), stage.world, standings=standings)


def event_outcomes(stage: Replications, programs: Sequence[str], *, standings: bool = False) -> Outcomes:
    """Outcomes of one replication by the event engine."""
    return outcomes(event_runs(stage, programs), stage.world, standings=standings)


Counted = dict[tuple[str, str], dict[str, NDArray[np.int64]]]
KindLives = Callable[[Replications, Sequence[str], BehaviorMode], Iterator[tuple[str, RunOutcome]]]


def vector_kind(stage: Replications, programs: Sequence[str], mode: BehaviorMode) -> Iterator[tuple[str, RunOutcome]]:
    """Outcomes of `programs` simulated under a behavior mode, by the vector engine."""
    start, horizon = stage.burn_in(mode), stage.world.setting.horizon
    for name in programs:
        yield name, settle(start.branch(stage.rollout(name)).run(0, horizon).finish())


def event_kind(stage: Replications, programs: Sequence[str], mode: BehaviorMode) -> Iterator[tuple[str, RunOutcome]]:
    """Outcomes of `programs` simulated under a behavior mode, by the event engine."""
    for name in programs:
        yield name, settle(EventRun(stage.world, stage.rollout(name), mode).run())


def add_kinds(stage: Replications, programs: Sequence[str], totals: Counted, alone: KindLives) -> None:
    """Split the gaming loss of each program by kind: runs with one kind alone, and what is left as interaction."""
    names = list(dict.fromkeys(("baseline", *programs)))
    for name in names:
        own, without_gaming = totals[name, "strategic"], totals[name, "responsive"]
        own["gaming_loss.interaction"] = _loss(own, without_gaming)
    for kind in (k for k in KINDS if k in stage.mode[True].gaming):
        mode = replace(stage.mode[True], gaming=frozenset({kind}))
        for name, outcome in alone(stage, names, mode):
            own, without_gaming = totals[name, "strategic"], totals[name, "responsive"]
            part = _loss(outcome.totals, without_gaming)
            own[f"gaming_loss.{kind}"] = part
            own["gaming_loss.interaction"] = own["gaming_loss.interaction"] - part


def _loss(own: Mapping[str, NDArray[np.int64]], without_gaming: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    return (own["cost"] - without_gaming["cost"]) + (without_gaming["margin"] - own["margin"])


def _none_first(programs: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(("none", "baseline", *programs)))


@dataclass(frozen=True)
class _TotalsReader:
    """Reads the totals of the replications of a chunk."""

    programs: tuple[str, ...]
    engine: str
    standings: bool
    gaming_detail: bool

    def __call__(self, stage: Replications) -> Totals:
        vector = self.engine == "vector"
        runs = (vector_outcomes if vector else event_outcomes)(stage, self.programs, standings=self.standings)
        totals: Counted = {key: dict(outcome.totals) for key, outcome in runs}
        if self.gaming_detail:
            add_kinds(stage, self.programs, totals, vector_kind if vector else event_kind)
        return dict(totals)


@dataclass(frozen=True)
class _ChunkJob(Generic[T]):
    """What the chunks of a study have in common.

    read: what is made of prepared replications; join: where given, replications are read one by one and joined by it.
    """

    scenario: Scenario
    reference: Reference
    programs: tuple[str, ...]
    seed: int
    read: Callable[[Replications], T]
    design: Design = SOBOL
    join: Callable[[list[T]], T] | None = None

    def chunk(self, first: int, count: int) -> T:
        """What is read of the replications first to first + count - 1."""
        keep_memory()
        ids = np.arange(first, first + count)
        if self.join is None:
            return self._read(ids)
        return self.join([self._read(ids[k : k + 1]) for k in range(count)])

    def _read(self, ids: Ints) -> T:
        return self.read(prepare(self.scenario, self.reference, self.programs, self.seed, ids, self.design))


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
    design: Design | None = None,
    first: int = 0,
    reference: Reference | None = None,
    standings: bool = False,
    gaming_detail: bool = False,
    kept: CheckpointStore | None = None,
) -> SimulationResult:
    """Simulate `programs` at every behavior level.

    engine: "vector" or "events"; workers: processes; chunk: replications computed together (results do not depend on
    it); progress: called with (replications done, all) when all is ready and after each chunk; executor: any
    `concurrent.futures` executor instead of processes of our own; design: which point and world each replication has,
    scrambled Sobol' points if None; first: number of the first replication, so that a study can be continued
    (`SimulationResult.extended`); reference: the reference population if it was fitted already; standings: also count
    who wins and loses, see `simulator.engines.totals.winners`; gaming_detail: also simulate each kind of gaming alone,
    for the totals `gaming_loss.KIND` and `gaming_loss.interaction` of the strategic level; kept: where chunks are kept
    as they come, so that what an earlier run of the same identity left need not be computed again, and memory does not
    grow with replications. Raises `InputError` if the design has too few replications.
    """
    names = tuple(dict.fromkeys(programs))
    design = SOBOL if design is None else design
    if design.size is not None and first + replications > design.size:
        raise fault("options", "replications", replications, f"the design has {design.size - first} from {first} on")
    fitted = fit_reference(scenario) if reference is None else reference
    read = _TotalsReader(names, engine, standings, gaming_detail)
    job = _ChunkJob(scenario, fitted, names, seed, read, design, None if engine == "vector" else joined)
    size = chunk_size(scenario, replications, workers, chunk, engine)
    parts = _run_chunks(
        job, first, replications, size, workers=workers, executor=executor, progress=progress, kept=kept
    )
    totals = joined(parts) if kept is None else kept.totals(first, replications)
    return SimulationResult(scenario, names, seed, replications, engine, totals, fitted.fitted(), design, first, fitted)


def read_chunks(
    scenario: Scenario,
    programs: Sequence[str],
    read: Callable[[Replications], T],
    *,
    replications: int,
    seed: int,
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    reference: Reference | None = None,
) -> list[T]:
    """What `read` makes of the replications of each chunk, in their order, for studies that look at more than totals.

    read: a function that can be pickled; the others as in `simulate`. Neither workers nor chunk changes what the parts
    are together.
    """
    fitted = fit_reference(scenario) if reference is None else reference
    job = _ChunkJob(scenario, fitted, tuple(programs), seed, read)
    size = chunk_size(scenario, replications, workers, chunk)
    return _run_chunks(job, 0, replications, size, workers=workers, progress=progress)


def _run_chunks(
    job: _ChunkJob[T],
    first: int,
    replications: int,
    size: int,
    *,
    workers: int,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    kept: CheckpointStore | None = None,
) -> list[T]:
    """Parts of the replications from `first` on, in chunks of up to `size`, in their order.

    They are computed in this process, or shared out where more than one worker has something to do. With a store,
    what it has is not computed, and all parts are kept there instead of being returned.
    """
    jobs = gaps([] if kept is None else kept.spans, first, first + replications, size)
    done = replications - sum(count for _, count in jobs)
    parts: dict[int, T] = {}

    def add(at: int, count: int, part: Any) -> None:
        nonlocal done
        if kept is None:
            parts[at] = part
        else:
            kept.add(at, count, part)
        done += count
        if progress is not None:
            progress(done, replications)

    if progress is not None:
        progress(done, replications)
    if executor is None and (workers <= 1 or len(jobs) <= 1):
        for at, count in jobs:
            add(at, count, job.chunk(at, count))
    else:
        share(job.chunk, jobs, add, workers, executor)
    return [parts[at] for at in sorted(parts)]


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
