"""Week by week: pipeline, bookings, what is owed and what is paid; when signatures are filed, and who is paid for what.

Figures are of the strategic rung, with effort and gaming; the responsive rung, without gaming, is lived beside it to
show what gaming does to the timing of signatures and to attainment around thresholds.

A forecast in words, tables and figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from simulator.core.errors import fault
from simulator.engines.totals.cash_flow import QUANTITIES, CashFlow, joined, series
from simulator.metrics.measure import BASELINE, STRATEGIC
from simulator.reference.fit import Reference
from simulator.report.formats import NumberFormat, form_of, form_of_estimates
from simulator.report.payout_curve import curves, draw_curves
from simulator.report.plots import QUIET, colour, draw_kind, legend_beside, line, marker, sample_note
from simulator.report.text import WIDTH, Row, text_table, with_unit, wrap
from simulator.runs.simulate import SimulationResult, chunk_size, fit_reference, prepare
from simulator.runs.workers import share
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import suggestion
from simulator.stats.estimate import Array, Estimate, estimate, mean_of
from simulator.studies.base import Progress, RunStudy, asked_programs, check_run, timed
from simulator.world.setting import WEEKS_PER_QUARTER

REPLICATIONS = 200
HONEST = "responsive"
_GRID = np.linspace(0.0, 1.0, 51)
Lives = dict[tuple[str, str], CashFlow]


@dataclass(frozen=True)
class Forecast(RunStudy):
    """What comes in and goes out by week. found: (program, rung) -> series; simulated: what was run, no totals."""

    kind = "forecast"
    subject = "week by week"
    figure_rows = 6

    simulated: SimulationResult
    found: Mapping[tuple[str, str], CashFlow]

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

    def filed(self, program: str, level: str = STRATEGIC) -> tuple[Array, Array]:
        """Signatures filed in each week of a quarter, all whole quarters together: mean and standard error, (13,)."""
        quarters = self.horizon // WEEKS_PER_QUARTER
        if not quarters:
            return np.zeros(0), np.zeros(0)
        signed = self.found[program, level].signed[:, : quarters * WEEKS_PER_QUARTER]
        weeks = signed.reshape(len(signed), quarters, WEEKS_PER_QUARTER).mean(axis=1)
        return weeks.mean(axis=0), weeks.std(axis=0, ddof=1) / np.sqrt(len(weeks))

    def reached(self, program: str, component: str, level: str = STRATEGIC) -> Array:
        """Attainment of each window of a component over its first threshold, or in hundredths where it has none, (n,).

        Empty for a component paid by deal, and for a program that was not simulated.
        """
        runs = self.found.get((program, level))
        return np.zeros(0) if runs is None else runs.reached.get(component, np.zeros(0))

    def pay_curve(self, program: str) -> tuple[Array, Array]:
        """Partners from the smallest gross margin brought up: share of margin, (G,), and of pay, (3, G): 10 %, 50 % and
        90 % quantiles over replications in which anything was paid. Pro rata pay is a straight line."""
        runs = self.found[program, STRATEGIC]
        curves = [_concentration(m, p) for m, p in zip(runs.margin, runs.paid, strict=True) if p.sum() > 0 < m.sum()]
        if not curves:
            return _GRID, np.zeros((3, 0))
        return _GRID, np.quantile(np.array(curves), [0.1, 0.5, 0.9], axis=0)

    def headline(self) -> list[str]:
        """What each program owes and has paid."""
        # MOVED

        return headline(self)

    def plot(self, kind: str = "fan", ax: Axes | None = None, **options: Any) -> Axes:
        """A figure of `kind` (see `report.forecast.KINDS`)."""
        # MOVED

        return draw(self, kind, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        return {**self._told(), "weeks": self.table().to_dict(orient="records")}

    def stored_figures(self) -> Mapping[str, Callable[[Axes], Axes]]:
        # MOVED

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

    def add(first: int, number: int, runs: Lives) -> None:
        done[first] = runs
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
    return Forecast(SimulationResult(scenario, names, start, count, "vector", {}, reference.fitted()), found)


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
        for gaming, level in ((False, HONEST), (True, STRATEGIC)):
            start = stage.burn_in(stage.mode[gaming])
            for name in self.programs:
                found[name, level] = series(start.branch(stage.rollout(name)).run(0, horizon).finish())
        return found


def _concentration(margin: Array, paid: Array) -> Array:
    """Cumulated share of pay at the grid's cumulated shares of margin, partners from the smallest margin up."""
    order = np.lexsort((paid, margin))
    brought = np.concatenate([[0.0], np.cumsum(np.maximum(margin[order], 0.0))])
    pay = np.concatenate([[0.0], np.cumsum(paid[order])])
    return np.asarray(np.interp(_GRID, brought / brought[-1], pay / pay[-1]))


_SAID = {
    "pipeline": "Pipeline created so far",
    "bookings": "Bookings so far",
    "liability": "Owed: accrued, neither paid nor forfeited",
    "cash": "Paid so far, less clawbacks and penalties",
}
_RUNGS = {HONEST: ("without gaming", "--", "white"), STRATEGIC: ("with gaming", "-", "black")}
_MOST_REACHED, _BIN = 2.5, 0.05


