"""What was measured of programs side by side, and figures of it. Each figure draws one thing on one Axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes

from simulator.metrics.base import Metric
from simulator.metrics.measure import BASELINE, STRATEGIC, Measured, runs, shown_programs
from simulator.report.formats import NumberFormat, form_of_differences, form_of_estimates
from simulator.report.plots import (
    QUIET,
    colour,
    interval,
    legend_beside,
    line,
    mark_zero,
    marker,
    rows_for,
    sample_note,
)
from simulator.report.text import with_unit
from simulator.runs.simulate import LEVEL_LABELS, RESPONSE_LEVELS, SimulationResult
from simulator.stats.estimate import Array, Difference, Estimate
from simulator.studies.base import RunStudy

_BINS = 40
_LEVEL_MARKERS = {"static": "s", "responsive": "o", "strategic": "D"}
_LEVEL_FILL = {"static": "#A6A6A6", "responsive": "white", "strategic": "black"}


@dataclass(frozen=True)
class ComparedPrograms(RunStudy):
    """Programs in the same worlds, with their metrics and the differences to the baseline.

    Figures are of the level on which partners respond and game, unless another is named. Of `plot_kinds` `ladder`,
    `differences` and `exceedance` take a `metric`.
    """

    simulated: SimulationResult
    measured: Measured

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, the baseline first."""
        return shown_programs(self.simulated)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the programs but the baseline."""
        return self.programs[1:]

    @property
    def interval_text(self) -> str:
        """What the intervals of differences are."""
        return "95 % CI for all candidates at once" if len(self.candidates) > 1 else "95 % CI"

    @property
    def budget(self) -> float | None:
        """Budget for the horizon."""
        budget = runs(self.simulated, BASELINE, STRATEGIC).budget
        return None if budget is None else budget / 100

    def definition(self, metric: str) -> Metric:
        """The definition of a metric."""
        return self.measured.definitions[metric]

    def unit(self, metric: str) -> str:
        """Unit of a metric; the currency for money."""
        unit = self.definition(metric).unit
        return self.scenario.currency if unit == "money" else unit

    def estimate(self, program: str, metric: str, level: str = STRATEGIC) -> Estimate | None:
        """An estimate, None where the program has no such metric on that level."""
        return self.measured.estimates.get((program, level, metric))

    def difference(self, program: str, metric: str, level: str = STRATEGIC) -> Difference | None:
        """Difference against the baseline, None where one of the two has no such metric on that level."""
        return self.measured.differences.get((program, level, metric))

    def each(self, program: str, metric: str, level: str = STRATEGIC) -> Array:
        """Values of the single replications, those left out where it is undefined."""
        return self.definition(metric).of(runs(self.simulated, program, level)).each

    def draw_frontier(self, ax: Axes) -> Axes:
        """Cost against pipeline lift, both against the baseline in the same worlds, with 95 % intervals."""
        cost = [self.difference(p, "program_cost") for p in self.programs]
        lift = [self.difference(p, "pipeline_created") for p in self.programs]
        forms = [form_of_differences(found, self.scenario.currency, self.scenario.currency) for found in (cost, lift)]
        for k, (program, x, y) in enumerate(zip(self.programs, cost, lift, strict=True)):
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
        sample_note(ax, f"{self.sample_text}; bars: 95 % CI")
        return ax

    def draw_cost(self, ax: Axes) -> Axes:
        """Distribution of program cost per program, with P10, P50, P90 and the budget."""
        found = [self.estimate(p, "program_cost") for p in self.programs]
        form = form_of_estimates(found, self.scenario.currency, self.scenario.currency)
        values = [self.each(p, "program_cost") * form.factor for p in self.programs]
        edges = _edges(values)
        for k, (row, x, got) in enumerate(zip(rows_for(ax, self.programs, above=1.0), values, found, strict=True)):
            counts, _ = np.histogram(x, edges)
            height = 0.75 * counts / max(counts.max(), 1)
            ax.stairs(row + height, edges, baseline=row, fill=True, color=colour(k), alpha=0.35)
            if got is not None and got.p10 is not None and got.p50 is not None and got.p90 is not None:
                low, middle, high = (p * form.factor for p in (got.p10, got.p50, got.p90))
                ax.plot([low, high], [row, row], color=colour(k), linewidth=4, solid_capstyle="butt")
                ax.plot(middle, row, marker="o", color="white", markeredgecolor="black", markersize=7, zorder=3)
        if self.budget is not None:
            _mark_budget(ax, self.budget * form.factor)
        ax.set_xlabel(with_unit("Program cost over the horizon", form.unit))
        ax.set_title("How program cost is spread over replications")
        sample_note(ax, f"{self.sample_text}; bar: P10 to P90, circle: median")
        return ax

    def draw_ladder(self, ax: Axes, metric: str = "incremental_margin") -> Axes:
        """A metric on the three behavior levels: what rests on effort and what on gaming."""
        found = {level: [self.estimate(p, metric, level) for p in self.programs] for level in RESPONSE_LEVELS}
        form = form_of_estimates([e for row in found.values() for e in row], self.unit(metric), self.scenario.currency)
        rows = rows_for(ax, self.programs)
        for shift, level in zip((0.22, 0.0, -0.22), RESPONSE_LEVELS, strict=True):
            there = [(row + shift, e) for row, e in zip(rows, found[level], strict=True) if e and e.mean is not None]
            ax.errorbar(
                [e.mean * form.factor for _, e in there if e.mean is not None],
                [row for row, _ in there],
                xerr=[(e.se or 0.0) * form.factor for _, e in there],
                fmt=_LEVEL_MARKERS[level],
                color="black",
                markerfacecolor=_LEVEL_FILL[level],
                markersize=6,
                elinewidth=1.2,
                capsize=0,
                label=LEVEL_LABELS[level],
            )
        mark_zero(ax)
        ax.set_xlabel(with_unit(self.definition(metric).label, form.unit))
        ax.set_title(f"{self.definition(metric).label} by behavior of partners")
        legend_beside(ax)
        sample_note(ax, f"{self.sample_text}; bars: standard error")
        return ax

    def draw_differences(self, ax: Axes, metric: str = "incremental_margin") -> Axes:
        """Paired differences against the baseline with 95 % intervals; open where not distinguishable from 0."""
        shown = self.candidates or self.programs
        found = [self.difference(p, metric) for p in shown]
        form = form_of_differences(found, self.unit(metric), self.scenario.currency)
        for row, got in zip(rows_for(ax, shown), found, strict=True):
            if got is None or got.mean is None:
                where: dict[str, Any] = {"ha": "center", "va": "center", "transform": ax.get_yaxis_transform()}
                ax.text(0.5, row, "undefined", color=QUIET, **where)
                continue
            ends = (got.mean if x is None else x for x in got.limits)
            interval(ax, [x * form.factor for x in (got.mean, *ends)], row, colour(1), sure=got.distinguishable)
        mark_zero(ax)
        label = self.definition(metric).label
        ax.set_xlabel(with_unit(f"{label}, difference to the baseline", form.unit))
        ax.set_title(f"{label} against the baseline, same worlds")
        sample_note(ax, f"{self.sample_text}; bars: {self.interval_text}; open: not distinguishable from 0")
        return ax

    def draw_gaming(self, ax: Axes) -> Axes:
        """Probability that the gaming loss passes a share of the payout."""
        values = [self.each(program, "gaming_share") * 100 for program in self.programs]
        largest = self._exceeding(ax, values)
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

    def draw_exceedance(self, ax: Axes, metric: str = "program_cost") -> Axes:
        """How often a metric comes out above any amount."""
        found = [self.estimate(p, metric) for p in self.programs]
        form = form_of_estimates(found, self.unit(metric), self.scenario.currency)
        self._exceeding(ax, [self.each(p, metric) * form.factor for p in self.programs])
        label = self.definition(metric).label
        if metric == "program_cost" and self.budget is not None:
            _mark_budget(ax, self.budget * form.factor)
        ax.set_xlabel(with_unit(label, form.unit))
        ax.set_title(f"{label}: how often it is above")
        return ax

    def _exceeding(self, ax: Axes, values: Sequence[Array]) -> float:
        """A step curve per program of how many replications have more; the 99.5 % quantile of the widest comes back."""
        largest = 0.0
        for k, (program, each) in enumerate(zip(self.programs, values, strict=True)):
            x = np.sort(each)
            if not len(x):
                continue
            largest = max(largest, float(np.quantile(x, 0.995)))
            above = 100.0 * (len(x) - 1 - np.arange(len(x))) / len(x)
            ax.step(x, above, where="post", color=colour(k), linestyle=line(k), label=program)
        ax.set_ylim(0.0, 102.0)
        ax.set_ylabel("Replications with more [%]")
        legend_beside(ax)
        sample_note(ax, self.sample_text)
        return largest

    plot_kinds: ClassVar = {
        "frontier": draw_frontier,
        "cost": draw_cost,
        "ladder": draw_ladder,
        "differences": draw_differences,
        "gaming": draw_gaming,
        "exceedance": draw_exceedance,
    }


def _mark_budget(ax: Axes, budget: float) -> None:
    ax.axvline(budget, color="black", linestyle="--", linewidth=1.4)
    ax.annotate(
        "budget", (budget, 0.0), (4, 4), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=9
    )


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
