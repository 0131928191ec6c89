"""`optimize`: how to set a program.

`pilot`: what a planned pilot can and cannot conclude, what it is worth, and what would do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from simulator.cli.options import (
    HasJson,
    examples,
    finish,
    json_option,
    progress,
    quiet_option,
    seed_option,
    study_options,
    tell,
    together,
    workers_option,
)

_study = together(
    click.option("--replications", type=click.IntRange(min=2), metavar="N", help="Replications"), study_options
)


@click.command(epilog=examples("optimize scenarios/quickstart.toml --levers scenarios/quickstart_levers.toml"))
@click.argument("scenario", metavar="SCENARIO")
@click.option("--levers", required=True, metavar="FILE", help="Levers file: what may be chosen, and constraints")
@click.option("--evaluations", type=int, metavar="M", help="Most settings to simulate  [default: 20 + 10 per lever]")
@_study
def optimize(scenario: str, levers: str, **settings: Any) -> None:
    """Tune the levers of a program of SCENARIO for its goals under constraints, and try the best on fresh worlds."""
    from simulator.scenario.load import load
    from simulator.studies.optimize import describe, optimize as run

    tell(partial(run, load(scenario), levers), describe, **settings)


@click.command(
    epilog=examples(
        "pilot scenarios/b2b_manufacturer.toml --plan scenarios/pilots/b2b_manufacturer.toml --out brief.html",
        "pilot scenarios/quickstart.toml --plan scenarios/pilots/quickstart.toml --redesign",
    )
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--plan", required=True, metavar="FILE", help="Plan file: who, how long, what is measured, what decides")
@click.option("--redesign", is_flag=True, help="Also look for the cheapest design that has the power asked for")
@click.option("--power", type=float, default=0.8, show_default=True, metavar="P", help="Redesign: power asked for")
@click.option("--replications", type=click.IntRange(min=20), default=256, show_default=True, metavar="N",
              help="Pilots to simulate")  # fmt: skip
@seed_option
@workers_option
@click.option("--out", metavar="FILE", help="Write the pilot brief, one page of HTML")
@json_option
@quiet_option
def pilot(
    scenario: str, plan: str, redesign: bool, power: float, out: str | None, json_file: str | None, quiet: bool,
    **settings: Any,
) -> None:  # fmt: skip
    """Simulate the pilot of a plan in SCENARIO, and say what it can and cannot conclude and what it is worth."""
    from simulator.scenario.load import load
    from simulator.studies.pilot import describe, pilot as run

    loaded = load(scenario)
    with progress(quiet) as shown:
        study = run(loaded, plan, progress=shown, **settings)
    if out is not None:
        _write(Path(out), study.brief())
    if not redesign:
        finish(describe(study), study, json_file=json_file, quiet=quiet)
        return
    from simulator.studies import pilot_design as words
    from simulator.studies.pilot_design import redesign as look

    with progress(quiet) as shown:
        designs = look(loaded, plan, power=power, progress=shown, **settings)
    text = f"{describe(study)}\n\n{words.describe(designs)}"
    finish(text, _Both(study, designs), json_file=json_file, quiet=quiet)


@dataclass(frozen=True)
class _Both:
    study: HasJson
    designs: HasJson

    def to_json(self) -> str:
        """Both studies in one object."""
        parts = {"pilot": json.loads(self.study.to_json()), "redesign": json.loads(self.designs.to_json())}
        return json.dumps(parts, indent=2, allow_nan=False)


def _write(path: Path, html: str) -> None:
    from simulator.report.publish import whole

    whole(path, lambda place: _filled(place, html))


def _filled(place: Path, html: str) -> None:
    place.write_text(html, encoding="utf-8")