def headline(study: Forecast) -> list[str]:
    """A sentence per program on what is owed at its highest, and what is paid and still owed at the end."""
    return [_sentence(study, program) for program in study.programs]


def describe(study: Forecast, width: int = WIDTH) -> str:
    """Headline and a table per quantity for a terminal."""
    parts = [wrap(headline(study), width)]
    table = study.table()
    for quantity in QUANTITIES:
        mine = table[table["quantity"] == quantity]
        weeks = sorted(mine["week"].unique())
        got = {p: [study.at(p, quantity, int(w)) for w in weeks] for p in study.programs}
        money = study.scenario.currency
        form = form_of_estimates([e for row in got.values() for e in row], money, money)
        rows: list[Row] = [(p, [form.estimate(e) for e in row]) for p, row in got.items()]
        title = with_unit(_SAID[quantity], form.unit) + ", mean \u00b1 standard error"
        parts.append(f"{title}\n{text_table([f'week {w}' for w in weeks], rows, width)}")
    parts.append(f"{study.sample_text}; strategic rung, from launch on")
    return "\n\n".join(parts)


def draw(study: Forecast, kind: str = "fan", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    return draw_kind(KINDS, study, kind, ax, **options)


def fan(study: Forecast, ax: Axes, quantity: str = "liability") -> Axes:
    """A quantity by week: median of each program, and for the last of them where 50 and 80 % of replications lie."""
    if quantity not in QUANTITIES:
        hint = suggestion(quantity, QUANTITIES)
        raise fault("options", "quantity", quantity, f"must be one of {', '.join(QUANTITIES)}", hint)
    # A week's value holds to the end of the next, so the last one needs a further point to be seen.
    weeks, form = np.arange(study.horizon + 2), _form(study, quantity)
    for k, program in enumerate(study.programs):
        values = study.weekly(program, quantity) * form.factor
        values = np.concatenate([values, values[:, -1:]], axis=1)
        low, lower, middle, upper, high = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
        if k == len(study.programs) - 1:
            ax.fill_between(weeks, low, high, color=colour(k), alpha=0.18, linewidth=0, step="post")
            ax.fill_between(weeks, lower, upper, color=colour(k), alpha=0.28, linewidth=0, step="post")
        ax.step(weeks, middle, where="post", color=colour(k), linestyle=line(k), label=program)
    ax.set_xlim(0, study.horizon + 1)
    ax.set_xticks(range(0, study.horizon + 1, WEEKS_PER_QUARTER))
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    ax.set_xlabel("Weeks since launch")
    ax.set_ylabel(with_unit(quantity.capitalize(), form.unit))
    ax.set_title(_SAID[quantity])
    legend_beside(ax)
    sample_note(ax, f"{study.sample_text}; lines: medians; bands: 50 and 80 % of replications of {study.programs[-1]}")
    return ax


def quarter_end(study: Forecast, ax: Axes, program: str | None = None) -> Axes:
    """Signatures filed in each week of a quarter, with and without gaming."""
    shown = _one(study, program)
    for level, (label, style, fill) in _RUNGS.items():
        mean, error = study.filed(shown, level)
        week = np.arange(1, len(mean) + 1) + (0.12 if level == STRATEGIC else -0.12)
        ax.errorbar(
            week, mean, yerr=2 * error, fmt="o", linestyle=style, color="black", markerfacecolor=fill, markersize=5,
            linewidth=1.2, elinewidth=1.0, capsize=2, label=label,
        )  # fmt: skip
    ax.set_ylim(bottom=0.0)
    ax.set_xticks(range(1, WEEKS_PER_QUARTER + 1))
    ax.set_xlabel("Week of the quarter")
    ax.set_ylabel("Signatures filed [per week]")
    ax.set_title(f"When signatures are filed under {shown}")
    legend_beside(ax)
    sample_note(ax, f"{study.sample_text}; all whole quarters; bars: two standard errors")
    return ax


def thresholds(study: Forecast, ax: Axes, program: str | None = None, component: str | None = None) -> Axes:
    """Histogram of windows by attainment over the first threshold, with and without gaming."""
    shown = _one(study, program)
    runs = study.found[shown, STRATEGIC]
    names = [name for name, at in runs.thresholds.items() if at]
    if not names or component not in (None, *names):
        why = f"must be one of {', '.join(names)}" if names else f"{shown} pays nothing by window with a threshold"
        raise fault("options", "component", component, why)
    name, edges = component or names[0], np.arange(0.0, _MOST_REACHED + _BIN / 2, _BIN)
    for level, (label, style, _) in _RUNGS.items():
        reached = study.found[shown, level].reached[name]
        counts, _ = np.histogram(reached, edges)
        share = 100 * counts / max(len(reached), 1)
        if level == STRATEGIC:
            ax.stairs(share, edges, fill=True, color=colour(1), alpha=0.35)
        ax.stairs(share, edges, color="black" if level == HONEST else colour(1), linestyle=style, label=label)
    for at in (t for t in runs.thresholds[name] if t <= _MOST_REACHED):
        ax.axvline(at, color=QUIET, linestyle=":", linewidth=1.2)
    beyond = 100 * float(np.mean(runs.reached[name] >= _MOST_REACHED))
    ax.set_xlim(0.0, _MOST_REACHED)
    ax.set_xlabel("Attainment over the first threshold [ratio]")
    ax.set_ylabel(f"Windows with any attainment [% per {_BIN:g}]")
    ax.set_title(f"Where windows end: {name} of {shown} (dotted: thresholds)")
    legend_beside(ax)
    many = f"with gaming {len(runs.reached[name]):,} windows, {beyond:.1f} % beyond the axis"
    sample_note(ax, f"{study.sample_text}; {many}")
    return ax


def payout(study: Forecast, ax: Axes, program: str | None = None, component: str | None = None) -> Axes:
    """What a component pays by attainment, the rate of each stretch, and where windows end."""
    shown = _one(study, program)
    found = {c.component: c for c in curves(study.scenario, shown)}
    if not found or component not in (None, *found):
        raise fault("options", "component", component, f"must be one of {', '.join(found)}" if found else "none pays")
    name = component or next((n for n in found if study.reached(shown, n).size), next(iter(found)))
    reached = study.reached(shown, name)
    draw_curves(ax, [(shown, found[name], reached)], study.scenario.currency)
    ax.set_title(f"What {name} of {shown} pays{', and where windows end' if reached.size else ''}")
    sample_note(ax, f"{study.sample_text}; bars: windows with any attainment")
    return ax


def fairness(study: Forecast, ax: Axes) -> Axes:
    """Share of pay against share of gross margin brought, partners from the smallest margin up."""
    for k, program in enumerate(study.programs):
        share, pay = study.pay_curve(program)
        if not pay.size:
            continue
        if k == len(study.programs) - 1:
            ax.fill_between(100 * share, 100 * pay[0], 100 * pay[2], color=colour(k), alpha=0.18, linewidth=0)
        ax.plot(100 * share, 100 * pay[1], color=colour(k), linestyle=line(k), label=program, marker=marker(k),
                markevery=10, markersize=5)  # fmt: skip
    ax.plot([0, 100], [0, 100], color=QUIET, linewidth=1.0, label="pro rata")
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 100)
    ax.set_xlabel("Gross margin brought, partners from the smallest up [% of all]")
    ax.set_ylabel("Net pay [% of all]")
    ax.set_title("Who is paid for what")
    legend_beside(ax)
    sample_note(ax, f"{study.sample_text}; lines: medians; band: 80 % of replications of {study.programs[-1]}")
    return ax


