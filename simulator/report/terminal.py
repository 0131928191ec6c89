"""A comparison as text for a terminal, within a given width."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.report.numbers import NOT_DISTINGUISHABLE, form_of_estimates
from simulator.report.wording import estimates, gaps, reasons, titled
from simulator.run import RUNGS

if TYPE_CHECKING:
    from simulator.studies.compare import Comparison

WIDTH = 110
_GAP = "  "
_COMPARED = (
    "program_cost", "pipeline_created", "bookings", "incremental_margin", "margin_after_cost", "win_rate",
    "cycle_weeks",
)  # fmt: skip
_CLIMBED = ("program_cost", "pipeline_lift", "incremental_margin", "roi")
_GAMED = (
    "gaming_loss", "gaming_cost", "gaming_margin", "gaming_share", "p_gaming_above_5pct", "gaming_tail_mean",
    "false_claims", "claimed_vendor", "pulled", "pushed",
)  # fmt: skip

Row = tuple[str, list[str]]


def describe(study: Comparison, *, scenario_file: str, width: int = WIDTH) -> str:
    """Headline, tables and replay commands."""
    metrics = study.headline_metrics()
    parts = [
        wrapped(study.headline(), width),
        wrapped([] if study.effort is None else study.effort.lines(), width),
        _section("Programs, strategic rung (mean \u00b1 standard error)", _rows(study, metrics), study.programs, width),
        _notes(study, width),
        _costs(study, width),
        _differences(study, width),
        _section("Ladder: what rests on behavior", _ladder(study), study.programs, width),
        _section("Gaming: strategic less honest twin, same worlds", _rows(study, _GAMED), study.programs, width),
        _replays(study, scenario_file),
    ]
    return "\n\n".join(part for part in parts if part)


def wrapped(lines: Sequence[str], width: int) -> str:
    """Lines broken at the width, continued with an indent."""
    return "\n".join(textwrap.fill(line, width, subsequent_indent="    ") for line in lines)


def blocks(head: Sequence[str], rows: Sequence[Row], width: int) -> str:
    """A table with right-aligned columns, in as many blocks of columns as the width asks for."""
    first = max([len(label) for label, _ in rows], default=0)
    wide = [max([len(name), *(len(cells[k]) for _, cells in rows)]) for k, name in enumerate(head)]
    out = []
    for group in _groups(wide, width - first):
        lines = [" " * first + "".join(_GAP + head[k].rjust(wide[k]) for k in group)]
        lines += [label.ljust(first) + "".join(_GAP + cells[k].rjust(wide[k]) for k in group) for label, cells in rows]
        out.append("\n".join(line.rstrip() for line in lines))
    return "\n\n".join(out)


def _groups(wide: Sequence[int], room: int) -> list[list[int]]:
    groups: list[list[int]] = []
    used = 0
    for k, needed in enumerate(wide):
        if not groups or used + needed + len(_GAP) > room:
            groups.append([])
            used = 0
        groups[-1].append(k)
        used += needed + len(_GAP)
    return groups


def _section(title: str, rows: Sequence[Row], head: Sequence[str], width: int) -> str:
    return f"{title}\n{blocks(head, rows, width)}" if rows else ""


def _rows(study: Comparison, metrics: Sequence[str]) -> list[Row]:
    return [estimates(study, metric) for metric in metrics]


def _notes(study: Comparison, width: int) -> str:
    said = study.measured.sampling.text
    undefined = [f"\u2013 {line}" for line in reasons(study, study.headline_metrics())]
    return wrapped([*undefined, "The baseline's own return is against no program.", said.capitalize() + "."], width)


def _costs(study: Comparison, width: int) -> str:
    names = [n for n in study.measured.definitions if n.startswith("program_cost.") or n == "admin_cost"]
    paid = [
        n for n in names if any(got is not None and got.mean for got in (study.estimate(p, n) for p in study.programs))
    ]
    return _section("Program cost by component", _rows(study, paid), study.programs, width)


def _differences(study: Comparison, width: int) -> str:
    shown = study.candidates or study.programs
    rows = [gaps(study, metric, shown) for metric in _COMPARED]
    key = f"{NOT_DISTINGUISHABLE}: not distinguishable from 0"
    title = f"Difference to the baseline, same worlds ({study.interval_text}; {key})"
    return _section(title, rows, shown, width)


def _ladder(study: Comparison) -> list[Row]:
    rows = []
    for metric in _CLIMBED:
        found = [study.estimate(p, metric, rung) for p in study.programs for rung in RUNGS]
        form = form_of_estimates(found, study.unit(metric), study.scenario.currency)
        for rung in RUNGS:
            label = f"{titled(study.definition(metric).label, form.unit)}, {rung}"
            rows.append((label, [form.estimate(study.estimate(p, metric, rung)) for p in study.programs]))
    return rows


def _replays(study: Comparison, scenario_file: str) -> str:
    currency = study.scenario.currency
    lines = [
        f"{replay.command(scenario_file)}  # {replay.at}: {replay.cost:,.0f} {currency}" for replay in study.replays
    ]
    return "Replications to look at, by program cost\n" + "\n".join(lines)
