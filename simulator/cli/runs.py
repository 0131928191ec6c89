"""`runs`, `show` and `diff`: what was run before."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import click

from simulator.cli.options import examples, finish, json_option, quiet_option

_OUT = click.option("--out", default="results", show_default=True, metavar="DIR", help="Where the runs are")

_NO_FIGURES = ("fitted", "manifest", "scenario", "summary")
"""JSON files of a run that are no figures of its study."""


@dataclass(frozen=True)
class _Tree:
    """Plain values that have figures as JSON, like a study."""

    value: Any

    def to_json(self) -> str:
        return json.dumps(self.value, indent=2, default=str)


@click.command(epilog=examples("runs", "runs --out elsewhere --json -"))
@_OUT
@json_option
@quiet_option
def runs(out: str, json_file: str | None, quiet: bool) -> None:
    """List the runs below DIR, the oldest first, and those that were stopped."""
    from simulator.runs.checkpoints import unfinished
    from simulator.runs.stored_runs import StoredRun, stored
    from simulator.studies.stored import listed

    found = [run for _, run in stored(out)]
    stopped = [
        f"stopped after {replications:,} replications: {place} ({' '.join(command)})"
        for place, replications, command in unfinished(out)
    ]
    tree = [{"run": run.name, **run.manifest} for run in found if isinstance(run, StoredRun)]
    finish("\n".join([listed(found), *stopped]), _Tree(tree), json_file=json_file, quiet=quiet)


@click.command(
    epilog=examples("show quickstart_seed1_20260101T120000Z", "show results/quickstart_seed1_20260101T120000Z --json -")
)
@click.argument("run", metavar="RUN")
@_OUT
@json_option
@quiet_option
def show(run: str, out: str, json_file: str | None, quiet: bool) -> None:
    """Print the tables of the stored RUN, without simulating."""
    from simulator.runs.stored_runs import find
    from simulator.studies.stored import comparison_of, shown

    found = find(run, out)
    if not found.is_comparison:
        (figures,) = (p.name for p in found.place.glob("*.json") if p.stem not in _NO_FIGURES)
        finish(shown(found), _Tree(found.json(figures)), json_file=json_file, quiet=quiet)
        return
    study = comparison_of(found)
    text = study.text(scenario_file=str(found.place / "scenario.json"))
    finish(text, study, json_file=json_file, quiet=quiet)


@click.command(epilog=examples("diff RUN1 RUN2"))
@click.argument("one", metavar="RUN1")
@click.argument("other", metavar="RUN2")
@_OUT
@json_option
@quiet_option
def diff(one: str, other: str, out: str, json_file: str | None, quiet: bool) -> None:
    """Say what changed from RUN1 to RUN2: scenario by path, settings, versions, and figures beyond their error."""
    from simulator.runs.stored_runs import find
    from simulator.studies.stored import described, diff as run

    first, second = find(one, out), find(other, out)
    found = run(first, second)
    text = described(found, second.scenario().currency)
    finish(text, _Tree(asdict(found)), json_file=json_file, quiet=quiet)


@click.command(
    epilog=examples(
        "report results/quickstart_seed7_20260101T120000Z --out report.html --pdf report.pdf",
        "report quickstart_seed7_20260101T120000Z --markdown page.md --excel tables.xlsx",
    )
)
@click.argument("run", metavar="RUN")
@click.option("--out", "html", metavar="FILE.html", help="The report as one HTML file  [default: RUN.html]")
@click.option("--pdf", metavar="FILE.pdf", help="The report as PDF; needs Chromium or Chrome")
@click.option("--markdown", metavar="FILE.md", help="The report on one page of Markdown")
@click.option("--excel", metavar="FILE.xlsx", help="The tables as an Excel workbook")
@click.option("--runs", "home", default="results", show_default=True, metavar="DIR", help="Where the runs are")
def report(run: str, home: str, **files: str | None) -> None:
    """Write the leadership report of the stored comparison RUN."""
    from pathlib import Path

    from simulator.runs.stored_runs import find
    from simulator.studies.leadership import leadership, publish
    from simulator.studies.stored import comparison_of

    found = find(run, home)
    asked = {kind: Path(file) for kind, file in files.items() if file} or {"html": Path(f"{found.name}.html")}
    publish(leadership(comparison_of(found)), found, asked)
    for path in asked.values():
        click.echo(path)
