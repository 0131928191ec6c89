"""What a sensitivity method is, and what all of them write and draw with.

The mathematics of a method is in `simulator/stats/sensitivity/`. One module beside this one declares all else of it: a
class with the decorator `@sensitivity_method` that says which replications it needs, what it finds in them, and how
that is put into sentences, a table and a figure. Modules of this package are found by themselves.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes

from simulator.core.arrays import Array
from simulator.report.formats import NumberFormat
from simulator.report.plots import colour, interval, legend_beside, mark_zero, rows_for, sample_note
from simulator.report.text import listed
from simulator.stats.estimate import Difference
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor
from simulator.studies.base import Input, grade_of
from simulator.studies.sensitivity.outcome import StudyOutcome

_LABEL_WIDTH = 38
Cells = dict[str, Difference | float | str]
"""What stands in a line of a table, by column."""


@dataclass(frozen=True)
class UnsignedFormat(NumberFormat):
    """Intervals of what is a size and no change: `31 [25, 37]`."""

    def difference(self, got: Difference | None) -> str:
        """The value with its limits, marked where they cover 0."""
        return super().difference(got).replace("+", "")


PERCENT, TENTHS_OF_PERCENT = UnsignedFormat(100.0, 0, "%"), UnsignedFormat(100.0, 1, "%")


@dataclass(frozen=True)
class MethodInputs:
    """What a method works on.

    factors: what is looked at; inputs: all uncertain numbers; replications: in all, or worlds per point; points: of a
    design, 0 without one; correlated: whether the scenario correlates inputs.
    """

    factors: Sequence[Factor]
    inputs: Sequence[Input]
    replications: int
    points: int
    seed: int
    higher_is_better: bool
    correlated: bool

    def grade(self, factor: str) -> str:
        """Grade of evidence of a factor, the weakest of a group."""
        return grade_of(next(f for f in self.factors if f.name == factor), self.inputs)


@dataclass(frozen=True)
class MethodResult:
    """What a method found for one program: rows of the method's own type. sample: what they rest on, in words."""

    program: str
    rows: Sequence[Any]
    outcome: StudyOutcome
    task: MethodInputs
    sample: str

    def with_grade(self, name: str) -> str:
        """A factor with its grade of evidence in brackets; another name as it is."""
        return f"{name} [{self.task.grade(name)}]" if any(f.name == name for f in self.task.factors) else name

    def sorted_by(self, size: Callable[[Any], float]) -> list[Any]:
        """The rows, the largest first."""
        return sorted(self.rows, key=size, reverse=True)


class SensitivityMethod(ABC):
    """A way to find what an outcome rests on.

    replications: by default, None for the scenario's; fewest: that it needs; points, steps: points of a design by
    default, and the least power of two that they may be; designed: whether it needs runs at points of its own, where
    groups stand in place of their members; grouped: whether it can look at groups; directed: whether it must be known
    which outcome is better; paired: whether it needs a second program; keeps_correlation: whether its points are
    correlated as the scenario's inputs are, who then must be in one group; reading: how to read its figures.
    """

    name: ClassVar[str]
    meaning: ClassVar[str]
    reading: ClassVar[str]
    replications: ClassVar[int | None] = None
    fewest: ClassVar[int] = 2
    points: ClassVar[int] = 0
    steps: ClassVar[int] = 1
    designed: ClassVar[bool] = False
    grouped: ClassVar[bool] = True
    directed: ClassVar[bool] = False
    paired: ClassVar[bool] = False
    keeps_correlation: ClassVar[bool] = False

    def design(self, task: MethodInputs) -> Array:
        """Points (V, K) of the unit cube at which a method with a design needs outcomes."""
        raise NotImplementedError

    @abstractmethod
    def find(self, x: Array, y: Array, task: MethodInputs) -> list[Any]:
        """Rows for a program, from inputs (N, K) in their units and outcomes (N,).

        Of a design x are its points (V, K), and y the outcomes (V, R) in the same R worlds.
        """

    @abstractmethod
    def sentence(self, found: MethodResult) -> str:
        """What can be said of a program, without the full stop."""

    @abstractmethod
    def cells(self, row: Any) -> list[tuple[str, Cells]]:
        """Lines of the table for a row: the factor, or another name, and what stands beside it."""

    @abstractmethod
    def draw(self, found: MethodResult, ax: Axes, factor: str | None) -> None:
        """The figure of a program. factor: the one that was asked for, where a figure shows a single one."""

    def mattering(self, row: Any) -> list[str]:
        """Factors that matter by a row."""
        return [row.factor] if row.distinguishable else []

    def records(self, row: Any, grade: Callable[[str], str]) -> list[dict[str, Any]]:
        """A row as plain numbers, estimates with NAME_se, NAME_low and NAME_high."""
        flat: dict[str, Any] = {"input": row.factor, "grade": grade(row.factor)}
        for name in (f.name for f in fields(row) if f.name != "factor"):
            value = getattr(row, name)
            flat |= with_limits(name, value) if isinstance(value, EstimateWithCI) else {name: value}
        return [flat]

    def number_format(self, _found: MethodResult) -> NumberFormat:
        """How the numbers of its table are written."""
        return TENTHS_OF_PERCENT


