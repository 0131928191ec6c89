"""`sobol`: which share of what uncertain inputs do to an average each has alone, and with its interactions."""

from __future__ import annotations

from matplotlib.axes import Axes

from simulator.core.arrays import Array
from simulator.report.text import with_unit
from simulator.stats.sensitivity.sobol import SCRAMBLES, Indices, design, indices
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
class SobolIndices(SensitivityMethod):
    """First-order and total indices by a design."""

    name = "sobol"
    meaning = "first-order and total indices by a design"
    reading = (
        "Shares of the variance that uncertain inputs give the average of these worlds, 95 % CI. Chance left: share of "
        "that variance which is chance that the average still holds; it counts as interaction, more worlds lower it."
    )
    replications = 8
    points = 128
    steps = 2 * SCRAMBLES
    designed = True
    keeps_correlation = True

    def design(self, task: MethodInputs) -> Array:
        """Two matrices of points, and one per factor."""
        return design(task.factors, len(task.inputs), task.points, task.seed)

    def find(self, _x: Array, y: Array, task: MethodInputs) -> list[Indices]:
        """Both indices of each factor."""
        return indices(y, task.factors)

    def sentence(self, found: MethodResult) -> str:
        """Both indices of what matters."""
        outcome = found.outcome.words
        return ranked_sentence(
            found,
            lambda row: float(row.total.value),
            lambda row: f"{row.factor} alone {share_text(row.first)}, with interactions {share_text(row.total)}",
            f"of what uncertain inputs do to {outcome},",
            f"no index of {outcome} is above 0",
        )

    def cells(self, row: Indices) -> list[tuple[str, Cells]]:
        """Both indices, and what chance is left in the average."""
        alone, total = as_difference(row.first), as_difference(row.total)
        return [(row.factor, {"alone": alone, "with interactions": total, "chance left": row.luck})]

    def draw(self, found: MethodResult, ax: Axes, _factor: str | None) -> None:
        """Two intervals per factor."""
        draw_intervals(found, ax, {"first": "alone", "total": "with interactions"}, PERCENT, "total")
        ax.set_xlabel(with_unit(f"Share of the variance of {found.outcome.metric_words} by inputs", "%"))
        titled(ax, found, "what uncertain inputs do", "bars: 95 % CI; open: not distinguishable from 0")
