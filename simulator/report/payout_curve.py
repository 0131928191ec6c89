"""What a program pays as a function of what a partner attains in one window, and what one more unit pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from simulator.core.errors import fault
from simulator.program.compiled import CompiledComponent, CompiledProgram
from simulator.program.schedule import Schedule
from simulator.report.formats import NumberFormat, form_of
from simulator.report.plots import QUIET, colour, legend_beside, line, styled
from simulator.report.text import with_unit
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import suggestion
from simulator.world.setting import compile_setting

Array = NDArray[np.float64]
_POINTS = 801
_WINDOWS = {0: "deal", 13: "quarter", 26: "half year", 52: "year"}
_REFERENCES = {"quota": "expected baseline result", "growth": "same window of last year"}
_ROW_HEIGHT = 2.9
_BINS = 40
_STRIP = 0.2
"""Height of the bars that say where windows end, as a share of the curve's."""


def payout_curve(scenario: Scenario, program: str) -> Figure:
    """A row per component: payout per window on the left, payout per further unit on the right.

    Rates that depend on a quota or on last year are drawn for a partner whose reference is four median deals.
    Filters but the size floor of a deal, tier multiples and stacking are left out: they are the same along the
    curve.
    """
    if program not in scenario.programs:
        hint = suggestion(program, scenario.programs)
        raise fault("options", "program", program, "no such program in the scenario", hint)
    compiled, typical = _compiled(scenario, program)
    with styled():
        count = max(len(compiled.components), 1)
        figure = Figure(figsize=(9.0, _ROW_HEIGHT * count + 0.4), layout="constrained")
        figure.suptitle(f"What {program} pays", x=0.01, ha="left", fontsize=11)
        axes: Any = figure.subplots(count, 2, squeeze=False)
        if not compiled.components:
            _empty(axes[0])
        for pair, component in zip(axes, compiled.components, strict=False):
            _draw(pair[0], pair[1], component, typical, scenario.currency)
    return figure


def curve(schedule: Schedule, attained: Array) -> tuple[Array, Array]:
    """Payout and its slope, jumps left out, at `attained` (n,), of a schedule of single values."""
    smooth = schedule.smooth()
    slope = np.full(attained.shape, float(np.ravel(smooth.base)[0]))
    for knot in smooth.knots:
        slope = slope + np.where(attained >= float(np.ravel(knot.at)[0]), float(np.ravel(knot.change)[0]), 0.0)
    return np.ravel(schedule.payout(attained[None, :])), slope


@dataclass(frozen=True)
class PayoutCurve:
    """What a component pays in one window.

    across: what is attained, in words; unit: of it, the currency or `claims`; attained (n,): in cents, or hundredths of
    claims; payout (n,): cents; slope (n,): payout per further unit, jumps left out; schedule: what was evaluated.
    """

    component: str
    across: str
    unit: str
    attained: Array
    payout: Array
    slope: Array
    schedule: Schedule


def curves(scenario: Scenario, program: str, points: int = _POINTS, reach: Sequence[float] = ()) -> list[PayoutCurve]:
    """A curve per component, at `points` and the schedule's knots; reach: how far each goes, chosen if there is none.

    What is said of `payout_curve` holds here too.
    """
    compiled, typical = _compiled(scenario, program)
    return [_curve(c, typical, scenario.currency, points, far) for c, far in zip_longest(compiled.components, reach)]


def _compiled(scenario: Scenario, program: str) -> tuple[CompiledProgram, float]:
    """A program, and four median deals of the largest market, in cents."""
    setting = compile_setting(scenario)
    compiled = setting.program(program)
    return compiled, 4.0 * float(np.exp(setting.markets.log_median).max())


def _curve(
    component: CompiledComponent, typical: float, currency: str, points: int, reach: float | None = None
) -> PayoutCurve:
    money = component.measure.by_amount
    schedule = component.schedule
    if component.reference != "money":
        schedule = schedule.scaled(np.full((1, 1), typical))
    knots = [float(np.ravel(k.at)[0]) for k in schedule.smooth().knots]
    largest = reach or 1.4 * max([*knots, typical if money else 1000.0])
    x = np.unique(np.concatenate([np.linspace(0.0, largest, points), *[(np.nextafter(t, 0.0), t) for t in knots]]))
    payout, slope = curve(schedule, x)
    if component.by_claim and money:
        large = x >= float(component.min_amount.max())
        payout, slope = np.where(large, payout, 0.0), np.where(large, slope, 0.0)
    return PayoutCurve(component.name, _across(component), currency if money else "claims", x, payout, slope, schedule)


def placed(curve: PayoutCurve, reached: Array) -> Array:
    """Where windows end on a curve, from their attainment over its first threshold, or as it is without one; (n,)."""
    first = [at for knot in curve.schedule.knots if (at := float(np.ravel(knot.at)[0])) > 0]
    return reached * min(first, default=1.0)


