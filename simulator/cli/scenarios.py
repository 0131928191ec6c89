"""`validate` and `schema`: checking scenario files, and what one contains in a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.options import FOUND, STDOUT, examples, finish, json_option, programs_option, quiet_option

if TYPE_CHECKING:
    from simulator.scenario.schema import Program, Scenario


@click.command(
    epilog=examples("validate scenarios/quickstart.toml", "validate scenarios/quickstart.toml --no-lint --quiet")
)
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@click.option("--no-lint", is_flag=True, help="Check the file alone, at once")
@click.option("--strict", is_flag=True, help="Exit with 1 if lint finds anything")
@json_option
@quiet_option
def validate(
    scenario: str, programs: tuple[str, ...] | None, no_lint: bool, strict: bool, json_file: str | None, quiet: bool
) -> None:
    """Check SCENARIO: list its problems, or say what is in it and which weaknesses its payout rules have."""
    # MOVED
    from simulator.scenario.load import load

    loaded = load(scenario)
    if not quiet:
        click.echo(
            f"{scenario}: ok\n{contents(loaded)}\n" + ("" if no_lint else "\n"), nl=False, err=json_file == STDOUT
        )
    if no_lint:
        return
    from simulator.studies.lint.lint import lint

    found = lint(loaded, programs=programs)
    finish(str(found), found, json_file=json_file, quiet=quiet)
    if strict and found.findings:
        click.get_current_context().exit(FOUND)


@click.command(epilog=examples("schema --out scenarios/scenario.schema.json"))
@click.option("--out", metavar="FILE", help="File to write  [default: standard output]")
def schema(out: str | None) -> None:
    """Print the JSON Schema of scenario files."""
    from simulator.scenario.json_schema import schema_json

    if out is None:
        click.echo(schema_json(), nl=False)
    else:
        Path(out).write_text(schema_json(), encoding="utf-8")


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
