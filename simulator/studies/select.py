"""Which program to choose: how often each is best, and what choosing it loses.

All programs are simulated in the same worlds and compared in net value, the money that the scenario's goals make of an
outcome.

A selection in words, tables and figures, and as a run directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.metrics.measure import shown_programs
from simulator.metrics.net_value import goals_text
from simulator.report.formats import NumberFormat, form_of, form_of_estimates
from simulator.report.plots import QUIET, colour, draw_kind, figure_of, legend_beside, rows_for, sample_note
from simulator.report.save import figure_files
from simulator.report.text import WIDTH, Row, text_table, with_unit, wrap
from simulator.runs import run_directory
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.schema import Scenario
from simulator.stats.ranking import Choice, choices
from simulator.studies.base import Progress, RunStudy, asked_programs, check_run, timed, value_in


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
        # MOVED

        return headline(self)

    def plot(self, kind: str = "best", ax: Axes | None = None) -> Axes:
        """A figure of `kind` (see `report.selection.KINDS`)."""
        # MOVED

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
        # MOVED

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


_SURE = 0.95


def headline(study: Selection) -> list[str]:
    """Which program, how sure, and what choosing it may lose."""
    best, form = study.best, _money(study)
    sure = f"so with probability {best.highest:.2f} as far as the Monte Carlo error goes"
    verdict = "has the highest expected net value" if best.highest >= _SURE else "leads, but is not told apart"
    return [
        f"{best.program} {verdict} ({sure}).",
        f"It turns out best in {_share(best.best.mean)} of the worlds; choosing it loses "
        f"{form.number(best.regret.mean)} {form.unit} on average against knowing the world, "
        f"{form.number(best.worst)} {form.unit} at worst.",
    ]


def describe(study: Selection, width: int = WIDTH) -> str:
    """Headline and table for a terminal."""
    parts = [
        wrap(headline(study), width),
        f"Net value: {goals_text(study.scenario.goals)}\n" + text_table(list(study.programs), _rows(study), width),
        study.sample_text,
    ]
    return "\n\n".join(parts)


def draw(study: Selection, kind: str = "best", ax: Axes | None = None) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    return draw_kind(KINDS, study, kind, ax)


def best(study: Selection, ax: Axes) -> Axes:
    """How often each program is best, and how sure it is that its expectation is the highest."""
    for row, choice in zip(rows_for(ax, study.programs), study.choices, strict=True):
        share, se = choice.best.mean or 0.0, choice.best.se or 0.0
        first = choice is study.choices[0]
        ax.barh(row, 100 * share, 0.5, color=colour(1), alpha=0.45, label="best in so many worlds" if first else None)
        ax.errorbar(100 * share, row, xerr=100 * se, color=colour(1), capsize=3)
        label = "P(highest expectation)" if first else None
        ax.plot(100 * choice.highest, row, "D", color="black", markersize=6, label=label, clip_on=False, zorder=3)
    ax.set_xlim(0.0, 100.0)
    ax.set_xlabel("Probability [%]")
    ax.set_title("Which program is best")
    legend_beside(ax)
    sample_note(ax, f"{study.sample_text}; bars: standard error")
    return ax


def regret(study: Selection, ax: Axes) -> Axes:
    """What choosing a program loses: mean, P90 and worst over replications."""
    form = _money(study)
    for row, choice in zip(rows_for(ax, study.programs), study.choices, strict=True):
        middle, high, worst = ((v or 0.0) * form.factor for v in (choice.regret.mean, choice.regret.p90, choice.worst))
        first = choice is study.choices[0]
        ax.plot([0.0, worst], [row, row], color="#C8C8C8", linewidth=2)
        ax.plot([0.0, high], [row, row], color=colour(1), linewidth=5, alpha=0.5, label="to P90" if first else None)
        ax.plot(middle, row, "o", color="black", markersize=7, label="mean" if first else None)
        ax.plot(worst, row, "|", color=QUIET, markersize=10, label="worst" if first else None)
    ax.set_xlim(left=0.0)
    ax.set_xlabel(with_unit("Net value lost against the best of each world", form.unit))
    ax.set_title("What choosing each program may lose")
    legend_beside(ax)
    sample_note(ax, study.sample_text)
    return ax


KINDS: dict[str, Callable[[Selection, Axes], Axes]] = {"best": best, "regret": regret}
"""Kinds of figures."""


def save(study: Selection, out: str | os.PathLike[str], *, command: Sequence[str] = (), plots: bool = True) -> Path:
    """Write the run directory of a selection below `out`, and return it."""
    when = run_directory.now()
    files: dict[str, run_directory.Writer] = {
        "scenario.json": run_directory.json_file(study.scenario.tree()),
        "selection.json": run_directory.json_file(study.to_dict()),
        "selection.parquet": run_directory.table_file(study.table().reset_index()),
        "replications.parquet": run_directory.replications_file(study.simulated),
        "summary.json": run_directory.json_file({"sample": study.sample_text, "headline": headline(study)}),
    }
    if plots:
        files |= figure_files({kind: partial(figure_of, partial(draw, study, kind)) for kind in KINDS})
    name = "select_" + run_directory.run_name(study.simulated, when)
    return run_directory.write_run(
        out, name, files, run_directory.manifest_of(study.simulated, when=when, command=command)
    )


def _money(study: Selection) -> NumberFormat:
    """The form for regrets."""
    found = [choice.regret for choice in study.choices]
    currency = study.scenario.currency
    return form_of([choice.worst for choice in study.choices], [got.se for got in found], currency, currency)


def _share(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f} %"


def _rows(study: Selection) -> list[Row]:
    currency, money = study.scenario.currency, _money(study)
    values = [choice.value for choice in study.choices]
    form = form_of_estimates(values, currency, currency)
    shares = [choice.best for choice in study.choices]
    of_best = form_of_estimates(shares, "share", currency)
    return [
        (with_unit("Net value", form.unit), [form.estimate(got) for got in values]),
        (with_unit("Best in worlds", "%"), [of_best.estimate(got) for got in shares]),
        ("P(highest expectation)", [f"{choice.highest:.3f}" for choice in study.choices]),
        (with_unit("Regret, mean", money.unit), [money.estimate(choice.regret) for choice in study.choices]),
        (with_unit("Regret, P90", money.unit), [money.number(choice.regret.p90) for choice in study.choices]),
        (with_unit("Regret, worst", money.unit), [money.number(choice.worst) for choice in study.choices]),
    ]
