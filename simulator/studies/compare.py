"""The main study: candidate programs against the baseline, in the same worlds.

Every program is lived on three rungs: static (nobody responds), responsive (effort responds, nobody games)
and strategic (effort and gaming). Figures are of the strategic rung unless another is named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.kept import Kept
from simulator.results import manifest_of, now
from simulator.run import RUNGS, Simulated, simulate
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Array, Difference, Estimate, replication_at
from simulator.stats.measure import BASELINE, STRATEGIC, Measured, lives, measure, shown_programs
from simulator.stats.metric import Metric
from simulator.stored import StoredRun, described, identity
from simulator.studies.asked import asked_programs, check_design, check_precision, check_run
from simulator.studies.precision import MOST, Effort, run_to
from simulator.studies.study import RunStudy, timed
from simulator.vectors import SOBOL, Vectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEADLINE = (
    "program_cost", "pipeline_created", "pipeline_lift", "pipeline_lift_pct", "bookings",
    "incremental_margin", "roi", "deadweight_share", "gaming_loss", "gaming_share", "p_gaming_above_5pct",
    "gaming_tail_mean", "win_rate", "cycle_weeks", "p_over_budget",
)  # fmt: skip
"""Metrics of the short table; tier shares follow where there are tiers."""
_REPLAYED = {"P10": 10, "P50": 50, "P90": 90, "worst": 100}


@dataclass(frozen=True)
class Replay:
    """A replication worth looking at: which one has its program's cost `at` a quantile, and what it cost."""

    program: str
    at: str
    replication: int
    cost: float
    seed: int

    def command(self, scenario_file: str = "SCENARIO") -> str:
        """The command that relives it."""
        return (
            f"incentive-sim trace {scenario_file} --program {self.program} "
            f"--replication {self.replication} --seed {self.seed}"
        )


