"""Lint: weaknesses of programs that show in their payout rules alone, without simulating them.

Every registered rule looks at every program as typical partners see it. Expected results come from the reference
population living under no program, without response; see `simulator.studies.lint_rules.typical`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from simulator.scenario.schema import Scenario
from simulator.studies.asked import asked_programs
from simulator.studies.lint_rules import RULES, Finding
from simulator.studies.lint_rules.typical import Typical, program_view, typical_partners

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Lint:
    """The findings of a scenario's programs; within a program by money at stake, most first."""

    programs: tuple[str, ...]
    findings: tuple[Finding, ...]
    currency: str

    def of(self, program: str) -> tuple[Finding, ...]:
        """The findings of one program."""
        return tuple(f for f in self.findings if f.program == program)

    def table(self) -> pd.DataFrame:
        """One row per finding."""
        import pandas as pd

        return pd.DataFrame([asdict(f) for f in self.findings], columns=list(Finding.__dataclass_fields__))

    def to_json(self) -> str:
        """All findings as JSON; money in the scenario's currency per year."""
        tree: dict[str, Any] = {
            "currency": self.currency,
            "programs": {p: [asdict(f) for f in self.of(p)] for p in self.programs},
        }
        return json.dumps(tree, indent=2)

    def __str__(self) -> str:
        from simulator.report.lint import describe

        return describe(self)


def lint(scenario: Scenario, *, programs: Sequence[str] | None = None) -> Lint:
    """Look for weaknesses in the payout rules of a scenario's programs, without simulating them.

    programs: names of programs; all where None. Takes seconds, as the reference population lives once. Raises
    `InputError` for a program that is not there.
    """
    names = asked_programs(scenario, programs)
    typical = typical_partners(scenario)
    return Lint(names, tuple(f for name in names for f in findings(typical, name)), scenario.currency)


def findings(typical: Typical, program: str) -> list[Finding]:
    """The findings of one program, most money at stake first."""
    view = program_view(typical, program)
    return sorted((found for rule in RULES.values() for found in rule(view)), key=lambda f: -f.stake)
