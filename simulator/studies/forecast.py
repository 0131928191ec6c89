"""Week by week: pipeline, bookings, what is owed and what is paid; when signatures are filed, and who is paid for what.

Figures are of partners who respond and game; the same worlds without gaming are simulated too, to show what gaming does
to the timing of signatures and to attainment around thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from simulator.core.errors import fault
from simulator.engines.totals.cash_flow import QUANTITIES, CashFlow, joined, series
from simulator.metrics.measure import BASELINE, STRATEGIC
from simulator.report.formats import NumberFormat, form_of, form_of_estimates
from simulator.report.payout_curve import curves, draw_curves
from simulator.report.plots import QUIET, colour, legend_beside, line, marker, sample_note
from simulator.report.tables import Column, Table, records
from simulator.report.text import with_unit
from simulator.runs.simulate import Replications, SimulationResult, fit_reference, read_chunks
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import suggestion
from simulator.stats.estimate import Array, Estimate, estimate, mean_of
from simulator.studies.base import RunStudy
from simulator.studies.registry import Option, study
from simulator.studies.settings import Progress, RunSettings
from simulator.world.setting import WEEKS_PER_QUARTER

REPLICATIONS = 200
WITHOUT_GAMING = "responsive"
_GRID = np.linspace(0.0, 1.0, 51)
_LABELS = {
    "pipeline": "Pipeline created so far",
    "bookings": "Bookings so far",
    "liability": "Owed: accrued, neither paid nor forfeited",
    "cash": "Paid so far, less clawbacks and penalties",
}
_LEVELS = {WITHOUT_GAMING: ("without gaming", "--", "white"), STRATEGIC: ("with gaming", "-", "black")}
_MOST_REACHED, _BIN = 2.5, 0.05
CashFlows = dict[tuple[str, str], CashFlow]
"""Series by program and behavior level."""


@dataclass(frozen=True)
class Forecast(RunStudy):
    """What comes in and goes out by week.

    found: series by program and behavior level; simulated: what was run, without totals.
    """

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
        rows = []
        for program in self.programs:
            for quantity in QUANTITIES:
                for week in self._ends():
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
        """A sentence per program on what is owed at its highest, and what is paid and still owed at the end."""
        return [self._sentence(program) for program in self.programs]

    def tables(self) -> list[Table]:
        """Each quantity at quarters' ends, a row per program."""
        return [self._table(quantity) for quantity in QUANTITIES]

    def notes(self) -> list[str]:
        """What the figures are of."""
        return ["Means \u00b1 standard error from launch on, where partners respond and game."]

    def details(self) -> dict[str, Any]:
        """Every quantity at quarters' ends with its quantiles."""
        return {"weeks": records(self.table())}

    def draw_fan(self, ax: Axes, quantity: str = "liability") -> Axes:
        """A quantity by week: medians, and for the last program where 50 and 80 % of replications lie."""
        if quantity not in QUANTITIES:
            hint = suggestion(quantity, QUANTITIES)
            raise fault("options", "quantity", quantity, f"must be one of {', '.join(QUANTITIES)}", hint)
        # A week's value holds to the end of the next, so the last one needs a further point to be seen.
        weeks, form = np.arange(self.horizon + 2), self._form(quantity)
        for k, program in enumerate(self.programs):
            values = self.weekly(program, quantity) * form.factor
            values = np.concatenate([values, values[:, -1:]], axis=1)
            low, lower, middle, upper, high = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
            if k == len(self.programs) - 1:
                ax.fill_between(weeks, low, high, color=colour(k), alpha=0.18, linewidth=0, step="post")
                ax.fill_between(weeks, lower, upper, color=colour(k), alpha=0.28, linewidth=0, step="post")
            ax.step(weeks, middle, where="post", color=colour(k), linestyle=line(k), label=program)
        ax.set_xlim(0, self.horizon + 1)
        ax.set_xticks(range(0, self.horizon + 1, WEEKS_PER_QUARTER))
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        ax.set_xlabel("Weeks since launch")
        ax.set_ylabel(with_unit(quantity.capitalize(), form.unit))
        ax.set_title(_LABELS[quantity])
        legend_beside(ax)
        sample_note(
            ax, f"{self.sample_text}; lines: medians; bands: 50 and 80 % of replications of {self.programs[-1]}"
        )
        return ax

    def draw_quarter_end(self, ax: Axes, program: str | None = None) -> Axes:
        """Signatures filed in each week of a quarter, with and without gaming."""
        shown = self._one(program)
        for level, (label, style, fill) in _LEVELS.items():
            mean, error = self.filed(shown, level)
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
        sample_note(ax, f"{self.sample_text}; all whole quarters; bars: two standard errors")
        return ax

    def draw_thresholds(self, ax: Axes, program: str | None = None, component: str | None = None) -> Axes:
        """Histogram of windows by attainment over the first threshold, with and without gaming."""
        shown = self._one(program)
        runs = self.found[shown, STRATEGIC]
        names = [name for name, at in runs.thresholds.items() if at]
        if not names or component not in (None, *names):
            why = f"must be one of {', '.join(names)}" if names else f"{shown} pays nothing by window with a threshold"
            raise fault("options", "component", component, why)
        name, edges = component or names[0], np.arange(0.0, _MOST_REACHED + _BIN / 2, _BIN)
        for level, (label, style, _) in _LEVELS.items():
            reached = self.found[shown, level].reached[name]
            counts, _ = np.histogram(reached, edges)
            share = 100 * counts / max(len(reached), 1)
            if level == STRATEGIC:
                ax.stairs(share, edges, fill=True, color=colour(1), alpha=0.35)
            ax.stairs(
                share, edges, color="black" if level == WITHOUT_GAMING else colour(1), linestyle=style, label=label
            )
        for at in (t for t in runs.thresholds[name] if t <= _MOST_REACHED):
            ax.axvline(at, color=QUIET, linestyle=":", linewidth=1.2)
        beyond = 100 * float(np.mean(runs.reached[name] >= _MOST_REACHED))
        ax.set_xlim(0.0, _MOST_REACHED)
        ax.set_xlabel("Attainment over the first threshold [ratio]")
        ax.set_ylabel(f"Windows with any attainment [% per {_BIN:g}]")
        ax.set_title(f"Where windows end: {name} of {shown} (dotted: thresholds)")
        legend_beside(ax)
        many = f"with gaming {len(runs.reached[name]):,} windows, {beyond:.1f} % beyond the axis"
        sample_note(ax, f"{self.sample_text}; {many}")
        return ax

    def draw_payout(self, ax: Axes, program: str | None = None, component: str | None = None) -> Axes:
        """What a component pays by attainment, the rate of each stretch, and where windows end."""
        shown = self._one(program)
        found = {c.component: c for c in curves(self.scenario, shown)}
        if not found or component not in (None, *found):
            raise fault(
                "options", "component", component, f"must be one of {', '.join(found)}" if found else "none pays"
            )
        name = component or next((n for n in found if self.reached(shown, n).size), next(iter(found)))
        reached = self.reached(shown, name)
        draw_curves(ax, [(shown, found[name], reached)], self.scenario.currency)
        ax.set_title(f"What {name} of {shown} pays{', and where windows end' if reached.size else ''}")
        sample_note(ax, f"{self.sample_text}; bars: windows with any attainment")
        return ax

    def draw_fairness(self, ax: Axes) -> Axes:
        """Share of pay against share of gross margin brought, partners from the smallest margin up."""
        for k, program in enumerate(self.programs):
            share, pay = self.pay_curve(program)
            if not pay.size:
                continue
            if k == len(self.programs) - 1:
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
        sample_note(ax, f"{self.sample_text}; lines: medians; band: 80 % of replications of {self.programs[-1]}")
        return ax

    plot_kinds: ClassVar = {
        "fan": draw_fan,
        "quarter_end": draw_quarter_end,
        "thresholds": draw_thresholds,
        "payout": draw_payout,
        "fairness": draw_fairness,
    }

    def stored_figures(self) -> Mapping[str, Callable[[Axes], object]]:
        """Every quantity, fairness, and of each program when signatures are filed and where windows end."""
        drawn: dict[str, Callable[[Axes], object]] = {q: partial(self.draw_fan, quantity=q) for q in QUANTITIES}
        drawn["fairness"] = self.draw_fairness
        for program in self.programs:
            flow = self.found[program, STRATEGIC]
            drawn[f"quarter_end_{program}"] = partial(self.draw_quarter_end, program=program)
            for name in flow.reached:
                drawn[f"payout_{program}_{name}"] = partial(self.draw_payout, program=program, component=name)
            for name in (n for n, at in flow.thresholds.items() if at):
                drawn[f"thresholds_{program}_{name}"] = partial(self.draw_thresholds, program=program, component=name)
        return drawn

    def _ends(self) -> list[int]:
        return sorted({*range(WEEKS_PER_QUARTER, self.horizon, WEEKS_PER_QUARTER), self.horizon})

    def _table(self, quantity: str) -> Table:
        money = self.scenario.currency
        found = {week: [self.at(p, quantity, week) for p in self.programs] for week in self._ends()}
        form = form_of_estimates([got for column in found.values() for got in column], money, money)
        columns = [
            Column(f"week_{week}", f"week {week}", column, money, NumberFormat(form.factor, form.decimals, ""))
            for week, column in found.items()
        ]
        return Table(with_unit(_LABELS[quantity], form.unit), self.programs, columns, money, key="program")

    def _form(self, quantity: str) -> NumberFormat:
        money = self.scenario.currency
        return form_of([float(self.weekly(p, quantity).mean(axis=0).max()) for p in self.programs], [], money, money)

    def _one(self, program: str | None) -> str:
        shown = self.programs[-1] if program is None else program
        if shown not in self.programs:
            raise fault("options", "program", program, "was not simulated", suggestion(shown, self.programs))
        return shown

    def _sentence(self, program: str) -> str:
        week, owed = self.peak(program)
        cash, left = (self.at(program, quantity, self.horizon) for quantity in ("cash", "liability"))
        money = self.scenario.currency
        if not owed.mean:
            return f"{program}: nothing is ever owed."
        form = form_of_estimates([owed, cash, left], money, money)
        return (
            f"{program}: most is owed in week {week}, {form.estimate(owed)} {form.unit} on average and under "
            f"{form.number(owed.p90)} in nine of ten replications; by week {self.horizon} {form.estimate(cash)} "
            f"{form.unit} are paid and {form.estimate(left)} still owed."
        )


