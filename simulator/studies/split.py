"""How much of what may happen is luck, and how much is what we do not know: a crossed design of vectors and worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from simulator.errors import fault
from simulator.run import Simulated, simulate
from simulator.scenario.schema import Scenario
from simulator.stats.measure import BASELINE, STRATEGIC, lives, shown_programs
from simulator.stats.metric import Metric
from simulator.stats.metrics import metrics_of
from simulator.stats.split import Split, split_variance
from simulator.studies.asked import asked_programs, check_run
from simulator.studies.study import RunStudy, records, timed
from simulator.vectors import Crossed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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

    simulated: Simulated
    vectors: int
    worlds: int
    splits: dict[tuple[str, str, str], Split]
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
        from simulator.report.split import headline

        return headline(self)

    def to_dict(self) -> dict[str, Any]:
        return {**self._told(), "vectors": self.vectors, "worlds": self.worlds, "rows": records(self.table())}

    def plot(self, *, ax: Axes | None = None, of: str = "difference") -> Axes:
        """Shares of ignorance by program and metric, the rest being luck."""
        from simulator.report.split import draw

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
        vectors=Crossed(vectors, worlds),
    )  # fmt: skip
    return of_crossed(simulated, vectors, worlds)


def of_crossed(simulated: Simulated, vectors: int, worlds: int) -> VarianceSplit:
    """The split of a study that was simulated by a crossed design."""
    splits: dict[tuple[str, str, str], Split] = {}
    labels: dict[str, str] = {}
    for program in shown_programs(simulated):
        for metric in _headline(simulated, program):
            own = metric.of(lives(simulated, program, STRATEGIC))
            labels[metric.name] = metric.label
            if not len(own.influence):
                continue
            splits["level", program, metric.name] = split_variance(own.influence.reshape(vectors, worlds))
            base = metric.of(lives(simulated, BASELINE, STRATEGIC))
            if program != BASELINE and len(base.influence):
                gap = (own.influence - base.influence).reshape(vectors, worlds)
                splits["difference", program, metric.name] = split_variance(gap)
    return VarianceSplit(simulated, vectors, worlds, splits, labels)


def _headline(simulated: Simulated, program: str) -> list[Metric]:
    known = {m.name: m for m in metrics_of(simulated.totals[program, STRATEGIC])}
    return [known[name] for name in HEADLINE if name in known]
