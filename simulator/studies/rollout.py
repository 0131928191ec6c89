"""A gradual rollout with limits, in many worlds: how often it would have stopped, rightly or wrongly, and what it is
worth with and without the limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.pilots.gradual_rollout import RolloutRuns, simulate_rollouts
from simulator.pilots.interim_analysis import REASONS
from simulator.pilots.plan import Given, Plan, plan_of, scenario_of
from simulator.pilots.simulate import concatenate
from simulator.report.formats import NumberFormat, form_of
from simulator.report.plots import colour, sample_note
from simulator.report.tables import Column, Table
from simulator.runs.simulate import read_chunks
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate, estimate, probability_of
from simulator.stats.sensitivity.factors import EstimateWithCI, mean_figure
from simulator.studies.base import Study
from simulator.studies.registry import Option, study
from simulator.studies.settings import Progress, RunSettings
from simulator.world.setting import WEEKS_PER_QUARTER

REPLICATIONS = 256
"""Worlds that are simulated by default."""
_PERCENT = NumberFormat(100.0, 1, "%")


@dataclass(frozen=True)
class StagedRollout(Study):
    """What a plan's rollout and its limits do. staged: world by world."""

    scenario: Scenario
    plan: Plan
    seed: int
    staged: RolloutRuns

    @property
    def title(self) -> str:
        """What was studied."""
        return f"{self.scenario.name}: a rollout of {self.plan.candidate}"

    @property
    def sample_text(self) -> str:
        """What the figures rest on."""
        return f"{len(self.staged.at_once):,} simulated worlds, seed {self.seed}"

    @property
    def odds(self) -> dict[str, Estimate]:
        """How it goes, and whether that was right: the candidate gains or loses with everybody on it."""
        gains, stopped = self.staged.at_once > 0, self.staged.stop > 0
        cases = {
            "stopped rightly": stopped & ~gains,
            "stopped wrongly": stopped & gains,
            "went on rightly": ~stopped & gains,
            "went on wrongly": ~stopped & ~gains,
        }
        cases |= {f"stopped by {name}": stopped & (self.staged.why == k) for k, name in enumerate(REASONS)}
        return {name: estimate(probability_of(case)) for name, case in cases.items()}

    @property
    def worth(self) -> dict[str, EstimateWithCI]:
        """Money over the horizon, more than with nobody on the candidate; of the limits, more than without them."""
        s = self.staged
        parts = {"all at once": s.at_once, "by milestones": s.without_limits, "with limits": s.with_limits}
        return {name: mean_figure(x) for name, x in {**parts, "the limits": s.with_limits - s.without_limits}.items()}

    def headline(self) -> list[str]:
        """How often it stops, whether rightly, and what the limits are worth."""
        if not self.plan.guardrails.any:
            return [f"No limit is set: nothing stops the rollout. It is worth {self._money('by milestones')}."]
        odds = {name: f"{_PERCENT.estimate(p)} %" for name, p in self.odds.items()}
        gain, form = self.worth["the limits"], self._form()
        verdict = "gain" if gain.low > 0 else "lose" if gain.high < 0 else "make no clear difference:"
        size = form.number(abs(gain.value)) if gain.distinguishable else form.number(gain.value, sign=True)
        return [
            f"The rollout stops rightly in {odds['stopped rightly']} of worlds and wrongly in "
            f"{odds['stopped wrongly']} (missed opportunity); it goes on though it loses money in "
            f"{odds['went on wrongly']} (wrong launch).",
            f"The limits {verdict} {size} {form.unit} on average (95 % CI {form.number(gain.low)} to "
            f"{form.number(gain.high)}): the rollout is worth {self._money('by milestones')} without them and "
            f"{self._money('with limits')} with them.",
        ]

    def tables(self) -> list[Table]:
        """How it goes, what it is worth, and quarter by quarter."""
        odds, worth, currency = self.odds, self.worth, self.scenario.currency
        return [
            Table("How it goes", list(odds), _columns(list(odds.values()), "probability", _PERCENT)),
            Table(
                "Net value over the horizon, more than with nobody on it",
                list(worth),
                _columns([_estimate(f) for f in worth.values()], currency, self._form()),
                currency,
            ),
            self._by_quarter(),
        ]

    def notes(self) -> list[str]:
        """How to read the quarters."""
        return ["By quarter, what limits look at: medians over worlds, as if never stopped."]

    def table(self) -> pd.DataFrame:
        """A row per case with its probability, and per way to roll out with its net value; error and 95 % limits."""
        odds, worth, _ = (table.frame() for table in self.tables())
        names = [*self.odds, *self.worth]
        units = ["probability"] * len(odds) + [self.scenario.currency] * len(worth)
        whole = pd.concat([odds, worth], ignore_index=True)
        return whole.assign(figure=names, unit=units)[["figure", "unit", *odds.columns]]

    def quarters(self) -> pd.DataFrame:
        """A row per quarter: share on the candidate, share of worlds stopped by its end, medians of what is seen."""
        return self._by_quarter().frame()

    def details(self) -> dict[str, Any]:
        """The plan and the seed."""
        return {"plan": self.plan.model_dump(mode="json"), "seed": self.seed}

    def draw_quarters(self, ax: Axes) -> Axes:
        """Share on the candidate by the milestones, and share of worlds stopped, by quarter."""
        table = self.quarters()
        ends, on = table["quarter"].astype(int) + 1, 100 * table["on"]
        ax.step([0, *ends], [*on, on.iloc[-1]], where="post", color=colour(0), label="partners on it, if not stopped")
        ax.step(ends, 100 * table["stopped"], where="post", color=colour(1), label="worlds stopped")
        ax.set_xticks([0, *ends])
        ax.set_ylim(0.0, 103.0)
        ax.set_xlabel("quarters after launch")
        ax.set_ylabel("share [%]")
        ax.set_title(f"Rollout of {self.plan.candidate}")
        ax.legend(loc="upper left", fontsize=8)
        sample_note(ax, self.sample_text)
        return ax

    plot_kinds: ClassVar = {"quarters": draw_quarters}

    def _by_quarter(self) -> Table:
        s, count = self.staged, self.staged.on.shape[1]
        stopped = [float(np.mean((s.stop > 0) & (s.stop <= q + 1))) for q in range(count)]
        columns = [
            Column("on", "on it", [float(x) for x in s.on.mean(axis=0)], "share", _PERCENT),
            Column("stopped", "stopped", stopped, "share", _PERCENT),
        ]
        for k, name in enumerate(REASONS):
            known = [column[np.isfinite(column)] for column in s.seen[:, k].T]
            medians = [float(np.median(column)) if len(column) else None for column in known]
            columns.append(Column(name, name, medians, "share", _PERCENT))
        return Table("By quarter", [str(q) for q in range(count)], columns, key="quarter")

    def _form(self) -> NumberFormat:
        shown, currency = list(self.worth.values()), self.scenario.currency
        return form_of([f.value for f in shown], [f.se for f in shown], currency, currency)

    def _money(self, name: str) -> str:
        form, f = self._form(), self.worth[name]
        return f"{form.number(f.value)} {form.unit} (95 % CI {form.number(f.low)} to {form.number(f.high)})"


