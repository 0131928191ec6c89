"""Exploring a program by its levers: first figures from a few worlds at once, then better ones from more.

What does not depend on the levers is simulated once and kept: the fitted reference population, the worlds, the burn-in
and the baseline's lives. A new setting of the levers costs the candidate's own lives only. These come in growing
batches of worlds, and between two weeks of a life it is asked whether the setting is still wanted.

The first picture needs no life at all: what the program pays for the baseline's deals of the first worlds, which is
no response. It follows a slider that is still moving.

Every world is there twice, side by side in one run: once as it is, with gaming, and once without
opportunists, which is without gaming. So both cost little more than one.

What is shown of an explored setting: sentences, payout curves, distributions, and differences with their errors.

Scales stay as they are while the figures fit, so that what moves on the screen is what moved in the program.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.core.errors import SimulatorError
from simulator.engines.assignment import ProgramAssignment, everyone
from simulator.engines.totals.cash_flow import reached
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.metrics.base import Metric, MetricInputs, Totals
from simulator.metrics.measure import BASELINE, STRATEGIC, budget_of
from simulator.metrics.registry import METRICS
from simulator.reference.fit import Reference
from simulator.report.formats import form_of, form_of_differences
from simulator.report.payout_curve import PayoutCurve, curves, placed
from simulator.report.plots import QUIET, colour
from simulator.report.svg import SvgPanel, drawing, text
from simulator.report.text import with_unit
from simulator.runs.designs import SOBOL, drawn_values, unit_points
from simulator.runs.simulate import Replications, fit_reference, prepare
from simulator.scenario.paths import value_at, with_values
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Difference, Estimate, difference, estimate
from simulator.studies.base import check_run
from simulator.studies.compare import sentence
from simulator.studies.levers import Levers, levers_of
from simulator.world.setting import compile_setting

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

    def world_ids(self, ids: Ints, /) -> Ints:
        return SOBOL.world_ids(ids // 2)


@dataclass(frozen=True)
class PreviewTotals:
    """Totals of a program by name, (N,) each: where partners respond and game, and without gaming.

    reached: where windows end with gaming, by component, see `simulator.engines.totals.cash_flow.CashFlow`.
    """

    strategic: Totals
    responsive: Totals
    reached: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What is known of a setting of the levers.

    scenario: with the setting; program: whose levers they are; values: the setting by path; own, baseline: totals so
    far; wanted: replications of the refined picture; seconds: since the setting was asked for; level: `static` where
    partners act as under the baseline, so that only what is paid is known, on either side of `own` and `baseline`.
    """

    scenario: Scenario
    program: str
    values: Mapping[str, float]
    own: PreviewTotals
    baseline: PreviewTotals
    wanted: int
    seconds: float = 0.0
    level: str = STRATEGIC

    @property
    def replications(self) -> int:
        """Replications so far."""
        return len(self.own.strategic["cost"])

    @property
    def refined(self) -> bool:
        """Whether nothing better follows."""
        return self.level == STRATEGIC and self.replications >= self.wanted

    @property
    def shown(self) -> tuple[str, ...]:
        """Metrics that are known."""
        return SHOWN if self.level == STRATEGIC else SHOWN[:1]

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
        """An estimate on the behavior level of the picture, of the program or the baseline."""
        return estimate(_DEFINED[metric].of(self._lives(program)))

    def difference(self, program: str, metric: str) -> Difference:
        """Difference to the baseline in the same worlds."""
        own, other = (_DEFINED[metric].of(self._lives(p)) for p in (program, BASELINE))
        return difference(own, other)

    def each(self, program: str, metric: str) -> Array:
        """Values of the single replications."""
        return _DEFINED[metric].of(self._lives(program)).each

    def _lives(self, program: str) -> MetricInputs:
        levels = self.baseline if program == BASELINE else self.own
        return MetricInputs(
            own=levels.strategic,
            baseline=self.baseline.strategic,
            none={},
            without_gaming=levels.responsive,
            budget=budget_of(self.scenario),
            is_baseline=program == BASELINE,
        )


