"""`tornado`: what the outcome becomes with one input at its P10 or P90 and the others at their medians."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from simulator.core.arrays import Array
from simulator.report.formats import NumberFormat, form_of
from simulator.report.plots import colour, legend_beside
from simulator.report.text import with_unit
from simulator.stats.sensitivity.tornado import Bar, bars, design
from simulator.studies.sensitivity.method import (
    Cells,
    MethodInputs,
    MethodResult,
    SensitivityMethod,
    as_difference,
    factor_rows,
    ranked_sentence,
    sensitivity_method,
    titled,
)


@sensitivity_method
class Tornado(SensitivityMethod):
    """One input at a time, from all inputs at their medians."""

    name = "tornado"
    meaning = "each input at its P10 and P90, the others at their medians"
    reading = (
        "Change from all inputs at their medians, same worlds, 95 % CI. An input with stated values only moves from "
        "one of them to another, or not at all."
    )
    replications = 100
    designed = True

    def design(self, task: MethodInputs) -> Array:
        """All medians, then each factor at both ends."""
        return design(task.factors, len(task.inputs))

    def find(self, _x: Array, y: Array, task: MethodInputs) -> list[Bar]:
        """A bar per factor."""
        return bars(y, task.factors)

    def sentence(self, found: MethodResult) -> str:
        """The swings of what matters."""
        form, outcome, inputs = self.number_format(found), found.outcome.words, {i.path: i for i in found.task.inputs}

        def words(row: Bar) -> str:
            known = inputs.get(row.factor)
            ends = f" ({known.low:.3g} to {known.high:.3g})" if known else ""
            return f"{row.factor}{ends}: {form.difference(as_difference(row.swing))} {form.unit}"

        return ranked_sentence(
            found,
            lambda row: max(abs(got.value) for got in (row.low, row.high, row.swing)),
            words,
            f"{outcome} changes from P10 to P90 of",
            f"no input changes {outcome} by more than the error",
        )

    def cells(self, row: Bar) -> list[tuple[str, Cells]]:
        """Both ends, and from one to the other."""
        columns = {"at P10": row.low, "at P90": row.high, "P10 to P90": row.swing}
        return [(row.factor, {column: as_difference(got) for column, got in columns.items()})]

    def number_format(self, found: MethodResult) -> NumberFormat:
        """In the outcome's unit; a difference of shares is in percentage points."""
        outcome = found.outcome
        got = [x for row in found.rows for x in (row.low, row.high, row.swing)]
        form = form_of([x.value for x in got], [x.se for x in got], outcome.unit, outcome.currency)
        return NumberFormat(form.factor, form.decimals, "points" if form.unit == "%" and outcome.against else form.unit)

    def draw(self, found: MethodResult, ax: Axes, _factor: str | None) -> None:
        """Two bars per factor, the largest on top."""
        form = self.number_format(found)
        rows = found.sorted_by(lambda row: max(abs(row.low.value), abs(row.high.value)))
        places = factor_rows(ax, found, [row.factor for row in rows])
        for label, end, shade, shift in (("at P10", "low", colour(2), 0.17), ("at P90", "high", colour(1), -0.17)):
            got = [getattr(row, end) for row in rows]
            at, value = np.array(places) + shift, np.array([x.value for x in got]) * form.factor
            reach = np.array([[x.value - x.low for x in got], [x.high - x.value for x in got]]) * form.factor
            ax.barh(at, value, 0.3, color=shade, alpha=0.75, label=label)
            ax.errorbar(value, at, xerr=reach, fmt="none", ecolor="black", capsize=3)
        legend_beside(ax)
        ax.margins(x=0.08)
        ax.set_xlabel(with_unit(f"Change of {found.outcome.metric_words}", form.unit))
        titled(ax, found, "one input at a time", "from all inputs at their medians, same worlds; whiskers: 95 % CI")