KINDS: dict[str, Callable[..., Axes]] = {
    "fan": fan,
    "quarter_end": quarter_end,
    "thresholds": thresholds,
    "payout": payout,
    "fairness": fairness,
}
"""Kinds of figures; `fan` takes a `quantity`, the others but `fairness` a `program`."""


def stored_figures(study: Forecast) -> dict[str, Callable[[Axes], Axes]]:
    """Name -> what draws it, of the figures of a run directory."""
    drawn: dict[str, Callable[[Axes], Axes]] = {q: partial(draw, study, "fan", quantity=q) for q in QUANTITIES}
    drawn["fairness"] = partial(draw, study, "fairness")
    for program in study.programs:
        drawn[f"quarter_end_{program}"] = partial(draw, study, "quarter_end", program=program)
        for name in study.found[program, STRATEGIC].reached:
            drawn[f"payout_{program}_{name}"] = partial(draw, study, "payout", program=program, component=name)
        for name in (n for n, at in study.found[program, STRATEGIC].thresholds.items() if at):
            drawn[f"thresholds_{program}_{name}"] = partial(draw, study, "thresholds", program=program, component=name)
    return drawn


def _form(study: Forecast, quantity: str) -> NumberFormat:
    money = study.scenario.currency
    return form_of([float(study.weekly(p, quantity).mean(axis=0).max()) for p in study.programs], [], money, money)


def _one(study: Forecast, program: str | None) -> str:
    shown = study.programs[-1] if program is None else program
    if shown not in study.programs:
        raise fault("options", "program", program, "was not simulated", suggestion(shown, study.programs))
    return shown


def _sentence(study: Forecast, program: str) -> str:
    week, owed = study.peak(program)
    last = {q: study.at(program, q, study.horizon) for q in ("cash", "liability")}
    money = study.scenario.currency
    if not owed.mean:
        return f"{program}: nothing is ever owed."
    form = form_of_estimates([owed, *last.values()], money, money)
    return (
        f"{program}: most is owed in week {week}, {form.estimate(owed)} {form.unit} on average and under "
        f"{form.number(owed.p90)} in nine of ten replications; by week {study.horizon} {form.estimate(last['cash'])} "
        f"{form.unit} are paid and {form.estimate(last['liability'])} still owed."
    )
