"""`redteam`: what one fully opportunistic partner could extract, and what would stop it."""

from __future__ import annotations

import sys
from typing import Any

import click

from simulator.cli.common import (
    examples,
    finish,
    json_option,
    out_option,
    programs_option,
    progress,
    quiet_option,
    seed_option,
)


@click.command(
    epilog=examples(
        "redteam scenarios/quickstart.toml", "redteam scenarios/quickstart.toml --programs accelerator --share 0.02"
    )
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--replications", type=int, default=40, show_default=True, metavar="N", help="Worlds of the search")
@seed_option
@programs_option
@click.option("--share", type=float, default=0.05, show_default=True, help="Share of honest pay that mends aim at")
@out_option
@json_option
@quiet_option
def redteam(scenario: str, json_file: str | None, out: str, quiet: bool, **settings: Any) -> None:
    """Search the programs of SCENARIO for what one fully opportunistic partner could extract."""
    from simulator.scenario.load import load
    from simulator.studies.redteam import redteam as run

    loaded = load(scenario)
    with progress(quiet) as shown:
        found = run(loaded, progress=shown, **settings)
    place = found.save(out, command=sys.argv)
    finish("\n".join(found.headline()), found, json_file=json_file, quiet=quiet, place=place)
