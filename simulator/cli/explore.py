"""`explore`: the live explorer as a page in the browser."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import click

from simulator.cli.options import examples, seed_option

_NEEDS = "the explorer page needs the notebook libraries: pip install 'incentive-sim[notebook]'"

_LEFT_ALONE = ("--MappingKernelManager.cull_idle_timeout=120", "--MappingKernelManager.cull_interval=30")
"""A closed page gives its memory back after some minutes."""


@click.command(
    epilog=examples(
        "explore scenarios/quickstart.toml",
        "explore scenarios/quickstart.toml --lever programs.accelerator.components.commission.rate=0.01:0.08",
    )
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--program", metavar="P", help="Candidate to explore  [default: the first]")
@click.option("--lever", "paths", multiple=True, metavar="PATH[=LOW:HIGH[:STEP]]", help="A slider; may be repeated")
@click.option("--levers", metavar="FILE", help="Levers file instead, as for optimize")
@click.option("--replications", type=click.IntRange(min=2), default=64, show_default=True, metavar="N",
              help="Worlds of the refined picture, all kept in memory")  # fmt: skip
@seed_option
@click.option("--port", type=click.IntRange(0, 65535), default=8866, show_default=True, help="Port on this machine")
@click.option("--no-browser", is_flag=True, help="Do not open the browser; the address is printed")
def explore(
    scenario: str, program: str | None, paths: tuple[str, ...], levers: str | None, port: int, no_browser: bool,
    **settings: Any,
) -> None:  # fmt: skip
    """Open a page with sliders for the numbers of a program of SCENARIO; figures follow at once.

    It is served to this machine alone, until it is interrupted. Nothing is fetched from elsewhere.
    """
    from simulator.core.errors import SimulatorError
    from simulator.scenario.load import load
    from simulator.studies.explore import explorer

    if levers is not None and (paths or program):
        raise click.UsageError("--levers names all levers; give it alone")
    given = levers if levers is not None else dict(map(_lever, paths)) or None
    settings |= {"program": program}
    explorer(load(scenario), given, **settings)  # says what is wrong before anything is served
    try:
        from voila.app import Voila
    except ImportError as error:
        raise SimulatorError(_NEEDS) from error
    with tempfile.TemporaryDirectory() as place:
        page = _notebook(Path(place) / f"{Path(scenario).stem}.ipynb", Path(scenario), given, settings)
        _find_ourselves()
        served = [str(page), f"--port={port}", "--Voila.ip=127.0.0.1", "--token", *_LEFT_ALONE]
        Voila.launch_instance(served + ["--no-browser"] * no_browser)


def _lever(text: str) -> tuple[str, tuple[float, ...] | None]:
    """`PATH=LOW:HIGH:STEP` as path and limits; None for those that are chosen."""
    path, equals, limits = text.partition("=")
    if not equals:
        return path, None
    try:
        found = tuple(float(x) for x in limits.split(":"))
    except ValueError:
        found = ()
    if len(found) not in (2, 3):
        raise click.BadParameter(f"{text!r} is not PATH=LOW:HIGH or PATH=LOW:HIGH:STEP", param_hint="--lever")
    return path, found


def _notebook(page: Path, scenario: Path, levers: Any, settings: dict[str, Any]) -> Path:
    """Write the notebook that is served."""
    if isinstance(levers, str):
        levers = str(Path(levers).resolve())
    told = "".join(f", {name}={value!r}" for name, value in settings.items())
    source = f"import simulator as sim\n\nsim.explore(sim.load({str(scenario.resolve())!r}), {levers!r}{told})"
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "explore",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
    }
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    book = {"cells": [{**cell, "source": source}], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    page.write_text(json.dumps(book), encoding="utf-8")
    return page


def _find_ourselves() -> None:
    """Let the notebook's process import the package that is running here."""
    import simulator

    home = str(Path(simulator.__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
