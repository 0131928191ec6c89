"""Draw the pictures of the pages anew: `python -m tests.docs.pictures [FOLDER]`, docs/images if none is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import simulator as sim
from simulator.report.plots import save_figure, styled
from simulator.studies.pilot import REPLICATIONS as PILOTS
from tests.test_architecture import LEVELS

PURPOSE = {
    "core": "arrays, errors, addressed random streams",
    "program": "rules of payout: components, schedules, terms",
    "scenario": "what a simulation is told, and its checks",
    "world": "people, customers and chance",
    "behavior": "what partners value, do and game",
    "engines": "vector (NumPy) and events (SimPy), side by side",
    "reference": "what partners take for granted",
    "runs": "chunks, workers, run directories",
    "stats": "estimates and their errors",
    "metrics": "what each figure counts",
    "pilots": "plans, panels, estimators",
    "report": "tables, text, plots, pages",
    "studies": "one file a question: compare, select, ...",
    "calibration": "from an export to a scenario",
    "notebook": "sliders",
    "cli": "commands",
}
ROOT = Path(__file__).parents[2]


def draw(folder: Path, replications: int | None = None) -> None:
    """Write the pictures of the quickstart scenario into `folder`; replications: as each study has by itself."""
    scenario = sim.load(ROOT / "scenarios" / "quickstart.toml")
    study, weeks = sim.compare(scenario, replications=replications), sim.forecast(scenario, replications=replications)
    year = sim.trace(scenario, program="accelerator", replication=3)
    plan = ROOT / "scenarios" / "pilots" / "quickstart.toml"
    tried = sim.pilot(scenario, plan, replications=2 * replications if replications else PILOTS)
    pictures: dict[str, Callable[[Axes], Axes]] = {
        "compare_quickstart": lambda ax: study.plot("frontier", ax),
        "compare_exceedance": lambda ax: study.plot("exceedance", ax),
        "forecast_liability": lambda ax: weeks.plot("fan", ax, quantity="liability"),
        "forecast_quarter_end": lambda ax: weeks.plot("quarter_end", ax, program="accelerator"),
        "forecast_thresholds": lambda ax: weeks.plot("thresholds", ax, program="accelerator"),
        "forecast_payout": lambda ax: weeks.plot("payout", ax, program="accelerator"),
        "trace_timeline": lambda ax: year.plot("timeline", ax, partner=["regional-19", "regional-20"]),
        "pilot_power": lambda ax: tried.plot(ax=ax),
        "forecast_fairness": lambda ax: weeks.plot("fairness", ax),
    }
    for name, paint in pictures.items():
        with styled():
            figure = Figure(figsize=(7.2, 4.2))
            paint(figure.subplots())
        save_figure(figure, folder / f"{name}.png")


def draw_layers(folder: Path) -> None:
    """Write the picture of the package's rooms, level by level, as `tests/test_architecture.py` holds them."""
    levels = [rooms for rooms in LEVELS if "__init__" not in rooms]
    figure = Figure(figsize=(7.2, 5.4))
    ax = figure.subplots()
    ax.set_xlim(0, 1)
    ax.set_ylim(-0.2, len(levels))
    ax.axis("off")
    for height, rooms in enumerate(levels):
        width = 0.44 / len(rooms)
        for place, room in enumerate(rooms):
            left = 0.02 + place * width
            ax.add_patch(Rectangle((left, height + 0.1), width - 0.01, 0.8, facecolor="#dbe9f6", edgecolor="#3b6ea5"))
            ax.text(left + width / 2, height + 0.5, room, ha="center", va="center", fontsize=9)
        ax.text(0.48, height + 0.5, "; ".join(PURPOSE[room] for room in rooms), va="center", fontsize=7.5)
    save_figure(figure, folder / "layers.png")


if __name__ == "__main__":
    draw_layers(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
