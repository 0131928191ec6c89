"""`calibrate`, `export`: from a company's history to a scenario, and from a scenario to such a history.

`backtest` and `behavior`: predictions of a fit held against what came true, and behavior fitted to an export.
"""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.options import examples, finish, json_option, programs_option, quiet_option, seed_of, seed_option
from simulator.core.errors import fault

_File = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "calibrate opportunities.csv --out fitted.toml",
        "calibrate opportunities.xlsx --roster partners.csv --payouts payouts.csv --rates rates.csv --out fitted.toml",
        "calibrate export.parquet --profile profile.toml --history stages.parquet --out fitted.toml",
    )
)
@click.argument("export", metavar="EXPORT")
@click.option(
    "--profile",
    metavar="PROFILE",
    help="Column profile: a TOML file, or one shipped  [default: the CRM is recognised by its columns]",
)
@click.option("--roster", type=_File, metavar="FILE", help="Who is a partner: deals of others are the vendor's own")
@click.option("--payouts", type=_File, metavar="FILE", help="What was paid to partners: held against the baseline")
@click.option("--history", type=_File, metavar="FILE", help="Stages entered: tells when deals were decided")
@click.option("--rates", type=_File, metavar="FILE", help="Conversion rates: columns Currency and Rate")
@click.option(
    "--plan", type=_File, metavar="FILE", help="Scenario whose programs are taken over; its baseline was in force"
)
@click.option("--out", required=True, metavar="SCENARIO", help="Scenario file to write")
@click.option(
    "--report", type=_File, metavar="HTML", help="Where the report goes, with figures  [default: beside SCENARIO]"
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there")
@json_option
@quiet_option
def calibrate(
    export: str,
    profile: str | None,
    out: str,
    report: Path | None,
    overwrite: bool,
    json_file: str | None,
    quiet: bool,
    **files: Path | None,
) -> None:
    """Fit a scenario to EXPORT, a table of opportunities from a CRM: CSV, Parquet or Excel.

    Salesforce, HubSpot and Dynamics 365 are recognised by their columns; a profile tells those of others.
    """
    from simulator.calibration.calibrate import calibrate as run
    from simulator.calibration.side_files import CompanionFiles

    place = Path(out).with_suffix(".html") if report is None else report
    found = run(
        Path(export), profile, Path(out), companions=CompanionFiles(**files), report_path=place, overwrite=overwrite
    )
    finish(found.summary(), found, json_file=json_file, quiet=quiet)


@click.command(
    epilog=examples(
        "export scenarios/quickstart.toml --out demo",
        "export scenarios/quickstart.toml --out demo --crm hubspot",
    )
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--out", required=True, metavar="DIR", help="Folder for the files")
@click.option(
    "--crm",
    default="salesforce",
    show_default=True,
    metavar="PROFILE",
    help="Columns: a shipped profile or a TOML file",
)
@click.option(
    "--program", default="baseline", show_default=True, metavar="NAME", help="Program in force from launch on"
)
@click.option(
    "--replication", type=click.IntRange(min=0), default=0, show_default=True, metavar="R", help="Which world"
)
@seed_option
@click.option("--without-gaming", is_flag=True, help="Nobody games the program")
@json_option
@quiet_option
def export(
    scenario: str, out: str, crm: str, program: str, replication: int, seed: int | None, without_gaming: bool,
    json_file: str | None, quiet: bool,
) -> None:  # fmt: skip
    """Write the CRM export of a simulated world of SCENARIO: opportunities, partners, payouts and stage history."""
    from simulator.calibration.simulated_export import export_crm
    from simulator.scenario.load import load

    loaded = load(scenario)
    found = export_crm(
        loaded, Path(out), profile=crm, seed=seed_of(loaded, seed), replication=replication, program=program,
        gaming=not without_gaming,
    )  # fmt: skip
    finish(str(found), found, json_file=json_file, quiet=quiet)


File = click.Path(path_type=Path)


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
@click.option("--roster", type=File, metavar="FILE", help="Who is a partner: deals of others are the vendor's own")
@click.option("--history", type=File, metavar="FILE", help="Stages entered: tells when deals were decided")
@click.option("--rates", type=File, metavar="FILE", help="Conversion rates: columns Currency and Rate")
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
    from simulator.calibration.backtest import backtest as run
    from simulator.calibration.side_files import CompanionFiles
    from simulator.scenario.load import load

    found = run(
        Path(export), profile, start=start, quarters=quarters, starts=starts, draws=draws, seed=seed,
        companions=CompanionFiles(**files), scenario=None if scenario is None else load(scenario), programs=programs,
    )
    finish(found.summary(), found, json_file=json_file, quiet=quiet)


@click.command(epilog=examples("behavior fitted.toml export.csv --replications 1000 --out learned.toml"))
@click.argument("scenario", metavar="SCENARIO")
@click.argument("export", metavar="EXPORT")
@click.option(
    "--profile",
    metavar="PROFILE",
    help="Column profile: a TOML file, or one shipped  [default: the CRM is recognised by its columns]",
)
@click.option(
    "--replications",
    type=click.IntRange(min=100),
    default=500,
    show_default=True,
    metavar="R",
    help="Exports to simulate",
)
@click.option("--weeks", type=click.IntRange(min=13), default=52, show_default=True, metavar="W",
              help="Last weeks of EXPORT, in which the baseline was in force")
@click.option("--roster", type=File, metavar="FILE", help="Who is a partner: deals of others are the vendor's own")
@click.option("--history", type=File, metavar="FILE", help="Stages entered: tells when deals were decided")
@click.option("--rates", type=File, metavar="FILE", help="Conversion rates: columns Currency and Rate")
@seed_option
@click.option("--out", type=File, metavar="FILE", help="Scenario to write, with what was learned")
@json_option
@quiet_option
def behavior(
    scenario: str,
    export: str,
    profile: str | None,
    replications: int,
    weeks: int,
    seed: int | None,
    out: Path | None,
    json_file: str | None,
    quiet: bool,
    **files: Path | None,
) -> None:
    """Fit the uncertain behavior of SCENARIO, whose baseline was in force, to what EXPORT shows."""
    from simulator.calibration.behavior_abc import behavior as run, with_uncertainty
    from simulator.calibration.side_files import CompanionFiles
    from simulator.scenario.load import load

    if out is not None and out.exists():
        raise fault(str(out), "out", None, "is there already", "choose another name")
    loaded = load(scenario)
    found = run(
        loaded, Path(export), profile, replications=replications, seed=seed_of(loaded, seed), weeks=weeks,
        companions=CompanionFiles(**files),
    )  # fmt: skip
    if out is not None:
        out.write_text(with_uncertainty(Path(scenario).read_text(encoding="utf-8"), found), encoding="utf-8")
    finish(found.summary(), found, json_file=json_file, quiet=quiet)
