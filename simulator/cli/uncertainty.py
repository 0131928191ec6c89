"""`uncertainty`: what is luck, and what is not known."""

from __future__ import annotations

import sys
from typing import Any

import click

from simulator.cli.common import (
    examples,
    finish,
    json_option,
    out_option,
    plots_option,
    programs_option,
    progress,
    quiet_option,
    seed_option,
    workers_option,
)


@click.command(epilog=examples("uncertainty scenarios/b2b_manufacturer.toml --vectors 64 --worlds 4"))
@click.argument("scenario", metavar="SCENARIO")
@click.option("--vectors", type=int, default=32, show_default=True, metavar="K", help="Draws of the uncertain numbers")
@click.option("--worlds", type=int, default=8, show_default=True, metavar="R", help="Worlds that each of them meets")
@programs_option
@seed_option
@workers_option
@out_option
@json_option
@plots_option
@quiet_option
def uncertainty(scenario: str, out: str, json_file: str | None, no_plots: bool, quiet: bool, **settings: Any) -> None:
    """Split the variance of SCENARIO's results into luck and ignorance, per program and metric."""
    from simulator.report.split import describe
    from simulator.scenario.load import load
    from simulator.studies.split import split

    with progress(quiet) as shown:
        found = split(load(scenario), progress=shown, **settings)
    place = found.save(out, command=sys.argv, plots=not no_plots)
    finish(describe(found), found, json_file=json_file, quiet=quiet, place=place)
