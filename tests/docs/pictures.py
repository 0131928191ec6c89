"""Draw the pictures of the pages anew: `python -m tests.docs.pictures [FOLDER]`, docs/images if none is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import simulator as sim
from simulator.report.plots import save_figure, styled
from simulator.studies.pilot import REPLICATIONS as PILOTS

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


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
