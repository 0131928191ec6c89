"""Lint: weaknesses of programs that show in their payout rules alone, without simulating them.

Every registered rule looks at every program as typical partners see it. Expected results come from the reference
population living under no program, without response; see `simulator.studies.lint_rules.typical`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from simulator.scenario.schema import Scenario
from simulator.studies.asked import asked_programs
from simulator.studies.lint_rules import RULES, Finding
from simulator.studies.lint_rules.typical import Typical, program_view, typical_partners
from simulator.studies.study import Study, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Lint(Study):
    """The findings of a scenario's programs; within a program by money at stake, most first."""

    programs: tuple[str, ...]
    findings: tuple[Finding, ...]
    currency: str
    scenario: str = ""

    def of(self, program: str) -> tuple[Finding, ...]:
        """The findings of one program."""
        return tuple(f for f in self.findings if f.program == program)

    @property
    def title(self) -> str:
        return f"{self.scenario}: weaknesses of payout rules"

    def table(self) -> pd.DataFrame:
        """One row per finding."""
        return pd.DataFrame([asdict(f) for f in self.findings], columns=list(Finding.__dataclass_fields__))

    @property
    def sample_text(self) -> str:
        """What the findings rest on."""
        return "payout rules as typical partners see them, without simulation"

    def headline(self) -> list[str]:
        """A sentence per finding."""
        return [f"{f.program}: {f.text}" for f in self.findings] or ["No weakness was found."]

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Money at stake of each finding."""
        from simulator.report.lint import draw

        return draw(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """All findings as plain dicts; money in the scenario's currency per year."""
        return {"currency": self.currency, "programs": {p: [asdict(f) for f in self.of(p)] for p in self.programs}}

    def __str__(self) -> str:
        from simulator.report.lint import describe

        return describe(self)


@timed
def lint(scenario: Scenario, *, programs: Sequence[str] | None = None) -> Lint:
    """Look for weaknesses in the payout rules of a scenario's programs, without simulating them.

    programs: names of programs; all where None. Takes seconds, as the reference population lives once. Raises
    `InputError` for a program that is not there.
    """
    names = asked_programs(scenario, programs)
    typical = typical_partners(scenario)
    return Lint(names, tuple(f for name in names for f in findings(typical, name)), scenario.currency, scenario.name)


def findings(typical: Typical, program: str) -> list[Finding]:
    """The findings of one program, most money at stake first."""
    view = program_view(typical, program)
    return sorted((found for rule in RULES.values() for found in rule(view)), key=lambda f: -f.stake)
