"""The main study: candidate programs against the baseline, in the same worlds.

Every program is simulated on three behavior levels: no response (`static`), partners respond (`responsive`: effort
responds, nobody games) and respond and game (`strategic`). Figures are of the last unless another is named. A gap
within the Monte Carlo error is said to be no clear difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Annotated, Any, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from simulator.metrics.base import Metric
from simulator.metrics.measure import BASELINE, STRATEGIC, measure
from simulator.report.formats import NumberFormat, form_of_differences, form_of_estimates
from simulator.report.payout_curve import payout_curve
from simulator.report.plots import figure_files, figure_of, styled
from simulator.report.tables import Column, Table
from simulator.report.text import WIDTH, wrap
from simulator.runs import run_directory, stored_runs
from simulator.runs.checkpoints import CheckpointStore
from simulator.runs.designs import SOBOL, Design
from simulator.runs.simulate import LEVEL_LABELS, RESPONSE_LEVELS, SimulationResult
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Difference, Estimate, replication_at
from simulator.studies.compare_figures import ComparedPrograms
from simulator.studies.precision import MOST, PrecisionEffort, run_to
from simulator.studies.registry import Option, study
from simulator.studies.settings import Progress, RunSettings, check_precision

HEADLINE = (
    "program_cost", "pipeline_created", "pipeline_lift", "pipeline_lift_pct", "bookings",
    "incremental_margin", "roi", "deadweight_share", "gaming_loss", "gaming_share", "p_gaming_above_5pct",
    "gaming_tail_mean", "win_rate", "cycle_weeks", "p_over_budget",
)  # fmt: skip
"""Metrics of the short table; tier shares follow where there are tiers."""
_COMPARED = (
    "program_cost", "pipeline_created", "bookings", "incremental_margin", "margin_after_cost", "win_rate",
    "cycle_weeks",
)  # fmt: skip
_BY_LEVEL = ("program_cost", "pipeline_lift", "incremental_margin", "roi")
_GAMED = (
    "gaming_loss", "gaming_cost", "gaming_margin", "gaming_share", "p_gaming_above_5pct", "gaming_tail_mean",
    "false_claims", "claimed_vendor", "pulled", "pushed",
)  # fmt: skip


_SINGLE = ("frontier", "cost", "exceedance", "gaming")
_PANELS = {
    "ladder": ("program_cost", "pipeline_lift", "incremental_margin"),
    "differences": ("program_cost", "pipeline_created", "incremental_margin", "win_rate"),
}
"""Figures of several metrics, one above the other."""
_WIDTH = 7.2
_ROW = 0.42
_NO_ESTIMATE = Estimate(None, None, None, None, None)
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
        """The command that replays it."""
        return (
            f"incentive-sim trace {scenario_file} --program {self.program} "
            f"--replication {self.replication} --seed {self.seed}"
        )


@dataclass(frozen=True)
class Comparison(ComparedPrograms):
    """Candidate programs side by side. Tables are new at every call; money is in units of the currency.

    effort: what it took, where a precision was asked for; identity: hash of all that decides its figures, None if that
    is not known.
    """

    kind = "comparison"
    subject = "programs compared"

    effort: PrecisionEffort | None = None
    identity: str | None = None

    def headline_metrics(self) -> list[str]:
        """Metrics of the short table."""
        tiers = [name for name in self.measured.definitions if name.startswith("tier_share.")]
        budget = [] if self.budget is not None else ["p_over_budget"]
        return [name for name in (*HEADLINE, *tiers) if name not in budget]

    def table(self, level: str = STRATEGIC) -> pd.DataFrame:
        """Programs as rows, headline metrics as columns, each followed by its standard error as `NAME_se`."""
        found = Table("", self.programs, self._columns(self.headline_metrics(), level), key="program")
        table = found.frame().astype(dict.fromkeys((c for c in found.frame().columns if c != "program"), float))
        table = table.set_index("program")
        table.attrs["units"] = {metric: self.unit(metric) for metric in self.headline_metrics()}
        return table

    def tables(self) -> list[Table]:
        """Metrics, cost by component, differences to the baseline, behavior levels and gaming."""
        main = f"Programs where partners {LEVEL_LABELS[STRATEGIC]} (mean \u00b1 standard error)"
        found = [
            self._side_by_side(main, self._columns(self.headline_metrics()), notes=self._readings()),
            self._side_by_side("Program cost by component", self._columns(self._costs())),
            self.difference_table(),
            self._side_by_side("What rests on behavior", self._levels()),
            self._side_by_side("Gaming: the same runs with and without it", self._columns(_GAMED)),
        ]
        return [table for table in found if table.columns]

    def difference_table(self) -> Table:
        """Differences of the main metrics to the baseline."""
        compared = self.candidates or self.programs
        columns = [self._gaps(metric, compared) for metric in _COMPARED]
        return self._side_by_side(f"Difference to the baseline, same worlds ({self.interval_text})", columns, compared)

    def _side_by_side(
        self, title: str, columns: Sequence[Column], programs: Sequence[str] = (), notes: Sequence[str] = ()
    ) -> Table:
        rows = programs or self.programs
        return Table(title, rows, columns, self.scenario.currency, key="program", turned=True, notes=notes)

    def text(self, width: int = WIDTH, scenario_file: str = "SCENARIO") -> str:
        """Headline, tables and notes for a terminal, and the commands that replay replications worth looking at."""
        currency = self.scenario.currency
        replays = [f"{r.command(scenario_file)}  # {r.at}: {r.cost:,.0f} {currency}" for r in self.replays]
        effort = wrap([] if self.effort is None else self.effort.lines(), width)
        parts = [effort, super().text(width), "Replications to look at, by program cost\n" + "\n".join(replays)]
        return "\n\n".join(part for part in parts if part)

    def _columns(self, metrics: Sequence[str], level: str = STRATEGIC) -> list[Column]:
        """A column of estimates per metric."""
        return [self._column(metric, metric, level) for metric in metrics]

    def _column(self, name: str, metric: str, level: str, form: NumberFormat | None = None, more: str = "") -> Column:
        definition, found = self.definition(metric), [self.estimate(p, metric, level) for p in self.programs]
        values = [_NO_ESTIMATE if got is None else got for got in found]
        return Column(name, definition.label + more, values, self.unit(metric), form, definition.doc)

    def _gaps(self, metric: str, programs: Sequence[str]) -> Column:
        """Differences of a metric to the baseline."""
        found = [self.difference(program, metric) for program in programs]
        return Column(metric, self.definition(metric).label, found, self.unit(metric), doc=self.definition(metric).doc)

    def _levels(self) -> list[Column]:
        """A column per metric and behavior level, in one form per metric."""
        columns = []
        for metric in _BY_LEVEL:
            found = [self.estimate(p, metric, level) for p in self.programs for level in RESPONSE_LEVELS]
            form = form_of_estimates(found, self.unit(metric), self.scenario.currency)
            columns += [
                self._column(f"{metric}_{level}", metric, level, form, f", {LEVEL_LABELS[level]}")
                for level in RESPONSE_LEVELS
            ]
        return columns

    def _costs(self) -> list[str]:
        """Metrics of what any program pays for: its components, and running it."""
        names = [n for n in self.measured.definitions if n.startswith("program_cost.") or n == "admin_cost"]
        return [n for n in names if any(got and got.mean for got in (self.estimate(p, n) for p in self.programs))]

    def _readings(self) -> list[str]:
        """How to read the first table: why something is undefined, and how errors were computed."""
        undefined = [f"\u2013 {line}" for line in self.reasons()]
        sampling = self.measured.sampling.text.capitalize()
        lines = [*undefined, "The baseline's own return is against no program.", f"{sampling}."]
        return [wrap([line], WIDTH) for line in lines]

    def reasons(self) -> list[str]:
        """Why headline metrics are undefined, each reason once with the programs it holds for."""
        found: dict[tuple[str, str], list[str]] = {}
        for metric in self.headline_metrics():
            for program in self.programs:
                got = self.estimate(program, metric)
                if got is not None and got.reason:
                    found.setdefault((self.definition(metric).label, got.reason), []).append(program)
        return [f"{label}: {reason} ({', '.join(programs)})" for (label, reason), programs in found.items()]

    @property
    def metrics(self) -> pd.DataFrame:
        """All estimates: a row per program, behavior level and metric."""
        rows = [self._row(key, asdict(got)) for key, got in self.measured.estimates.items()]
        numbers = [f.name for f in fields(Estimate) if f.name != "reason"]
        return _floats(pd.DataFrame(rows), *numbers)

    def differences(self, level: str | None = None) -> pd.DataFrame:
        """All paired differences against the baseline with 95 % confidence limits; of one behavior level if named.

        low, high are limits of each alone; joint_low, joint_high those that hold for all candidates at once.
        """
        rows = [
            {**self._row(key, asdict(got)), "distinguishable": got.distinguishable}
            for key, got in self.measured.differences.items()
            if level in (None, key[1])
        ]
        return _floats(pd.DataFrame(rows), "mean", "se", "low", "high", "joint_low", "joint_high")

    def ladder(self) -> pd.DataFrame:
        """Behavior levels side by side: a row per program and metric, a mean and a standard error per level."""
        rows = []
        for program in self.programs:
            for metric in self.measured.definitions:
                found = {level: self.estimate(program, metric, level) for level in RESPONSE_LEVELS}
                if all(got is None for got in found.values()):
                    continue
                row: dict[str, Any] = {"program": program, "metric": metric, "unit": self.unit(metric)}
                for level, got in found.items():
                    row |= {level: got.mean if got else None, f"{level}_se": got.se if got else None}
                rows.append(row)
        return _floats(pd.DataFrame(rows), *RESPONSE_LEVELS, *(f"{level}_se" for level in RESPONSE_LEVELS))

    def details(self) -> dict[str, Any]:
        """All metrics by program and behavior level; an undefined one is None and has a `reason`."""
        levels = {
            p: {level: self._estimated(self.measured.estimates, p, level) for level in RESPONSE_LEVELS}
            for p in self.programs
        }
        return {
            "baseline": BASELINE,
            "programs": {p: levels[p][STRATEGIC] for p in self.programs},
            "differences": {p: self._estimated(self.measured.differences, p, STRATEGIC) for p in self.programs},
            "ladder": levels,
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
        """A sentence per candidate on cost, pipeline, margin after cost and gaming."""
        if not self.candidates:
            return ["Only the baseline was simulated; there is nothing to compare."]
        return [sentence(self, program) for program in self.candidates]

    def stored_tables(self) -> dict[str, pd.DataFrame]:
        """All estimates, differences and behavior levels."""
        return {"metrics": self.metrics, "differences": self.differences(), "ladder": self.ladder()}

    def summary(self) -> dict[str, Any]:
        """Headline, replications to look at, and what every metric means."""
        return {
            **super().summary(),
            "description": self.scenario.description,
            "replays": [asdict(replay) for replay in self.replays],
            "metrics": {
                name: {"label": m.label, "unit": self.unit(name), "direction": m.direction, "definition": m.doc}
                for name, m in self.measured.definitions.items()
            },
        }

    def manifest(self) -> dict[str, Any]:
        """What makes the run recognisable, and what its precision took."""
        return {
            **super().manifest(),
            "identity": self.identity,
            "design": stored_runs.described(self.simulated.design),
            "code_sha256": stored_runs.code_hash(),
            "precision": None if self.effort is None else self.effort.to_dict(),
        }

    def figure_files(self) -> dict[str, run_directory.Writer]:
        """Files of its figures, and of what each program pays."""
        figures: dict[str, Callable[[], Figure]] = {
            kind: partial(figure_of, partial(self.plot, kind)) for kind in _SINGLE
        }
        figures |= {kind: partial(self._panels, kind, metrics) for kind, metrics in _PANELS.items()}
        figures |= {f"payout_{program}": partial(payout_curve, self.scenario, program) for program in self.programs}
        return figure_files(figures)

    def _panels(self, kind: str, metrics: Sequence[str]) -> Figure:
        height = 1.5 + _ROW * len(self.programs)
        with styled():
            figure = Figure(figsize=(_WIDTH, height * len(metrics)), layout=ConstrainedLayoutEngine(h_pad=0.12))
            axes: list[Axes] = list(np.ravel(figure.subplots(len(metrics), 1)))
            for ax, metric in zip(axes, metrics, strict=True):
                self.plot(kind, ax, metric=metric)
        return figure

    @property
    def _directory(self) -> str:
        return ""

    def _row(self, key: tuple[str, str, str], figures: dict[str, Any]) -> dict[str, Any]:
        program, level, metric = key
        label = self.definition(metric).label
        return {
            "program": program,
            "level": level,
            "metric": metric,
            "label": label,
            "unit": self.unit(metric),
            **figures,
        }

    def _estimated(
        self, found: Mapping[tuple[str, str, str], Estimate | Difference], program: str, level: str
    ) -> dict[str, Any]:
        out = {}
        for (p, r, metric), got in found.items():
            if (p, r) == (program, level):
                figures = {**asdict(got), "unit": self.unit(metric)}
                if not got.reason:
                    del figures["reason"]
                out[metric] = figures
        return out


def _share(text: str) -> float:
    """`1%` or `0.01` as a share."""
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"{text!r} is no number; write 1% or 0.01") from None


@study(
    "compare",
    "Compare the programs of SCENARIO with its baseline: cost, pipeline, margin, gaming.",
    examples=[
        "compare scenarios/quickstart.toml",
        "compare scenarios/quickstart.toml --programs accelerator --replications 200",
        "compare scenarios/quickstart.toml --precision 2% --quiet --json figures.json",
    ],
)
def compare(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    engine: str = "vector",
    workers: int = 1,
    chunk: int | None = None,
    progress: Progress | None = None,
    design: Design | None = None,
    precision: Annotated[
        float | None,
        Option(
            "Run until mean cost is within P (1% or 0.01) of itself, and paired differences of cost and pipeline "
            "within P of the baseline's mean",
            "P",
            parse=_share,
        ),
    ] = None,
    most: Annotated[int, Option("With --precision: replications at most", "N")] = MOST,
    gaming_detail: Annotated[bool, Option("Split the gaming loss by kind; takes a simulation run per kind")] = False,
    executor: Executor | None = None,
    kept: CheckpointStore | None = None,
) -> Comparison:
    """Simulate programs of a scenario and compare them with its baseline.

    programs: names, all of the scenario if None; replications, seed: those of the scenario if None; design: which
    point and world each replication has, see `simulator.design`; precision: instead of a number of replications, the
    half-width to reach, as a share, within `most` replications (`simulator.studies.precision`); gaming_detail: split
    the gaming loss by kind, which takes a simulation run per kind; executor: any `concurrent.futures` executor that
    does the work instead of `workers` processes; kept: where chunks are kept as they come
    (`simulator.runs.checkpoints`), so that a run that was stopped goes on. None of workers, chunk, executor and kept
    changes a result. Raises `InputError` for what cannot be run.
    """
    settings = RunSettings.of(
        scenario, programs=programs, replications=replications, seed=seed, workers=workers, engine=engine,
        chunk=chunk, design=design, executor=executor, progress=progress,
    )  # fmt: skip
    check_precision(precision, most, replications, design)
    known = identity_of(scenario, settings, precision=precision, most=most, gaming_detail=gaming_detail)
    run = partial(settings.simulate, scenario, gaming_detail=gaming_detail, kept=kept)
    if precision is None:
        simulated = run()
        return Comparison(simulated, measure(simulated), identity=known)

    def further(first: int, size: int, so_far: SimulationResult | None) -> SimulationResult:
        shown = None if progress is None else (lambda done, total: progress(first + done, first + total))
        reference = None if so_far is None else so_far.reference
        return run(replications=size, first=first, reference=reference, progress=shown)

    simulated, sampling, effort = run_to(precision, most, further)
    return Comparison(simulated, measure(simulated, sampling), effort, known)


def identity_of(
    scenario: Scenario,
    settings: RunSettings,
    *,
    precision: float | None = None,
    most: int = MOST,
    gaming_detail: bool = False,
) -> str | None:
    """The identity that `compare` gives to a comparison with these settings."""
    return stored_runs.identity(
        scenario,
        programs=settings.programs,
        seed=settings.seed,
        engine=settings.engine,
        size={"replications": settings.replications} if precision is None else {"precision": precision, "most": most},
        design=stored_runs.described(SOBOL if settings.design is None else settings.design),
        gaming_detail=gaming_detail,
    )


def _floats(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """None in number columns as NaN."""
    return table.astype(dict.fromkeys(columns, float))


class ProgramFigures(Protocol):
    """What a sentence on a program is made from."""

    @property
    def scenario(self) -> Scenario: ...

    def estimate(self, program: str, metric: str, /) -> Estimate | None: ...

    def difference(self, program: str, metric: str, /) -> Difference | None: ...

    def unit(self, metric: str, /) -> str: ...

    def definition(self, metric: str, /) -> Metric: ...


_VERBS = {
    "program_cost": ("costs", "more", "less"),
    "pipeline_created": ("creates", "more pipeline", "less pipeline"),
    "margin_after_cost": ("margin after cost is", "higher", "lower"),
}
"""By metric: verb, and what a positive and a negative difference are called."""


def sentence(study: ProgramFigures, program: str, of: Sequence[str] = (*_VERBS, "gaming_loss")) -> str:
    """What can be said of a candidate by the metrics `of`, never more than the error allows."""
    parts = [_compared(study, program, metric, *said) for metric, said in _VERBS.items() if metric in of]
    if "gaming_loss" in of:
        parts.append(_gaming(study, program))
    return f"{program}: {'; '.join(p for p in parts if p)}."


def _compared(study: ProgramFigures, program: str, metric: str, verb: str, more: str, less: str) -> str:
    got = study.difference(program, metric)
    if got is None or got.mean is None or got.se is None:
        return f"{study.definition(metric).label.lower()} undefined"
    if got.mean == 0 and got.se == 0:
        return f"{verb} exactly as with the {BASELINE}"
    if not got.distinguishable:
        return f"no clear difference in {study.definition(metric).label.lower()}"
    form = form_of_differences([got], study.unit(metric), study.scenario.currency)
    low, high = sorted(abs(limit or 0.0) for limit in got.limits)
    span = f"95 % CI {form.number(low)} to {form.number(high)}"
    return f"{verb} {form.number(abs(got.mean))} {form.unit} {more if got.mean > 0 else less} ({span})"


def _gaming(study: ProgramFigures, program: str) -> str:
    got = study.estimate(program, "gaming_loss")
    if got is None or got.mean is None or got.se is None:
        return ""
    if got.mean == 0 and got.se == 0:
        return "no gaming loss"
    form = form_of_estimates([got], study.unit("gaming_loss"), study.scenario.currency)
    if abs(got.mean) <= 2 * got.se:
        return "no clear gaming loss"
    share = study.estimate(program, "gaming_share")
    of_payout = f", {abs(share.mean):.1%} of payout" if share is not None and share.mean is not None else ""
    if got.mean < 0:
        lost = f"{form.number(-got.mean)} \u00b1 {form.number(got.se)} {form.unit}{of_payout}"
        return f"gaming loses nothing: penalties and the pay it crowds out come to {lost} more than it takes"
    return f"gaming loses {form.estimate(got)} {form.unit}{of_payout}"
