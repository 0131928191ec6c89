"""`switching`: at which value of an input the better of two programs is no longer the better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from simulator.core.arrays import Array
from simulator.report.formats import form_of
from simulator.report.plots import QUIET, colour
from simulator.report.text import listed, with_unit
from simulator.stats.sensitivity.switching import Crossing, Switch, switching
from simulator.studies.sensitivity.method import (
    Cells,
    MethodInputs,
    MethodResult,
    SensitivityMethod,
    sensitivity_method,
    titled,
)


@sensitivity_method
class SwitchingValues(SensitivityMethod):
    """Where the ranking of two programs changes along each input."""

    name = "switching"
    meaning = "at which value of an input the better of two programs changes"
    reading = (
        "All other inputs are averaged over. A change of ranking is claimed where each program is better somewhere in "
        "the range by more than the error."
    )
    fewest = 50
    grouped = False
    paired = True

    def find(self, x: Array, y: Array, task: MethodInputs) -> list[Switch]:
        """A curve with its crossings per input."""
        return switching(x, y, task.factors)

    def sentence(self, found: MethodResult) -> str:
        """Each input's verdict."""
        parts = []
        for row in found.rows:
            if row.verdict == "flips":
                where = listed([_words(c) for c in row.crossings])
                parts.append(f"the better of it and {found.outcome.against} changes at {row.factor} = {where}")
            elif row.verdict == "does not flip":
                parts.append(f"the ranking stays the same within the range of {row.factor}")
            else:
                parts.append(f"whether the ranking changes within the range of {row.factor} cannot be told")
        return "; ".join(parts)

    def cells(self, row: Switch) -> list[tuple[str, Cells]]:
        """The range, the verdict, and where the ranking changes."""
        where = ", ".join(_words(c) for c in row.crossings) if row.distinguishable else ""
        return [(row.factor, {"range": f"{row.start:.3g} to {row.end:.3g}", "verdict": row.verdict, "at": where})]

    def records(self, row: Switch, grade: Callable[[str], str]) -> list[dict[str, Any]]:
        """A record per crossing, one without where there is none."""
        known = {"input": row.factor, "grade": grade(row.factor), "verdict": row.verdict}
        crossings = row.crossings or (Crossing(np.nan, None, None),)
        ends = {"start": row.start, "end": row.end}
        return [{**known, "at": c.at, "at_low": c.low, "at_high": c.high, **ends} for c in crossings]

    def draw(self, found: MethodResult, ax: Axes, factor: str | None) -> None:
        """The curve of the input asked for, by default of the one that changes the ranking or comes closest to it."""
        row = next((row for row in found.rows if row.factor == factor), None) or min(found.rows, key=_distance)
        curve, outcome = row.curve, found.outcome
        form = form_of(list(curve.mean), list(curve.se), outcome.unit, outcome.currency)
        low, mean, high = (form.factor * line for line in (curve.low, curve.mean, curve.high))
        ax.fill_between(curve.at, low, high, color=colour(1), alpha=0.2, linewidth=0)
        ax.plot(curve.at, mean, color=colour(1))
        ax.axhline(0.0, color=QUIET, linewidth=1.0)
        for crossing in row.crossings if row.distinguishable else ():
            ax.plot(crossing.at, 0.0, "o", color="black", markersize=7)
            ends = [crossing.low or row.start, crossing.high or row.end]
            ax.plot(ends, [0.0, 0.0], color="black", linewidth=2.4, solid_capstyle="butt")
        unit = next(i.unit for i in found.task.inputs if i.path == row.factor)
        ax.set_xlabel(found.with_grade(row.factor) + (f", {unit}" if unit else ""))
        ax.set_ylabel(with_unit(f"Difference of {outcome.metric_words}", "points" if form.unit == "%" else form.unit))
        title = {"flips": "where the ranking changes", "does not flip": "the ranking stays the same"}.get(
            row.verdict, "whether the ranking changes cannot be told"
        )
        titled(ax, found, title, "mean over all else; band: 95 %, pointwise")


def _words(c: Crossing) -> str:
    low, high = ("beyond the range" if end is None else f"{end:.3g}" for end in (c.low, c.high))
    return f"{c.at:.3g} (95 % limits {low} to {high})"


def _distance(row: Switch) -> tuple[bool, float]:
    """Curves that change the ranking first, then those that come closest to 0 in terms of their error."""
    closest = float(np.min(np.abs(row.curve.mean) / np.maximum(row.curve.se, 1e-300)))
    swing = float(np.ptp(row.curve.mean) / np.maximum(row.curve.se.mean(), 1e-300))
    return not row.distinguishable, -swing if row.distinguishable else closest
