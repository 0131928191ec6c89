"""Tuning the levers of a program for the scenario's goals under constraints, and what is left of it on fresh worlds.

The search compares settings on the same worlds. The best of many is best partly by the chance of those worlds (the
winner's curse), so it is simulated again on worlds that the search has not seen, beside the program as it is and beside
the simplest alternative: one flat share of revenue with the same expected cost. What is reported as found is what is
seen there; what the search itself saw stands beside it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import InputError, Problem
from simulator.metrics.base import Metric
from simulator.metrics.registry import METRICS
from simulator.report.formats import NumberFormat, form_of_differences, form_of_estimates
from simulator.report.plots import (
    QUIET,
    colour,
    interval,
    legend_beside,
    mark_zero,
    marker,
    rows_for,
    sample_note,
)
from simulator.report.tables import Column, Table
from simulator.report.text import with_unit
from simulator.runs import run_directory
from simulator.runs.simulate import SimulationResult
from simulator.scenario.paths import value_at
from simulator.scenario.schema import Program, Scenario
from simulator.scenario.validation.finding import shown
from simulator.stats.estimate import Array, Difference, Estimate, difference, estimate, mean_of
from simulator.stats.intervals import t_quantile
from simulator.studies.base import (
    Bench,
    StoredStudy,
    gain_in,
    numbered,
    permitted,
    statistic_in,
    value_in,
    variant,
)
from simulator.studies.flat_share import FlatShare, cost_in, flat_share, flat_share_costing
from simulator.studies.levers import Levers, load_levers
from simulator.studies.registry import Option, study
from simulator.studies.search import Lever, SearchResult, SearchTrial, search
from simulator.studies.settings import Progress, RunSettings

SHOWN = ("program_cost", "pipeline_lift", "gaming_loss")
"""What the frontier is drawn from: cost and gaming low, lift high."""
NET_VALUE = "net_value"
AS_IS, BEST, LINEAR = "as it is", "best found", "linear"


@dataclass(frozen=True)
class OutOfSampleResult:
    """One program on the worlds of the search and on fresh ones.

    curse: gain in the search less gain on fresh worlds, of two independent samples.
    """

    name: str
    searched: SearchTrial
    fresh: SearchTrial

    @property
    def gain_searched(self) -> Difference:
        """Gain over the baseline on the worlds of the search."""
        return _gain(self.searched.gain)

    @property
    def gain(self) -> Difference:
        """Gain over the baseline on fresh worlds."""
        return _gain(self.fresh.gain)

    @property
    def curse(self) -> tuple[float, float]:
        """How much less is gained on fresh worlds, and its standard error."""
        before, after = self.gain_searched, self.gain
        return (before.mean or 0.0) - (after.mean or 0.0), math.hypot(before.se or 0.0, after.se or 0.0)


@dataclass(frozen=True)
class Optimum(StoredStudy):
    """What was found.

    searched: all settings simulated, on the worlds of `seed`; retold: the program as it is, the best setting and the
    linear program again on `fresh_replications` worlds of `fresh_seed`; linear: how its rate was found, None where
    the best setting costs nothing; best: the values of the levers.
    """

    kind = "optimum"

    scenario: Scenario
    levers: Levers
    searched: SearchResult
    retold: Mapping[str, OutOfSampleResult]
    linear: FlatShare | None
    seed: int
    replications: int
    fresh_seed: int
    fresh_replications: int
    simulated_lives: int

    @property
    def best(self) -> dict[str, float]:
        """Path -> value of each lever at the best setting."""
        return values_at(self.levers.levers, self.searched.settings[self.searched.closest])

    @property
    def feasible(self) -> bool:
        """Whether some setting kept all constraints."""
        return self.searched.best is not None

    @property
    def over_linear(self) -> Difference | None:
        """Gain of the best setting over the linear program of equal expected cost, on fresh worlds.

        Costs were made equal on the worlds of the search; the error of that is part of this one.
        """
        if LINEAR not in self.retold or self.linear is None:
            return None
        best, linear = (self.retold[name].fresh.gain for name in (BEST, LINEAR))
        got = difference(mean_of(best), mean_of(linear))
        mean, se = float(np.mean(best - linear)), math.hypot(got.se or 0.0, self.linear.gap.se or 0.0)
        half = se * t_quantile(min(self.replications, self.fresh_replications) - 1)
        return Difference(mean, se, mean - half, mean + half)

    @property
    def title(self) -> str:
        return f"{self.scenario.name}: levers of {self.levers.program} tuned"

    @property
    def sample_text(self) -> str:
        return (
            f"search on {self.replications:,} worlds of seed {self.seed}; "
            f"gains on {self.fresh_replications:,} fresh worlds of seed {self.fresh_seed}"
        )

    def table(self) -> pd.DataFrame:
        """The program as it is, the best setting and the linear program, on the search's and on fresh worlds."""
        rows = {}
        for name, told in self.retold.items():
            curse, curse_se = told.curse
            row: dict[str, Any] = {
                "gain_in_search": told.gain_searched.mean, "gain_in_search_se": told.gain_searched.se,
                "gain": told.gain.mean, "gain_se": told.gain.se, "gain_low": told.gain.low, "gain_high": told.gain.high,
                "distinguishable": told.gain.distinguishable, "curse": curse, "curse_se": curse_se,
            }  # fmt: skip
            for metric, got in told.fresh.shown.items():
                row |= {metric: got.mean, f"{metric}_se": got.se}
            rows[name] = row
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("program")

    def flatness(self) -> pd.DataFrame:
        """Per lever its best value, its range, and the ranges that lose at most one standard error, and at most 1 %.

        The other levers stay at their best values; the standard error is that of the best gain, the 1 % is of the best
        setting's net value.
        """
        best = self.retold[BEST]
        worth = best.searched.shown[NET_VALUE].mean
        within = {"se": best.gain_searched.se or 0.0, "1pct": 0.01 * abs(worth or 0.0)}
        rows = []
        for k, lever in enumerate(self.levers.levers):
            row: dict[str, Any] = {
                "lever": lever.path,
                "best": self.best[lever.path],
                "low": lever.low,
                "high": lever.high,
            }
            for name, loss in within.items():
                row[f"{name}_low"], row[f"{name}_high"] = self.searched.flat(k, loss)
            rows.append(row)
        return pd.DataFrame(rows)

    def frontier(self) -> pd.DataFrame:
        """All settings with gain, cost, lift and gaming; `efficient` where no other that keeps the constraints is at
        least as good on cost, lift and gaming and better on one."""
        rows = []
        for setting, trial in zip(self.searched.settings, self.searched.trials, strict=True):
            gain = _gain(trial.gain)
            row: dict[str, Any] = {**values_at(self.levers.levers, setting), "gain": gain.mean, "gain_se": gain.se}
            row |= {metric: trial.shown[metric].mean for metric in SHOWN if metric in trial.shown}
            rows.append({**row, "feasible": trial.feasible})
        table = pd.DataFrame(rows)
        table["efficient"] = _efficient(table)
        return table

    def headline(self) -> list[str]:
        """What fresh worlds show of the best setting, against the baseline and against the linear program."""
        best = self.retold[BEST]
        lines = [f"{self.levers.program}: {self._settings()}."]
        if not self.feasible:
            limits = ", ".join(str(limit) for limit in self.levers.limits)
            lines.append(f"No setting tried kept all constraints ({limits}); the closest one is shown.")
        lines.append(f"On fresh worlds it {self._gains(best.gain, 'the baseline')}.")
        over = self.over_linear
        if over is not None:
            lines.append(f"Against one flat share of revenue at the same expected cost it {self._gains(over, 'that')}.")
        else:
            lines.append("No flat share of revenue costs as much, so there is no linear program to compare with.")
        lines.append(self._curse(best))
        lines += self._at_ends()
        lines += self._broken(best)
        return lines

    def tables(self) -> list[Table]:
        """Gains of the programs in the search and on fresh worlds, and how flat the best setting is."""
        return [self._programs_table(), self._levers_table()]

    def notes(self) -> list[str]:
        """How much was searched."""
        tried, rounds = len(self.searched.trials), self.searched.rounds
        return [f"{tried} settings in {rounds} rounds, {self.simulated_lives:,} candidate replications."]

    def _programs_table(self) -> Table:
        currency, results = self.scenario.currency, list(self.retold.values())
        names = dict.fromkeys((*SHOWN, *(limit.metric for limit in self.levers.limits)))
        columns = [
            Column("gain_in_search", "Gain in the search", [r.gain_searched for r in results], currency),
            Column("gain", "Gain on fresh worlds", [r.gain for r in results], currency),
            Column("curse", "Less on fresh worlds", [Estimate(*r.curse, None, None, None) for r in results], currency),
            *(self._metric(name, [r.fresh.shown.get(name) for r in results]) for name in names),
        ]
        title = "Programs (95 % CI for gains; mean \u00b1 standard error on fresh worlds for the rest)"
        return Table(title, list(self.retold), columns, currency, key="program", turned=True)

    def _levers_table(self) -> Table:
        found = self.flatness()
        ranges = {"searched": "", "one standard error": "se_", "1 % of net value": "1pct_"}
        columns = [Column("best", "best", [f"{x:.4g}" for x in found["best"]])]
        for label, name in ranges.items():
            ends = zip(found[f"{name}low"], found[f"{name}high"], strict=True)
            columns.append(Column(f"{name}range", label, [f"{a:.4g} to {b:.4g}" for a, b in ends]))
        title = "Levers: ranges that lose no more than that, the others at their best values"
        return Table(title, [short_path(str(path)) for path in found["lever"]], columns, key="lever")

    def stored_figures(self) -> Mapping[str, Callable[[Axes], object]]:
        """The frontier, the gains, and a figure per lever."""
        by_lever = {f"lever_{k + 1}": partial(self.draw_lever, position=k) for k in range(len(self.levers.levers))}
        return {"frontier": self.draw_frontier, "gains": self.draw_gains, **by_lever}

    def stored_tables(self) -> dict[str, pd.DataFrame]:
        """Programs, settings tried, and how flat the best one is."""
        return {"programs": self.table().reset_index(), "settings": self.frontier(), "flatness": self.flatness()}

    def run_files(self) -> dict[str, run_directory.Writer]:
        """The scenario."""
        return {"scenario.json": run_directory.json_file(self.scenario.tree())}

    def run_name(self, when: datetime) -> str:
        """Program, seed, time and a hash of what was asked for."""
        limits = [str(limit) for limit in self.levers.limits]
        asked = [run_directory.scenario_hash(self.scenario), self.seed, self.replications, limits, list(self.best)]
        short = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]
        return f"optimize_{self.levers.program}_seed{self.seed}_{when:%Y%m%dT%H%M%SZ}_{short}"

    def run_manifest(self, when: datetime, command: Sequence[str]) -> dict[str, Any]:
        """Settings of the search and versions."""
        return run_directory.manifest(
            self.scenario, when, command, study=self.kind, programs=[self.levers.program], seed=self.seed,
            replications=self.replications, engine="vector",
        )  # fmt: skip

    def draw_frontier(self, ax: Axes) -> Axes:
        """Cost against lift of all settings on the search's worlds; colour: gaming; ringed: efficient."""
        table = self.frontier()
        currency = self.scenario.currency
        forms = [form_of_estimates([_point(x) for x in table[m]], currency, currency) for m in SHOWN]
        x, y, gamed = (table[m].to_numpy(dtype=float) * f.factor for m, f in zip(SHOWN, forms, strict=True))
        kept, best = table["feasible"].to_numpy(dtype=bool), table["efficient"].to_numpy(dtype=bool)
        shown = ax.scatter(x[kept], y[kept], c=gamed[kept], cmap="viridis", s=26, label="setting", zorder=2)
        if (~kept).any():
            ax.scatter(x[~kept], y[~kept], marker="x", color=QUIET, s=22, label="breaks a constraint", zorder=1)
        ax.scatter(x[best], y[best], s=90, facecolors="none", edgecolors="black", linewidths=1.1, label="efficient")
        for k, (name, told) in enumerate(self.retold.items()):
            cost, lift = (told.searched.shown[m].mean or 0.0 for m in SHOWN[:2])
            ax.plot(
                cost * forms[0].factor, lift * forms[1].factor, marker(k + 1), color=colour(5), markersize=9, label=name
            )
        ax.figure.colorbar(shown, ax=ax, label=with_unit("Gaming loss", forms[2].unit), pad=0.02)
        ax.margins(0.1)
        ax.set_xlabel(with_unit("Program cost", forms[0].unit))
        ax.set_ylabel(with_unit("Pipeline lift", forms[1].unit))
        ax.set_title("Cost, lift and gaming of the settings tried")
        legend_beside(ax, bbox_to_anchor=(1.24, 1.0))
        sample_note(ax, f"worlds of the search: {self.replications:,}, seed {self.seed}")
        return ax

    def draw_gains(self, ax: Axes) -> Axes:
        """Gain over the baseline in the search and on fresh worlds, with 95 % intervals."""
        told = list(self.retold.values())
        every = [got for t in told for got in (t.gain_searched, t.gain)]
        form = form_of_differences(every, self.scenario.currency, self.scenario.currency)
        for row, t in zip(rows_for(ax, [t.name for t in told]), told, strict=True):
            for shift, got, style in ((0.14, t.gain_searched, "s"), (-0.14, t.gain, "o")):
                mean, low, high = ((v or 0.0) * form.factor for v in (got.mean, got.low, got.high))
                shown = _SEEN if style == "s" else colour(1)
                label = "" if t is not told[0] else "in the search" if style == "s" else "on fresh worlds"
                interval(ax, (mean, low, high), row + shift, shown, fmt=style, sure=got.distinguishable, label=label)
        mark_zero(ax)
        ax.set_xlabel(with_unit("Net value, difference to the baseline", form.unit))
        ax.set_title("What is left of the gain on worlds that the search has not seen")
        legend_beside(ax)
        sample_note(ax, "bars: 95 % CI; open: not distinguishable from 0")
        return ax

    def draw_lever(self, ax: Axes, position: int = 0) -> Axes:
        """Predicted gain along one lever, the others at their best values, with the settings tried."""
        chosen, searched = self.levers.levers[position], self.searched
        gain = np.array([t.mean for t in searched.trials])
        form = form_of_differences([_difference(g) for g in gain], self.scenario.currency, self.scenario.currency)
        kept = np.array([t.feasible for t in searched.trials])
        tried = searched.settings[:, position]
        at, predicted = searched.along(position)
        row = self.flatness().iloc[position]
        ax.axvspan(row["se_low"], row["se_high"], color="#E3E3E3", zorder=0, label="loses at most one\nstandard error")
        ax.plot(at, predicted * form.factor, color=colour(1), label="predicted, others\nat their best")
        ax.plot(
            searched.settings[kept, position], gain[kept] * form.factor, "o", color="black", markersize=4, label="tried"
        )
        if (~kept).any():
            ax.plot(
                tried[~kept], gain[~kept] * form.factor, "x", color=QUIET, markersize=5, label="breaks a constraint"
            )
        ax.axvline(self.best[chosen.path], color=colour(5), linestyle="--", linewidth=1.4, label="best found")
        ax.set_xlabel(short_path(chosen.path))
        ax.set_ylabel(with_unit("Gain in the search", form.unit))
        ax.set_title(f"How flat the optimum is: {short_path(chosen.path)}")
        legend_beside(ax)
        sample_note(ax, f"worlds of the search: {self.replications:,}, seed {self.seed}")
        return ax

    def _settings(self) -> str:
        return ", ".join(f"{short_path(path)} = {value:.4g}" for path, value in self.best.items())

    def _gains(self, got: Difference, against: str) -> str:
        """What a paired difference says, no more than its interval allows."""
        currency = self.scenario.currency
        form = form_of_differences([got], currency, currency)
        if got.mean == 0 and got.se == 0:
            return f"gains exactly nothing over {against}"
        if not got.distinguishable:
            return f"gains nothing distinguishable from 0 over {against} (95 % CI {_span(form, got)} {form.unit})"
        word = "gains" if (got.mean or 0.0) > 0 else "loses"
        mean = form.number(abs(got.mean or 0.0))
        return f"{word} {mean} {form.unit} in net value over {against} (95 % CI {_span(form, got)})"

    def _curse(self, best: OutOfSampleResult) -> str:
        mean, se = best.curse
        form = form_of_estimates([Estimate(mean, se, None, None, None)], self.scenario.currency, self.scenario.currency)
        seen = form_of_differences([best.gain_searched], self.scenario.currency, self.scenario.currency)
        gain = f"{seen.number(best.gain_searched.mean, sign=True)} {seen.unit}"
        if abs(mean) <= 2 * se:
            return f"The search itself saw {gain}; the difference to fresh worlds is within its error."
        size = f"{form.number(mean)} \u00b1 {form.number(se)} {form.unit}"
        return f"The search itself saw {gain}, which flatters it by {size} (winner's curse)."

    def _at_ends(self) -> list[str]:
        """Levers whose best value is an end of their range."""
        ends = [x.path for x in self.levers.levers if self.best[x.path] in (x.low, x.high)]
        names = ", ".join(short_path(path) for path in ends)
        return [f"At an end of the range searched: {names}; a wider range may hold better."] if ends else []

    def _broken(self, best: OutOfSampleResult) -> list[str]:
        """Constraints that the best setting breaks on fresh worlds."""
        lines = []
        for limit, excess in zip(self.levers.limits, best.fresh.excess, strict=True):
            if excess > 0 and self.feasible:
                broken = self._metric(limit.metric, [best.fresh.shown[limit.metric]])
                lines.append(f"On fresh worlds it breaks {limit}: {broken.cells(self.scenario.currency)[0]}.")
        return lines

    def _metric(self, name: str, got: Sequence[Estimate | None]) -> Column:
        """A metric of each program on fresh worlds."""
        known = next((m for m in METRICS if isinstance(m, Metric) and m.name == name), None)
        unit = known.unit if known else "money"
        label = known.label if known else name
        return Column(name, label, got, self.scenario.currency if unit == "money" else unit)

    plot_kinds: ClassVar = {"frontier": draw_frontier, "gains": draw_gains, "lever": draw_lever}

    def _asked(self) -> dict[str, Any]:
        return {"scenario": self.scenario.name, "study": self.kind}

    def details(self) -> dict[str, Any]:
        """What was asked for, the best setting, the programs, and all settings tried."""
        return {
            "program": self.levers.program,
            "seed": self.seed, "replications": self.replications,
            "fresh_seed": self.fresh_seed, "fresh_replications": self.fresh_replications,
            "constraints": [str(limit) for limit in self.levers.limits],
            "feasible": self.feasible,
            "best": self.best,
            "programs": {name: _told(told) for name, told in self.retold.items()},
            "over_linear": None if self.over_linear is None else asdict(self.over_linear),
            "linear": None if self.linear is None else asdict(self.linear),
            "flatness": _records(self.flatness()),
            "settings": _records(self.frontier()),
            "lives": self.simulated_lives,
        }  # fmt: skip