def draw_curves(ax: Axes, shown: Sequence[tuple[str, PayoutCurve, Array | None]], currency: str) -> Axes:
    """Payout of a component under one or more programs, with the rate of each stretch, and where windows end below.

    shown: program, its curve, and the windows' attainment as `placed` takes it, None or empty where that is
    not known.
    """
    far = max(float(c.attained[-1]) for _, c, _ in shown)
    top = max(float(c.payout.max()) for _, c, _ in shown) / 100
    last = shown[-1][1]
    across, up = form_of([far / 100], [], last.unit, currency), form_of([top], [], currency, currency)
    simulated = [
        (k, name, placed(c, reached))
        for k, (name, c, reached) in enumerate(shown)
        if reached is not None and reached.size
    ]
    for k, (name, c, _) in enumerate(shown):
        x, y = c.attained / 100 * across.factor, c.payout / 100 * up.factor
        ax.plot(x, y, color=colour(k), linestyle=line(k), label=name)
        _rates(ax, c, across, up, far / 100, colour(k), below=k > 0)
    height = (top * up.factor or 1.0) * 1.08
    edges = np.linspace(0.0, far, _BINS + 1)
    for row, (k, name, at) in enumerate(simulated):
        share = np.histogram(at, edges)[0] / max(len(at), 1)
        floor = -_STRIP * height * (row + 1)
        tall = 0.75 * _STRIP * height / max(float(share.max()), 1e-9)
        ax.stairs(
            floor + share * tall, edges / 100 * across.factor, baseline=floor, fill=True, color=colour(k), alpha=0.5
        )
        most = f"{name}: up to {share.max():.0%} of {len(at):,} windows a bar, {np.mean(at > far):.0%} beyond"
        ax.annotate(
            most, (1.0, floor + 0.8 * _STRIP * height), xycoords=("axes fraction", "data"), ha="right", fontsize=7
        )
    ax.set_xlim(0.0, far / 100 * across.factor)
    ax.set_ylim(-_STRIP * height * len(simulated), height)
    ax.set_yticks([at for at in ax.get_yticks() if 0 <= at <= height])
    ax.set_xlabel(with_unit(last.across, across.unit))
    ax.set_ylabel(with_unit("Payout", up.unit))
    legend_beside(ax)
    return ax


def _rates(
    ax: Axes, c: PayoutCurve, across: NumberFormat, up: NumberFormat, far: float, shade: str, *, below: bool
) -> None:
    """What one more unit pays, beside each stretch of the curve that is long enough."""
    ends = [0.0, *sorted({float(np.ravel(k.at)[0]) / 100 for k in c.schedule.smooth().knots} - {0.0}), far]
    for start, stop in pairwise(e for e in ends if e <= far):
        if stop - start < 0.07 * far:
            continue
        middle = 50 * (start + stop)
        rate = float(c.slope[np.searchsorted(c.attained, middle) - 1])
        words = f"{rate:.3g} each" if c.unit == "claims" else f"{100 * rate:.3g} %"
        at = (middle / 100 * across.factor, float(np.interp(middle, c.attained, c.payout)) / 100 * up.factor)
        ax.annotate(
            words, at, (4, -6) if below else (-4, 6), textcoords="offset points", fontsize=8, color=shade,
            ha="left" if below else "right", va="top" if below else "bottom",
        )  # fmt: skip


def _draw(left: Axes, right: Axes, component: CompiledComponent, typical: float, currency: str) -> None:
    money = component.measure.by_amount
    drawn = _curve(component, typical, currency, _POINTS)
    x, payout, slope, schedule = drawn.attained, drawn.payout, drawn.slope, drawn.schedule
    across = form_of([float(x[-1]) / 100], [], drawn.unit, currency)
    upward = form_of([float(payout.max()) / 100], [], currency, currency)
    shown = x / 100 * across.factor
    left.plot(shown, payout / 100 * upward.factor, color=colour(1))
    right.plot(shown, slope * 100 if money else slope, color=colour(1))
    for ax in (left, right):
        ax.set_xlim(0.0, float(shown[-1]))
        ax.set_ylim(bottom=0.0)
        ax.set_xlabel(with_unit(drawn.across, across.unit), fontsize=9)
    left.set_title(component.name, fontsize=10)
    left.set_ylabel(with_unit("Payout", upward.unit), fontsize=9)
    right.set_ylabel("Marginal rate [%]" if money else with_unit("Per further claim", currency), fontsize=9)
    if not slope.any():
        right.set_ylim(0.0, 1.0)  # lumps alone: no rate that could set a scale
    _note(left, component, typical, currency)
    _mark_jumps(left, right, schedule, across, upward)


def _across(component: CompiledComponent) -> str:
    """What is attained, and over which window."""
    what = "Closed revenue" if component.measure.by_amount else component.measure.event.name.capitalize()
    return f"{what} per {_WINDOWS.get(component.window, f'{component.window} weeks')}"


def _mark_jumps(left: Axes, right: Axes, schedule: Schedule, across: NumberFormat, upward: NumberFormat) -> None:
    """A dotted line at each lump, with its amount."""
    for knot in schedule.smooth().knots:
        at, jump = float(np.ravel(knot.at)[0]) / 100, float(np.ravel(knot.jump)[0]) / 100
        if jump <= 0:
            continue
        right.set_title(f"dotted: jump of the payout, in {upward.unit}", fontsize=8, color=QUIET, pad=24)
        for ax in (left, right):
            ax.axvline(at * across.factor, color=QUIET, linestyle=":", linewidth=1.2)
        right.annotate(
            f"+{jump * upward.factor:,.3g}",
            (at * across.factor, 1.0),
            (2, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=8,
            color=QUIET,
            va="bottom",
            rotation=45,  # thresholds may be close together
        )


def _note(ax: Axes, component: CompiledComponent, typical: float, currency: str) -> None:
    if component.reference in _REFERENCES:
        form = form_of([typical / 100], [], currency, currency)
        text = f"{_REFERENCES[component.reference]}: {form.number(typical / 100)} {form.unit}"
        ax.set_title(text, fontsize=8, color=QUIET, loc="right", pad=24)


def _empty(pair: Any) -> None:
    for ax in pair:
        ax.set_axis_off()
    pair[0].text(0.0, 0.5, "The program has no components: it pays nothing.")
