"""Week by week: pipeline, bookings, what is owed and what is paid; when signatures are filed, and who is paid for what.

Figures are of the strategic rung, with effort and gaming; the responsive rung, without gaming, is lived beside it to
show what gaming does to the timing of signatures and to attainment around thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.engines.series import QUANTITIES, Series, joined, series
from simulator.fit import Reference
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.run import Simulated, chunk_size, fit_reference, prepare
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Array, Estimate, estimate, mean_of
from simulator.stats.measure import BASELINE, STRATEGIC
from simulator.studies.asked import asked_programs, check_run
from simulator.studies.study import RunStudy, timed
from simulator.studies.variants import Progress
from simulator.workers import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REPLICATIONS = 200
HONEST = "responsive"
_GRID = np.linspace(0.0, 1.0, 51)
Lives = dict[tuple[str, str], Series]


@dataclass(frozen=True)
class Forecast(RunStudy):
    """What comes in and goes out by week. found: (program, rung) -> series; simulated: what was run, no totals."""

    kind = "forecast"
    subject = "week by week"
    figure_rows = 6

    simulated: Simulated
    found: Mapping[tuple[str, str], Series]

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, the baseline first."""
        return self.simulated.programs

    @property
    def horizon(self) -> int:
        """Weeks from launch."""
        return self.scenario.time.horizon_weeks

    def weekly(self, program: str, quantity: str) -> Array:
        """A quantity so far by the end of each week, (R, T + 1), units of the currency."""
        return self.found[program, STRATEGIC].weeks[quantity] / 100

    def at(self, program: str, quantity: str, week: int) -> Estimate:
        """A quantity by the end of a week."""
        return estimate(mean_of(self.weekly(program, quantity)[:, week]))

    def table(self) -> pd.DataFrame:
        """A row per program, quantity and quarter's end: mean, standard error and quantiles over replications."""
        ends = sorted({*range(WEEKS_PER_QUARTER, self.horizon, WEEKS_PER_QUARTER), self.horizon})
        rows = []
        for program in self.programs:
            for quantity in QUANTITIES:
                for week in ends:
                    got = self.at(program, quantity, week)
                    row = {"program": program, "quantity": quantity, "week": week, "mean": got.mean, "mean_se": got.se}
                    rows.append(row | {"p10": got.p10, "p50": got.p50, "p90": got.p90})
        return pd.DataFrame(rows)

    def peak(self, program: str) -> tuple[int, Estimate]:
        """The week by whose end most is owed on average, and what is owed then."""
        week = int(np.argmax(self.weekly(program, "liability").mean(axis=0)))
        return week, self.at(program, "liability", week)

    def filed(self, program: str, rung: str = STRATEGIC) -> tuple[Array, Array]:
        """Signatures filed in each week of a quarter, all whole quarters together: mean and standard error, (13,)."""
        quarters = self.horizon // WEEKS_PER_QUARTER
        if not quarters:
            return np.zeros(0), np.zeros(0)
        signed = self.found[program, rung].signed[:, : quarters * WEEKS_PER_QUARTER]
        weeks = signed.reshape(len(signed), quarters, WEEKS_PER_QUARTER).mean(axis=1)
        return weeks.mean(axis=0), weeks.std(axis=0, ddof=1) / np.sqrt(len(weeks))

    def reached(self, program: str, component: str, rung: str = STRATEGIC) -> Array:
        """Attainment of each window of a component over its first threshold, or in hundredths where it has none, (n,).

        Empty for a component paid by deal, and for a program that was not simulated.
        """
        lives = self.found.get((program, rung))
        return np.zeros(0) if lives is None else lives.reached.get(component, np.zeros(0))

    def pay_curve(self, program: str) -> tuple[Array, Array]:
        """Partners from the smallest gross margin brought up: share of margin, (G,), and of pay, (3, G): 10 %, 50 % and
        90 % quantiles over replications in which anything was paid. Pro rata pay is a straight line."""
        lives = self.found[program, STRATEGIC]
        curves = [_concentration(m, p) for m, p in zip(lives.margin, lives.paid, strict=True) if p.sum() > 0 < m.sum()]
        if not curves:
            return _GRID, np.zeros((3, 0))
        return _GRID, np.quantile(np.array(curves), [0.1, 0.5, 0.9], axis=0)

    def headline(self) -> list[str]:
        """What each program owes and has paid."""
        from simulator.report.forecast import headline

        return headline(self)

    def plot(self, kind: str = "fan", ax: Axes | None = None, **options: Any) -> Axes:
        """A figure of `kind` (see `report.forecast.KINDS`)."""
        from simulator.report.forecast import draw

        return draw(self, kind, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        return {**self._told(), "weeks": self.table().to_dict(orient="records")}

    def _figures(self) -> Mapping[str, Callable[[Axes], Axes]]:
        from simulator.report.forecast import stored_figures

        return stored_figures(self)


@timed
def forecast(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Forecast:
    """Pipeline, bookings, liability and cash of programs week by week, from 200 replications if no number is given.

    Raises `InputError` for what cannot be run.
    """
    names = tuple(dict.fromkeys((BASELINE, *asked_programs(scenario, programs))))
    count = REPLICATIONS if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    check_run(replications=count, seed=start, workers=workers)
    reference = fit_reference(scenario)
    work = _Work(scenario, reference, names, start)
    size = chunk_size(scenario, count, workers)
    done: dict[int, Lives] = {}
    finished: list[int] = []

    def add(first: int, number: int, lives: Lives) -> None:
        done[first] = lives
        finished.append(number)
        if progress is not None:
            progress(sum(finished), count)

    if progress is not None:
        progress(0, count)
    jobs = [(at, min(size, count - at)) for at in range(0, count, size)]
    if workers <= 1:
        for at, number in jobs:
            add(at, number, work.chunk(at, number))
    else:
        share(work.chunk, jobs, add, workers, None)
    found = {key: joined([done[at][key] for at in sorted(done)]) for key in done[0]}
    return Forecast(Simulated(scenario, names, start, count, "vector", {}, reference.fitted()), found)


@dataclass(frozen=True)
class _Work:
    """What every chunk has in common."""

    scenario: Scenario
    reference: Reference
    programs: tuple[str, ...]
    seed: int

    def chunk(self, first: int, count: int) -> Lives:
        """Series of the replications first to first + count - 1."""
        stage = prepare(self.scenario, self.reference, self.programs, self.seed, np.arange(first, first + count))
        horizon = stage.world.setting.horizon
        found: Lives = {}
        for gaming, rung in ((False, HONEST), (True, STRATEGIC)):
            start = stage.burn_in(stage.conduct[gaming])
            for name in self.programs:
                found[name, rung] = series(start.fork(stage.rollout(name)).run(0, horizon).finish())
        return found


def _concentration(margin: Array, paid: Array) -> Array:
    """Cumulated share of pay at the grid's cumulated shares of margin, partners from the smallest margin up."""
    order = np.lexsort((paid, margin))
    brought = np.concatenate([[0.0], np.cumsum(np.maximum(margin[order], 0.0))])
    pay = np.concatenate([[0.0], np.cumsum(paid[order])])
    return np.asarray(np.interp(_GRID, brought / brought[-1], pay / pay[-1]))
