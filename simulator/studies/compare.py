"""The main study: candidate programs against the baseline, in the same worlds.

Every program is lived on three rungs: static (nobody responds), responsive (effort responds, nobody games)
and strategic (effort and gaming). Figures are of the strategic rung unless another is named.

A comparison in words and as HTML. A gap within the Monte Carlo error is called not distinguishable.

A comparison as text for a terminal, within a given width.

A comparison as a run directory: tables, summary and figures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from simulator.metrics.base import Metric
from simulator.metrics.measure import BASELINE, STRATEGIC, Measured, measure, runs, shown_programs
from simulator.report.formats import NOT_DISTINGUISHABLE, form_of_differences, form_of_estimates
from simulator.report.payout_curve import payout_curve
from simulator.report.plots import figure_files, figure_of, styled
from simulator.report.text import WIDTH, Row, text_table, with_unit, wrap
from simulator.runs import run_directory, stored_runs
from simulator.runs.checkpoints import CheckpointStore
from simulator.runs.designs import SOBOL, Design
from simulator.runs.run_directory import manifest_of, now
from simulator.runs.simulate import RESPONSE_LEVELS, SimulationResult, simulate
from simulator.runs.stored_runs import StoredRun, described, identity
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Array, Difference, Estimate, replication_at
from simulator.studies.base import RunStudy, asked_programs, check_design, check_precision, check_run, timed
from simulator.studies.compare_figures import draw
from simulator.studies.precision import MOST, PrecisionEffort, run_to

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

    simulated: SimulationResult
    measured: Measured
    effort: PrecisionEffort | None = None
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
        budget = runs(self.simulated, BASELINE, STRATEGIC).budget
        return None if budget is None else budget / 100

    def definition(self, metric: str) -> Metric:
        """The definition of a metric."""
        return self.measured.definitions[metric]

    def unit(self, metric: str) -> str:
        """Unit of a metric; the currency for money."""
        unit = self.definition(metric).unit
        return self.scenario.currency if unit == "money" else unit

    def estimate(self, program: str, metric: str, level: str = STRATEGIC) -> Estimate | None:
        """An estimate, None where the program has no such metric on the rung."""
        return self.measured.estimates.get((program, level, metric))

    def difference(self, program: str, metric: str, level: str = STRATEGIC) -> Difference | None:
        """Difference against the baseline, None where one of the two has no such metric on the rung."""
        return self.measured.differences.get((program, level, metric))

    def each(self, program: str, metric: str, level: str = STRATEGIC) -> Array:
        """Values of the single replications, those left out where it is undefined."""
        return self.definition(metric).of(runs(self.simulated, program, level)).each

    def headline_metrics(self) -> list[str]:
        """Metrics of the short table."""
        tiers = [name for name in self.measured.definitions if name.startswith("tier_share.")]
        budget = [] if self.budget is not None else ["p_over_budget"]
        return [name for name in (*HEADLINE, *tiers) if name not in budget]

    def table(self, level: str = STRATEGIC) -> pd.DataFrame:
        """Programs as rows, headline metrics as columns, each followed by its standard error as `NAME_se`."""
        rows: dict[str, dict[str, float | None]] = {p: {} for p in self.programs}
        for program in self.programs:
            for metric in self.headline_metrics():
                got = self.estimate(program, metric, level)
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

    def differences(self, level: str | None = None) -> pd.DataFrame:
        """All paired differences against the baseline with 95 % confidence limits; of one rung if named.

        low, high are limits of each alone; joint_low, joint_high those that hold for all candidates at once.
        """
        rows = [
            {**self._row(key, asdict(got)), "distinguishable": got.distinguishable}
            for key, got in self.measured.differences.items()
            if level in (None, key[1])
        ]
        return _floats(pd.DataFrame(rows), "mean", "se", "low", "high", "joint_low", "joint_high")

    def ladder(self) -> pd.DataFrame:
        """Rungs side by side: a row per program and metric, a mean and a standard error per rung."""
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

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts; an undefined one is None and has a `reason`."""
        levels = {
            p: {level: self._estimated(self.measured.estimates, p, level) for level in RESPONSE_LEVELS}
            for p in self.programs
        }
        return {
            "scenario": self.scenario.name,
            "seed": self.simulated.seed,
            "replications": self.simulated.replications,
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
        """What can be said of each candidate in a sentence, never more than the error allows."""
        # MOVED

        return headline(self)

    def plot(self, kind: str = "frontier", ax: Axes | None = None, **options: Any) -> Axes:
        """A figure of `kind` (see `report.figures.KINDS`), on `ax` or a new figure."""
        from simulator.studies.compare_figures import draw

        return draw(self, kind, ax, **options)

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        # MOVED

        return save(self, out, command=command, plots=plots)

    def _html(self) -> str:
        # MOVED

        return html(self)

    def _page(self) -> str:
        from simulator.studies.leadership import html, leadership

        run = StoredRun(Path("not stored"), manifest_of(self.simulated, when=now()))
        return html(leadership(self), run)

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
    design: Design | None = None,
    precision: float | None = None,
    most: int = MOST,
    gaming_detail: bool = False,
    executor: Executor | None = None,
    kept: CheckpointStore | None = None,
) -> Comparison:
    """Simulate programs of a scenario and compare them with its baseline.

    programs: names, all of the scenario if None; replications, seed: those of the scenario if None; design: which
    point and world each replication has, see `simulator.design`; precision: instead of a number of replications, the
    half-width to reach, as a share, within `most` replications (`simulator.studies.precision`); gaming_detail: split
    the gaming loss by kind, which takes a life per kind; executor: any `concurrent.futures` executor that does the
    work instead of `workers` processes; kept: where chunks are kept as they come (`simulator.runs.checkpoints`), so
    that a run that was stopped goes on. None of workers, chunk, executor and kept changes a result.
    Raises `InputError` for what cannot be run.
    """
    names = asked_programs(scenario, programs)
    count = scenario.run.replications if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    check_run(replications=count, seed=start, engine=engine, workers=workers, chunk=chunk)
    check_design(design)
    check_precision(precision, most, replications, design)
    known = identity_of(
        scenario, programs=names, replications=count, seed=start, engine=engine, design=design, precision=precision,
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
        design=design,
        gaming_detail=gaming_detail,
        executor=executor,
        kept=kept,
    )
    if precision is None:
        simulated = run(replications=count, progress=progress)
        return Comparison(simulated, measure(simulated), identity=known)

    def further(first: int, size: int, study: SimulationResult | None) -> SimulationResult:
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
    design: Design | None = None,
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
        design=described(SOBOL if design is None else design),
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