class _PreviewBatch:
    """A batch of worlds: lived up to launch and under the baseline at the first use, a week at a time."""

    def __init__(self, explorer: Explorer, first: int, count: int) -> None:
        self._explorer, self._ids = explorer, np.arange(2 * first, 2 * (first + count))
        self._steps: Iterator[None] | None = None
        self._start: VectorRun
        self._under: VectorRun
        self.baseline: PreviewTotals | None = None
        self.without_gaming: PreviewTotals | None = None

    @cached_property
    def _stage(self) -> Replications:
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

    def simulated(self, scenario: Scenario, reference: Reference, program: str, stale: Stale) -> PreviewTotals | None:
        """Live a program that the reference has statistics of; None if it was dropped."""
        run = self._start.branch(self._rollout(scenario, reference, program))
        for _ in _weeks(run, 0, run.setting.horizon):
            if stale():
                return None
        return _rungs(run.finish())

    def paid(self, scenario: Scenario, reference: Reference, program: str) -> PreviewTotals:
        """What a program pays for the baseline's deals: without response, on both sides."""
        paid = self._start.reprice(self._under, self._rollout(scenario, reference, program))
        static = _rungs(paid).responsive
        return PreviewTotals(static, static, reached(paid, slice(1, None, 2))[0])

    def _rollout(self, scenario: Scenario, reference: Reference, program: str) -> ProgramAssignment:
        setting = compile_setting(scenario, drawn_values(scenario, self._unit))
        offers = (self._stage.offers[BASELINE], reference.offer(program, setting, self._unit))
        return everyone(offers, 1, setting.partners.count, setting.horizon)

    def _prepared(self) -> Iterator[None]:
        stage = self._stage
        run = VectorRun(stage.world, stage.rollout(BASELINE), stage.mode[True])
        yield from _weeks(run, -run.setting.burn_in, 0)
        self._start = run.compact(0)
        yield None
        under = self._start.branch(stage.rollout(BASELINE), to_reprice=True)
        yield from _weeks(under, 0, run.setting.horizon)
        self.baseline = _rungs(under.finish())
        if self._ids[0] < 2 * _PAID:
            self._under, self.without_gaming = under, PreviewTotals(self.baseline.responsive, self.baseline.responsive)


class Explorer:
    """A candidate program whose levers are moved. Not for several threads at a time.

    levers: what may be moved; scenario: where it starts; replications: worlds of a refined picture.
    """

    def __init__(self, scenario: Scenario, levers: Levers, *, replications: int = REPLICATIONS, seed: int) -> None:
        check_run(replications=replications, seed=seed)
        self.scenario, self.levers, self.seed, self.replications = scenario, levers, seed, replications
        self._batches = [_PreviewBatch(self, first, count) for first, count in _batches(replications)]
        self._known: OrderedDict[tuple[float, ...], list[PreviewTotals]] = OrderedDict()

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

    def pictures(self, values: Mapping[str, float], stale: Stale = lambda: False) -> Iterator[Preview]:
        """Pictures of a setting, each from more worlds than the one before, until `stale` says to stop.

        What was seen of a setting before comes at once. Raises `InputError` where the setting breaks a rule.
        """
        asked = time.monotonic()
        scenario, program = self.changed(values), self.levers.program
        reference = self.reference.extended(scenario)
        known = self._remembered(values)

        def picture(own: PreviewTotals, baseline: PreviewTotals, **more: str) -> Preview:
            spent = time.monotonic() - asked
            return Preview(scenario, program, dict(values), own, baseline, self.replications, spent, **more)

        for k, worlds in enumerate(self._batches):
            if not worlds.ready(stale) or stale():
                return
            if k == 0 and not known:
                kept = [w for w in self._batches if w.without_gaming is not None]
                static = [w.paid(scenario, reference, program) for w in kept]
                yield picture(
                    _joined(static), _joined([w.without_gaming for w in kept if w.without_gaming]), level="static"
                )
            if k == len(known):
                simulated = worlds.simulated(scenario, reference, program, stale)
                if simulated is None:
                    return
                known.append(simulated)
            elif k + 1 < len(known):
                continue
            yield picture(_joined(known), _joined([w.baseline for w in self._batches[: k + 1] if w.baseline]))

    def _remembered(self, values: Mapping[str, float]) -> list[PreviewTotals]:
        key = tuple(values[lever.path] for lever in self.levers.levers)
        known = self._known.setdefault(key, [])
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return known


