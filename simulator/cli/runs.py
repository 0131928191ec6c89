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
