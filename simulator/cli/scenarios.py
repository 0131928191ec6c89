"""`calibrate`, `validate` and `schema`: making and checking scenario files."""

from __future__ import annotations

from pathlib import Path

import click


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
def validate(scenario: str) -> None:
    """Check SCENARIO: list its problems, or say what is in it."""
    from simulator.report.contents import contents
    from simulator.scenario.load import load

    click.echo(f"{scenario}: ok\n{contents(load(scenario))}")


@click.command()
@click.option("--out", metavar="FILE", help="File to write  [default: standard output]")
def schema(out: str | None) -> None:
    """Print the JSON Schema of scenario files."""
    from simulator.scenario.json_schema import schema_json

    if out is None:
        click.echo(schema_json(), nl=False)
    else:
        Path(out).write_text(schema_json(), encoding="utf-8")
