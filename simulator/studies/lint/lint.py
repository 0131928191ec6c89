"""Lint: weaknesses of programs that show in their payout rules alone, without simulating them.

Every registered rule looks at every program as typical partners see it, see `simulator.studies.lint.rule`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from simulator.scenario.schema import Scenario
from simulator.studies.base import Study, asked_programs, timed
from simulator.studies.lint import filing, margin, thresholds  # noqa: F401  (each registers its rules)
from simulator.studies.lint.rule import RULES, LintFinding, Typical, program_view, typical_partners


@dataclass(frozen=True)
class Lint(Study):
    """The findings of a scenario's programs; within a program by money at stake, most first."""

    programs: tuple[str, ...]
    findings: tuple[LintFinding, ...]
    currency: str
    scenario: str = ""

    def of(self, program: str) -> tuple[LintFinding, ...]:
        """The findings of one program."""
        return tuple(f for f in self.findings if f.program == program)

    @property
    def title(self) -> str:
        return f"{self.scenario}: weaknesses of payout rules"

    def table(self) -> pd.DataFrame:
        """One row per finding."""
        return pd.DataFrame([asdict(f) for f in self.findings], columns=list(LintFinding.__dataclass_fields__))

    @property
    def sample_text(self) -> str:
        """What the findings rest on."""
        return "payout rules as typical partners see them, without simulation"

    def headline(self) -> list[str]:
        """A sentence per finding."""
        return [f"{f.program}: {f.text}" for f in self.findings] or ["No weakness was found."]

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Money at stake of each finding."""
        # MOVED

        return draw(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """All findings as plain dicts; money in the scenario's currency per year."""
        return {"currency": self.currency, "programs": {p: [asdict(f) for f in self.of(p)] for p in self.programs}}

    def __str__(self) -> str:
        # MOVED

        return describe(self)


@timed
def lint(scenario: Scenario, *, programs: Sequence[str] | None = None) -> Lint:
    """Look for weaknesses in the payout rules of a scenario's programs, without simulating them.

    programs: names of programs; all where None. Takes seconds, as only the reference population is simulated. Raises
    `InputError` for a program that is not there.
    """
    names = asked_programs(scenario, programs)
    typical = typical_partners(scenario)
    return Lint(names, tuple(f for name in names for f in findings(typical, name)), scenario.currency, scenario.name)


def findings(typical: Typical, program: str) -> list[LintFinding]:
    """The findings of one program, most money at stake first."""
    view = program_view(typical, program)
    found = [replace(f, rule=name) for name, rule in RULES.items() for f in rule.find(view)]
    return sorted(found, key=lambda f: -f.stake)


_WIDTH = 116
_DRAWN = 12
"""Findings in the figure."""


def describe(found: Lint) -> str:
    """Per program its findings, most money at stake first, each with a fix."""
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
    from simulator.report.formats import form_of
    from simulator.report.plots import colour, new_axes, rows_for, sample_note, styled
    from simulator.report.text import with_unit

    most = sorted(found.findings, key=lambda f: -f.stake)[:_DRAWN]
    form = form_of([f.stake for f in most], [], found.currency, found.currency)
    with styled():
        ax = new_axes() if ax is None else ax
        rows = rows_for(ax, [f"{f.program}: {RULES[f.rule].title}" for f in most])
        ax.barh(rows, [f.stake * form.factor for f in most], height=0.6, color=colour(1))
        ax.set_xlabel(with_unit("At stake per year, if every partner used it", form.unit))
        ax.set_title("Weaknesses of payout rules" if most else "No weakness was found")
        sample_note(ax, found.sample_text)
    return ax


def _count(number: int) -> str:
    return "no finding" if number == 0 else f"{number} finding{'' if number == 1 else 's'}"


def _finding(finding: LintFinding, currency: str) -> list[str]:
    segment = f", {finding.segment}" if finding.segment else ""
    head = f"{RULES[finding.rule].title} [{finding.stake:,.0f} {currency} a year] {finding.place}{segment}"
    return [
        f"  {head}",
        *textwrap.wrap(finding.text, _WIDTH, initial_indent="    ", subsequent_indent="    "),
        *textwrap.wrap(f"fix: {finding.fix}", _WIDTH, initial_indent="    ", subsequent_indent="    "),
    ]