@study(
    "forecast",
    "Show pipeline, bookings, what is owed and what is paid week by week.",
    examples=["forecast scenarios/quickstart.toml --programs accelerator --replications 100"],
)
def forecast(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: Annotated[int | None, Option(f"Replications  [default: {REPLICATIONS}]", "N")] = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Forecast:
    """Pipeline, bookings, liability and cash of programs week by week. Raises `InputError` for what cannot be run."""
    count = REPLICATIONS if replications is None else replications
    settings = RunSettings.of(scenario, programs=programs, replications=count, seed=seed, workers=workers)
    names, start = tuple(dict.fromkeys((BASELINE, *settings.programs))), settings.seed
    reference = fit_reference(scenario)
    parts = read_chunks(
        scenario,
        names,
        partial(_cash_flows, programs=names),
        replications=count,
        seed=start,
        workers=workers,
        progress=progress,
        reference=reference,
    )
    found = {key: joined([part[key] for part in parts]) for key in parts[0]}
    return Forecast(SimulationResult(scenario, names, start, count, "vector", {}, reference.fitted()), found)


def _cash_flows(stage: Replications, *, programs: Sequence[str]) -> CashFlows:
    """Cash flows by program, with gaming and without, of the replications of a chunk."""
    horizon = stage.world.setting.horizon
    found: CashFlows = {}
    for gaming, level in ((False, WITHOUT_GAMING), (True, STRATEGIC)):
        start = stage.burn_in(stage.mode[gaming])
        for name in programs:
            found[name, level] = series(start.branch(stage.rollout(name)).run(0, horizon).finish())
    return found


def _concentration(margin: Array, paid: Array) -> Array:
    """Cumulated share of pay at the grid's cumulated shares of margin, partners from the smallest margin up."""
    order = np.lexsort((paid, margin))
    brought = np.concatenate([[0.0], np.cumsum(np.maximum(margin[order], 0.0))])
    pay = np.concatenate([[0.0], np.cumsum(paid[order])])
    return np.asarray(np.interp(_GRID, brought / brought[-1], pay / pay[-1]))
