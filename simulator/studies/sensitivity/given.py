"""`given`: which share of the variance of a replication goes with each input, from plain replications."""

from __future__ import annotations

from matplotlib.axes import Axes

from simulator.core.arrays import Array
from simulator.report.text import with_unit
from simulator.stats.sensitivity.first_order import FirstOrder, first_order
from simulator.studies.sensitivity.method import (
    PERCENT,
    Cells,
    MethodInputs,
    MethodResult,
    SensitivityMethod,
    as_difference,
    draw_intervals,
    ranked_sentence,
    sensitivity_method,
    share_text,
    titled,
)


@sensitivity_method
class GivenReplications(SensitivityMethod):
    """First-order indices from the replications that a comparison makes anyway."""

    name = "given"
    meaning = "first-order indices from plain replications"
    reading = "Shares of the variance of a replication, 95 % CI; what is left is chance and interactions."
    fewest = 50

    def find(self, x: Array, y: Array, task: MethodInputs) -> list[FirstOrder]:
        """An index per factor."""
        return first_order(x, y, task.factors)

    def sentence(self, found: MethodResult) -> str:
        """The shares of what matters."""
        outcome = found.outcome.words
        return ranked_sentence(
            found,
            lambda row: float(row.first.value),
            lambda row: f"{row.factor} {share_text(row.first)}",
            f"of the variance of {outcome} in a replication goes with",
            f"no input explains a share of the variance of {outcome} that is above 0",
        )

    def cells(self, row: FirstOrder) -> list[tuple[str, Cells]]:
        """The share."""
        return [(row.factor, {"share of variance": as_difference(row.first)})]

    def draw(self, found: MethodResult, ax: Axes, _factor: str | None) -> None:
        """An interval per factor."""
        draw_intervals(found, ax, {"first": ""}, PERCENT, "first")
        ax.set_xlabel(with_unit(f"Share of the variance of {found.outcome.metric_words}", "%"))
        titled(ax, found, "what it varies with", "bars: 95 % CI; open: not distinguishable from 0")
