"""How much of what may happen is chance, and how much is what we do not know: a crossed design of draws and worlds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.metrics.base import Metric
from simulator.metrics.measure import BASELINE, STRATEGIC, runs, shown_programs
from simulator.metrics.registry import metrics_of
from simulator.report.formats import NumberFormat
from simulator.report.plots import colour, rows_for, sample_note
from simulator.report.tables import Column, Table, records
from simulator.runs.designs import Crossed
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate
from simulator.stats.variance_components import VarianceComponents, split_variance
from simulator.studies.base import RunStudy
from simulator.studies.registry import Option, study
from simulator.studies.settings import Progress, RunSettings

HEADLINE = ("program_cost", "pipeline_created", "bookings", "margin_after_cost", "gaming_loss", "win_rate")
_LEAST = 3
_PERCENT = NumberFormat(100.0, 0, "%")
_TITLES = {
    "level": "Share of variance by what we do not know, of each program",
    "difference": "Share of variance by what we do not know, of the difference to the baseline in the same worlds",
}


@dataclass(frozen=True)
class VarianceSplit(RunStudy):
    """splits: (of, program, metric) -> split; of: "level" of a program, or its "difference" to the baseline.

    A ratio is split by the influence of each replication on it.
    """

    kind = "uncertainty"
    subject = "chance and what we do not know"

    simulated: SimulationResult
    vectors: int
    worlds: int
    splits: dict[tuple[str, str, str], VarianceComponents]
    labels: dict[str, str]

    @property
    def sample_text(self) -> str:
        """`32 vectors, each in the same 8 worlds, seed 7`."""
        return f"{self.vectors} vectors, each in the same {self.worlds} worlds, seed {self.simulated.seed}"

    def table(self) -> pd.DataFrame:
        """A row per program and metric: shares of variance by ignorance and luck with their error, and the parts."""
        rows: list[dict[str, Any]] = [
            {
                "of": of, "program": program, "metric": metric, "sd": max(s.total, 0.0) ** 0.5,
                "ignorance": s.ignorance_share, "luck": s.luck_share, "se": s.ignorance_share_se,
                "var_ignorance": s.ignorance, "var_world": s.world, "var_both": s.both,
            }
            for (of, program, metric), s in self.splits.items()
        ]  # fmt: skip
        numbers = ("sd", "ignorance", "luck", "se", "var_ignorance", "var_world", "var_both")
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))

    def tables(self) -> list[Table]:
        """Shares by metric and program, of the programs and of their differences to the baseline."""
        tables = []
        for of, title in _TITLES.items():
            programs = dict.fromkeys(p for kind, p, _ in self.splits if kind == of)
            columns = [
                Column(p, p, [_share(self.splits.get((of, p, metric))) for metric in self.labels], "share", _PERCENT)
                for p in programs
            ]
            if columns:
                tables.append(Table(title, list(self.labels.values()), columns, key="metric"))
        return tables

    def headline(self) -> list[str]:
        """How much of the variance of each difference to the baseline could be learned away, of the first metric."""
        first, found = next(iter(self.labels)), []
        for (of, program, metric), s in self.splits.items():
            if of == "difference" and metric == first and s.ignorance_share is not None:
                share = f"{s.ignorance_share:.0%} \u00b1 {s.ignorance_share_se:.0%}"
                found.append(
                    f"{program}: {share} of the variance of its {self.labels[metric].lower()} against the baseline is "
                    "what we do not know, which learning could take away; the rest is chance."
                )
        return found or ["No difference to the baseline varies, so there is nothing to split."]

    def notes(self) -> list[str]:
        """How to read the shares."""
        return [
            "The rest is chance. What we do not know can be reduced by learning; chance cannot.",
            "\u00b1: standard error, on the large side.",
        ]

    def details(self) -> dict[str, Any]:
        """The design, and every variance and share of a program and metric."""
        return {"vectors": self.vectors, "worlds": self.worlds, "rows": records(self.table())}

    def draw_difference(self, ax: Axes) -> Axes:
        """Shares of the differences to the baseline."""
        return self._draw(ax, "difference")

    def draw_level(self, ax: Axes) -> Axes:
        """Shares of the programs themselves."""
        return self._draw(ax, "level")

    def _draw(self, ax: Axes, of: str) -> Axes:
        keys = [key for key, s in self.splits.items() if key[0] == of and s.ignorance_share is not None]
        names = [f"{program}: {self.labels[metric]}" for _, program, metric in keys]
        for row, key in zip(rows_for(ax, names), keys, strict=True):
            s = self.splits[key]
            ax.barh(row, 100 * (s.ignorance_share or 0.0), xerr=100 * (s.ignorance_share_se or 0.0), color=colour(1))
        ax.set_xlim(0.0, 100.0)
        ax.set_xlabel("Share of variance by what we do not know; the rest is chance [%]")
        ax.set_title("What learning could take away")
        sample_note(ax, f"{self.sample_text}; bars: standard error")
        return ax

    plot_kinds: ClassVar = {"difference": draw_difference, "level": draw_level}


def _share(split: VarianceComponents | None) -> Estimate | None:
    return None if split is None else Estimate(split.ignorance_share, split.ignorance_share_se, None, None, None)


@study(
    "uncertainty",
    "Split the variance of SCENARIO's results into chance and what we do not know, per program and metric.",
    examples=["uncertainty scenarios/b2b_manufacturer.toml --vectors 64 --worlds 4"],
)
def split(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    vectors: Annotated[int, Option("Draws of the uncertain numbers", "K")] = 32,
    worlds: Annotated[int, Option("Worlds that each of them meets", "R")] = 8,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> VarianceSplit:
    """Split the variance of headline metrics into chance and what we do not know, by `vectors` x `worlds` replications.

    Raises `InputError` where nothing is uncertain or there are fewer than 3 vectors or worlds.
    """
    if not scenario.uncertainty:
        raise fault("scenario", "uncertainty", None, "no number is uncertain, so all is chance", "declare one")
    for name, count in (("vectors", vectors), ("worlds", worlds)):
        if count < _LEAST:
            raise fault("options", name, count, f"must be at least {_LEAST}")
    settings = RunSettings.of(
        scenario, programs=programs, replications=vectors * worlds, seed=seed, workers=workers, progress=progress
    )
    return of_crossed(settings.simulate(scenario, design=Crossed(vectors, worlds)), vectors, worlds)


def of_crossed(simulated: SimulationResult, vectors: int, worlds: int) -> VarianceSplit:
    """The split of a study that was simulated by a crossed design."""
    splits: dict[tuple[str, str, str], VarianceComponents] = {}
    labels: dict[str, str] = {}
    for program in shown_programs(simulated):
        for metric in _headline(simulated, program):
            own = metric.of(runs(simulated, program, STRATEGIC))
            labels[metric.name] = metric.label
            if not len(own.influence):
                continue
            splits["level", program, metric.name] = split_variance(own.influence.reshape(vectors, worlds))
            base = metric.of(runs(simulated, BASELINE, STRATEGIC))
            if program != BASELINE and len(base.influence):
                gap = (own.influence - base.influence).reshape(vectors, worlds)
                splits["difference", program, metric.name] = split_variance(gap)
    return VarianceSplit(simulated, vectors, worlds, splits, labels)


def _headline(simulated: SimulationResult, program: str) -> list[Metric]:
    known = {m.name: m for m in metrics_of(simulated.totals[program, STRATEGIC])}
    return [known[name] for name in HEADLINE if name in known]
