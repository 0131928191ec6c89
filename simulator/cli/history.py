"""`calibrate`, `export`: from a company's history to a scenario, and from a scenario to such a history."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.common import examples, finish, json_option, quiet_option, seed_of, seed_option

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
    from simulator.calibrate.beside import Beside
    from simulator.calibrate.calibration import calibrate as run

    place = Path(out).with_suffix(".html") if report is None else report
    found = run(Path(export), profile, Path(out), beside=Beside(**files), report_path=place, overwrite=overwrite)
    finish(found.summary(), found, json_file=json_file, quiet=quiet)


@click.command(
    epilog=examples(
        "export scenarios/quickstart.toml --out demo",
        "export scenarios/quickstart.toml --out demo --crm hubspot --dirt",
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
@click.option("--honest", is_flag=True, help="Nobody games the program")
@click.option("--dirt", is_flag=True, help="With faults as real exports have them")
@json_option
@quiet_option
def export(
    scenario: str, out: str, crm: str, program: str, replication: int, seed: int | None, honest: bool, dirt: bool,
    json_file: str | None, quiet: bool,
) -> None:  # fmt: skip
    """Write the CRM export of a simulated world of SCENARIO: opportunities, partners, payouts and stage history."""
    from simulator.calibrate.written import export_world
    from simulator.scenario.load import load

    loaded = load(scenario)
    found = export_world(
        loaded, Path(out), profile=crm, seed=seed_of(loaded, seed), replication=replication, program=program,
        gaming=not honest, dirt=dirt,
    )  # fmt: skip
    finish(str(found), found, json_file=json_file, quiet=quiet)