def headline(study: Comparison) -> list[str]:
    """A sentence per candidate on cost, pipeline, margin after cost and gaming."""
    if not study.candidates:
        return ["Only the baseline was simulated; there is nothing to compare."]
    return [sentence(study, program) for program in study.candidates]


def html(study: Comparison) -> str:
    """Headline and table for a notebook."""
    from simulator.report.html import HtmlTable, notebook

    metrics = study.headline_metrics()
    sample = f"{study.sample_text}, strategic rung; mean \u00b1 Monte Carlo standard error"
    rows = [[label, *cells] for label, cells in (estimates(study, metric) for metric in metrics)]
    table = HtmlTable("", ["Metric", *study.programs], rows, [study.definition(metric).doc for metric in metrics])
    return notebook(study.scenario.name, sample, headline(study), [table])


def estimates(study: Comparison, metric: str) -> tuple[str, list[str]]:
    """A metric with its unit, and its estimate for each program, all in one form."""
    found = [study.estimate(program, metric) for program in study.programs]
    form = form_of_estimates(found, study.unit(metric), study.scenario.currency)
    return with_unit(study.definition(metric).label, form.unit), [form.estimate(got) for got in found]


def gaps(study: Comparison, metric: str, programs: Sequence[str]) -> tuple[str, list[str]]:
    """A metric with its unit, and its difference to the baseline for each of the programs, all in one form."""
    found = [study.difference(program, metric) for program in programs]
    form = form_of_differences(found, study.unit(metric), study.scenario.currency)
    return with_unit(study.definition(metric).label, form.unit), [form.difference(got) for got in found]


