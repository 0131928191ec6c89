"""The command line. Exit codes: 0 done; 1 the engines disagree (`verify`); 2 wrong usage or input; 3 the run
failed; 130 interrupted.

Results go to standard output; progress, notes and problems to standard error. Everything numeric is imported
when a command runs, so help is immediate.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.errors import InputError, SimulatorError

if TYPE_CHECKING:
    from simulator.progress import Progress
    from simulator.scenario.schema import Scenario
    from simulator.studies.compare import Comparison
    from simulator.studies.trace import Trace

DISAGREE, BAD_INPUT, FAILED, INTERRUPTED = 1, 2, 3, 130
_VERIFIED_REPLICATIONS = 4
_STDOUT = "-"


class _Reporting(click.Group):
    """Turns errors raised on purpose into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            for problem in error.problems:
                _say(str(problem))
            ctx.exit(BAD_INPUT)
        except (SimulatorError, OSError) as error:
            _say(f"error: {error}")
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            _say("interrupted; nothing was written")
            ctx.exit(INTERRUPTED)


def _version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if not asked:
        return
    from importlib import metadata

    try:
        click.echo(f"incentive-sim {metadata.version('incentive-sim')}")
    except metadata.PackageNotFoundError:
        click.echo("incentive-sim, not installed: run from its source")
    ctx.exit()


@click.group(
    cls=_Reporting,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 the engines disagree (verify); 2 wrong usage or input; 3 the run failed; "
    "130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit",
)
def main() -> None:
    """Simulate how partners respond to incentive programs, and what each costs, lifts and invites."""


def _programs(_ctx: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """`a,b` as names."""
    if text is None:
        return None
    return tuple(name.strip() for name in text.split(",") if name.strip())


_Command = Callable[..., Any]


def _programs_option(command: _Command) -> _Command:
    return click.option(
        "--programs",
        metavar="A,B",
        callback=_programs,
        help="Programs to look at  [default: all of the scenario]",
    )(command)


def _seed_option(command: _Command) -> _Command:
    seed = click.IntRange(min=0)
    return click.option("--seed", type=seed, metavar="S", help="Seed of all randomness  [default: the scenario's]")(
        command
    )


@main.command()
@click.argument("scenario", metavar="SCENARIO")
@click.option("--replications", type=int, metavar="N", help="Replications  [default: the scenario's]")
@_seed_option
@_programs_option
@click.option("--engine", default="vector", show_default=True, metavar="vector|events", help="Engine to run on")
@click.option("--workers", type=int, default=1, show_default=True, metavar="K", help="Processes to use")
@click.option("--chunk", type=int, metavar="N", help="Replications computed together  [default: chosen]")
@click.option("--out", default="results", show_default=True, metavar="DIR", help="Where the run directory is created")
@click.option("--json", "json_file", metavar="FILE", help="Also write all figures as JSON; - for standard output")
@click.option("--no-plots", is_flag=True, help="Leave the figures out of the run directory")
@click.option("--quiet", is_flag=True, help="No progress and no tables; only the path of the run directory")
def compare(scenario: str, json_file: str | None, out: str, no_plots: bool, quiet: bool, **settings: Any) -> None:
    """Compare the programs of SCENARIO with its baseline: cost, pipeline, margin, gaming."""
    from simulator.scenario.load import load
    from simulator.studies.compare import compare as run

    loaded = load(scenario)
    to_stderr = json_file == _STDOUT
    if not quiet:
        click.echo(_defaults(loaded, settings), err=True)
    with _progress(quiet) as progress:
        study = run(loaded, progress=progress, **settings)
    place = study.save(out, command=sys.argv, plots=not no_plots)
    if not quiet:
        from simulator.report.terminal import describe

        click.echo(describe(study, scenario_file=scenario) + "\n", err=to_stderr)
    _write_json(study, json_file)
    click.echo(place if quiet else f"Run directory: {place}", err=to_stderr)


@main.command()
@click.argument("scenario", metavar="SCENARIO")
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    default=_VERIFIED_REPLICATIONS,
    show_default=True,
    metavar="N",
    help="Replications",
)
@_programs_option
@_seed_option
def verify(scenario: str, replications: int, programs: tuple[str, ...] | None, seed: int | None) -> None:
    """Run both engines on the same replications of SCENARIO and report the largest difference per outcome."""
    from simulator.scenario.load import load
    from simulator.studies.asked import asked_programs
    from simulator.studies.verify import verify as run

    loaded = load(scenario)
    names = asked_programs(loaded, programs)
    with _progress(False) as progress:
        found = run(loaded, programs=names, replications=replications, seed=_seed(loaded, seed), progress=progress)
    click.echo(found.table())
    if not found.agrees:
        _say("the engines disagree")
        click.get_current_context().exit(DISAGREE)