_METHODS: dict[str, SensitivityMethod] = {}


def sensitivity_method(method: type[SensitivityMethod]) -> type[SensitivityMethod]:
    """Register a method by its name."""
    _METHODS[method.name] = method()
    return method


def methods() -> Mapping[str, SensitivityMethod]:
    """All methods by name."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        import_module(f"{__package__}.{module.name}")
    return _METHODS


def with_limits(name: str, got: EstimateWithCI) -> dict[str, float]:
    """An estimate as plain numbers: its value, standard error and limits."""
    return {name: got.value, f"{name}_se": got.se, f"{name}_low": got.low, f"{name}_high": got.high}


def as_difference(got: EstimateWithCI) -> Difference:
    """An estimate as tables take it."""
    return Difference(got.value, got.se, got.low, got.high)


def share_text(got: EstimateWithCI) -> str:
    """`31 % [25, 37]`, marked where the interval covers 0."""
    return PERCENT.difference(as_difference(got)).replace(" [", " % [")


def ranked_sentence(
    found: MethodResult, size: Callable[[Any], float], words: Callable[[Any], str], opening: str, nothing: str
) -> str:
    """`opening` and the rows that matter in words, the largest first; then who is indistinguishable from 0."""
    matter = [words(row) for row in found.sorted_by(size) if row.distinguishable]
    if not matter:
        return nothing
    others = [row.factor for row in found.rows if not row.distinguishable]
    rest = [f"indistinguishable from 0: {listed(others)}"] if others else []
    return "; ".join([f"{opening} {matter[0]}", *matter[1:], *rest])


def factor_rows(ax: Axes, found: MethodResult, names: Sequence[str]) -> list[int]:
    """A row of the figure for each factor with its grade, the first on top; a long path is broken at a dot."""
    mark_zero(ax)
    return rows_for(ax, [_broken(found.with_grade(name)) for name in names])


def _broken(label: str) -> str:
    if len(label) <= _LABEL_WIDTH or "." not in label:
        return label
    at = min((k for k, c in enumerate(label) if c == "."), key=lambda k: abs(k - len(label) / 2))
    return f"{label[: at + 1]}\n{label[at + 1 :]}"


def draw_intervals(found: MethodResult, ax: Axes, columns: Mapping[str, str], form: NumberFormat, size: str) -> None:
    """A row per factor, the largest `size` on top, with an interval for each of one or two columns and their labels."""
    rows = found.sorted_by(lambda row: abs(getattr(row, size).value))
    places = factor_rows(ax, found, [row.factor for row in rows])
    shifts = np.linspace(0.14, -0.14, len(columns)) if len(columns) > 1 else [0.0]
    for k, (name, label) in enumerate(columns.items()):
        shade, marker = colour(k + 1), "os"[k]
        for place, row in zip(places, rows, strict=True):
            got: EstimateWithCI = getattr(row, name)
            limits = [v * form.factor for v in (got.value, got.low, got.high)]
            interval(ax, limits, place + shifts[k], shade, fmt=marker, sure=got.distinguishable)
        if len(columns) > 1:
            ax.plot([], [], marker, color=shade, label=label)
    if len(columns) > 1:
        legend_beside(ax)
    ax.margins(x=0.08)


def titled(ax: Axes, found: MethodResult, title: str, note: str) -> None:
    """Say above the axes what is shown, and below what it rests on."""
    against = f" against {found.outcome.against}" if found.outcome.against else ""
    ax.set_title(f"{found.program}{against}: {title}")
    sample_note(ax, f"{found.sample}; {note}")
