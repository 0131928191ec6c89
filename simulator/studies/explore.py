"""Exploring a program by its levers: first figures from a few worlds at once, then better ones from more.

What does not depend on the levers is lived once and kept: the fitted reference population, the worlds, the burn-in
and the baseline's lives. A new setting of the levers costs the candidate's own lives only. These come in growing
batches of worlds, and between two weeks of a life it is asked whether the setting is still wanted.

The first picture needs no life at all: what the program pays for the baseline's deals of the first worlds, which is
the static rung. It follows a slider that is still moving.

Every world is there twice, side by side in one life: once as it is, for the strategic rung, and once without
opportunists, which is the responsive rung. So both rungs cost little more than one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from simulator.engines.rollout import Rollout, everyone
from simulator.engines.series import reached
from simulator.engines.settle import settle
from simulator.engines.vector import VectorLife
from simulator.errors import SimulatorError
from simulator.fit import Reference
from simulator.model.setting import compile_setting
from simulator.parameters import drawn_values, unit_points
from simulator.program.compiled import Ints
from simulator.program.numbers import Array
from simulator.run import Stage, fit_reference, prepare
from simulator.scenario.paths import value_at, with_values
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Difference, Estimate, difference, estimate
from simulator.stats.measure import BASELINE, STRATEGIC, budget_of
from simulator.stats.metric import Lives, Metric, Totals
from simulator.stats.metrics import METRICS
from simulator.studies.asked import check_run
from simulator.studies.levers import Levers, levers_of
from simulator.vectors import SOBOL

REPLICATIONS = 64
"""Worlds of a refined picture, by default; each is kept, with some 100 kB per partner."""
SHOWN = ("program_cost", "pipeline_created", "margin_after_cost", "gaming_loss")
"""Metrics that a picture draws; it knows the gaming share, too."""
_SIZES = (2, 6, 8)
_SIZE = 16
"""Worlds of the first batches, and of those after: a larger one would take long to drop."""
_PAID = 8
"""Worlds of the picture of what is paid; their baseline's deals are kept for it."""
_REMEMBERED = 400
_DEFINED: dict[str, Metric] = {
    m.name: m for m in METRICS if isinstance(m, Metric) and m.name in (*SHOWN, "gaming_share")
}

Stale = Callable[[], bool]


