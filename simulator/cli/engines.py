"""`verify`: the engines against each other."""

from __future__ import annotations

import click

from simulator.cli.options import (
    DISAGREE,
    examples,
    finish,
    json_option,
    programs_option,
    progress,
    quiet_option,
    say,
    seed_of,
    seed_option,
)

_VERIFIED_REPLICATIONS = 4


@click.command(epilog=examples("verify scenarios/quickstart.toml --replications 2"))
@click.argument("scenario", metavar="SCENARIO")
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    default=_VERIFIED_REPLICATIONS,
    show_default=True,
    metavar="N",
    help="Replications",
)
@programs_option
@seed_option
@json_option
@quiet_option
def verify(
    scenario: str, replications: int, programs: tuple[str, ...] | None, seed: int | None, json_file: str | None,
    quiet: bool,
) -> None:  # fmt: skip
    """Run both engines on the same replications of SCENARIO and report the largest difference per outcome."""
    from simulator.scenario.load import load
    from simulator.studies.base import asked_programs
    from simulator.studies.verify import verify as run

    loaded = load(scenario)
    names = asked_programs(loaded, programs)
    with progress(quiet) as shown:
        found = run(loaded, programs=names, replications=replications, seed=seed_of(loaded, seed), progress=shown)
    finish(str(found), found, json_file=json_file, quiet=quiet)
    if not found.agrees:
        say("the engines disagree")
        click.get_current_context().exit(DISAGREE)
