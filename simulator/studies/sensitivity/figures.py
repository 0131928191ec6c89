"""Figures of a sensitivity study: one per method, for one program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.report.formats import NumberFormat
from simulator.report.plots import (
    QUIET,
    colour,
    interval,
    legend_beside,
    mark_zero,
    new_axes,
    rows_for,
    sample_note,
    styled,
)
from simulator.report.text import with_unit
from simulator.scenario.validation.finding import suggestion
from simulator.stats.sensitivity.factors import EstimateWithCI
from simulator.studies.sensitivity.words import form_for

if TYPE_CHECKING:
    from simulator.studies.sensitivity.study import Sensitivity

_BLUE, _ORANGE, _GREEN = colour(1), colour(2), colour(3)
_WRAP = 38
_PERCENT = NumberFormat(100.0, 0, "%")


def draw(study: Sensitivity, program: str, ax: Axes | None = None, *, factor: str | None = None) -> Axes:
    """Draw what was found for a program on `ax` or a new figure.

    factor: the input of a switching curve, by default the one whose curve comes closest to a flip. Raises `InputError`
    for an unknown program or input.
    """
    if program not in study.found:
        known = list(study.found)
        raise fault("options", "program", program, f"must be one of {', '.join(known)}", suggestion(program, known))
    names = [f.name for f in study.task.factors]
    if factor is not None and factor not in names:
        raise fault("options", "factor", factor, f"must be one of {', '.join(names)}", suggestion(factor, names))
    with styled():
        ax = new_axes(len(names)) if ax is None else ax
        if study.method.name == "switching":
            return _switching(study, program, ax, factor)
        return _DRAWN[study.method.name](study, program, ax)


def _rows(ax: Axes, study: Sensitivity, names: Sequence[str]) -> list[int]:
    """A row for each factor with its grade, the first on top."""
    mark_zero(ax)
    return rows_for(ax, [_wrapped(f"{name} [{study.grade(name)}]") for name in names])


def _wrapped(label: str) -> str:
    """A long path broken at a dot, as it has no spaces."""
    if len(label) <= _WRAP or "." not in label:
        return label
    at = min((k for k, c in enumerate(label) if c == "."), key=lambda k: abs(k - len(label) / 2))
    return f"{label[: at + 1]}\n{label[at + 1 :]}"


def _bar(
    ax: Axes, got: EstimateWithCI, row: float, form: NumberFormat, shade: str, marker: str, label: str | None = None
) -> None:
    """A point with its interval; open where not distinguishable from 0."""
    limits = [x * form.factor for x in (got.value, got.low, got.high)]
    interval(ax, limits, row, shade, fmt=marker, sure=got.distinguishable)
    if label is not None:
        ax.plot([], [], marker, color=shade, label=label)


def _points(
    study: Sensitivity, program: str, ax: Axes, columns: Sequence[tuple[str, str]], form: NumberFormat, size: str
) -> list[Any]:
    """A row per factor, the largest `size` on top, with a point per column (attribute, label)."""
    found = sorted(study.found[program], key=lambda r: abs(getattr(r, size).value), reverse=True)
    rows = _rows(ax, study, [r.factor for r in found])
    shifts = np.linspace(0.14, -0.14, len(columns)) if len(columns) > 1 else [0.0]
    for k, (name, label) in enumerate(columns):
        for n, (row, r) in enumerate(zip(rows, found, strict=True)):
            shown = label if len(columns) > 1 and n == 0 else None
            _bar(ax, getattr(r, name), row + shifts[k], form, (_BLUE, _ORANGE)[k], "os"[k], shown)
    if len(columns) > 1:
        legend_beside(ax)
    ax.margins(x=0.08)
    return found


def _ended(study: Sensitivity, program: str, ax: Axes, title: str, note: str) -> Axes:
    against = f" against {study.outcome.against}" if study.outcome.against else ""
    ax.set_title(f"{program}{against}: {title}")
    sample_note(ax, f"{study.sample_text}; {note}")
    return ax


def _given(study: Sensitivity, program: str, ax: Axes) -> Axes:
    _points(study, program, ax, [("first", "")], _PERCENT, "first")
    ax.set_xlabel(with_unit(f"Share of the variance of {_metric(study)}", "%"))
    return _ended(study, program, ax, "what it varies with", "bars: 95 % CI; open: not distinguishable from 0")


def _sobol(study: Sensitivity, program: str, ax: Axes) -> Axes:
    _points(study, program, ax, [("first", "alone"), ("total", "with interactions")], _PERCENT, "total")
    ax.set_xlabel(with_unit(f"Share of the variance of {_metric(study)} by inputs", "%"))
    return _ended(study, program, ax, "what ignorance does", "bars: 95 % CI; open: not distinguishable from 0")


def _tornado(study: Sensitivity, program: str, ax: Axes) -> Axes:
    form = form_for(study, program)
    found = sorted(study.found[program], key=lambda r: max(abs(r.low.value), abs(r.high.value)), reverse=True)
    rows = _rows(ax, study, [r.factor for r in found])
    for n, (row, r) in enumerate(zip(rows, found, strict=True)):
        shown = (("at P10", r.low, _ORANGE, 0.17), ("at P90", r.high, _BLUE, -0.17))
        for label, got, shade, shift in shown:
            ax.barh(row + shift, got.value * form.factor, 0.3, color=shade, alpha=0.75, label=label if n == 0 else None)
            reach = np.array([[got.value - got.low], [got.high - got.value]]) * form.factor
            ax.errorbar(got.value * form.factor, row + shift, xerr=reach, fmt="none", ecolor="black", capsize=3)
    legend_beside(ax)
    ax.margins(x=0.08)
    ax.set_xlabel(with_unit(f"Change of {_metric(study)}", form.unit))
    note = "from all inputs at their medians, same worlds; whiskers: 95 % CI"
    return _ended(study, program, ax, "one input at a time", note)


def _switching(study: Sensitivity, program: str, ax: Axes, factor: str | None) -> Axes:
    rows = {r.factor: r for r in study.found[program]}
    row = rows[factor] if factor is not None else min(rows.values(), key=_distance)
    curve = row.curve
    form = _form_of_curve(study, row)
    ax.fill_between(curve.at, curve.low * form.factor, curve.high * form.factor, color=_BLUE, alpha=0.2, linewidth=0)
    ax.plot(curve.at, curve.mean * form.factor, color=_BLUE)
    ax.axhline(0.0, color=QUIET, linewidth=1.0)
    for crossing in row.crossings if row.distinguishable else ():
        ax.plot(crossing.at, 0.0, "o", color="black", markersize=7)
        ends = [crossing.low or row.start, crossing.high or row.end]
        ax.plot(ends, [0.0, 0.0], color="black", linewidth=2.4, solid_capstyle="butt")
    unit = next(i.unit for i in study.inputs if i.path == row.factor)
    ax.set_xlabel(f"{row.factor} [{study.grade(row.factor)}]" + (f", {unit}" if unit else ""))
    ax.set_ylabel(with_unit(f"Difference of {_metric(study)}", form.unit))
    title = {"flips": "where the ranking flips", "does not flip": "the ranking does not flip"}.get(
        row.verdict, "whether the ranking flips cannot be told"
    )
    return _ended(study, program, ax, title, "mean over all else; band: 95 %, pointwise")


def _distance(row: Any) -> tuple[bool, float]:
    """Curves that flip first, then those that come closest to 0 in terms of their error."""
    closest = float(np.min(np.abs(row.curve.mean) / np.maximum(row.curve.se, 1e-300)))
    swing = float(np.ptp(row.curve.mean) / np.maximum(row.curve.se.mean(), 1e-300))
    return not row.distinguishable, -swing if row.distinguishable else closest


def _form_of_curve(study: Sensitivity, row: Any) -> NumberFormat:
    from simulator.report.formats import form_of

    form = form_of(list(row.curve.mean), list(row.curve.se), study.outcome.unit, study.scenario.currency)
    return NumberFormat(form.factor, form.decimals, "points" if form.unit == "%" else form.unit)


def _prim(study: Sensitivity, program: str, ax: Axes) -> Axes:
    (box,) = study.found[program]
    known = {i.path: k for k, i in enumerate(study.inputs)}
    singles = [f.name for f in study.task.factors if f.single]
    limits = {limit.factor: limit for limit in box.limits}
    shown = sorted(singles, key=lambda name: limits[name].p if name in limits else 2.0)[:2]
    x = box.seen[:, [known[name] for name in shown]]
    y = x[:, 1] if len(shown) > 1 else np.arange(len(x)) % 101 / 100.0
    for mask, shade, mark, label in (
        (~box.bad, _BLUE, "o", f"ahead of {study.outcome.against}"),
        (box.bad, _ORANGE, "x", f"behind {study.outcome.against}"),
    ):
        ax.plot(x[mask, 0], y[mask], mark, color=shade, markersize=4, alpha=0.7, label=label)
    if box.found:
        _frame(ax, [limits.get(name) for name in shown], x[:, 0], y)
    ax.set_xlabel(f"{shown[0]} [{study.grade(shown[0])}]")
    ax.set_ylabel(f"{shown[1]} [{study.grade(shown[1])}]" if len(shown) > 1 else "replication")
    legend_beside(ax)
    title = "where it falls behind" if box.found else "no box was found in which it falls behind more often"
    return _ended(study, program, ax, title, "box: of all its inputs, seen along these")


def _frame(ax: Axes, limits: Sequence[Any], *values: Any) -> None:
    """The outline of the box along two axes."""
    spans = []
    for limit, v in zip([*limits, None][:2], values, strict=True):
        pad = 0.02 * float(np.ptp(v))
        low = float(v.min()) - pad if limit is None or limit.low is None else limit.low
        high = float(v.max()) + pad if limit is None or limit.high is None else limit.high
        spans.append((low, high))
    (left, right), (low, high) = spans
    ax.plot([left, right, right, left, left], [low, low, high, high, low], color="black", linewidth=2.0, label="box")


def _metric(study: Sensitivity) -> str:
    """The metric's short name in running text."""
    label = study.outcome.label
    return label[:1].lower() + label[1:]


_DRAWN: dict[str, Callable[[Sensitivity, str, Axes], Axes]] = {
    "given": _given,
    "tornado": _tornado,
    "prim": _prim,
    "sobol": _sobol,
}