@dataclass(frozen=True)
class _Pairs:
    """Replications 2r and 2r + 1 are replication r of the usual design."""

    size: int | None = field(default=None, init=False)
    as_stated: bool = field(default=False, init=False)

    def unit(self, paths: Sequence[str], seed: int, ids: Ints, /) -> Array:
        return SOBOL.unit(paths, seed, ids // 2)

    def luck(self, ids: Ints, /) -> Ints:
        return SOBOL.luck(ids // 2)


@dataclass(frozen=True)
class Rungs:
    """Totals of a program by name, (N,) each: on the strategic rung, and on the responsive one.

    reached: where windows end on the strategic rung, by component, see `simulator.engines.series.Series`.
    """

    strategic: Totals
    responsive: Totals
    reached: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """What is known of a setting of the levers.

    scenario: with the setting; program: whose levers they are; values: the setting by path; own, baseline: totals so
    far; wanted: replications of the refined picture; seconds: since the setting was asked for; rung: `static` where
    partners act as under the baseline, so that only what is paid is known, on either side of `own` and `baseline`.
    """

    scenario: Scenario
    program: str
    values: Mapping[str, float]
    own: Rungs
    baseline: Rungs
    wanted: int
    seconds: float = 0.0
    rung: str = STRATEGIC

    @property
    def replications(self) -> int:
        """Replications so far."""
        return len(self.own.strategic["cost"])

    @property
    def refined(self) -> bool:
        """Whether nothing better follows."""
        return self.rung == STRATEGIC and self.replications >= self.wanted

    @property
    def shown(self) -> tuple[str, ...]:
        """Metrics that are known."""
        return SHOWN if self.rung == STRATEGIC else SHOWN[:1]

    @property
    def budget(self) -> float | None:
        """Budget for the horizon."""
        budget = budget_of(self.scenario)
        return None if budget is None else budget / 100

    def definition(self, metric: str) -> Metric:
        """The definition of a metric."""
        return _DEFINED[metric]

    def unit(self, metric: str) -> str:
        """Unit of a metric; the currency for money."""
        unit = _DEFINED[metric].unit
        return self.scenario.currency if unit == "money" else unit

    def estimate(self, program: str, metric: str) -> Estimate:
        """An estimate on the picture's rung, of the program or the baseline."""
        return estimate(_DEFINED[metric].of(self._lives(program)))

    def difference(self, program: str, metric: str) -> Difference:
        """Difference to the baseline in the same worlds."""
        own, other = (_DEFINED[metric].of(self._lives(p)) for p in (program, BASELINE))
        return difference(own, other)

    def each(self, program: str, metric: str) -> Array:
        """Values of the single replications."""
        return _DEFINED[metric].of(self._lives(program)).each

    def _lives(self, program: str) -> Lives:
        rungs = self.baseline if program == BASELINE else self.own
        return Lives(
            own=rungs.strategic,
            baseline=self.baseline.strategic,
            none={},
            honest=rungs.responsive,
            budget=budget_of(self.scenario),
            is_baseline=program == BASELINE,
        )


class _Worlds:
    """A batch of worlds: lived up to launch and under the baseline at the first use, a week at a time."""

    def __init__(self, explorer: Explorer, first: int, count: int) -> None:
        self._explorer, self._ids = explorer, np.arange(2 * first, 2 * (first + count))
        self._steps: Iterator[None] | None = None
        self._start: VectorLife
        self._under: VectorLife
        self.baseline: Rungs | None = None
        self.honest: Rungs | None = None

    @cached_property
    def _stage(self) -> Stage:
        e = self._explorer
        stage = prepare(e.scenario, e.reference, (), e.seed, self._ids, _Pairs())
        stage.world.opportunist[1::2] = False
        return stage

    @cached_property
    def _unit(self) -> Array | None:
        return unit_points(self._explorer.scenario, _Pairs(), self._explorer.seed, self._ids)

    def ready(self, stale: Stale) -> bool:
        """Live burn-in and baseline; False if it was left off, to be gone on with at the next call."""
        if self._steps is None:
            self._steps = self._prepared()
        return all(not stale() for _ in self._steps)

    def lived(self, scenario: Scenario, reference: Reference, program: str, stale: Stale) -> Rungs | None:
        """Live a program that the reference has statistics of; None if it was dropped."""
        life = self._start.fork(self._rollout(scenario, reference, program))
        for _ in _weeks(life, 0, life.setting.horizon):
            if stale():
                return None
        return _rungs(life.finish())

    def paid(self, scenario: Scenario, reference: Reference, program: str) -> Rungs:
        """What a program pays for the baseline's deals: its static rung, on both sides."""
        paid = self._start.repay(self._under, self._rollout(scenario, reference, program))
        static = _rungs(paid).responsive
        return Rungs(static, static, reached(paid, slice(1, None, 2))[0])

    def _rollout(self, scenario: Scenario, reference: Reference, program: str) -> Rollout:
        setting = compile_setting(scenario, drawn_values(scenario, self._unit))
        offers = (self._stage.offers[BASELINE], reference.offer(program, setting, self._unit))
        return everyone(offers, 1, setting.partners.count, setting.horizon)

    def _prepared(self) -> Iterator[None]:
        stage = self._stage
        life = VectorLife(stage.world, stage.rollout(BASELINE), stage.conduct[True])
        yield from _weeks(life, -life.setting.burn_in, 0)
        self._start = life.compact(0)
        yield None
        under = self._start.fork(stage.rollout(BASELINE), to_repay=True)
        yield from _weeks(under, 0, life.setting.horizon)
        self.baseline = _rungs(under.finish())
        if self._ids[0] < 2 * _PAID:
            self._under, self.honest = under, Rungs(self.baseline.responsive, self.baseline.responsive)


class Explorer:
    """A candidate program whose levers are moved. Not for several threads at a time.

    levers: what may be moved; scenario: where it starts; replications: worlds of a refined picture.
    """

    def __init__(self, scenario: Scenario, levers: Levers, *, replications: int = REPLICATIONS, seed: int) -> None:
        check_run(replications=replications, seed=seed)
        self.scenario, self.levers, self.seed, self.replications = scenario, levers, seed, replications
        self._batches = [_Worlds(self, first, count) for first, count in _batches(replications)]
        self._known: OrderedDict[tuple[float, ...], list[Rungs]] = OrderedDict()

    @cached_property
    def reference(self) -> Reference:
        """The fitted reference population, at the first use."""
        return fit_reference(self.scenario)

    @cached_property
    def _whole(self) -> set[str]:
        paths = (lever.path for lever in self.levers.levers)
        return {path for path in paths if isinstance(value_at(self.scenario, path), int)}

    @property
    def start(self) -> dict[str, float]:
        """The levers as the scenario has them."""
        return {lever.path: float(value_at(self.scenario, lever.path)) for lever in self.levers.levers}

    def changed(self, values: Mapping[str, float]) -> Scenario:
        """The scenario with a setting; raises `InputError` where that breaks a rule."""
        return with_values(self.scenario, {p: round(v) if p in self._whole else v for p, v in values.items()})

    def pictures(self, values: Mapping[str, float], stale: Stale = lambda: False) -> Iterator[Picture]:
        """Pictures of a setting, each from more worlds than the one before, until `stale` says to stop.

        What was seen of a setting before comes at once. Raises `InputError` where the setting breaks a rule.
        """
        asked = time.monotonic()
        scenario, program = self.changed(values), self.levers.program
        reference = self.reference.extended(scenario)
        known = self._remembered(values)

        def picture(own: Rungs, baseline: Rungs, **more: str) -> Picture:
            spent = time.monotonic() - asked
            return Picture(scenario, program, dict(values), own, baseline, self.replications, spent, **more)

        for k, worlds in enumerate(self._batches):
            if not worlds.ready(stale) or stale():
                return
            if k == 0 and not known:
                kept = [w for w in self._batches if w.honest is not None]
                static = [w.paid(scenario, reference, program) for w in kept]
                yield picture(_joined(static), _joined([w.honest for w in kept if w.honest]), rung="static")
            if k == len(known):
                lived = worlds.lived(scenario, reference, program, stale)
                if lived is None:
                    return
                known.append(lived)
            elif k + 1 < len(known):
                continue
            yield picture(_joined(known), _joined([w.baseline for w in self._batches[: k + 1] if w.baseline]))

    def _remembered(self, values: Mapping[str, float]) -> list[Rungs]:
        key = tuple(values[lever.path] for lever in self.levers.levers)
        known = self._known.setdefault(key, [])
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return known


class Background:
    """Pictures of the newest setting, made in a thread; what is no longer wanted is dropped.

    show: called with each picture, in the thread; refuse: called with the error of a setting that is not possible.
    """

    def __init__(
        self, explorer: Explorer, show: Callable[[Picture], Any], refuse: Callable[[SimulatorError], Any]
    ) -> None:
        self._explorer, self._show, self._refuse = explorer, show, refuse
        self._news = threading.Condition()
        self._wanted: Mapping[str, float] | None = None
        self._number = 0
        self._open = True
        self._thread = threading.Thread(target=self._work, name="explorer", daemon=True)
        self._thread.start()

    def want(self, values: Mapping[str, float]) -> None:
        """Ask for pictures of a setting instead of the one before; returns at once."""
        with self._news:
            self._wanted, self._number = dict(values), self._number + 1
            self._news.notify()

    def close(self) -> None:
        """Stop, and wait for the thread to end."""
        with self._news:
            self._open, self._number = False, self._number + 1
            self._news.notify()
        self._thread.join()

    def _work(self) -> None:
        done = 0
        while True:
            with self._news:
                self._news.wait_for(lambda: self._number != done)  # noqa: B023 - asked before it changes
                if not self._open:
                    return
                done, values = self._number, self._wanted
            if values is not None:
                self._pictures(values, done)

    def _pictures(self, values: Mapping[str, float], number: int) -> None:
        try:
            for picture in self._explorer.pictures(values, lambda: self._number != number):
                if self._number == number:
                    self._show(picture)
        except SimulatorError as error:
            self._refuse(error)


def explorer(
    scenario: Scenario,
    levers: Any = None,
    *,
    program: str | None = None,
    replications: int = REPLICATIONS,
    seed: int | None = None,
) -> Explorer:
    """An explorer of the levers of a candidate program.

    levers: as read, a levers file, paths, or path -> (low, high) or (low, high, step); the numbers of `program`, or of
    the first candidate, if None. seed: the scenario's if None. Raises `InputError` for what cannot be explored.
    """
    found = levers_of(scenario, levers, program)
    return Explorer(scenario, found, replications=replications, seed=scenario.run.seed if seed is None else seed)


def _batches(replications: int) -> Iterator[tuple[int, int]]:
    first = 0
    sizes = iter(_SIZES)
    while first < replications:
        count = min(next(sizes, _SIZE), replications - first)
        yield first, count
        first += count


def _weeks(life: VectorLife, start: int, stop: int) -> Iterator[None]:
    """Live a week, and give way."""
    for week in range(start, stop):
        life.run(week, week + 1)
        yield None


def _rungs(life: VectorLife) -> Rungs:
    """Totals of a finished life."""
    totals = settle(life).totals
    ends, _ = reached(life, slice(0, None, 2))
    return Rungs({n: x[0::2] for n, x in totals.items()}, {n: x[1::2] for n, x in totals.items()}, ends)


def _joined(parts: Sequence[Rungs]) -> Rungs:
    def side(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {name: np.concatenate([of[name] for of in found]) for name in found[0]}

    return Rungs(*(side([getattr(p, name) for p in parts]) for name in ("strategic", "responsive", "reached")))