@main.command()
@click.argument("scenario", metavar="SCENARIO")
@click.option("--program", required=True, metavar="P", help="Program to live under")
@click.option("--replication", type=int, required=True, metavar="R", help="Replication to relive, from 0")
@click.option("--partner", metavar="I", help="Print the statement of this partner: its name, or its number from 0")
@click.option("--out", metavar="FILE", help="Write the event log here")
@_seed_option
@click.option(
    "--rung",
    default="strategic",
    show_default=True,
    metavar="static|responsive|strategic",
    help="How partners behave",
)
def trace(
    scenario: str,
    program: str,
    replication: int,
    partner: str | None,
    out: str | None,
    seed: int | None,
    rung: str,
) -> None:
    """Relive one replication of SCENARIO event by event, and say why it cost what it did."""
    from simulator.scenario.load import load
    from simulator.studies.trace import trace as run

    loaded = load(scenario)
    found = run(loaded, program=program, replication=replication, seed=_seed(loaded, seed), rung=rung)
    click.echo(found.digest() if partner is None else found.statement(_partner(found, partner)))
    if out is not None:
        found.write(out)
        click.echo(f"Event log: {out}", err=True)


@main.command()
@click.argument("export", metavar="EXPORT")
@click.option("--profile", required=True, metavar="PROFILE", help="Column profile: a TOML file, or one shipped")
@click.option("--out", required=True, metavar="SCENARIO", help="Scenario file to write")
@click.option("--overwrite", is_flag=True, help="Replace files that are there")
def calibrate(export: str, profile: str, out: str, overwrite: bool) -> None:
    """Fit a scenario to the CRM export EXPORT."""
    from simulator.calibrate.calibration import calibrate as run

    click.echo(run(Path(export), profile, Path(out), overwrite=overwrite).summary())


@main.command()
@click.argument("scenario", metavar="SCENARIO")
def validate(scenario: str) -> None:
    """Check SCENARIO: list its problems, or say what is in it."""
    from simulator.report.contents import contents
    from simulator.scenario.load import load

    click.echo(f"{scenario}: ok\n{contents(load(scenario))}")


@main.command()
@click.option("--out", metavar="FILE", help="File to write  [default: standard output]")
def schema(out: str | None) -> None:
    """Print the JSON Schema of scenario files."""
    from simulator.scenario.json_schema import schema_json

    if out is None:
        click.echo(schema_json(), nl=False)
    else:
        Path(out).write_text(schema_json(), encoding="utf-8")


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    from simulator.progress import choose

    progress = choose(quiet=quiet)
    try:
        yield progress
    finally:
        progress.close()


def _defaults(scenario: Scenario, settings: dict[str, Any]) -> str:
    """What is about to run, and which of it nobody asked for."""
    run = scenario.run
    parts = [
        _setting("replications", settings["replications"], run.replications),
        _setting("seed", settings["seed"], run.seed),
        f"engine {settings['engine']}",
        f"programs {', '.join(settings['programs'] or scenario.programs)}",
    ]
    return f"{scenario.name}: " + "; ".join(parts)


def _setting(name: str, asked: int | None, default: int) -> str:
    return f"{name} {default:,} (default)" if asked is None else f"{name} {asked:,}"


def _partner(found: Trace, asked: str) -> str | int:
    """A partner as its name, or its number from 0."""
    return int(asked) if asked.isdecimal() and int(asked) < len(found.partner_names) else asked


def _seed(scenario: Scenario, asked: int | None) -> int:
    return scenario.run.seed if asked is None else asked


def _write_json(study: Comparison, file: str | None) -> None:
    if file is None:
        return
    if file == _STDOUT:
        click.echo(study.to_json())
    else:
        Path(file).write_text(study.to_json() + "\n", encoding="utf-8")


def _say(text: str) -> None:
    click.echo(text, err=True)
