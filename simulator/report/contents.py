"""What a scenario contains, in a few lines."""

from __future__ import annotations

from simulator.scenario.schema import Program, Scenario


def contents(scenario: Scenario) -> str:
    """Size of the scenario, and its programs with their components."""
    time, partners = scenario.time, sum(segment.count for segment in scenario.partners.values())
    lines = [
        f"{scenario.name}: {time.horizon_weeks} weeks after {time.burn_in_weeks} of burn-in, "
        f"{_count(partners, 'partner')} in {_count(len(scenario.partners), 'segment')}, "
        f"{_count(len(scenario.markets), 'market')}, {_count(len(scenario.uncertainty), 'uncertain number')}"
    ]
    if scenario.budget is not None:
        lines.append(f"budget {scenario.budget.per_year:,.0f} {scenario.currency} per year")
    width = max(len(name) for name in scenario.programs)
    lines += [f"  {name.ljust(width)}  {_program(program)}" for name, program in scenario.programs.items()]
    return "\n".join(lines)


def _program(program: Program) -> str:
    parts = [f"{name} ({component.kind})" for name, component in program.components.items()]
    if program.tiers is not None:
        parts.append("tiers " + " < ".join((program.tiers.entry, *program.tiers.levels)))
    label = f"{program.label}: " if program.label else ""
    return label + (", ".join(parts) or "pays nothing")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
