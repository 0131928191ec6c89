"""The report of a calibration: what the export holds, what was estimated and fits, and what could not be identified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from simulator.calibrate.findings import Estimate, figure
from simulator.calibrate.reconcile import Reconciled, rows_shown
from simulator.report.calibration_figures import Draw, drawings
from simulator.report.page import Table, facts, inline, page

if TYPE_CHECKING:
    from simulator.calibrate.calibration import Calibration
    from simulator.calibrate.profile import Profile

_FIGURE = (4.9, 3.7)
_NONE = "\u2013"
_DISTRIBUTION = ("low", "mode", "high", "mean", "sd", "median", "log_sd", "a", "b")


def html(found: Calibration) -> str:
    """The report as one HTML page."""
    return page("calibration.html", **content(found), figures=list(_figures(found)))


def content(found: Calibration) -> dict[str, Any]:
    """Texts and tables of the report."""
    dropped = sum(r.count for r in found.remarks if r.kind == "dropped")
    export, currency = found.export, found.scenario.currency
    return {
        "title": found.title,
        "sample": f"{export.total:,} rows read, {dropped:,} dropped, {len(export.rows):,} used; last day "
        f"{export.end:%Y-%m-%d}; money in {currency}; intervals are 95 %",
        "said": _said(found),
        "rates": _rates(found.profile),
        "rows": Table(
            "Rows by what became of them",
            ("what", "reason", "rows", "detail"),
            [(r.kind, r.reason, f"{r.count:,}", r.detail) for r in found.remarks],
        ),
        "verdicts": [f"{name.capitalize()}: {text}." for name, text in found.verdicts.items()],
        "estimates": _estimates("Numbers of the scenario", found.estimates),
        "diagnostics": _estimates("Further numbers, not in the scenario", found.diagnostics),
        "paid": _paid(found.paid),
        "unknown": Table(
            "Not identified",
            ("number", "why, and what stands in for it"),
            [*found.refused.items(), *found.defaults.items()],
        ),
        "rest": "how partners respond, what they may game, and all that the scenario file does not list.",
        "uncertain": _uncertain(found),
        "cautions": found.cautions,
        "provenance": facts({
            "export": export.label, "sha256": export.sha256, "profile": found.profile.name,
            "scenario": found.scenario_path.name,
        }),
    }  # fmt: skip


def _rates(profile: Profile) -> str:
    """How foreign amounts were converted; empty where none were."""
    if not profile.currency.rates:
        return ""
    rates = ", ".join(
        f"1 {name} = {rate:g} {profile.currency.scenario}" for name, rate in profile.currency.rates.items()
    )
    return f"Conversion: {rates}. Source: {profile.currency.rates_source}."


def _said(found: Calibration) -> list[str]:
    """In short: what the export told, and whether partners differ."""
    first = (
        f"{len(found.estimates)} numbers of the scenario come from the export; what it could not tell is listed below, "
        "with what stands in for it."
    )
    return [first, *(f"{name.capitalize()}: {found.verdicts[name]}." for name in ("partners", "cycles"))]


def _estimates(caption: str, estimates: Mapping[str, Estimate]) -> Table:
    head = ("number", "estimate", "interval", "n", "unit", "how")
    return Table(caption, head, [_row(name, e) for name, e in estimates.items()])


def _row(name: str, estimate: Estimate) -> tuple[str, ...]:
    limits = estimate.interval()
    interval = _NONE if limits is None else f"{figure(limits[0])} to {figure(limits[1])}"
    return (name, figure(estimate.value), interval, f"{estimate.n:,}", estimate.unit, estimate.note)


def _paid(paid: Reconciled | None) -> list[Table]:
    """Past payouts beside those of the baseline's rules."""
    if paid is None:
        return []
    captions = {"period": "Payouts by period", "partner": "Payouts by partner, largest differences first"}
    return [
        Table(caption, (name, "paid", "replayed", "ratio"), rows_shown(paid.tables[name]))
        for name, caption in captions.items()
    ]


def _uncertain(found: Calibration) -> Table:
    rows = []
    for path, u in found.scenario.uncertainty.items():
        given = [f"{name} {figure(getattr(u, name))}" for name in _DISTRIBUTION if getattr(u, name) is not None]
        sample = [f"{len(u.values)} values"] if u.values else []
        rows.append((path, u.distribution, ", ".join([*given, *sample]), u.source))
    return Table("Uncertain numbers of the scenario", ("number", "distribution", "parameters", "source"), rows)


def _figures(found: Calibration) -> Iterator[dict[str, Any]]:
    for name, (caption, draw) in drawings(found.shown, found.scenario.currency).items():
        yield {"svg": inline(partial(_drawn, draw), name, name.capitalize(), caption), "caption": caption}


def _drawn(draw: Draw) -> Figure:
    made = Figure(figsize=_FIGURE)
    draw(made.subplots())
    return made
