"""`verify` and `trace`: the engines against each other, and one replication relived."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from simulator.studies.trace import Trace

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


@click.command(
    epilog=examples(
        "trace scenarios/quickstart.toml --program accelerator --replication 3",
        "trace scenarios/quickstart.toml --program accelerator --replication 3 --partner 0 --out log.csv",
    )
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--program", required=True, metavar="P", help="Program to live under")
@click.option("--replication", type=int, required=True, metavar="R", help="Replication to relive, from 0")
@click.option("--partner", metavar="I", help="Print the statement of this partner: its name, or its number from 0")
@click.option("--out", metavar="FILE", help="Write the event log here")
@seed_option
@click.option(
    "--level", default="strategic", show_default=True, metavar="static|responsive|strategic", help="How partners behave"
)
@json_option
@quiet_option
def trace(
    scenario: str,
    program: str,
    replication: int,
    partner: str | None,
    out: str | None,
    seed: int | None,
    level: str,
    json_file: str | None,
    quiet: bool,
) -> None:
    """Relive one replication of SCENARIO event by event, and say why it cost what it did."""
    from simulator.scenario.load import load
    from simulator.studies.trace import trace as run

    loaded = load(scenario)
    found = run(loaded, program=program, replication=replication, seed=seed_of(loaded, seed), level=level)
    text = found.digest() if partner is None else found.statement(_partner(found, partner))
    finish(text, found, json_file=json_file, quiet=quiet)
    if out is not None:
        found.write(out)
        if not quiet:
            say(f"Event log: {out}")


def _partner(found: Trace, asked: str) -> str | int:
    """A partner as its name, or its number from 0."""
    return int(asked) if asked.isdecimal() and int(asked) < len(found.partner_names) else asked
