"""`optimize`, `select`, `winners`, `forecast`: which program to choose, how to set it, who gains, what comes when."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from simulator.cli.common import examples, programs_option, study_options, tell, together

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
    from simulator.report.optimum import describe
    from simulator.scenario.load import load
    from simulator.studies.optimize import optimize as run

    tell(partial(run, load(scenario), levers), describe, **settings)


@click.command(epilog=examples("select scenarios/quickstart.toml --replications 500"))
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@_study
def select(scenario: str, **settings: Any) -> None:
    """Say which program of SCENARIO to choose: chance of being best, and regret."""
    from simulator.report.selection import describe
    from simulator.scenario.load import load
    from simulator.studies.select import select as run

    tell(partial(run, load(scenario)), describe, **settings)


@click.command(epilog=examples("winners scenarios/quickstart.toml --replications 200"))
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@_study
def winners(scenario: str, **settings: Any) -> None:
    """Show which partners gain and lose by each program of SCENARIO, and how tiers change."""
    from simulator.report.winners import describe
    from simulator.scenario.load import load
    from simulator.studies.winners import winners as run

    tell(partial(run, load(scenario)), describe, **settings)


@click.command(epilog=examples("forecast scenarios/quickstart.toml --programs accelerator --replications 100"))
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@_study
def forecast(scenario: str, **settings: Any) -> None:
    """Show pipeline, bookings, what is owed and what is paid week by week, from 200 replications unless told."""
    from simulator.report.forecast import describe
    from simulator.scenario.load import load
    from simulator.studies.forecast import forecast as run

    tell(partial(run, load(scenario)), describe, **settings)
