"""`optimize`: how to set a program."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from simulator.cli.options import (
    examples,
    study_options,
    tell,
    together,
)

_study = together(
    click.option("--replications", type=click.IntRange(min=2), metavar="N", help="Replications"), study_options
)


@click.command(epilog=examples("optimize scenarios/quickstart.toml --levers scenarios/quickstart_levers.toml"))
@click.argument("scenario", metavar="SCENARIO")
@click.option("--levers", required=True, metavar="FILE", help="Levers file: what may be chosen, and constraints")
@click.option("--evaluations", type=int, metavar="M", help="Most settings to simulate  [default: 20 + 10 per lever]")
@_study
def optimize(scenario: str, levers: str, **settings: Any) -> None:
    """Tune the levers of a program of SCENARIO for its goals under constraints, and try the best on fresh worlds."""
    from simulator.scenario.load import load
    from simulator.studies.optimize import describe, optimize as run

    tell(partial(run, load(scenario), levers), describe, **settings)
