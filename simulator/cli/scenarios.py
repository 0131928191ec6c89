"""`calibrate`, `validate` and `schema`: making and checking scenario files."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.common import FOUND, STDOUT, programs_option


@click.command()
@click.argument("export", metavar="EXPORT")
@click.option("--profile", required=True, metavar="PROFILE", help="Column profile: a TOML file, or one shipped")
@click.option("--out", required=True, metavar="SCENARIO", help="Scenario file to write")
@click.option("--overwrite", is_flag=True, help="Replace files that are there")
def calibrate(export: str, profile: str, out: str, overwrite: bool) -> None:
    """Fit a scenario to the CRM export EXPORT."""
    from simulator.calibrate.calibration import calibrate as run

    click.echo(run(Path(export), profile, Path(out), overwrite=overwrite).summary())


@click.command()
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@click.option("--no-lint", is_flag=True, help="Check the file alone, at once")
@click.option("--strict", is_flag=True, help="Exit with 1 if lint finds anything")
@click.option("--json", "json_file", metavar="FILE", help="Write the findings as JSON; - for standard output")
def validate(
    scenario: str, programs: tuple[str, ...] | None, no_lint: bool, strict: bool, json_file: str | None
) -> None:
    """Check SCENARIO: list its problems, or say what is in it and which weaknesses its payout rules have."""
    from simulator.report.contents import contents
    from simulator.scenario.load import load

    loaded = load(scenario)
    to_stderr = json_file == STDOUT
    click.echo(f"{scenario}: ok\n{contents(loaded)}", err=to_stderr)
    if no_lint:
        return
    from simulator.studies.lint import lint

    found = lint(loaded, programs=programs)
    click.echo(f"\n{found}", err=to_stderr)
    if to_stderr:
        click.echo(found.to_json())
    elif json_file is not None:
        Path(json_file).write_text(found.to_json() + "\n", encoding="utf-8")
    if strict and found.findings:
        click.get_current_context().exit(FOUND)


@click.command()
@click.option("--out", metavar="FILE", help="File to write  [default: standard output]")
def schema(out: str | None) -> None:
    """Print the JSON Schema of scenario files."""
    from simulator.scenario.json_schema import schema_json

    if out is None:
        click.echo(schema_json(), nl=False)
    else:
        Path(out).write_text(schema_json(), encoding="utf-8")
