"""`sensitivity` and `value-of-information`: what an outcome rests on, and what to learn first."""

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


def _paths(_ctx: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """`a,b` as paths."""
    return None if text is None else tuple(path.strip() for path in text.split(",") if path.strip())


def _groups(_ctx: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`NAME=a,b` as name and paths."""
    groups: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, paths = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=PATH,PATH")
        if name.strip() in groups:
            raise click.BadParameter(f"group {name.strip()} is there twice")
        groups[name.strip()] = tuple(path.strip() for path in paths.split(",") if path.strip())
    return groups


def _shared(command: _Command) -> _Command:
    """Options of both commands."""
    for option in reversed(
        (
            click.argument("scenario", metavar="SCENARIO"),
            programs_option,
            click.option(
                "--inputs", callback=_paths, metavar="PATH,PATH", help="Uncertain numbers to look at  [default: all]"
            ),
            click.option(
                "--groups",
                multiple=True,
                callback=_groups,
                metavar="NAME=PATH,PATH",
                help="Inputs to take together; may be repeated",
            ),
            seed_option,
            workers_option,
            out_option,
            json_option,
            plots_option,
            quiet_option,
        )
    ):
        command = option(command)
    return command


@click.command(
    epilog=examples(
        "sensitivity scenarios/b2b_manufacturer.toml --program accelerator",
        "sensitivity scenarios/b2b_manufacturer.toml --method tornado --metric program_cost",
    )
)
@_shared
@click.option(
    "--method",
    default="given",
    show_default=True,
    metavar="M",
    help="given, tornado, switching, tail, prim, sobol or morris",
)
@click.option(
    "--metric", default="net_value", show_default=True, metavar="NAME", help="Outcome to look at, see docs/metrics.md"
)
@click.option("--program", metavar="P", help="One program to look at, instead of --programs")
@click.option(
    "--against", default="baseline", show_default=True, metavar="P", help="Program whose outcome is taken off"
)
@click.option("--absolute", is_flag=True, help="Look at the outcome itself instead of a difference")
@click.option(
    "--replications", type=int, metavar="N", help="Replications; of a design the worlds per point  [default: chosen]"
)
@click.option("--points", type=int, metavar="N", help="Points of sobol, trajectories of morris  [default: chosen]")
def sensitivity(
    scenario: str,
    program: str | None,
    programs: tuple[str, ...] | None,
    against: str,
    absolute: bool,
    quiet: bool,
    out: str,
    json_file: str | None,
    no_plots: bool,
    **settings: Any,
) -> None:
    """Find which uncertain inputs of SCENARIO an outcome rests on.

    Methods: given, shares of variance from plain replications; tornado, each input at its P10 and P90; switching, at
    which value the better of two programs changes; tail, what drives the worst tenth; prim, a box of inputs in which a
    program loses; sobol, first-order and total indices; morris, elementary effects for many inputs.
    """
    from simulator.report.sensitivity import describe
    from simulator.scenario.load import load
    from simulator.studies.sensitivity import sensitivity as run

    if program is not None and programs is not None:
        raise click.UsageError("give --program or --programs, not both")
    named = programs if program is None else (program,)
    with progress(quiet) as shown:
        study = run(load(scenario), programs=named, against=None if absolute else against, progress=shown, **settings)
    _finish(study, describe, out, json_file, no_plots, quiet)


@click.command("value-of-information", epilog=examples("value-of-information scenarios/b2b_manufacturer.toml"))
@_shared
@click.option("--replications", type=int, metavar="N", help="Replications  [default: the scenario's]")
def value_of_information(
    scenario: str, quiet: bool, out: str, json_file: str | None, no_plots: bool, **settings: Any
) -> None:
    """Say what learning uncertain inputs of SCENARIO before choosing a program is worth."""
    from simulator.report.knowledge import describe
    from simulator.scenario.load import load
    from simulator.studies.knowledge import value_of_information as run

    with progress(quiet) as shown:
        study = run(load(scenario), progress=shown, **settings)
    _finish(study, describe, out, json_file, no_plots, quiet)


def _finish(
    study: Any, describe: Callable[[Any], str], out: str, json_file: str | None, no_plots: bool, quiet: bool
) -> None:
    """Save, print and write JSON."""
    place = study.save(out, command=sys.argv, plots=not no_plots)
    finish(describe(study), study, json_file=json_file, quiet=quiet, place=place)