class PreviewThread:
    """Pictures of the newest setting, made in a thread; what is no longer wanted is dropped.

    show: called with each picture, in the thread; refuse: called with the error of a setting that is not possible.
    """

    def __init__(
        self, explorer: Explorer, show: Callable[[Preview], Any], refuse: Callable[[SimulatorError], Any]
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


def _weeks(run: VectorRun, start: int, stop: int) -> Iterator[None]:
    """Live a week, and give way."""
    for week in range(start, stop):
        run.run(week, week + 1)
        yield None


def _rungs(run: VectorRun) -> PreviewTotals:
    """Totals of a finished life."""
    totals = settle(run).totals
    ends, _ = reached(run, slice(0, None, 2))
    return PreviewTotals({n: x[0::2] for n, x in totals.items()}, {n: x[1::2] for n, x in totals.items()}, ends)


def _joined(parts: Sequence[PreviewTotals]) -> PreviewTotals:
    def side(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {name: np.concatenate([of[name] for of in found]) for name in found[0]}

    return PreviewTotals(*(side([getattr(p, name) for p in parts]) for name in ("strategic", "responsive", "reached")))


_WIDTH = 1000.0
_ROW, _PAYOUT = 96.0, 230.0
_CURVES = 3
"""Payout curves that fit beside each other; of a program with more components the others are named."""
_POINTS, _BINS = 81, 40
_LEFT = 210.0
"""Where distributions begin."""
_OWN, _OTHER = colour(1), colour(0)
_TIGHT = 0.3
"""A scale is drawn anew where figures fill less than this share of it."""
_ERRORS = 4.0
"""A scale has room for so many standard errors; longer intervals end in an arrow."""


@dataclass
class AxisScales:
    """Ranges of the axes by name, which outlive a picture."""

    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def fit(self, name: str, low: float, high: float) -> tuple[float, float]:
        """The range of an axis that shows low to high: the one before, if that does."""
        before = self.ranges.get(name)
        if before and before[0] <= low and high <= before[1] and high - low >= _TIGHT * (before[1] - before[0]):
            return before
        room = 0.25 * (high - low) or 0.5 * abs(high) or 1.0
        self.ranges[name] = (low - room, high + room)
        return self.ranges[name]


@dataclass(frozen=True)
class PreviewPage:
    """Pictures as HTML. scenario: with the program as it was; scales: of the axes, and
    rows: as drawn last, by metric, both kept from picture to picture."""

    scenario: Scenario
    program: str
    scales: AxisScales = field(default_factory=AxisScales)
    rows: dict[str, list[str]] = field(default_factory=dict)

    def html(self, picture: Preview) -> str:
        """A picture as HTML, without anything from elsewhere."""
        height = _PAYOUT + len(SHOWN) * _ROW + 46
        now = curves(picture.scenario, self.program, _POINTS, [float(c.attained[-1]) for c in self._before])
        chosen = _moved(self._before, now)
        parts = [*self._payout(now, chosen, picture.own.reached), *self._metrics(picture)]
        rest = ", ".join(c.component for k, c in enumerate(now) if k not in chosen)
        note = f"Dashed: as the scenario has it; bars: where windows end.{f' Not drawn: {rest}.' if rest else ''}"
        label = f"{self.program} after {picture.replications} replications: {said(picture)}"
        facts = {
            "replications": str(picture.replications),
            "refined": str(picture.refined).lower(),
            "level": picture.level,
            "seconds": f"{picture.seconds:.3f}",
            "values": json.dumps(dict(picture.values)),
        }
        data = " ".join(f'data-{name}="{escape(value)}"' for name, value in facts.items())
        return (
            f'<div class="incentive-explorer" {data}><p><strong>{escape(said(picture))}</strong></p>'
            f"<p>{escape(_sample(picture))} {escape(note)}</p>{drawing(_WIDTH, height, parts, label)}</div>"
        )

    @cached_property
    def _before(self) -> list[PayoutCurve]:
        return curves(self.scenario, self.program, _POINTS)

    def _payout(self, now: Sequence[PayoutCurve], chosen: Sequence[int], reached: Mapping[str, Array]) -> list[str]:
        before = self._before
        width = _WIDTH / max(len(chosen), 1)
        parts: list[str] = []
        for k, at in enumerate(chosen):
            parts += self._curve(before[at], now[at], k * width, width, reached.get(now[at].component))
        return parts

    def _curve(
        self, before: PayoutCurve, now: PayoutCurve, left: float, width: float, reached: Array | None
    ) -> list[str]:
        money = self.scenario.currency
        across = form_of([float(now.attained[-1]) / 100], [], now.unit, money)
        top = max(float(now.payout.max()), float(before.payout.max())) / 100
        low, high = self.scales.fit(f"payout {now.component}", 0.0, top)
        up = form_of([high], [], money, money)
        x = now.attained / 100 * across.factor
        panel = SvgPanel(
            left + 62, 44, width - 92, _PAYOUT - 110, (0.0, float(x[-1])), (max(low, 0.0), high * up.factor)
        )
        panel.axis(with_unit(now.across, across.unit), ticks=5)
        panel.upright(with_unit("Payout", up.unit))
        if reached is not None:
            panel.stairs(np.histogram(placed(now, reached), _BINS, (0.0, now.attained[-1]))[0], colour=_OWN, most=0.4)
        as_it_was = before.attained / 100 * across.factor
        panel.curve(as_it_was, before.payout / 100 * up.factor, colour=QUIET, dash="5 4")
        panel.curve(x, now.payout / 100 * up.factor, colour=_OWN, width=2.6)
        name = text(left + 4, 16, f"What {now.component} pays", size=13)
        return [name, *panel.parts]

    def _metrics(self, picture: Preview) -> list[str]:
        top = _PAYOUT
        parts = [
            text(_LEFT, top, "In each replication (bar: P10 to P90, circle: median)", size=13),
            text(650, top, "Difference to the baseline, same worlds, 95 % CI", size=13),
        ]
        for k, metric in enumerate(SHOWN):
            if metric in picture.shown:
                self.rows[metric] = self._metric(picture, metric, top + 24 + k * _ROW)
                parts += self.rows[metric]
            else:
                parts += ['<g opacity="0.3">', *self.rows.get(metric, []), "</g>"]
        return parts

    def _metric(self, picture: Preview, metric: str, top: float) -> list[str]:
        own, other = (picture.each(p, metric) for p in (self.program, BASELINE))
        gap = picture.difference(self.program, metric)
        money = picture.scenario.currency
        budget = picture.budget if metric == "program_cost" else None
        ends = np.concatenate((own, other, [] if budget is None else [budget]))
        low, high = self.scales.fit(f"each {metric}", float(ends.min()), float(ends.max()))
        form = form_of([low, high], [], picture.unit(metric), money)
        label = picture.definition(metric).label
        parts = [text(4, top + 16, label, size=13)]
        parts += [
            text(_LEFT - 10, top + y + 4, name, size=11, anchor="end", colour=c) for name, y, c in _strips(self.program)
        ]
        panel = SvgPanel(_LEFT, top, 400, _ROW - 44, (low * form.factor, high * form.factor))
        panel.axis(with_unit(label, form.unit))
        for values, (_, y, shade) in zip((other, own), _strips(self.program), strict=True):
            _strip(panel, values * form.factor, y, shade)
        if budget is not None:
            panel.line(budget * form.factor, 0, budget * form.factor, 1, colour="#000000", dash="4 3", unit=True)
            panel.parts.append(text(panel.x(budget * form.factor) + 4, top + 8, "budget", size=11))
        return [*parts, *panel.parts, *self._gap(gap, metric, label, picture, top)]

    def _gap(self, gap: Difference, metric: str, label: str, picture: Preview, top: float) -> list[str]:
        money = picture.scenario.currency
        form = form_of_differences([gap], picture.unit(metric), money)
        if gap.mean is None or gap.se is None or gap.low is None or gap.high is None:
            return [text(650, top + 30, "undefined", colour=QUIET)]
        half = min(gap.high - gap.mean, _ERRORS * gap.se)
        low, high = self.scales.fit(f"gap {metric}", min(0.0, gap.mean - half), max(0.0, gap.mean + half))
        scale = form_of([low, high], [], picture.unit(metric), money)
        panel = SvgPanel(650, top, 330, _ROW - 44, (low * scale.factor, high * scale.factor))
        panel.axis(with_unit(f"{label}, difference", scale.unit), ticks=4)
        panel.line(0.0, 0.0, 0.0, 1.0, colour=QUIET, width=1.6, unit=True)
        shade = _OWN if gap.distinguishable else "#FFFFFF"
        panel.bar(gap.low * scale.factor, gap.high * scale.factor, 34, colour=_OWN, width=2.4, cap=6)
        panel.dot(gap.mean * scale.factor, 34, colour=_OWN, fill=shade)
        panel.parts.append(text(652, top + 12, f"{form.difference(gap)} {form.unit}", size=12))
        return panel.parts


def said(picture: Preview) -> str:
    """The setting in a sentence, never more than the error allows."""
    told = sentence(picture, picture.program, picture.shown)
    return told if picture.level == STRATEGIC else f"If partners went on as they do, {told}"


def _sample(picture: Preview) -> str:
    if picture.level != STRATEGIC:
        return f"{picture.replications} replications of the {BASELINE}'s deals; pale: as last simulated."
    state = "refined" if picture.refined else f"of {picture.wanted}, being refined"
    return f"{picture.replications} replications, {state}; {picture.seconds:.1f} s."


def _moved(before: Sequence[PayoutCurve], now: Sequence[PayoutCurve]) -> list[int]:
    """The components to draw: those that pay other than they did first, then in the program's order."""
    as_it_was = [bool(np.array_equal(a.payout, b.payout)) for a, b in zip(before, now, strict=True)]
    return sorted(sorted(range(len(now)), key=as_it_was.__getitem__)[:_CURVES])


def _strips(program: str) -> tuple[tuple[str, float, str], ...]:
    return ((BASELINE, 12.0, _OTHER), (program, 36.0, _OWN))


def _strip(panel: SvgPanel, values: Array, at: float, shade: str) -> None:
    if not len(values):
        return
    panel.strokes(values, at, 9, colour=shade)
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    panel.bar(float(low), float(high), at, colour=shade, width=4)
    panel.dot(float(middle), at, colour="#000000", fill="#FFFFFF", radius=4)