def values_at(levers: Sequence[Lever], setting: Array) -> dict[str, float]:
    """Values by path; whole numbers where steps are whole."""
    return {lever.path: _plain(lever, float(x)) for lever, x in zip(levers, setting, strict=True)}


def _plain(lever: Lever, x: float) -> float:
    whole = lever.step.is_integer() and lever.step > 0 and float(lever.low).is_integer()
    return round(x) if whole else x


def _gain(gain: Array) -> Difference:
    return difference(mean_of(gain), mean_of(gain * 0.0))


def _efficient(table: pd.DataFrame) -> list[bool]:
    losses = table[list(SHOWN)].to_numpy(dtype=float) * [1.0, -1.0, 1.0]
    feasible = table["feasible"].to_numpy(dtype=bool)
    found = []
    for k, own in enumerate(losses):
        others = losses[feasible]
        beaten = ((others <= own).all(axis=1) & (others < own).any(axis=1)).any()
        found.append(bool(feasible[k] and not beaten))
    return found


def _told(told: OutOfSampleResult) -> dict[str, Any]:
    curse, curse_se = told.curse
    return {
        "gain_in_search": asdict(told.gain_searched),
        "gain": {**asdict(told.gain), "distinguishable": told.gain.distinguishable},
        "curse": {"mean": curse, "se": curse_se},
        **{metric: asdict(got) for metric, got in told.fresh.shown.items()},
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): None if v != v else v for k, v in row.items()} for row in table.to_dict(orient="records")]


