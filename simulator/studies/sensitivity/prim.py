"""`prim`: a box of inputs in which a program falls behind another more often than elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from simulator.core.arrays import Array
from simulator.report.formats import NumberFormat
from simulator.report.plots import colour, legend_beside
from simulator.stats.sensitivity.prim import FEWEST, Box, BoxLimit, prim
from simulator.studies.sensitivity.method import (
    PERCENT,
    Cells,
    MethodInputs,
    MethodResult,
    SensitivityMethod,
    as_difference,
    sensitivity_method,
    share_text,
    titled,
    with_limits,
)


@sensitivity_method
class ScenarioDiscovery(SensitivityMethod):
    """A box of inputs in which a program loses; a single row for all inputs."""

    name = "prim"
    meaning = "a box of inputs in which a program loses"
    reading = "The box is sought on half of the replications; its figures are of the other half, 95 % CI."
    fewest = FEWEST
    grouped = False
    directed = True
    paired = True

    def find(self, x: Array, y: Array, task: MethodInputs) -> list[Box]:
        """The box."""
        return [prim(x, (y < 0) if task.higher_is_better else (y > 0), task.factors)]

    def mattering(self, row: Box) -> list[str]:
        """Inputs that limit the box."""
        return [limit.factor for limit in row.limits] if row.found else []

    def sentence(self, found: MethodResult) -> str:
        """How often it falls behind everywhere, and in the box."""
        (box,) = found.rows
        share = f"falls behind {found.outcome.against} in {share_text(box.share)} of replications"
        if not box.found:
            return f"{share}; no box of inputs was found in which that is more frequent by more than the error"
        where = " and ".join(_words(limit) for limit in box.limits)
        cases = f"which are {share_text(box.coverage)} of all such cases"
        return f"{share}; where {where}, in {share_text(box.density)}, {cases}"

    def cells(self, row: Box) -> list[tuple[str, Cells]]:
        """A line per limit, then the whole box against all replications."""
        limits = [(limit.factor, _limit_cells(limit)) for limit in row.limits]
        inside: Cells = {"falls behind": as_difference(row.density), "of all such cases": as_difference(row.coverage)}
        everywhere: Cells = {"falls behind": as_difference(row.share), "of all such cases": 1.0}
        return [*limits, ("in the box", inside), ("everywhere", everywhere)]

    def number_format(self, _found: MethodResult) -> NumberFormat:
        """Percent."""
        return PERCENT

    def records(self, row: Box, grade: Callable[[str], str]) -> list[dict[str, Any]]:
        """A record per limit, one without where there is none; density and coverage of the whole box in each."""
        whole = {"density": row.density, "coverage": row.coverage, "share": row.share}
        known = {k: v for name, got in whole.items() for k, v in with_limits(name, got).items() if k != f"{name}_se"}
        known |= {"mass": row.mass, "found": row.found}
        if not row.limits:
            return [{"input": "", "grade": "", "low": np.nan, "high": np.nan, "p": np.nan, **known}]
        return [
            {"input": x.factor, "grade": grade(x.factor), "low": x.low, "high": x.high, "p": x.p, **known}
            for x in row.limits
        ]

    def draw(self, found: MethodResult, ax: Axes, _factor: str | None) -> None:
        """The replications along the two inputs with the surest limits, and the outline of the box."""
        (box,) = found.rows
        columns = {i.path: k for k, i in enumerate(found.task.inputs)}
        limits = {limit.factor: limit for limit in box.limits}
        singles = [f.name for f in found.task.factors if f.single]
        shown = sorted(singles, key=lambda name: limits[name].p if name in limits else 2.0)[:2]
        x = box.seen[:, [columns[name] for name in shown]]
        y = x[:, 1] if len(shown) > 1 else np.arange(len(x)) % 101 / 100.0
        for mask, shade, mark, side in ((~box.bad, colour(1), "o", "ahead of"), (box.bad, colour(2), "x", "behind")):
            label = f"{side} {found.outcome.against}"
            ax.plot(x[mask, 0], y[mask], mark, color=shade, markersize=4, alpha=0.7, label=label)
        if box.found:
            _outline(ax, [limits.get(name) for name in shown], x[:, 0], y)
        ax.set_xlabel(found.with_grade(shown[0]))
        ax.set_ylabel(found.with_grade(shown[1]) if len(shown) > 1 else "replication")
        legend_beside(ax)
        title = "where it falls behind" if box.found else "no box was found in which it falls behind more often"
        titled(ax, found, title, "box: of all its inputs, seen along these")


def _words(limit: BoxLimit) -> str:
    if limit.low is None:
        return f"{limit.factor} <= {limit.high:.3g}"
    if limit.high is None:
        return f"{limit.factor} >= {limit.low:.3g}"
    return f"{limit.low:.3g} <= {limit.factor} <= {limit.high:.3g}"


def _limit_cells(limit: BoxLimit) -> Cells:
    low, high = ("" if end is None else f"{end:.4g}" for end in (limit.low, limit.high))
    return {"from": low, "to": high, "quasi-p": f"{limit.p:.2g}"}


def _outline(ax: Axes, limits: Sequence[BoxLimit | None], *values: Array) -> None:
    """The outline of the box along two axes; a side without limit is drawn beyond the replications."""
    spans = []
    for limit, v in zip([*limits, None][:2], values, strict=True):
        pad = 0.02 * float(np.ptp(v))
        low = float(v.min()) - pad if limit is None or limit.low is None else limit.low
        high = float(v.max()) + pad if limit is None or limit.high is None else limit.high
        spans.append((low, high))
    (left, right), (low, high) = spans
    ax.plot([left, right, right, left, left], [low, low, high, high, low], color="black", linewidth=2.0, label="box")
