"""Figures of a comparison. Each draws one thing on one Axes, from figures that the study has computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from simulator.report.formats import NumberFormat, form_of_differences, form_of_estimates
from simulator.report.plots import (
    QUIET,
    colour,
    draw_kind,
    interval,
    legend_beside,
    line,
    mark_zero,
    marker,
    rows_for,
    sample_note,
)
from simulator.report.text import with_unit
from simulator.runs.simulate import RESPONSE_LEVELS
from simulator.stats.estimate import Difference

if TYPE_CHECKING:
    from simulator.studies.compare import Comparison

Array = NDArray[np.float64]
_BINS = 40
_RUNG_MARKERS = {"static": "s", "responsive": "o", "strategic": "D"}
_RUNG_FILL = {"static": "#A6A6A6", "responsive": "white", "strategic": "black"}


def draw(study: Comparison, kind: str, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    return draw_kind(KINDS, study, kind, ax, **options)


def frontier(study: Comparison, ax: Axes) -> Axes:
    """Cost against pipeline lift, both against the baseline in the same worlds, with 95 % intervals."""
    cost = [study.difference(p, "program_cost") for p in study.programs]
    lift = [study.difference(p, "pipeline_created") for p in study.programs]
    forms = [form_of_differences(found, study.scenario.currency, study.scenario.currency) for found in (cost, lift)]
    for k, (program, x, y) in enumerate(zip(study.programs, cost, lift, strict=True)):
        if x is None or y is None or x.mean is None or y.mean is None:
            continue
        across, up = x.mean * forms[0].factor, y.mean * forms[1].factor
        bars: dict[str, Any] = {"xerr": _bar(x, forms[0]), "yerr": _bar(y, forms[1])}
        ax.errorbar(across, up, **bars, fmt="none", ecolor=colour(k), elinewidth=1.4, capsize=3)
        ax.plot(across, up, marker(k), color=colour(k), markersize=8, label=program)
    ax.axhline(0.0, color=QUIET, linewidth=0.8)
    ax.axvline(0.0, color=QUIET, linewidth=0.8)
    ax.margins(0.12)
    ax.set_xlabel(with_unit("Program cost, difference to the baseline", forms[0].unit))
    ax.set_ylabel(with_unit("Pipeline, difference to the baseline", forms[1].unit))
    ax.set_title("What each program costs and what pipeline it adds")
    legend_beside(ax)
    sample_note(ax, f"{study.sample_text}; bars: 95 % CI")
    return ax


def cost(study: Comparison, ax: Axes) -> Axes:
    """Distribution of program cost per program, with P10, P50, P90 and the budget."""
    found = [study.estimate(p, "program_cost") for p in study.programs]
    form = form_of_estimates(found, study.scenario.currency, study.scenario.currency)
    values = [study.each(p, "program_cost") * form.factor for p in study.programs]
    edges = _edges(values)
    for k, (row, x, got) in enumerate(zip(rows_for(ax, study.programs, above=1.0), values, found, strict=True)):
        counts, _ = np.histogram(x, edges)
        height = 0.75 * counts / max(counts.max(), 1)
        ax.stairs(row + height, edges, baseline=row, fill=True, color=colour(k), alpha=0.35)
        if got is not None and got.p10 is not None and got.p50 is not None and got.p90 is not None:
            low, middle, high = (p * form.factor for p in (got.p10, got.p50, got.p90))
            ax.plot([low, high], [row, row], color=colour(k), linewidth=4, solid_capstyle="butt")
            ax.plot(middle, row, marker="o", color="white", markeredgecolor="black", markersize=7, zorder=3)
    if study.budget is not None:
        _mark_budget(ax, study.budget * form.factor)
    ax.set_xlabel(with_unit("Program cost over the horizon", form.unit))
    ax.set_title("How program cost is spread over replications")
    sample_note(ax, f"{study.sample_text}; bar: P10 to P90, circle: median")
    return ax


def ladder(study: Comparison, ax: Axes, metric: str = "incremental_margin") -> Axes:
    """A metric on the three rungs: what rests on effort and what on gaming."""
    found = {level: [study.estimate(p, metric, level) for p in study.programs] for level in RESPONSE_LEVELS}
    form = form_of_estimates([e for row in found.values() for e in row], study.unit(metric), study.scenario.currency)
    rows = rows_for(ax, study.programs)
    for shift, level in zip((0.22, 0.0, -0.22), RESPONSE_LEVELS, strict=True):
        there = [(row + shift, e) for row, e in zip(rows, found[level], strict=True) if e and e.mean is not None]
        ax.errorbar(
            [e.mean * form.factor for _, e in there if e.mean is not None],
            [row for row, _ in there],
            xerr=[(e.se or 0.0) * form.factor for _, e in there],
            fmt=_RUNG_MARKERS[level],
            color="black",
            markerfacecolor=_RUNG_FILL[level],
            markersize=6,
            elinewidth=1.2,
            capsize=0,
            label=level,
        )
    mark_zero(ax)
    ax.set_xlabel(with_unit(study.definition(metric).label, form.unit))
    ax.set_title(f"{study.definition(metric).label}: static, responsive, strategic")
    legend_beside(ax)
    sample_note(ax, f"{study.sample_text}; bars: standard error")
    return ax


def differences(study: Comparison, ax: Axes, metric: str = "incremental_margin") -> Axes:
    """Paired differences against the baseline with 95 % intervals; open where not distinguishable from 0."""
    shown = study.candidates or study.programs
    found = [study.difference(p, metric) for p in shown]
    form = form_of_differences(found, study.unit(metric), study.scenario.currency)
    for row, got in zip(rows_for(ax, shown), found, strict=True):
        if got is None or got.mean is None:
            where: dict[str, Any] = {"ha": "center", "va": "center", "transform": ax.get_yaxis_transform()}
            ax.text(0.5, row, "undefined", color=QUIET, **where)
            continue
        ends = (got.mean if x is None else x for x in got.limits)
        interval(ax, [x * form.factor for x in (got.mean, *ends)], row, colour(1), sure=got.distinguishable)
    mark_zero(ax)
    label = study.definition(metric).label
    ax.set_xlabel(with_unit(f"{label}, difference to the baseline", form.unit))
    ax.set_title(f"{label} against the baseline, same worlds")
    sample_note(ax, f"{study.sample_text}; bars: {study.interval_text}; open: not distinguishable from 0")
    return ax


def gaming(study: Comparison, ax: Axes) -> Axes:
    """Probability that the gaming loss passes a share of the payout."""
    values = [study.each(program, "gaming_share") * 100 for program in study.programs]
    largest = _exceeding(study, ax, values)
    ax.axvline(5.0, color=QUIET, linewidth=1.0)
    ax.annotate(
        "5 %",
        (5.0, 1.0),
        (3, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=9,
        color=QUIET,
        va="top",
    )
    ax.set_xlim(0.0, max(10.0, 1.05 * largest))
    ax.set_xlabel("Gaming loss [% of payout]")
    ax.set_title("How bad gaming can get")
    return ax


def exceedance(study: Comparison, ax: Axes, metric: str = "program_cost") -> Axes:
    """How often a metric comes out above any amount."""
    found = [study.estimate(p, metric) for p in study.programs]
    form = form_of_estimates(found, study.unit(metric), study.scenario.currency)
    _exceeding(study, ax, [study.each(p, metric) * form.factor for p in study.programs])
    label = study.definition(metric).label
    if metric == "program_cost" and study.budget is not None:
        _mark_budget(ax, study.budget * form.factor)
    ax.set_xlabel(with_unit(label, form.unit))
    ax.set_title(f"{label}: how often it is above")
    return ax


def _exceeding(study: Comparison, ax: Axes, values: Sequence[Array]) -> float:
    """A step curve per program of how many replications have more; the 99.5 % quantile of the widest comes back."""
    largest = 0.0
    for k, (program, each) in enumerate(zip(study.programs, values, strict=True)):
        x = np.sort(each)
        if not len(x):
            continue
        largest = max(largest, float(np.quantile(x, 0.995)))
        above = 100.0 * (len(x) - 1 - np.arange(len(x))) / len(x)
        ax.step(x, above, where="post", color=colour(k), linestyle=line(k), label=program)
    ax.set_ylim(0.0, 102.0)
    ax.set_ylabel("Replications with more [%]")
    legend_beside(ax)
    sample_note(ax, study.sample_text)
    return largest


def _mark_budget(ax: Axes, budget: float) -> None:
    ax.axvline(budget, color="black", linestyle="--", linewidth=1.4)
    ax.annotate(
        "budget", (budget, 0.0), (4, 4), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=9
    )


KINDS: dict[str, Callable[..., Axes]] = {
    "frontier": frontier,
    "cost": cost,
    "ladder": ladder,
    "differences": differences,
    "gaming": gaming,
    "exceedance": exceedance,
}
"""Kinds of figures; `ladder`, `differences` and `exceedance` take a `metric`."""


def _bar(got: Difference, form: NumberFormat) -> Array | None:
    """Error bar below and above, (2, 1)."""
    low, high = got.limits
    if got.mean is None or low is None or high is None:
        return None
    return np.array([[got.mean - low], [high - got.mean]]) * form.factor


def _edges(values: Sequence[Array]) -> Array:
    every = np.concatenate(values)
    low, high = float(every.min()), float(every.max())
    return np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