REPLICATIONS = 200
"""Replications of the search, by default."""
FRESH = 2
"""So many times as many fresh worlds as the search had."""


@study(
    "optimize",
    "Tune the levers of a program of SCENARIO for its goals under constraints, and try the best on fresh worlds.",
    examples=["optimize scenarios/quickstart.toml --levers scenarios/quickstart_levers.toml"],
)
def optimize(
    scenario: Scenario,
    levers: Annotated[
        Levers | str | os.PathLike[str],
        Option("Levers file: what may be chosen, and constraints", "FILE", parse=str),
    ],
    *,
    replications: Annotated[int | None, Option("Worlds of the search  [default: 200]", "N")] = None,
    seed: int | None = None,
    evaluations: Annotated[int | None, Option("Most settings to simulate  [default: 20 + 10 per lever]", "M")] = None,
    fresh_replications: Annotated[
        int | None, Option("Fresh worlds to try the best on  [default: twice those of the search]", "N")
    ] = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Optimum:
    """Tune the levers of a program for the highest net value under constraints.

    levers: as read, or a levers file; replications: worlds of the search; seed: the scenario's if None, fresh worlds
    have the next one; evaluations: most settings to simulate, 20 and 10 per lever if None; fresh_replications: twice
    those of the search if None. Raises `InputError` for what cannot be run.
    """
    asked = levers if isinstance(levers, Levers) else load_levers(levers, scenario)
    count = REPLICATIONS if replications is None else replications
    fresh = FRESH * count if fresh_replications is None else fresh_replications
    start = scenario.run.seed if seed is None else seed
    most = 20 + 10 * len(asked.levers) if evaluations is None else evaluations
    RunSettings.of(scenario, replications=min(count, fresh), seed=seed, workers=workers)
    if most < len(asked.levers) + 3:
        raise InputError([Problem("options", "evaluations", shown(most), f"must be at least {len(asked.levers) + 3}")])
    return _Tuning(Bench(scenario, count, start, workers, progress), asked).run(most, fresh)


class _Tuning:
    """A search on a bench: settings as variants, and the stories of the best one."""

    def __init__(self, bench: Bench, asked: Levers) -> None:
        self._bench, self._asked, self._scenario = bench, asked, bench.scenario
        self._lives = 0

    def run(self, evaluations: int, fresh: int) -> Optimum:
        levers = self._asked.levers
        here = [float(value_at(self._scenario, lever.path)) for lever in levers]
        inside = all(lever.low <= v <= lever.high for lever, v in zip(levers, here, strict=True))
        searched = search(
            levers, self._evaluate, evaluations=evaluations, seed=self._bench.seed, permitted=self._permitted,
            start=here if inside else None,
        )  # fmt: skip
        best = self._program(searched.settings[searched.closest])
        programs = {AS_IS: self._scenario.programs[self._asked.program], BEST: best}
        linear = self._linear(best)
        if linear is not None and linear.reached:
            programs[LINEAR] = flat_share(linear.rate)
        other = self._bench.elsewhere(fresh, self._bench.seed + 1)
        told = self._retold(programs, other)
        return Optimum(
            self._scenario, self._asked, searched, told, linear, self._bench.seed, self._bench.replications,
            other.seed, other.replications, self._lives,
        )  # fmt: skip

    def _evaluate(self, settings: Array) -> list[SearchTrial]:
        return self._trials([self._program(s) for s in settings], self._bench)

    def _retold(self, programs: Mapping[str, Program], fresh: Bench) -> dict[str, OutOfSampleResult]:
        before, after = (self._trials(list(programs.values()), bench) for bench in (self._bench, fresh))
        return {name: OutOfSampleResult(name, one, two) for name, one, two in zip(programs, before, after, strict=True)}

    def _trials(self, programs: Sequence[Program], bench: Bench) -> list[SearchTrial]:
        names = numbered(programs)
        simulated = bench.simulate(names)
        self._lives += len(names) * bench.replications
        return [self._trial(simulated, name) for name in names]

    def _trial(self, simulated: SimulationResult, name: str) -> SearchTrial:
        shown_here = {}
        excess = []
        for metric in dict.fromkeys((*SHOWN, *(limit.metric for limit in self._asked.limits))):
            found = statistic_in(simulated, name, metric)
            if found is not None:
                shown_here[metric] = estimate(found)
        shown_here[NET_VALUE] = estimate(mean_of(value_in(simulated, name)))
        for limit in self._asked.limits:
            got = shown_here.get(limit.metric)
            excess.append(limit.excess(got.mean if got else None))
        return SearchTrial(gain_in(simulated, name), tuple(excess), shown_here)

    def _program(self, setting: Array) -> Program:
        return variant(self._scenario, self._asked.program, values_at(self._asked.levers, setting))

    def _permitted(self, setting: Array) -> bool:
        return permitted(self._scenario, self._asked.program, values_at(self._asked.levers, setting))

    def _linear(self, best: Program) -> FlatShare | None:
        """The flat share of revenue that costs as much as `best` on the worlds of the search."""
        cost = cost_in(self._bench.simulate({"best": best}), "best")
        return None if float(cost.mean()) <= 0 else flat_share_costing(self._bench, cost)


_SEEN = "#A6A6A6"


def short_path(path: str) -> str:
    """A path below its program."""
    return path.split(".", 2)[2].removeprefix("components.")


def _point(x: float) -> Estimate:
    return Estimate(float(x), None, None, None, None)


def _difference(x: float) -> Difference:
    return Difference(float(x), None, None, None)


_SCAN = 101


def _span(form: NumberFormat, got: Difference) -> str:
    return f"{form.number(got.low, sign=True)} to {form.number(got.high, sign=True)}"
