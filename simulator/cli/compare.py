"""`compare`: candidate programs against the baseline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.options import (
    INTERRUPTED,
    examples,
    finish,
    json_option,
    out_option,
    plots_option,
    programs_option,
    progress,
    quiet_option,
    say,
    seed_option,
)

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario
    from simulator.studies.compare import Comparison


def _percent(_ctx: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """`1%` or `0.01` as a share."""
    if text is None:
        return None
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no number; write 1% or 0.01") from None


@click.command(
    epilog=examples(
        "compare scenarios/quickstart.toml",
        "compare scenarios/quickstart.toml --programs accelerator --replications 200",
        "compare scenarios/quickstart.toml --precision 2% --quiet --json figures.json",
    )
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--replications", type=int, metavar="N", help="Replications  [default: the scenario's]")
@click.option(
    "--precision",
    callback=_percent,
    metavar="P",
    help="Run until mean cost is within P (1% or 0.01) of itself, and paired differences of cost and pipeline within "
    "P of the baseline's mean",
)
@click.option("--most", type=int, metavar="N", help="With --precision: replications at most  [default: 20000]")
@seed_option
@programs_option
@click.option("--engine", default="vector", show_default=True, metavar="vector|events", help="Engine to run on")
@click.option("--workers", type=int, default=1, show_default=True, metavar="K", help="Processes to use")
@click.option("--chunk", type=int, metavar="N", help="Replications computed together  [default: chosen]")
@click.option("--gaming-detail", is_flag=True, help="Split the gaming loss by kind; a life more per kind")
@out_option
@json_option
@plots_option
@quiet_option
@click.option("--again", is_flag=True, help="Compute also what a stored run has already")
def compare(
    scenario: str,
    json_file: str | None,
    out: str,
    no_plots: bool,
    quiet: bool,
    again: bool,
    **settings: Any,
) -> None:
    """Compare the programs of SCENARIO with its baseline: cost, pipeline, margin, gaming."""
    from simulator.scenario.load import load

    loaded = load(scenario)
    settings = {name: value for name, value in settings.items() if name != "most" or value is not None}
    if not quiet:
        click.echo(_defaults(loaded, settings), err=True)
    known = None if again else _known(loaded, out, settings)
    if known is not None:
        study, place = known
        if not quiet:
            click.echo(f"The same was run before and is shown from {place}; --again computes it anew", err=True)
    else:
        study, place = _run(loaded, out, quiet, not no_plots, settings)
    from simulator.studies.compare import describe

    text = describe(study, scenario_file=scenario)
    finish(text, study, json_file=json_file, quiet=quiet, place=place)


def _run(scenario: Scenario, out: str, quiet: bool, plots: bool, settings: dict[str, Any]) -> tuple[Comparison, Path]:
    """Run and store, going on from the chunks that an earlier run of the same inputs and code left."""
    from simulator.runs.checkpoints import keeping
    from simulator.studies.compare import compare as run

    known = _identity(scenario, settings)
    assert known is not None
    with keeping(out, known, sys.argv) as kept:
        if kept.damaged:
            say(f"{kept.damaged} damaged files of the stopped run are left out; their replications are computed again")
        if kept.replications and not quiet:
            say(f"Going on from {kept.replications:,} replications of a run that was stopped")
        try:
            with progress(quiet) as shown:
                study = run(scenario, progress=shown, kept=kept, **settings)
            place = study.save(out, command=sys.argv, plots=plots)
        except KeyboardInterrupt:
            if not kept.replications:
                raise
            say(f"interrupted; {kept.replications:,} replications are kept: the same command goes on from there")
            raise click.exceptions.Exit(INTERRUPTED) from None
        kept.clear()
    return study, place


def _identity(scenario: Scenario, settings: dict[str, Any]) -> str | None:
    from simulator.studies.compare import identity_of

    return identity_of(scenario, **{n: value for n, value in settings.items() if n not in ("workers", "chunk")})


def _known(scenario: Scenario, out: str, settings: dict[str, Any]) -> tuple[Comparison, Path] | None:
    """A stored run of the same inputs and code."""
    from simulator.runs.stored_runs import same
    from simulator.studies.stored import comparison_of

    found = same(_identity(scenario, settings), out)
    return None if found is None else (comparison_of(found), found.place)


def _defaults(scenario: Scenario, settings: dict[str, Any]) -> str:
    """What is about to run, and which of it nobody asked for."""
    run = scenario.run
    precision = settings["precision"]
    many = _setting("replications", settings["replications"], run.replications)
    parts = [
        many if precision is None else f"replications until {precision:.2%}",
        _setting("seed", settings["seed"], run.seed),
        f"engine {settings['engine']}",
        f"programs {', '.join(settings['programs'] or scenario.programs)}",
    ]
    return f"{scenario.name}: " + "; ".join(parts)


def _setting(name: str, asked: int | None, default: int) -> str:
    return f"{name} {default:,} (default)" if asked is None else f"{name} {asked:,}"
