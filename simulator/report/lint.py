"""The findings of lint as text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.studies.lint import Lint
    from simulator.studies.lint_rules import Finding

_WIDTH = 116


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
