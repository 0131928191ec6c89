"""The lint rules. Importing this package registers every rule, in the order in which findings are shown."""

from simulator.studies.lint_rules import filing, goals, margin, shape, terms
from simulator.studies.lint_rules.rule import RULES, Finding, lint_rule

__all__ = ["RULES", "Finding", "filing", "goals", "lint_rule", "margin", "shape", "terms"]