def reasons(study: Comparison, metrics: Sequence[str]) -> list[str]:
    """Why figures of these metrics are undefined, each reason once with the programs it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for metric in metrics:
        for program in study.programs:
            got = study.estimate(program, metric)
            if got is not None and got.reason:
                found.setdefault((study.definition(metric).label, got.reason), []).append(program)
    return [f"{label}: {reason} ({', '.join(programs)})" for (label, reason), programs in found.items()]


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
        return f"{verb} not distinguishably {more} or {less.split()[0]}"
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
        return "gaming loss not distinguishable from 0"
    share = study.estimate(program, "gaming_share")
    of_payout = f", {abs(share.mean):.1%} of payout" if share is not None and share.mean is not None else ""
    if got.mean < 0:
        lost = f"{form.number(-got.mean)} \u00b1 {form.number(got.se)} {form.unit}{of_payout}"
        return f"gaming loses nothing: penalties and the pay it crowds out come to {lost} more than it takes"
    return f"gaming loses {form.estimate(got)} {form.unit}{of_payout}"


_COMPARED = (
    "program_cost", "pipeline_created", "bookings", "incremental_margin", "margin_after_cost", "win_rate",
    "cycle_weeks",
)  # fmt: skip
_CLIMBED = ("program_cost", "pipeline_lift", "incremental_margin", "roi")
_GAMED = (
    "gaming_loss", "gaming_cost", "gaming_margin", "gaming_share", "p_gaming_above_5pct", "gaming_tail_mean",
    "false_claims", "claimed_vendor", "pulled", "pushed",
)  # fmt: skip


def describe(study: Comparison, *, scenario_file: str, width: int = WIDTH) -> str:
    """Headline, tables and replay commands."""
    metrics = study.headline_metrics()
    parts = [
        wrap(study.headline(), width),
        wrap([] if study.effort is None else study.effort.lines(), width),
        _section("Programs, strategic rung (mean \u00b1 standard error)", _rows(study, metrics), study.programs, width),
        _notes(study, width),
        _costs(study, width),
        _differences(study, width),
        _section("Ladder: what rests on behavior", _ladder(study), study.programs, width),
        _section("Gaming: strategic less honest twin, same worlds", _rows(study, _GAMED), study.programs, width),
        _replays(study, scenario_file),
    ]
    return "\n\n".join(part for part in parts if part)


def _section(title: str, rows: Sequence[Row], head: Sequence[str], width: int) -> str:
    return f"{title}\n{text_table(head, rows, width)}" if rows else ""


def _rows(study: Comparison, metrics: Sequence[str]) -> list[Row]:
    return [estimates(study, metric) for metric in metrics]


def _notes(study: Comparison, width: int) -> str:
    said = study.measured.sampling.text
    undefined = [f"\u2013 {line}" for line in reasons(study, study.headline_metrics())]
    return wrap([*undefined, "The baseline's own return is against no program.", said.capitalize() + "."], width)


def _costs(study: Comparison, width: int) -> str:
    names = [n for n in study.measured.definitions if n.startswith("program_cost.") or n == "admin_cost"]
    paid = [
        n for n in names if any(got is not None and got.mean for got in (study.estimate(p, n) for p in study.programs))
    ]
    return _section("Program cost by component", _rows(study, paid), study.programs, width)


def _differences(study: Comparison, width: int) -> str:
    shown = study.candidates or study.programs
    rows = [gaps(study, metric, shown) for metric in _COMPARED]
    key = f"{NOT_DISTINGUISHABLE}: not distinguishable from 0"
    title = f"Difference to the baseline, same worlds ({study.interval_text}; {key})"
    return _section(title, rows, shown, width)


def _ladder(study: Comparison) -> list[Row]:
    rows = []
    for metric in _CLIMBED:
        found = [study.estimate(p, metric, level) for p in study.programs for level in RESPONSE_LEVELS]
        form = form_of_estimates(found, study.unit(metric), study.scenario.currency)
        for level in RESPONSE_LEVELS:
            label = f"{with_unit(study.definition(metric).label, form.unit)}, {level}"
            rows.append((label, [form.estimate(study.estimate(p, metric, level)) for p in study.programs]))
    return rows


def _replays(study: Comparison, scenario_file: str) -> str:
    currency = study.scenario.currency
    lines = [
        f"{replay.command(scenario_file)}  # {replay.at}: {replay.cost:,.0f} {currency}" for replay in study.replays
    ]
    return "Replications to look at, by program cost\n" + "\n".join(lines)


_SINGLE = ("frontier", "cost", "exceedance", "gaming")
_PANELS = {
    "ladder": ("program_cost", "pipeline_lift", "incremental_margin"),
    "differences": ("program_cost", "pipeline_created", "incremental_margin", "win_rate"),
}
"""Figures of several metrics, one above the other."""
_WIDTH = 7.2
_ROW = 0.42


def save(
    study: Comparison, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True
) -> Path:
    """Write the run directory of a comparison below `out`, and return it."""
    when = run_directory.now()
    files: dict[str, run_directory.Writer] = {
        "scenario.json": run_directory.json_file(study.scenario.tree()),
        "fitted.json": run_directory.json_file(dict(study.simulated.fitted)),
        "replications.parquet": run_directory.replications_file(study.simulated),
        "metrics.parquet": run_directory.table_file(study.metrics),
        "differences.parquet": run_directory.table_file(study.differences()),
        "ladder.parquet": run_directory.table_file(study.ladder()),
        "comparison.json": run_directory.json_file(study.to_dict()),
        "summary.json": run_directory.json_file(_summary(study)),
    }
    if plots:
        files |= _figure_files(study)
    name = run_directory.run_name(study.simulated, when)
    manifest = run_directory.manifest_of(study.simulated, when=when, command=command)
    return run_directory.write_run(out, name, files, {**manifest, **_asked(study)})


def _asked(study: Comparison) -> dict[str, object]:
    """What makes the run recognisable, and what its precision took."""
    effort = study.effort
    return {
        "identity": study.identity,
        "design": stored_runs.described(study.simulated.design),
        "code_sha256": stored_runs.code_hash(),
        "precision": None if effort is None else effort.to_dict(),
    }


def _summary(study: Comparison) -> dict[str, object]:
    """Headline, replications to look at, and what every metric means."""
    return {
        "scenario": study.scenario.name,
        "description": study.scenario.description,
        "sample": study.sample_text,
        "headline": study.headline(),
        "replays": [asdict(replay) for replay in study.replays],
        "metrics": {
            name: {"label": m.label, "unit": study.unit(name), "direction": m.direction, "definition": m.doc}
            for name, m in study.measured.definitions.items()
        },
    }


def _figure_files(study: Comparison) -> dict[str, run_directory.Writer]:
    figures: dict[str, Callable[[], Figure]] = {
        kind: partial(figure_of, partial(draw, study, kind)) for kind in _SINGLE
    }
    figures |= {kind: partial(_panels, study, kind, metrics) for kind, metrics in _PANELS.items()}
    figures |= {f"payout_{program}": partial(payout_curve, study.scenario, program) for program in study.programs}
    return figure_files(figures)


def _panels(study: Comparison, kind: str, metrics: Sequence[str]) -> Figure:
    height = 1.5 + _ROW * len(study.programs)
    with styled():
        figure = Figure(figsize=(_WIDTH, height * len(metrics)), layout=ConstrainedLayoutEngine(h_pad=0.12))
        axes: list[Axes] = list(np.ravel(figure.subplots(len(metrics), 1)))
        for ax, metric in zip(axes, metrics, strict=True):
            draw(study, kind, ax, metric=metric)
    return figure
