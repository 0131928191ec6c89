"""How much of what may happen is luck, and how much is what we do not know: a crossed design of vectors and worlds.

The split of variance into luck and ignorance, as text and as a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.metrics.base import Metric
from simulator.metrics.measure import BASELINE, STRATEGIC, runs, shown_programs
from simulator.metrics.registry import metrics_of
from simulator.report.plots import colour, new_axes, styled
from simulator.report.text import Row, text_table
from simulator.runs.designs import Crossed
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.schema import Scenario
from simulator.stats.variance_components import VarianceComponents, split_variance
from simulator.studies.base import RunStudy, asked_programs, check_run, records, timed

HEADLINE = ("program_cost", "pipeline_created", "bookings", "margin_after_cost", "gaming_loss", "win_rate")
_LEAST = 3
VECTORS, WORLDS = 32, 8


@dataclass(frozen=True)
class VarianceSplit(RunStudy):
    """splits: (of, program, metric) -> split; of: "level" of a program, or its "difference" to the baseline.

    A ratio is split by the influence of each replication on it.
    """

    kind = "uncertainty"
    subject = "luck and ignorance"

    simulated: SimulationResult
    vectors: int
    worlds: int
    splits: dict[tuple[str, str, str], VarianceComponents]
    labels: dict[str, str]

    @property
    def sample_text(self) -> str:
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

    def headline(self) -> list[str]:
        """How much of the variance of each difference to the baseline could be learned away."""
        # MOVED

        return headline(self)

    def to_dict(self) -> dict[str, Any]:
        return {**self._told(), "vectors": self.vectors, "worlds": self.worlds, "rows": records(self.table())}

    def plot(self, *, ax: Axes | None = None, of: str = "difference") -> Axes:
        """Shares of ignorance by program and metric, the rest being luck."""
        # MOVED

        return draw(self, ax, of)


@timed
def split(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    vectors: int = VECTORS,
    worlds: int = WORLDS,
    seed: int | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> VarianceSplit:
    """Split the variance of headline metrics into luck and ignorance, by `vectors` x `worlds` replications.

    Raises `InputError` where nothing is uncertain or there are fewer than 3 vectors or worlds.
    """
    names = asked_programs(scenario, programs)
    if not scenario.uncertainty:
        raise fault("scenario", "uncertainty", None, "no number is uncertain, so all is luck", "declare one")
    for name, count in (("vectors", vectors), ("worlds", worlds)):
        if count < _LEAST:
            raise fault("options", name, count, f"must be at least {_LEAST}")
    start = scenario.run.seed if seed is None else seed
    check_run(replications=vectors * worlds, seed=start, workers=workers)
    simulated = simulate(
        scenario, programs=names, replications=vectors * worlds, seed=start, workers=workers, progress=progress,
        design=Crossed(vectors, worlds),
    )  # fmt: skip
    return of_crossed(simulated, vectors, worlds)


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


_TITLES = {
    "level": "Share of variance by ignorance, of each program (the rest is luck; \u00b1 standard error)",
    "difference": "Share of variance by ignorance, of the difference to the baseline in the same worlds",
}


def describe(study: VarianceSplit, width: int = 110) -> str:
    """Tables of shares by program."""
    parts = [f"{study.simulated.scenario.name}: {study.sample_text}"]
    for of, title in _TITLES.items():
        programs = list(dict.fromkeys(p for kind, p, _ in study.splits if kind == of))
        rows = _rows(study, of, programs)
        if rows:
            parts.append(f"{title}\n{text_table(programs, rows, width)}")
    parts.append("Ignorance can be reduced by learning; luck cannot. Errors are on the large side.")
    return "\n\n".join(parts)


def headline(study: VarianceSplit) -> list[str]:
    """A sentence per program on the first metric of the difference to the baseline."""
    said = []
    first = next(iter(study.labels))
    for (of, program, metric), s in study.splits.items():
        if of != "difference" or metric != first or s.ignorance_share is None or s.ignorance_share_se is None:
            continue
        share = f"{s.ignorance_share:.0%} \u00b1 {s.ignorance_share_se:.0%}"
        said.append(
            f"{program}: {share} of the variance of its {study.labels[metric].lower()} against the baseline is "
            "ignorance, which learning could take away; the rest is luck."
        )
    return said or ["No difference to the baseline varies, so there is nothing to split."]


def draw(study: VarianceSplit, ax: Axes | None, of: str) -> Axes:
    """A bar per program and metric: the share of ignorance with its error."""
    keys = [key for key, s in study.splits.items() if key[0] == of and s.ignorance_share is not None]
    with styled():
        ax = new_axes() if ax is None else ax
        for row, key in enumerate(reversed(keys)):
            s = study.splits[key]
            ax.barh(row, s.ignorance_share or 0.0, xerr=s.ignorance_share_se or 0.0, color=colour(1))
        ax.set_yticks(range(len(keys)), [f"{program}: {study.labels[m]}" for _, program, m in reversed(keys)])
        ax.set_xlim(0.0, 1.0)
        ax.set_xlabel("share of variance by ignorance; the rest is luck")
        ax.set_title(study.sample_text)
    return ax


def _rows(study: VarianceSplit, of: str, programs: Sequence[str]) -> list[Row]:
    return [
        (label, [_cell(study.splits.get((of, program, metric))) for program in programs])
        for metric, label in study.labels.items()
    ]


def _cell(split: VarianceComponents | None) -> str:
    if split is None or split.ignorance_share is None or split.ignorance_share_se is None:
        return "\u2013"
    return f"{split.ignorance_share:.0%} \u00b1 {split.ignorance_share_se:.0%}"
