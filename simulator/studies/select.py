"""Which program to choose: how often each is best, and what choosing it loses.

All programs are simulated in the same worlds and compared in net value, the money that the scenario's goals make of an
outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.metrics.measure import shown_programs
from simulator.metrics.net_value import goals_text
from simulator.report.formats import NumberFormat, form_of
from simulator.report.plots import QUIET, colour, legend_beside, rows_for, sample_note
from simulator.report.tables import Column, Table
from simulator.report.text import with_unit
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario
from simulator.stats.ranking import Choice, choices
from simulator.studies.base import RunStudy, value_in
from simulator.studies.registry import study
from simulator.studies.settings import Progress, RunSettings

_SURE = 0.95
"""Probability from which a program is said to have the highest expected net value."""


@dataclass(frozen=True)
class Selection(RunStudy):
    """What is known of choosing each program. choices: per program, the baseline first."""

    kind = "selection"
    subject = "which program to choose"

    simulated: SimulationResult
    choices: tuple[Choice, ...]

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, the baseline first."""
        return tuple(choice.program for choice in self.choices)

    @property
    def best(self) -> Choice:
        """The program with the highest mean net value."""
        return max(self.choices, key=lambda choice: choice.value.mean or 0.0)

    def headline(self) -> list[str]:
        """Which program, how sure, and what choosing it may lose."""
        best, form = self.best, self._money()
        sure = f"so with probability {best.highest:.2f} as far as the Monte Carlo error goes"
        verdict = "has the highest expected net value" if best.highest >= _SURE else "leads, but is not told apart"
        share = f"{100 * (best.best.mean or 0.0):.0f} %"
        return [
            f"{best.program} {verdict} ({sure}).",
            f"It turns out best in {share} of the worlds; choosing it loses {form.number(best.regret.mean)} "
            f"{form.unit} on average against knowing the world, {form.number(best.worst)} {form.unit} at worst.",
        ]

    def tables(self) -> list[Table]:
        """A row per program: net value, chance of being best, and regret, what choosing it loses."""
        currency, money, found = self.scenario.currency, self._money(), self.choices
        columns = [
            Column("net_value", "Net value", [c.value for c in found], currency),
            Column("p_best", "Best in worlds", [c.best for c in found], "share"),
            Column(
                "p_highest_mean", "P(highest expectation)", [c.highest for c in found], form=NumberFormat(1.0, 3, "")
            ),
            Column("regret", "Regret, mean", [c.regret for c in found], currency, money),
            Column("regret_p90", "Regret, P90", [c.regret.p90 for c in found], currency, money),
            Column("regret_worst", "Regret, worst", [c.worst for c in found], currency, money),
        ]
        title = f"Net value: {goals_text(self.scenario.goals)}"
        return [Table(title, self.programs, columns, currency, key="program", turned=True)]

    def table(self) -> pd.DataFrame:
        """A row per program: net value, chance of being best, regret; errors as `NAME_se`."""
        return self.tables()[0].frame().set_index("program")

    def details(self) -> dict[str, Any]:
        """Every choice with its quantiles and limits."""
        return {"programs": {choice.program: asdict(choice) for choice in self.choices}}

    def stored_tables(self) -> dict[str, pd.DataFrame]:
        """The table, programs as a column."""
        return {**super().stored_tables(), self.kind: self.table().reset_index()}

    def draw_best(self, ax: Axes) -> Axes:
        """How often each program is best, and how sure it is that its expectation is the highest."""
        for row, choice in zip(rows_for(ax, self.programs), self.choices, strict=True):
            share, se = choice.best.mean or 0.0, choice.best.se or 0.0
            first = choice is self.choices[0]
            ax.barh(
                row, 100 * share, 0.5, color=colour(1), alpha=0.45, label="best in so many worlds" if first else None
            )
            ax.errorbar(100 * share, row, xerr=100 * se, color=colour(1), capsize=3)
            label = "P(highest expectation)" if first else None
            ax.plot(100 * choice.highest, row, "D", color="black", markersize=6, label=label, clip_on=False, zorder=3)
        ax.set_xlim(0.0, 100.0)
        ax.set_xlabel("Probability [%]")
        ax.set_title("Which program is best")
        legend_beside(ax)
        sample_note(ax, f"{self.sample_text}; bars: standard error")
        return ax

    def draw_regret(self, ax: Axes) -> Axes:
        """What choosing a program loses: mean, P90 and worst over replications."""
        form = self._money()
        for row, choice in zip(rows_for(ax, self.programs), self.choices, strict=True):
            middle, high, worst = (
                (v or 0.0) * form.factor for v in (choice.regret.mean, choice.regret.p90, choice.worst)
            )
            first = choice is self.choices[0]
            ax.plot([0.0, worst], [row, row], color="#C8C8C8", linewidth=2)
            ax.plot([0.0, high], [row, row], color=colour(1), linewidth=5, alpha=0.5, label="to P90" if first else None)
            ax.plot(middle, row, "o", color="black", markersize=7, label="mean" if first else None)
            ax.plot(worst, row, "|", color=QUIET, markersize=10, label="worst" if first else None)
        ax.set_xlim(left=0.0)
        ax.set_xlabel(with_unit("Net value lost against the best of each world", form.unit))
        ax.set_title("What choosing each program may lose")
        legend_beside(ax)
        sample_note(ax, self.sample_text)
        return ax

    def _money(self) -> NumberFormat:
        """How regrets are written."""
        currency = self.scenario.currency
        errors = [choice.regret.se for choice in self.choices]
        return form_of([choice.worst for choice in self.choices], errors, currency, currency)

    plot_kinds: ClassVar = {"best": draw_best, "regret": draw_regret}


@study(
    "select",
    "Say which program of SCENARIO to choose: chance of being best, and regret.",
    examples=["select scenarios/quickstart.toml --replications 500"],
)
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
    settings = RunSettings.of(
        scenario, programs=programs, replications=replications, seed=seed, workers=workers, progress=progress
    )
    simulated = settings.simulate(scenario)
    shown = shown_programs(simulated)
    values = np.stack([value_in(simulated, p) for p in shown], axis=1)
    return Selection(simulated, choices(shown, values))
