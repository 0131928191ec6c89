"""`uncertainty`: what is luck, and what is not known."""

from __future__ import annotations

import click

from simulator.cli.common import programs_option, progress, seed_option


@click.command()
@click.argument("scenario", metavar="SCENARIO")
@click.option("--vectors", type=int, default=32, show_default=True, metavar="K", help="Draws of the uncertain numbers")
@click.option("--worlds", type=int, default=8, show_default=True, metavar="R", help="Worlds that each of them meets")
@programs_option
@seed_option
@click.option("--workers", type=int, default=1, show_default=True, metavar="K", help="Processes to use")
def uncertainty(
    scenario: str, vectors: int, worlds: int, programs: tuple[str, ...] | None, seed: int | None, workers: int
) -> None:
    """Split the variance of SCENARIO's results into luck and ignorance, per program and metric."""
    from simulator.report.split import describe
    from simulator.scenario.load import load
    from simulator.studies.split import split

    with progress(False) as shown:
        found = split(
            load(scenario), programs=programs, vectors=vectors, worlds=worlds, seed=seed, workers=workers,
            progress=shown,
        )  # fmt: skip
    click.echo(describe(found))
