"""`optimize`, `select`, `winners`, `forecast`: which program to choose, how to set it, who gains, what comes when."""

from __future__ import annotations

import sys
from collections.abc import Callable
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

_Command = Callable[..., Any]


def _shared(command: _Command) -> _Command:
    """Options that the commands of this file share."""
    options = (
        click.option("--replications", type=click.IntRange(min=2), metavar="N", help="Replications"),
        seed_option,
        workers_option, out_option, json_option, plots_option, quiet_option,
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _finish(study: Any, text: str, *, out: str, json_file: str | None, no_plots: bool, quiet: bool) -> None:
    """Save, print and write what was asked for."""
    place = study.save(out, command=sys.argv, plots=not no_plots)
    finish(text, study, json_file=json_file, quiet=quiet, place=place)


@click.command(epilog=examples("optimize scenarios/quickstart.toml --levers scenarios/quickstart_levers.toml"))
@click.argument("scenario", metavar="SCENARIO")
@click.option("--levers", required=True, metavar="FILE", help="Levers file: what may be chosen, and constraints")
@click.option("--evaluations", type=int, metavar="M", help="Most settings to simulate  [default: 20 + 10 per lever]")
@_shared
def optimize(
    scenario: str, levers: str, json_file: str | None, out: str, no_plots: bool, quiet: bool, **settings: Any
) -> None:
    """Tune the levers of a program of SCENARIO for its goals under constraints, and try the best on fresh worlds."""
    from simulator.report.optimum import describe
    from simulator.scenario.load import load
    from simulator.studies.optimize import optimize as run

    with progress(quiet) as shown:
        study = run(load(scenario), levers, progress=shown, **settings)
    _finish(study, describe(study), out=out, json_file=json_file, no_plots=no_plots, quiet=quiet)


@click.command(
    epilog=examples(
        "select scenarios/quickstart.toml --replications 500",
        "select scenarios/quickstart.toml --weights lift=0.6,cost=0.3,gaming=0.1",
        "select scenarios/quickstart.toml --race --delta 20000",
    )
)
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@click.option("--weights", metavar="lift=A,cost=B,gaming=C", help="A leader's weights  [default: all weights alike]")
@click.option("--equal-cost", metavar="PATH,...", help="Scale these numbers until their program costs as the baseline")
@click.option("--race", is_flag=True, help="Also race the programs until the best is found; needs --delta")
@click.option("--delta", type=float, metavar="D", help="Race: a difference in net value not worth telling apart")
@click.option("--alpha", type=float, default=0.05, show_default=True, metavar="A", help="Race: risk of a wrong choice")
@_shared
def select(
    scenario: str,
    weights: str | None,
    equal_cost: str | None,
    race: bool,
    delta: float | None,
    json_file: str | None,
    out: str,
    no_plots: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Say which program of SCENARIO to choose: chance of being best, regret, acceptability by weights."""
    from simulator.report.selection import describe
    from simulator.scenario.load import load
    from simulator.studies.select import parse_weights
    from simulator.studies.select import select as run

    if race != (delta is not None):
        raise click.UsageError("--race and --delta go together")
    paths = [path.strip() for path in (equal_cost or "").split(",") if path.strip()]
    declared = None if weights is None else parse_weights(weights)
    with progress(quiet) as shown:
        study = run(load(scenario), weights=declared, equal_cost_by=paths, delta=delta, progress=shown, **settings)
    _finish(study, describe(study), out=out, json_file=json_file, no_plots=no_plots, quiet=quiet)


@click.command(epilog=examples("winners scenarios/quickstart.toml --replications 200"))
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@_shared
def winners(scenario: str, json_file: str | None, out: str, no_plots: bool, quiet: bool, **settings: Any) -> None:
    """Show which partners gain and lose by each program of SCENARIO, and how tiers change."""
    from simulator.report.winners import describe
    from simulator.scenario.load import load
    from simulator.studies.winners import winners as run

    with progress(quiet) as shown:
        study = run(load(scenario), progress=shown, **settings)
    _finish(study, describe(study), out=out, json_file=json_file, no_plots=no_plots, quiet=quiet)


@click.command(epilog=examples("forecast scenarios/quickstart.toml --programs accelerator --replications 100"))
@click.argument("scenario", metavar="SCENARIO")
@programs_option
@_shared
def forecast(scenario: str, json_file: str | None, out: str, no_plots: bool, quiet: bool, **settings: Any) -> None:
    """Show pipeline, bookings, what is owed and what is paid week by week, from 200 replications unless told."""
    from simulator.report.forecast import describe
    from simulator.scenario.load import load
    from simulator.studies.forecast import forecast as run

    with progress(quiet) as shown:
        study = run(load(scenario), progress=shown, **settings)
    _finish(study, describe(study), out=out, json_file=json_file, no_plots=no_plots, quiet=quiet)
