"""`redteam`: what one fully opportunistic partner could extract, and what would stop it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from simulator.cli.common import STDOUT, programs_option, progress, seed_option


@click.command()
@click.argument("scenario", metavar="SCENARIO")
@click.option("--replications", type=int, default=40, show_default=True, metavar="N", help="Worlds of the search")
@seed_option
@programs_option
@click.option("--share", type=float, default=0.05, show_default=True, help="Share of honest pay that mends aim at")
@click.option("--out", default="results", show_default=True, metavar="DIR", help="Where the run directory is created")
@click.option("--json", "json_file", metavar="FILE", help="Also write all figures as JSON; - for standard output")
@click.option("--quiet", is_flag=True, help="No progress and no sentences; only the path of the run directory")
def redteam(scenario: str, json_file: str | None, out: str, quiet: bool, **settings: Any) -> None:
    """Search the programs of SCENARIO for what one fully opportunistic partner could extract."""
    from simulator.scenario.load import load
    from simulator.studies.redteam import redteam as run

    loaded = load(scenario)
    with progress(quiet) as shown:
        found = run(loaded, progress=shown, **settings)
    place = found.save(out, command=sys.argv)
    to_stderr = json_file == STDOUT
    if not quiet:
        click.echo("\n".join(found.headline()) + "\n", err=to_stderr)
    if json_file == STDOUT:
        click.echo(found.to_json())
    elif json_file is not None:
        Path(json_file).write_text(found.to_json() + "\n", encoding="utf-8")
    click.echo(place if quiet else f"Run directory: {place}", err=to_stderr)
