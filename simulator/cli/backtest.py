"""`backtest`: predictions of a fit held against what came true."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.common import examples, finish, json_option, quiet_option


@click.command(
    epilog=examples(
        "backtest export.csv --profile profile.toml --from 2024-01-01",
        "backtest export.csv --profile friofrio --from 2016-07-01 --quarters 1 --starts 6 --json -",
    )
)
@click.argument("export", metavar="EXPORT")
@click.option("--profile", required=True, metavar="PROFILE", help="Column profile: a TOML file, or one shipped")
@click.option("--from", "start", required=True, metavar="DAY", help="First day of the quarter to predict from")
@click.option(
    "--quarters", type=click.IntRange(1, 20), default=4, show_default=True, metavar="Q", help="Quarters to predict"
)
@click.option(
    "--starts", type=click.IntRange(1, 40), default=1, show_default=True, metavar="N",
    help="Fit and predict again from each of the N - 1 quarters after DAY",
)  # fmt: skip
@click.option("--draws", type=click.IntRange(20, 10_000), default=400, show_default=True, metavar="D",
              help="Draws of the prediction")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="S", help="Seed of the draws")
@json_option
@quiet_option
def backtest(
    export: str,
    profile: str,
    start: str,
    quarters: int,
    starts: int,
    draws: int,
    seed: int,
    json_file: str | None,
    quiet: bool,
) -> None:
    """Fit what EXPORT knew before a day, predict the quarters from it, and score that against naive rules."""
    from simulator.calibrate.backtest import backtest as run

    found = run(Path(export), profile, start=start, quarters=quarters, starts=starts, draws=draws, seed=seed)
    finish(found.summary(), found, json_file=json_file, quiet=quiet)
