"""`runs`, `show` and `diff`: what was run before."""

from __future__ import annotations

import click

_OUT = click.option("--out", default="results", show_default=True, metavar="DIR", help="Where the runs are")


@click.command()
@_OUT
def runs(out: str) -> None:
    """List the runs below DIR, the oldest first, and those that were stopped."""
    from simulator.kept import unfinished
    from simulator.report.runs import listed
    from simulator.stored import stored

    click.echo(listed([run for _, run in stored(out)]))
    for place, replications, command in unfinished(out):
        click.echo(f"stopped after {replications:,} replications: {place} ({' '.join(command)})")


@click.command()
@click.argument("run", metavar="RUN")
@_OUT
def show(run: str, out: str) -> None:
    """Print the tables of the stored RUN, without simulating."""
    from simulator.report.runs import shown
    from simulator.report.terminal import describe
    from simulator.stored import find
    from simulator.studies.runs import comparison_of

    found = find(run, out)
    if not found.is_comparison:
        click.echo(shown(found))
        return
    click.echo(describe(comparison_of(found), scenario_file=str(found.place / "scenario.json")))


@click.command()
@click.argument("one", metavar="RUN1")
@click.argument("other", metavar="RUN2")
@_OUT
def diff(one: str, other: str, out: str) -> None:
    """Say what changed from RUN1 to RUN2: scenario by path, settings, versions, and figures beyond their error."""
    from simulator.report.runs import described
    from simulator.stored import find
    from simulator.studies.runs import diff as run

    first, second = find(one, out), find(other, out)
    click.echo(described(run(first, second), second.scenario().currency))


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--out", "html", metavar="FILE.html", help="The report as one HTML file  [default: RUN.html]")
@click.option("--pdf", metavar="FILE.pdf", help="The report as PDF; needs Chromium or Chrome")
@click.option("--markdown", metavar="FILE.md", help="The report on one page of Markdown")
@click.option("--excel", metavar="FILE.xlsx", help="The tables as an Excel workbook")
@click.option("--runs", "home", default="results", show_default=True, metavar="DIR", help="Where the runs are")
def report(run: str, home: str, **files: str | None) -> None:
    """Write the leadership report of the stored comparison RUN.

    Example: incentive-sim report results/quickstart_seed7_... --out report.html --pdf report.pdf
    """
    from pathlib import Path

    from simulator.report.publish import publish
    from simulator.stored import find
    from simulator.studies.leadership import leadership
    from simulator.studies.runs import comparison_of

    found = find(run, home)
    asked = {kind: Path(file) for kind, file in files.items() if file} or {"html": Path(f"{found.name}.html")}
    publish(leadership(comparison_of(found)), found, asked)
    for path in asked.values():
        click.echo(path)
