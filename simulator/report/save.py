"""A comparison as a run directory: tables, summary and figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from simulator import results, stored
from simulator.report.figures import draw
from simulator.report.payout import payout_curve
from simulator.report.save_study import figure_files
from simulator.report.style import figure_of, styled

if TYPE_CHECKING:
    from simulator.studies.compare import Comparison

_SINGLE = ("frontier", "cost", "exceedance", "gaming")
_PANELS = {
    "ladder": ("program_cost", "pipeline_lift", "incremental_margin"),
    "differences": ("program_cost", "pipeline_created", "incremental_margin", "win_rate"),
}
"""Figures of several metrics, one above the other."""
_WIDTH = 7.2
_ROW = 0.42


def save(
    study: Comparison, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True
) -> Path:
    """Write the run directory of a comparison below `out`, and return it."""
    when = results.now()
    files: dict[str, results.Writer] = {
        "scenario.json": results.json_file(study.scenario.tree()),
        "fitted.json": results.json_file(dict(study.simulated.fitted)),
        "replications.parquet": results.replications_file(study.simulated),
        "metrics.parquet": results.table_file(study.metrics),
        "differences.parquet": results.table_file(study.differences()),
        "ladder.parquet": results.table_file(study.ladder()),
        "comparison.json": results.json_file(study.to_dict()),
        "summary.json": results.json_file(_summary(study)),
    }
    if plots:
        files |= _figure_files(study)
    name = results.run_name(study.simulated, when)
    manifest = results.manifest_of(study.simulated, when=when, command=command)
    return results.write_run(out, name, files, {**manifest, **_asked(study)})


def _asked(study: Comparison) -> dict[str, object]:
    """What makes the run recognisable, and what its precision took."""
    effort = study.effort
    return {
        "identity": study.identity,
        "design": stored.described(study.simulated.vectors),
        "code_sha256": stored.code_hash(),
        "precision": None if effort is None else effort.to_dict(),
    }


def _summary(study: Comparison) -> dict[str, object]:
    """Headline, replications to look at, and what every metric means."""
    return {
        "scenario": study.scenario.name,
        "description": study.scenario.description,
        "sample": study.sample_text,
        "headline": study.headline(),
        "replays": [asdict(replay) for replay in study.replays],
        "metrics": {
            name: {"label": m.label, "unit": study.unit(name), "direction": m.direction, "definition": m.doc}
            for name, m in study.measured.definitions.items()
        },
    }


def _figure_files(study: Comparison) -> dict[str, results.Writer]:
    figures: dict[str, Callable[[], Figure]] = {
        kind: partial(figure_of, partial(draw, study, kind)) for kind in _SINGLE
    }
    figures |= {kind: partial(_panels, study, kind, metrics) for kind, metrics in _PANELS.items()}
    figures |= {f"payout_{program}": partial(payout_curve, study.scenario, program) for program in study.programs}
    return figure_files(figures)


def _panels(study: Comparison, kind: str, metrics: Sequence[str]) -> Figure:
    height = 1.5 + _ROW * len(study.programs)
    with styled():
        figure = Figure(figsize=(_WIDTH, height * len(metrics)), layout=ConstrainedLayoutEngine(h_pad=0.12))
        axes: list[Axes] = list(np.ravel(figure.subplots(len(metrics), 1)))
        for ax, metric in zip(axes, metrics, strict=True):
            draw(study, kind, ax, metric=metric)
    return figure
