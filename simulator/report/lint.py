"""The findings of lint as text and as a figure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

if TYPE_CHECKING:
    from simulator.studies.lint import Lint
    from simulator.studies.lint_rules import Finding

_WIDTH = 116
_DRAWN = 12
"""Findings in the figure."""


def describe(found: Lint) -> str:
    """Per program its findings, most money at stake first, each with its mend."""
    lines = []
    for program in found.programs:
        here = found.of(program)
        lines.append(f"{program}: {_count(len(here))}")
        for finding in here:
            lines += _finding(finding, found.currency)
    if found.findings:
        lines.append("Findings are advice, from payout rules and expected results alone; no program was simulated.")
        lines.append("At stake: what rests on it per year if every partner used it.")
    return "\n".join(lines)


def draw(found: Lint, ax: Axes | None = None) -> Axes:
    """Money at stake of the findings with most of it."""
    from simulator.report.numbers import form_of
    from simulator.report.style import colour, new_axes, rows_for, sampled, styled
    from simulator.report.wording import titled

    most = sorted(found.findings, key=lambda f: -f.stake)[:_DRAWN]
    form = form_of([f.stake for f in most], [], found.currency, found.currency)
    with styled():
        ax = new_axes() if ax is None else ax
        rows = rows_for(ax, [f"{f.program}: {f.rule}" for f in most])
        ax.barh(rows, [f.stake * form.factor for f in most], height=0.6, color=colour(1))
        ax.set_xlabel(titled("At stake per year, if every partner used it", form.unit))
        ax.set_title("Weaknesses of payout rules" if most else "No weakness was found")
        sampled(ax, found.sample_text)
    return ax


def _count(number: int) -> str:
    return "no finding" if number == 0 else f"{number} finding{'' if number == 1 else 's'}"


def _finding(finding: Finding, currency: str) -> list[str]:
    segment = f", {finding.segment}" if finding.segment else ""
    head = f"{finding.rule} [{finding.stake:,.0f} {currency} a year] {finding.place}{segment}"
    return [
        f"  {head}",
        *textwrap.wrap(finding.text, _WIDTH, initial_indent="    ", subsequent_indent="    "),
        *textwrap.wrap(f"mend: {finding.mend}", _WIDTH, initial_indent="    ", subsequent_indent="    "),
    ]
