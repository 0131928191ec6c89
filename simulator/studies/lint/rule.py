"""What a lint rule is: a function that looks at one program's payout rules and yields findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator.studies.lint.typical_partners import ProgramView


@dataclass(frozen=True)
class LintFinding:
    """One weakness of a program that shows without simulating it.

    rule: name of the rule; program, place: the program and the dotted path in the scenario; segment: the partner or
    market segment concerned, empty for all; low, high: the range concerned, in `unit`, None where there is none;
    stake: money per year that rests on it if every partner used it; text: what is wrong; mend: a way out.
    """

    rule: str
    program: str
    place: str
    segment: str
    low: float | None
    high: float | None
    unit: str
    stake: float
    text: str
    mend: str


Rule = Callable[[ProgramView], Iterator[LintFinding]]

RULES: dict[str, Rule] = {}
"""Every rule by name, in the order of their definitions. The docstring of a rule says what it finds."""


def lint_rule(rule: Rule) -> Rule:
    """Register a rule under its function's name."""
    RULES[rule.__name__] = rule
    return rule
