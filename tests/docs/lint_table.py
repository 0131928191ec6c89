"""The table of lint rules in `docs/lint.md`, from the rules themselves."""

from __future__ import annotations

import simulator.studies.lint.lint  # noqa: F401  (registers the rules)
from simulator.studies.lint.rule import RULES

HEAD = """# Lint

`incentive-sim validate SCENARIO`, or `sim.lint(scenario)`, lists weaknesses of each program that show in its payout
rules alone. No program is simulated: payout differences come from the program's own schedules, stacking and terms.
Findings are advice; the exit code stays 0 unless `--strict` is given. `--json FILE` writes them, `--no-lint` leaves
them out.

| finding | rule | when |
|---|---|---|
"""

TAIL = """
Each finding names its place in the scenario, the range concerned, the money at stake and a fix. At stake is what
rests on it per year if every partner used it.

## What it stands on

- **Typical partners**: eight per segment, at even quantiles of volume, with central values of uncertain numbers.
- **Expected results**: what an opportunity brings to a component is measured on the reference population, which is
  simulated under no program. A result in a window is taken as a gamma with the mean and variance of the forecast.
- **Tiers** are steps too: in a year's total of the tier's first criterion, by what a year in it pays more.
- **Dominated regions** of steps: from the marginal jumper's usual result, by best response at the scenario's
  elasticity, with the partner's own margin and the other components' prices.
- **Filing**: split and bundled deals go through filters, size floors, groups and ceilings like any other; what a
  window pays is valued at its start.
- **Alignment**: the angle between what one more opportunity is paid and what the goals say it is worth, over market,
  account, engagement, complexity and size. Speed is left out.

Left out: tier multiples in splitting and shifting, registration limits, budgets.

## Adding a rule

A rule is one function in a file of `simulator/studies/lint`, registered with `@lint_rule("what it finds")`; its
docstring is the row above. Write this page anew with `python -m tests.docs.lint_table > docs/lint.md`.
"""


def lint_page() -> str:
    """The whole page."""
    rows = [f"| {rule.title} | `{name}` | {rule.doc} |\n" for name, rule in sorted(RULES.items())]
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    print(lint_page(), end="")
