"""`optimize`, `select`, `winners`, `forecast`: which program to choose, how to set it, who gains, what comes when.

`sensitivity` and `value-of-information`: what an outcome rests on, and what to learn first.

`uncertainty`: what is luck, and what is not known.

`redteam`: what one fully opportunistic partner could extract, and what would stop it.

`rollout`: a gradual rollout with limits, and how often they stop it rightly or wrongly.

`pilot`: what a planned pilot can and cannot conclude, what it is worth, and what would do.
"""

from __future__ import annotations

import json
import sys
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
    names,
    out_option,
    parts,
    programs_option,
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


def _groups(_ctx: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`NAME=a,b` as name and paths."""
    groups: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, paths = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=PATH,PATH")
        if name.strip() in groups:
            raise click.BadParameter(f"group {name.strip()} is there twice")
        groups[name.strip()] = parts(paths)
    return groups


_sensitivity_study = together(
    click.argument("scenario", metavar="SCENARIO"),
    programs_option,
    click.option("--inputs", callback=names, metavar="PATH,PATH", help="Uncertain numbers to look at  [default: all]"),
    click.option("--groups", multiple=True, callback=_groups, metavar="NAME=PATH,PATH",
                 help="Inputs to take together; may be repeated"),
    study_options,
)  # fmt: skip


@click.command(
    epilog=examples(
        "sensitivity scenarios/b2b_manufacturer.toml --program accelerator",
        "sensitivity scenarios/b2b_manufacturer.toml --method tornado --metric program_cost",
    )
)
@_sensitivity_study
@click.option(
    "--method",
    default="given",
    show_default=True,
    metavar="M",
    help="given, tornado, switching, prim or sobol",
)
@click.option(
    "--metric", default="net_value", show_default=True, metavar="NAME", help="Outcome to look at, see docs/metrics.md"
)
@click.option("--program", metavar="P", help="One program to look at, instead of --programs")
@click.option(
    "--against", default="baseline", show_default=True, metavar="P", help="Program whose outcome is taken off"
)
@click.option("--absolute", is_flag=True, help="Look at the outcome itself instead of a difference")
@click.option(
    "--replications", type=int, metavar="N", help="Replications; of a design the worlds per point  [default: chosen]"
)
@click.option("--points", type=int, metavar="N", help="Points of sobol  [default: chosen]")
def sensitivity(
    scenario: str, program: str | None, programs: tuple[str, ...] | None, against: str, absolute: bool, **settings: Any
) -> None:
    """Find which uncertain inputs of SCENARIO an outcome rests on.

    Methods: given, shares of variance from plain replications; tornado, each input at its P10 and P90; switching, at
    which value the better of two programs changes; prim, a box of inputs in which a program loses; sobol, first-order
    and total indices.
    """
    from simulator.scenario.load import load
    from simulator.studies.sensitivity.study import Sensitivity, sensitivity as run

    if program is not None and programs is not None:
        raise click.UsageError("give --program or --programs, not both")
    named = programs if program is None else (program,)
    tell(
        partial(run, load(scenario), programs=named, against=None if absolute else against),
        Sensitivity.describe,
        **settings,
    )


@click.command("value-of-information", epilog=examples("value-of-information scenarios/b2b_manufacturer.toml"))
@_sensitivity_study
@click.option("--replications", type=int, metavar="N", help="Replications  [default: the scenario's]")
def value_of_information(scenario: str, **settings: Any) -> None:
    """Say what learning uncertain inputs of SCENARIO before choosing a program is worth."""
    from simulator.scenario.load import load
    from simulator.studies.value_of_information import describe, value_of_information as run

    tell(partial(run, load(scenario)), describe, **settings)


@click.command(epilog=examples("uncertainty scenarios/b2b_manufacturer.toml --vectors 64 --worlds 4"))
@click.argument("scenario", metavar="SCENARIO")
@click.option("--vectors", type=int, default=32, show_default=True, metavar="K", help="Draws of the uncertain numbers")
@click.option("--worlds", type=int, default=8, show_default=True, metavar="R", help="Worlds that each of them meets")
@programs_option
@study_options
def uncertainty(scenario: str, **settings: Any) -> None:
    """Split the variance of SCENARIO's results into luck and ignorance, per program and metric."""
    from simulator.scenario.load import load
    from simulator.studies.variance_split import describe, split

    tell(partial(split, load(scenario)), describe, **settings)


@click.command(
    epilog=examples(
        "redteam scenarios/quickstart.toml", "redteam scenarios/quickstart.toml --programs accelerator --share 0.02"
    )
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--replications", type=int, default=40, show_default=True, metavar="N", help="Worlds of the search")
@seed_option
@programs_option
@click.option("--share", type=float, default=0.05, show_default=True, help="Share of honest pay that mends aim at")
@out_option
@json_option
@quiet_option
def redteam(scenario: str, json_file: str | None, out: str, quiet: bool, **settings: Any) -> None:
    """Search the programs of SCENARIO for what one fully opportunistic partner could extract."""
    from simulator.scenario.load import load
    from simulator.studies.redteam import redteam as run

    loaded = load(scenario)
    with progress(quiet) as shown:
        found = run(loaded, progress=shown, **settings)
    place = found.save(out, command=sys.argv)
    finish("\n".join(found.headline()), found, json_file=json_file, quiet=quiet, place=place)


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
    from simulator.scenario.load import load
    from simulator.studies.rollout import describe, rollout as run

    with progress(quiet) as shown:
        study = run(load(scenario), plan, progress=shown, **settings)
    finish(describe(study), study, json_file=json_file, quiet=quiet)


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
