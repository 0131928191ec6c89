"""Which program to choose: how often each is best, and what choosing it loses.

All programs are simulated in the same worlds and compared in net value, the money that the scenario's goals make of an
outcome.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.run import Simulated, simulate
from simulator.scenario.schema import Scenario
from simulator.stats.measure import shown_programs
from simulator.stats.selection import Choice, choices
from simulator.studies.asked import asked_programs, check_run
from simulator.studies.study import RunStudy, timed
from simulator.studies.variants import Progress, value_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Selection(RunStudy):
    """What is known of choosing each program. choices: per program, the baseline first."""

    kind = "selection"
    subject = "which program to choose"

    simulated: Simulated
    choices: tuple[Choice, ...]

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, the baseline first."""
        return tuple(choice.program for choice in self.choices)

    @property
    def best(self) -> Choice:
        """The program with the highest mean net value."""
        return max(self.choices, key=lambda choice: choice.value.mean or 0.0)

    def table(self) -> pd.DataFrame:
        """A row per program: net value, chance of being best, regret; errors as `NAME_se`."""
        rows = {}
        for choice in self.choices:
            rows[choice.program] = {
                "net_value": choice.value.mean, "net_value_se": choice.value.se,
                "p_best": choice.best.mean, "p_best_se": choice.best.se, "p_highest_mean": choice.highest,
                "regret": choice.regret.mean, "regret_se": choice.regret.se, "regret_p90": choice.regret.p90,
                "regret_worst": choice.worst,
            }  # fmt: skip
        return pd.DataFrame.from_dict(rows, orient="index", dtype=float).rename_axis("program")

    def headline(self) -> list[str]:
        """Which program, how sure, and what choosing it may lose."""
        from simulator.report.selection import headline

        return headline(self)

    def plot(self, kind: str = "best", ax: Axes | None = None) -> Axes:
        """A figure of `kind` (see `report.selection.KINDS`)."""
        from simulator.report.selection import draw

        return draw(self, kind, ax)

    def to_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "seed": self.simulated.seed,
            "replications": self.simulated.replications,
            "programs": {choice.program: asdict(choice) for choice in self.choices},
        }

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        from simulator.report.selection import save

        return save(self, out, command=command, plots=plots)


@timed
def select(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Selection:
    """Compare programs in net value, and say which to choose. Raises `InputError` for what cannot be run."""
    names = asked_programs(scenario, programs)
    count = scenario.run.replications if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    check_run(replications=count, seed=start, workers=workers)
    simulated = simulate(scenario, programs=names, replications=count, seed=start, workers=workers, progress=progress)
    shown = shown_programs(simulated)
    values = np.stack([value_in(simulated, p) for p in shown], axis=1)
    return Selection(simulated, choices(shown, values))
