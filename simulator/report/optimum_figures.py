"""Figures of a search: cost, lift and gaming of the settings tried; what is left of the gain; how flat it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from simulator.report.numbers import form_of_differences, form_of_estimates
from simulator.report.style import (
    QUIET,
    colour,
    draw_kind,
    interval,
    legend_beside,
    mark_zero,
    marker,
    rows_for,
    sampled,
)
from simulator.report.wording import titled
from simulator.stats.estimate import Difference, Estimate
from simulator.studies.optimum import SHOWN, Optimum

_SEEN = "#A6A6A6"


def short_path(path: str) -> str:
    """A path below its program."""
    return path.split(".", 2)[2].removeprefix("components.")


def draw(found: Optimum, kind: str = "frontier", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    return draw_kind(KINDS, found, kind, ax, **options)


def frontier(found: Optimum, ax: Axes) -> Axes:
    """Cost against lift of all settings on the search's worlds; colour: gaming; ringed: efficient."""
    table = found.frontier()
    currency = found.scenario.currency
    forms = [form_of_estimates([_point(x) for x in table[m]], currency, currency) for m in SHOWN]
    x, y, gamed = (table[m].to_numpy(dtype=float) * f.factor for m, f in zip(SHOWN, forms, strict=True))
    kept, best = table["feasible"].to_numpy(dtype=bool), table["efficient"].to_numpy(dtype=bool)
    shown = ax.scatter(x[kept], y[kept], c=gamed[kept], cmap="viridis", s=26, label="setting", zorder=2)
    if (~kept).any():
        ax.scatter(x[~kept], y[~kept], marker="x", color=QUIET, s=22, label="breaks a constraint", zorder=1)
    ax.scatter(x[best], y[best], s=90, facecolors="none", edgecolors="black", linewidths=1.1, label="efficient")
    for k, (name, told) in enumerate(found.retold.items()):
        cost, lift = (told.searched.shown[m].mean or 0.0 for m in SHOWN[:2])
        ax.plot(
            cost * forms[0].factor, lift * forms[1].factor, marker(k + 1), color=colour(5), markersize=9, label=name
        )
    ax.figure.colorbar(shown, ax=ax, label=titled("Gaming loss", forms[2].unit), pad=0.02)
    ax.margins(0.1)
    ax.set_xlabel(titled("Program cost", forms[0].unit))
    ax.set_ylabel(titled("Pipeline lift", forms[1].unit))
    ax.set_title("Cost, lift and gaming of the settings tried")
    legend_beside(ax, bbox_to_anchor=(1.24, 1.0))
    sampled(ax, f"worlds of the search: {found.replications:,}, seed {found.seed}")
    return ax


def gains(found: Optimum, ax: Axes) -> Axes:
    """Gain over the baseline in the search and on fresh worlds, with 95 % intervals."""
    told = list(found.retold.values())
    every = [got for t in told for got in (t.gain_searched, t.gain)]
    form = form_of_differences(every, found.scenario.currency, found.scenario.currency)
    for row, t in zip(rows_for(ax, [t.name for t in told]), told, strict=True):
        for shift, got, style in ((0.14, t.gain_searched, "s"), (-0.14, t.gain, "o")):
            mean, low, high = ((v or 0.0) * form.factor for v in (got.mean, got.low, got.high))
            shown = _SEEN if style == "s" else colour(1)
            label = "" if t is not told[0] else "in the search" if style == "s" else "on fresh worlds"
            interval(ax, (mean, low, high), row + shift, shown, fmt=style, sure=got.distinguishable, label=label)
    mark_zero(ax)
    ax.set_xlabel(titled("Net value, difference to the baseline", form.unit))
    ax.set_title("What is left of the gain on worlds that the search has not seen")
    legend_beside(ax)
    sampled(ax, "bars: 95 % CI; open: not distinguishable from 0")
    return ax


def lever(found: Optimum, ax: Axes, position: int = 0) -> Axes:
    """Predicted gain along one lever, the others at their best values, with the settings tried."""
    chosen, searched = found.levers.levers[position], found.searched
    gain = np.array([t.mean for t in searched.trials])
    form = form_of_differences([_difference(g) for g in gain], found.scenario.currency, found.scenario.currency)
    kept = np.array([t.feasible for t in searched.trials])
    tried = searched.settings[:, position]
    at, predicted = searched.along(position)
    row = found.flatness().iloc[position]
    ax.axvspan(row["se_low"], row["se_high"], color="#E3E3E3", zorder=0, label="loses at most one\nstandard error")
    ax.plot(at, predicted * form.factor, color=colour(1), label="predicted, others\nat their best")
    ax.plot(
        searched.settings[kept, position], gain[kept] * form.factor, "o", color="black", markersize=4, label="tried"
    )
    if (~kept).any():
        ax.plot(tried[~kept], gain[~kept] * form.factor, "x", color=QUIET, markersize=5, label="breaks a constraint")
    ax.axvline(found.best[chosen.path], color=colour(5), linestyle="--", linewidth=1.4, label="best found")
    ax.set_xlabel(short_path(chosen.path))
    ax.set_ylabel(titled("Gain in the search", form.unit))
    ax.set_title(f"How flat the optimum is: {short_path(chosen.path)}")
    legend_beside(ax)
    sampled(ax, f"worlds of the search: {found.replications:,}, seed {found.seed}")
    return ax


KINDS: dict[str, Callable[..., Axes]] = {"frontier": frontier, "gains": gains, "lever": lever}
"""Kinds of figures; `lever` takes the `position` of the lever."""


def _point(x: float) -> Estimate:
    return Estimate(float(x), None, None, None, None)


def _difference(x: float) -> Difference:
    return Difference(float(x), None, None, None)