@dataclass(frozen=True)
class Comparison(RunStudy):
    """Candidate programs side by side. Tables are new at every call; money is in units of the currency.

    effort: what it took, where a precision was asked for; identity: hash of all that decides its figures, None if that
    is not known.
    """

    kind = "comparison"
    subject = "programs compared"

    simulated: Simulated
    measured: Measured
    effort: Effort | None = None
    identity: str | None = None

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, the baseline first."""
        return shown_programs(self.simulated)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the programs but the baseline."""
        return self.programs[1:]

    @property
    def interval_text(self) -> str:
        """What the intervals of differences are."""
        return "95 % CI for all candidates at once" if len(self.candidates) > 1 else "95 % CI"

    @property
    def budget(self) -> float | None:
        """Budget for the horizon."""
        budget = lives(self.simulated, BASELINE, STRATEGIC).budget
        return None if budget is None else budget / 100

    def definition(self, metric: str) -> Metric:
        """The definition of a metric."""
        return self.measured.definitions[metric]

    def unit(self, metric: str) -> str:
        """Unit of a metric; the currency for money."""
        unit = self.definition(metric).unit
        return self.scenario.currency if unit == "money" else unit

    def estimate(self, program: str, metric: str, rung: str = STRATEGIC) -> Estimate | None:
        """An estimate, None where the program has no such metric on the rung."""
        return self.measured.estimates.get((program, rung, metric))

    def difference(self, program: str, metric: str, rung: str = STRATEGIC) -> Difference | None:
        """Difference against the baseline, None where one of the two has no such metric on the rung."""
        return self.measured.differences.get((program, rung, metric))

    def each(self, program: str, metric: str, rung: str = STRATEGIC) -> Array:
        """Values of the single replications, those left out where it is undefined."""
        return self.definition(metric).of(lives(self.simulated, program, rung)).each

    def headline_metrics(self) -> list[str]:
        """Metrics of the short table."""
        tiers = [name for name in self.measured.definitions if name.startswith("tier_share.")]
        budget = [] if self.budget is not None else ["p_over_budget"]
        return [name for name in (*HEADLINE, *tiers) if name not in budget]

    def table(self, rung: str = STRATEGIC) -> pd.DataFrame:
        """Programs as rows, headline metrics as columns, each followed by its standard error as `NAME_se`."""
        rows: dict[str, dict[str, float | None]] = {p: {} for p in self.programs}
        for program in self.programs:
            for metric in self.headline_metrics():
                got = self.estimate(program, metric, rung)
                rows[program][metric] = got.mean if got else None
                rows[program][f"{metric}_se"] = got.se if got else None
        table = pd.DataFrame.from_dict(rows, orient="index", dtype=float).rename_axis("program")
        table.attrs["units"] = {metric: self.unit(metric) for metric in self.headline_metrics()}
        return table

    @property
    def metrics(self) -> pd.DataFrame:
        """All estimates: a row per program, rung and metric."""
        rows = [self._row(key, asdict(got)) for key, got in self.measured.estimates.items()]
        numbers = [f.name for f in fields(Estimate) if f.name != "reason"]
        return _floats(pd.DataFrame(rows), *numbers)

    def differences(self, rung: str | None = None) -> pd.DataFrame:
        """All paired differences against the baseline with 95 % confidence limits; of one rung if named.

        low, high are limits of each alone; joint_low, joint_high those that hold for all candidates at once.
        """
        rows = [
            {**self._row(key, asdict(got)), "distinguishable": got.distinguishable}
            for key, got in self.measured.differences.items()
            if rung in (None, key[1])
        ]
        return _floats(pd.DataFrame(rows), "mean", "se", "low", "high", "joint_low", "joint_high")

    def ladder(self) -> pd.DataFrame:
        """Rungs side by side: a row per program and metric, a mean and a standard error per rung."""
        rows = []
        for program in self.programs:
            for metric in self.measured.definitions:
                found = {rung: self.estimate(program, metric, rung) for rung in RUNGS}
                if all(got is None for got in found.values()):
                    continue
                row: dict[str, Any] = {"program": program, "metric": metric, "unit": self.unit(metric)}
                for rung, got in found.items():
                    row |= {rung: got.mean if got else None, f"{rung}_se": got.se if got else None}
                rows.append(row)
        return _floats(pd.DataFrame(rows), *RUNGS, *(f"{rung}_se" for rung in RUNGS))

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts; an undefined one is None and has a `reason`."""
        rungs = {p: {rung: self._estimated(self.measured.estimates, p, rung) for rung in RUNGS} for p in self.programs}
        return {
            "scenario": self.scenario.name,
            "seed": self.simulated.seed,
            "replications": self.simulated.replications,
            "baseline": BASELINE,
            "programs": {p: rungs[p][STRATEGIC] for p in self.programs},
            "differences": {p: self._estimated(self.measured.differences, p, STRATEGIC) for p in self.programs},
            "ladder": rungs,
            **({} if self.effort is None else {"precision": self.effort.to_dict()}),
        }

    @property
    def replays(self) -> tuple[Replay, ...]:
        """The replications at P10, P50, P90 of program cost and the costliest, per program."""
        found = []
        for program in self.programs:
            cost = np.asarray(self.simulated.totals[program, STRATEGIC]["cost"], dtype=float)
            for at, percent in _REPLAYED.items():
                r = replication_at(cost, percent)
                found.append(Replay(program, at, r, float(cost[r]) / 100, self.simulated.seed))
        return tuple(found)

    def headline(self) -> list[str]:
        """What can be said of each candidate in a sentence, never more than the error allows."""
        from simulator.report.wording import headline

        return headline(self)

    def plot(self, kind: str = "frontier", ax: Axes | None = None, **options: Any) -> Axes:
        """A figure of `kind` (see `report.figures.KINDS`), on `ax` or a new figure."""
        from simulator.report.figures import draw

        return draw(self, kind, ax, **options)

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        from simulator.report.save import save

        return save(self, out, command=command, plots=plots)

    def _html(self) -> str:
        from simulator.report.wording import html

        return html(self)

    def _page(self) -> str:
        from simulator.report.leadership import html
        from simulator.studies.leadership import leadership

        run = StoredRun(Path("not stored"), manifest_of(self.simulated, when=now()))
        return html(leadership(self), run)

    def _row(self, key: tuple[str, str, str], figures: dict[str, Any]) -> dict[str, Any]:
        program, rung, metric = key
        label = self.definition(metric).label
        return {
            "program": program,
            "rung": rung,
            "metric": metric,
            "label": label,
            "unit": self.unit(metric),
            **figures,
        }

    def _estimated(
        self, found: Mapping[tuple[str, str, str], Estimate | Difference], program: str, rung: str
    ) -> dict[str, Any]:
        out = {}
        for (p, r, metric), got in found.items():
            if (p, r) == (program, rung):
                figures = {**asdict(got), "unit": self.unit(metric)}
                if not got.reason:
                    del figures["reason"]
                out[metric] = figures
        return out


@timed
def compare(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    engine: str = "vector",
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    vectors: Vectors | None = None,
    precision: float | None = None,
    most: int = MOST,
    gaming_detail: bool = False,
    executor: Executor | None = None,
    kept: Kept | None = None,
) -> Comparison:
    """Simulate programs of a scenario and compare them with its baseline.

    programs: names, all of the scenario if None; replications, seed: those of the scenario if None; vectors: which
    point and world each replication has, see `simulator.vectors`; precision: instead of a number of replications, the
    half-width to reach, as a share, within `most` replications (`simulator.studies.precision`); gaming_detail: split
    the gaming loss by kind, which takes a life per kind; executor: any `concurrent.futures` executor that does the
    work instead of `workers` processes; kept: where chunks are kept as they come (`simulator.kept`), so that a run that
    was stopped goes on. None of workers, chunk, executor and kept changes a result. Raises `InputError` for what
    cannot be run.
    """
    names = asked_programs(scenario, programs)
    count = scenario.run.replications if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    check_run(replications=count, seed=start, engine=engine, workers=workers, chunk=chunk)
    check_design(vectors)
    check_precision(precision, most, replications, vectors)
    known = identity_of(
        scenario, programs=names, replications=count, seed=start, engine=engine, vectors=vectors, precision=precision,
        most=most, gaming_detail=gaming_detail,
    )  # fmt: skip
    run = partial(
        simulate,
        scenario,
        programs=names,
        seed=start,
        engine=engine,
        workers=workers,
        chunk=chunk,
        vectors=vectors,
        gaming_detail=gaming_detail,
        executor=executor,
        kept=kept,
    )
    if precision is None:
        simulated = run(replications=count, progress=progress)
        return Comparison(simulated, measure(simulated), identity=known)

    def further(first: int, size: int, study: Simulated | None) -> Simulated:
        told = None if progress is None else (lambda done, total: progress(first + done, first + total))
        reference = None if study is None else study.reference
        return run(replications=size, first=first, reference=reference, progress=told)

    simulated, sampling, effort = run_to(precision, most, further)
    return Comparison(simulated, measure(simulated, sampling), effort, known)


def identity_of(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    engine: str = "vector",
    vectors: Vectors | None = None,
    precision: float | None = None,
    most: int = MOST,
    gaming_detail: bool = False,
) -> str | None:
    """The identity that `compare` gives to a comparison with these settings."""
    run = scenario.run
    count = run.replications if replications is None else replications
    return identity(
        scenario,
        programs=asked_programs(scenario, programs),
        seed=run.seed if seed is None else seed,
        engine=engine,
        size={"replications": count} if precision is None else {"precision": precision, "most": most},
        design=described(SOBOL if vectors is None else vectors),
        gaming_detail=gaming_detail,
    )


def _floats(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """None in number columns as NaN."""
    return table.astype(dict.fromkeys(columns, float))
