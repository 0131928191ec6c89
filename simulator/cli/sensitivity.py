"""`sensitivity` and `value-of-information`: what an outcome rests on, and what to learn first."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from simulator.cli.common import examples, names, parts, programs_option, study_options, tell, together


def _groups(_ctx: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`NAME=a,b` as name and paths."""
    groups: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, paths = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=PATH,PATH")
        if name.strip() in groups:
            raise click.BadParameter(f"group {name.strip()} is there twice")
        groups[name.strip()] = parts(paths)
    return groups


_study = together(
    click.argument("scenario", metavar="SCENARIO"),
    programs_option,
    click.option("--inputs", callback=names, metavar="PATH,PATH", help="Uncertain numbers to look at  [default: all]"),
    click.option("--groups", multiple=True, callback=_groups, metavar="NAME=PATH,PATH",
                 help="Inputs to take together; may be repeated"),
    study_options,
)  # fmt: skip


@click.command(
    epilog=examples(
        "sensitivity scenarios/b2b_manufacturer.toml --program accelerator",
        "sensitivity scenarios/b2b_manufacturer.toml --method tornado --metric program_cost",
    )
)
@_study
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
    scenario: str, program: str | None, programs: tuple[str, ...] | None, against: str, absolute: bool, **settings: Any
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
    tell(partial(run, load(scenario), programs=named, against=None if absolute else against), describe, **settings)


@click.command("value-of-information", epilog=examples("value-of-information scenarios/b2b_manufacturer.toml"))
@_study
@click.option("--replications", type=int, metavar="N", help="Replications  [default: the scenario's]")
def value_of_information(scenario: str, **settings: Any) -> None:
    """Say what learning uncertain inputs of SCENARIO before choosing a program is worth."""
    from simulator.report.knowledge import describe
    from simulator.scenario.load import load
    from simulator.studies.knowledge import value_of_information as run

    tell(partial(run, load(scenario)), describe, **settings)
