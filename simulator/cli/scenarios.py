"""`validate` and `schema`: checking scenario files."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.common import FOUND, STDOUT, examples, finish, json_option, programs_option, quiet_option


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
    from simulator.report.contents import contents
    from simulator.scenario.load import load

    loaded = load(scenario)
    if not quiet:
        click.echo(
            f"{scenario}: ok\n{contents(loaded)}\n" + ("" if no_lint else "\n"), nl=False, err=json_file == STDOUT
        )
    if no_lint:
        return
    from simulator.studies.lint import lint

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
