"""`rollout`: a gradual rollout with limits, and how often they stop it rightly or wrongly."""

from __future__ import annotations

from typing import Any

import click

from simulator.cli.common import examples, finish, json_option, progress, quiet_option, seed_option, workers_option


@click.command(epilog=examples("rollout scenarios/b2b_manufacturer.toml --plan scenarios/pilots/b2b_manufacturer.toml"))
@click.argument("scenario", metavar="SCENARIO")
@click.option("--plan", required=True, metavar="FILE", help="Plan file: candidate, milestones, limits")
@click.option("--replications", type=click.IntRange(min=2), default=256, show_default=True, metavar="N",
              help="Worlds to simulate")  # fmt: skip
@seed_option
@workers_option
@json_option
@quiet_option
def rollout(scenario: str, plan: str, json_file: str | None, quiet: bool, **settings: Any) -> None:
    """Simulate the gradual rollout of a plan in SCENARIO: how often its limits stop it, rightly or wrongly."""
    from simulator.report.rollout import describe
    from simulator.scenario.load import load
    from simulator.studies.rollout import rollout as run

    with progress(quiet) as shown:
        study = run(load(scenario), plan, progress=shown, **settings)
    finish(describe(study), study, json_file=json_file, quiet=quiet)