def _estimate(f: EstimateWithCI) -> Estimate:
    return Estimate(f.value, f.se, None, None, None, low=f.low, high=f.high)


def _columns(found: list[Estimate], unit: str, form: NumberFormat) -> list[Column]:
    """Values with their errors, and their 95 % limits."""
    return [
        Column("value", "mean \u00b1 SE", found, unit, form),
        Column("low", "95 % CI from", [got.low for got in found], unit, form),
        Column("high", "to", [got.high for got in found], unit, form),
    ]


@study(
    "rollout",
    "Simulate the gradual rollout of a plan in SCENARIO: how often its limits stop it, rightly or wrongly.",
    examples=["rollout scenarios/b2b_manufacturer.toml --plan scenarios/pilots/b2b_manufacturer.toml"],
)
def rollout(
    scenario: Scenario,
    plan: Annotated[Given, Option("Plan file: candidate, milestones, limits", "FILE", parse=str)],
    *,
    replications: Annotated[int, Option("Worlds to simulate", "N")] = REPLICATIONS,
    seed: int | None = None,
    workers: int = 1,
    chunk: int | None = None,
    progress: Progress | None = None,
) -> StagedRollout:
    """Simulate a plan's gradual rollout over the scenario's horizon, and count how often its limits stop it rightly.

    plan: a plan file, nested dicts, or a `Plan`, of which the candidate, `rollout.milestones`, `guardrails`,
    `design.unit` (what joins as one) and `measure.outcome` (of the lift) are used; replications: worlds; seed: the
    scenario's if None. Neither workers nor chunk changes a result. Raises `InputError` with all faults.
    """
    checked = plan_of(plan, scenario)
    scenario = scenario_of(checked, scenario)
    settings = RunSettings.of(scenario, replications=replications, seed=seed, workers=workers, chunk=chunk)
    if scenario.time.horizon_weeks < 2 * WEEKS_PER_QUARTER:
        weeks, rule = scenario.time.horizon_weeks, f"must be at least {2 * WEEKS_PER_QUARTER} for a rollout in steps"
        raise fault("scenario", "time.horizon_weeks", weeks, rule)
    parts = read_chunks(
        scenario,
        [checked.candidate],
        partial(simulate_rollouts, plan=checked, goals=scenario.goals),
        replications=replications,
        seed=settings.seed,
        workers=workers,
        chunk=chunk,
        progress=progress,
    )
    return StagedRollout(scenario, checked, settings.seed, concatenate(parts))
