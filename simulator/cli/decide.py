"""`optimize`, `select` and `winners`: which program to choose, how to set it, and who gains by it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import click

from simulator.cli.common import STDOUT, programs_option, progress, seed_option

_Command = Callable[..., Any]


class _Study(Protocol):
    def to_json(self) -> str: ...

    def save(self, out: str, *, command: list[str], plots: bool) -> Path: ...


def _shared(command: _Command) -> _Command:
    """Options that the commands of this file share."""
    options = (
        click.option("--replications", type=click.IntRange(min=2), metavar="N", help="Replications"),
        seed_option,
        click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="K",
                     help="Processes to use"),
        click.option("--out", default="results", show_default=True, metavar="DIR",
                     help="Where the run directory is created"),
        click.option("--json", "json_file", metavar="FILE", help="Also write all figures as JSON; - for stdout"),
        click.option("--no-plots", is_flag=True, help="Leave the figures out of the run directory"),
        click.option("--quiet", is_flag=True, help="No progress and no tables; only the path of the run directory"),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _finish(study: _Study, text: str, *, out: str, json_file: str | None, no_plots: bool, quiet: bool) -> None:
    """Save, print and write what was asked for."""
    place = study.save(out, command=sys.argv, plots=not no_plots)
    to_stderr = json_file == STDOUT
    if not quiet:
        click.echo(text + "\n", err=to_stderr)
    if json_file == STDOUT:
        click.echo(study.to_json())
    elif json_file is not None:
        Path(json_file).write_text(study.to_json() + "\n", encoding="utf-8")
    click.echo(place if quiet else f"Run directory: {place}", err=to_stderr)


@click.command()
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


@click.command()
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


@click.command()
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
