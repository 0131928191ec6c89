"""A study of a run other than a comparison as a run directory: tables, summary, inputs and figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulator.report.plots import figure_of, save_figure
from simulator.runs import run_directory
from simulator.runs.simulate import SimulationResult


class SavedStudy(Protocol):
    """What is saved of a study."""

    @property
    def simulated(self) -> SimulationResult:
        """The runs it rests on."""
        ...

    def table(self) -> pd.DataFrame:
        """Its figures."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Its figures, headline and what was asked."""
        ...


def save_study(
    study: SavedStudy,
    kind: str,
    figures: Mapping[str, Callable[[Axes], Axes]],
    out: str | os.PathLike[str] = "results",
    command: Sequence[str] = (),
    rows: int | None = None,
) -> Path:
    """Write the run directory of a study below `out`, and return it.

    figures: name -> what draws it; rows: that a figure must have room for, those of the table if None.
    """
    simulated, when = study.simulated, run_directory.now()
    found = study.to_dict()
    files: dict[str, run_directory.Writer] = {
        "scenario.json": run_directory.json_file(simulated.scenario.tree()),
        "fitted.json": run_directory.json_file(dict(simulated.fitted)),
        **({"replications.parquet": run_directory.replications_file(simulated)} if simulated.totals else {}),
        "inputs.parquet": run_directory.table_file(_inputs(simulated)),
        f"{kind}.parquet": run_directory.table_file(study.table()),
        f"{kind}.json": run_directory.json_file(found),
        "summary.json": run_directory.json_file({name: found[name] for name in ("scenario", "study", "headline")}),
    }
    height = max(3.4, 1.6 + 0.45 * min(len(study.table()) if rows is None else rows, 30))
    files |= figure_files({name: partial(figure_of, paint, height=height) for name, paint in figures.items()})
    manifest = {**run_directory.manifest_of(simulated, when=when, command=command), "study": kind}
    return run_directory.write_run(out, f"{kind}_{run_directory.run_name(simulated, when)}", files, manifest)


def _inputs(simulated: SimulationResult) -> pd.DataFrame:
    """Values of the uncertain numbers: a row per replication, with the world it was lived in."""
    world = np.asarray(simulated.design.luck(simulated.ids))
    return pd.DataFrame({"replication": simulated.ids, "world": world, **simulated.values()})


def figure_files(figures: Mapping[str, Callable[[], Figure]]) -> dict[str, run_directory.Writer]:
    """Files of figures by their names, as PNG and as SVG; each figure is drawn once."""

    def written(make: Callable[[], Figure]) -> run_directory.Writer:
        return lambda path: save_figure(make(), path)

    drawn = {name: written(cache(make)) for name, make in figures.items()}
    return {f"figures/{name}.{end}": write for name, write in drawn.items() for end in ("png", "svg")}
