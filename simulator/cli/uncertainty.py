"""`uncertainty`: what is luck, and what is not known."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from simulator.cli.common import examples, programs_option, study_options, tell


@click.command(epilog=examples("uncertainty scenarios/b2b_manufacturer.toml --vectors 64 --worlds 4"))
@click.argument("scenario", metavar="SCENARIO")
@click.option("--vectors", type=int, default=32, show_default=True, metavar="K", help="Draws of the uncertain numbers")
@click.option("--worlds", type=int, default=8, show_default=True, metavar="R", help="Worlds that each of them meets")
@programs_option
@study_options
def uncertainty(scenario: str, **settings: Any) -> None:
    """Split the variance of SCENARIO's results into luck and ignorance, per program and metric."""
    from simulator.report.split import describe
    from simulator.scenario.load import load
    from simulator.studies.split import split

    tell(partial(split, load(scenario)), describe, **settings)
