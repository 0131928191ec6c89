"""What is shown of an explored setting: sentences, payout curves, distributions, and differences with their errors.

Scales stay as they are while the figures fit, so that what moves on the screen is what moved in the program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from simulator.program.numbers import Array
from simulator.report.numbers import form_of, form_of_differences
from simulator.report.payout import Curve, curves, placed
from simulator.report.style import QUIET, colour
from simulator.report.svg import Panel, drawing, text
from simulator.report.wording import sentence, titled
from simulator.stats.estimate import Difference
from simulator.stats.measure import BASELINE, STRATEGIC
from simulator.studies.explore import SHOWN, Picture

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

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
class Scales:
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
class View:
    """Pictures as HTML. scenario: with the program as it was; scales: of the axes, and
    rows: as drawn last, by metric, both kept from picture to picture."""

    scenario: Scenario
    program: str
    scales: Scales = field(default_factory=Scales)
    rows: dict[str, list[str]] = field(default_factory=dict)

    def html(self, picture: Picture) -> str:
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
            "rung": picture.rung,
            "seconds": f"{picture.seconds:.3f}",
            "values": json.dumps(dict(picture.values)),
        }
        data = " ".join(f'data-{name}="{escape(value)}"' for name, value in facts.items())
        return (
            f'<div class="incentive-explorer" {data}><p><strong>{escape(said(picture))}</strong></p>'
            f"<p>{escape(_sample(picture))} {escape(note)}</p>{drawing(_WIDTH, height, parts, label)}</div>"
        )

    @cached_property
    def _before(self) -> list[Curve]:
        return curves(self.scenario, self.program, _POINTS)

    def _payout(self, now: Sequence[Curve], chosen: Sequence[int], reached: Mapping[str, Array]) -> list[str]:
        before = self._before
        width = _WIDTH / max(len(chosen), 1)
        parts: list[str] = []
        for k, at in enumerate(chosen):
            parts += self._curve(before[at], now[at], k * width, width, reached.get(now[at].component))
        return parts

    def _curve(self, before: Curve, now: Curve, left: float, width: float, reached: Array | None) -> list[str]:
        money = self.scenario.currency
        across = form_of([float(now.attained[-1]) / 100], [], now.unit, money)
        top = max(float(now.payout.max()), float(before.payout.max())) / 100
        low, high = self.scales.fit(f"payout {now.component}", 0.0, top)
        up = form_of([high], [], money, money)
        x = now.attained / 100 * across.factor
        panel = Panel(left + 62, 44, width - 92, _PAYOUT - 110, (0.0, float(x[-1])), (max(low, 0.0), high * up.factor))
        panel.axis(titled(now.across, across.unit), ticks=5)
        panel.upright(titled("Payout", up.unit))
        if reached is not None:
            panel.stairs(np.histogram(placed(now, reached), _BINS, (0.0, now.attained[-1]))[0], colour=_OWN, most=0.4)
        as_it_was = before.attained / 100 * across.factor
        panel.curve(as_it_was, before.payout / 100 * up.factor, colour=QUIET, dash="5 4")
        panel.curve(x, now.payout / 100 * up.factor, colour=_OWN, width=2.6)
        name = text(left + 4, 16, f"What {now.component} pays", size=13)
        return [name, *panel.parts]

    def _metrics(self, picture: Picture) -> list[str]:
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

    def _metric(self, picture: Picture, metric: str, top: float) -> list[str]:
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
        panel = Panel(_LEFT, top, 400, _ROW - 44, (low * form.factor, high * form.factor))
        panel.axis(titled(label, form.unit))
        for values, (_, y, shade) in zip((other, own), _strips(self.program), strict=True):
            _strip(panel, values * form.factor, y, shade)
        if budget is not None:
            panel.line(budget * form.factor, 0, budget * form.factor, 1, colour="#000000", dash="4 3", unit=True)
            panel.parts.append(text(panel.x(budget * form.factor) + 4, top + 8, "budget", size=11))
        return [*parts, *panel.parts, *self._gap(gap, metric, label, picture, top)]

    def _gap(self, gap: Difference, metric: str, label: str, picture: Picture, top: float) -> list[str]:
        money = picture.scenario.currency
        form = form_of_differences([gap], picture.unit(metric), money)
        if gap.mean is None or gap.se is None or gap.low is None or gap.high is None:
            return [text(650, top + 30, "undefined", colour=QUIET)]
        half = min(gap.high - gap.mean, _ERRORS * gap.se)
        low, high = self.scales.fit(f"gap {metric}", min(0.0, gap.mean - half), max(0.0, gap.mean + half))
        scale = form_of([low, high], [], picture.unit(metric), money)
        panel = Panel(650, top, 330, _ROW - 44, (low * scale.factor, high * scale.factor))
        panel.axis(titled(f"{label}, difference", scale.unit), ticks=4)
        panel.line(0.0, 0.0, 0.0, 1.0, colour=QUIET, width=1.6, unit=True)
        shade = _OWN if gap.distinguishable else "#FFFFFF"
        panel.bar(gap.low * scale.factor, gap.high * scale.factor, 34, colour=_OWN, width=2.4, cap=6)
        panel.dot(gap.mean * scale.factor, 34, colour=_OWN, fill=shade)
        panel.parts.append(text(652, top + 12, f"{form.difference(gap)} {form.unit}", size=12))
        return panel.parts


def said(picture: Picture) -> str:
    """The setting in a sentence, never more than the error allows."""
    told = sentence(picture, picture.program, picture.shown)
    return told if picture.rung == STRATEGIC else f"If partners went on as they do, {told}"


def _sample(picture: Picture) -> str:
    if picture.rung != STRATEGIC:
        return f"{picture.replications} replications of the {BASELINE}'s deals; pale: as last simulated."
    state = "refined" if picture.refined else f"of {picture.wanted}, being refined"
    return f"{picture.replications} replications, {state}; {picture.seconds:.1f} s."


def _moved(before: Sequence[Curve], now: Sequence[Curve]) -> list[int]:
    """The components to draw: those that pay other than they did first, then in the program's order."""
    as_it_was = [bool(np.array_equal(a.payout, b.payout)) for a, b in zip(before, now, strict=True)]
    return sorted(sorted(range(len(now)), key=as_it_was.__getitem__)[:_CURVES])


def _strips(program: str) -> tuple[tuple[str, float, str], ...]:
    return ((BASELINE, 12.0, _OTHER), (program, 36.0, _OWN))


def _strip(panel: Panel, values: Array, at: float, shade: str) -> None:
    if not len(values):
        return
    panel.strokes(values, at, 9, colour=shade)
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    panel.bar(float(low), float(high), at, colour=shade, width=4)
    panel.dot(float(middle), at, colour="#000000", fill="#FFFFFF", radius=4)
