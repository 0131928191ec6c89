"""`backtest`: predictions of a fit held against what came true."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.common import examples, finish, json_option, programs_option, quiet_option

_File = click.Path(path_type=Path)


# fmt: off
@click.command(
    epilog=examples(
        "backtest export.csv --from 2024-01-01",
        "backtest export.csv --from 2024-01-01 --scenario fitted.toml --programs accelerator",
        "backtest export.csv --profile friofrio --from 2016-07-01 --quarters 1 --starts 6 --json -",
    )
)
@click.argument("export", metavar="EXPORT")
@click.option("--profile", metavar="PROFILE",
              help="Column profile: a TOML file, or one shipped  [default: the CRM is recognised by its columns]")
@click.option("--roster", type=_File, metavar="FILE", help="Who is a partner: deals of others are the vendor's own")
@click.option("--history", type=_File, metavar="FILE", help="Stages entered: tells when deals were decided")
@click.option("--rates", type=_File, metavar="FILE", help="Conversion rates: columns Currency and Rate")
@click.option("--from", "start", required=True, metavar="DAY", help="First day of the quarter to predict from")
@click.option("--quarters", type=click.IntRange(1, 20), default=4, show_default=True, metavar="Q",
              help="Quarters to predict")
@click.option("--starts", type=click.IntRange(1, 40), default=1, show_default=True, metavar="N",
              help="Fit and predict again from each of the N - 1 quarters after DAY")
@click.option("--scenario", metavar="SCENARIO",
              help="Also pay the deals: predict what its baseline pays, and say what each program would have paid")
@programs_option
@click.option("--draws", type=click.IntRange(20, 10_000), default=400, show_default=True, metavar="D",
              help="Draws of the prediction")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="S", help="Seed of the draws")
@json_option
@quiet_option
def backtest(
    export: str, profile: str | None, start: str, quarters: int, starts: int, scenario: str | None,
    programs: tuple[str, ...] | None, draws: int, seed: int, json_file: str | None, quiet: bool, **files: Path | None,
) -> None:
    # fmt: on
    """Fit what EXPORT knew before a day, predict the quarters from it, and score that against naive rules."""
    from simulator.calibrate.backtest import backtest as run
    from simulator.calibrate.beside import Beside
    from simulator.scenario.load import load

    found = run(
        Path(export), profile, start=start, quarters=quarters, starts=starts, draws=draws, seed=seed,
        beside=Beside(**files), scenario=None if scenario is None else load(scenario), programs=programs,
    )
    finish(found.summary(), found, json_file=json_file, quiet=quiet)
