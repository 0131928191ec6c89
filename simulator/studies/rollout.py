"""A gradual rollout with limits, in many worlds: how often it would have stopped, rightly or wrongly, and what it is
worth with and without the limits.

A gradual rollout in words, as text and as a figure. What is within the Monte Carlo error is called so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.pilots.gradual_rollout import RolloutRuns, simulate_rollouts
from simulator.pilots.interim_analysis import REASONS
from simulator.pilots.plan import Given, Plan, plan_of, scenario_of
from simulator.pilots.simulate import concatenate
from simulator.report.formats import UNDEFINED, NumberFormat, form_of
from simulator.report.plots import colour, new_axes, sample_note, styled
from simulator.report.text import WIDTH, text_table, wrap
from simulator.runs.simulate import read_chunks
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate, estimate, probability_of
from simulator.stats.sensitivity.factors import EstimateWithCI, mean_figure
from simulator.studies.base import Study, check_run, timed
from simulator.world.setting import WEEKS_PER_QUARTER

REPLICATIONS = 256
"""Worlds that are simulated unless told."""


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

    def table(self) -> pd.DataFrame:
        """A row per case with its probability, and per way to roll out with its net value; error and 95 % limits."""
        rows = [
            {"figure": name, "unit": "probability", "value": p.mean, "se": p.se, "low": p.low, "high": p.high}
            for name, p in self.odds.items()
        ]
        rows += [
            {"figure": name, "unit": self.scenario.currency, "value": f.value, "se": f.se, "low": f.low, "high": f.high}
            for name, f in self.worth.items()
        ]
        return pd.DataFrame(rows)

    def quarters(self) -> pd.DataFrame:
        """A row per quarter: share on the candidate, share of worlds stopped by its end, medians of what is seen."""
        s, count = self.staged, self.staged.on.shape[1]
        stopped = [float(np.mean((s.stop > 0) & (s.stop <= q + 1))) for q in range(count)]
        table = pd.DataFrame({"quarter": range(count), "on": s.on.mean(axis=0), "stopped": stopped})
        for k, name in enumerate(REASONS):
            known = [column[np.isfinite(column)] for column in s.seen[:, k].T]
            table[name] = [float(np.median(column)) if len(column) else np.nan for column in known]
        return table

    def headline(self) -> list[str]:
        """How often it stops, whether rightly, and what the limits are worth."""
        # MOVED

        return headline(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Share on the candidate, and share of worlds stopped, by quarter."""
        # MOVED

        return draw(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts."""
        table = self.table().set_index("figure")
        by_quarter = self.quarters().astype(object)
        return {
            "scenario": self.scenario.name,
            "study": "rollout",
            "plan": self.plan.model_dump(mode="json"),
            "seed": self.seed,
            "worlds": len(self.staged.at_once),
            "figures": table.astype(object).where(table.notna(), None).to_dict(orient="index"),
            "quarters": by_quarter.where(by_quarter.notna(), None).to_dict(orient="records"),
            "headline": self.headline(),
        }


@timed
def rollout(
    scenario: Scenario,
    plan: Given,
    *,
    replications: int = REPLICATIONS,
    seed: int | None = None,
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StagedRollout:
    """Simulate a plan's gradual rollout over the scenario's horizon, and count how often its limits stop it rightly.

    plan: a plan file, nested dicts, or a `Plan`, of which the candidate, `rollout.milestones`, `guardrails`,
    `design.unit` (what joins as one) and `measure.outcome` (of the lift) are used; replications: worlds; seed: the
    scenario's if None. Neither workers nor chunk changes a result. Raises `InputError` with all faults.
    """
    checked = plan_of(plan, scenario)
    scenario = scenario_of(checked, scenario)
    start = scenario.run.seed if seed is None else seed
    check_run(replications=replications, seed=start, workers=workers, chunk=chunk)
    if scenario.time.horizon_weeks < 2 * WEEKS_PER_QUARTER:
        weeks, rule = scenario.time.horizon_weeks, f"must be at least {2 * WEEKS_PER_QUARTER} for a rollout in steps"
        raise fault("scenario", "time.horizon_weeks", weeks, rule)
    parts = read_chunks(
        scenario,
        [checked.candidate],
        partial(simulate_rollouts, plan=checked, goals=scenario.goals),
        replications=replications,
        seed=start,
        workers=workers,
        chunk=chunk,
        progress=progress,
    )
    return StagedRollout(scenario, checked, start, concatenate(parts))


_PERCENT = NumberFormat(100.0, 1, "%")


def headline(study: StagedRollout) -> list[str]:
    """How often it stops, whether rightly, and what the limits are worth."""
    odds, worth = study.odds, study.worth
    form = _form(study)
    if not study.plan.guardrails.any:
        return [f"No limit is set: nothing stops the rollout. It is worth {_money(study, 'by milestones')}."]
    said = [
        f"The rollout stops rightly in {_text(odds['stopped rightly'])} of worlds and wrongly in "
        f"{_text(odds['stopped wrongly'])}; it goes on though it loses money in {_text(odds['went on wrongly'])}."
    ]
    gain = worth["the limits"]
    verdict = "gain" if gain.low > 0 else "lose" if gain.high < 0 else "gain or lose, not told apart from 0,"
    said.append(
        f"The limits {verdict} {form.number(abs(gain.value))} {form.unit} on average (95 % CI "
        f"{form.number(gain.low)} to {form.number(gain.high)}): the rollout is worth {_money(study, 'by milestones')} "
        f"without them and {_money(study, 'with limits')} with them."
    )
    return said


def describe(study: StagedRollout, width: int = WIDTH) -> str:
    """Headline, odds, net values, and quarter by quarter."""
    form = _form(study)
    odds = [(name, [_text(p), _limits(p)]) for name, p in study.odds.items()]
    worth = [
        (name, [f"{form.number(f.value)} \u00b1 {form.number(f.se)}", f"{form.number(f.low)} to {form.number(f.high)}"])
        for name, f in study.worth.items()
    ]
    quarters = study.quarters()
    rows = [
        (str(int(row["quarter"])), [_share(float(row[name])) for name in quarters.columns[1:]])
        for _, row in quarters.iterrows()
    ]
    head, error = ["on it", "stopped", *REASONS], ["mean \u00b1 SE", "95 % CI"]
    return "\n\n".join([
        study.sample_text,
        wrap(headline(study), width),
        f"How it goes\n{text_table(error, odds, width)}",
        f"Net value over the horizon, more than with nobody on it [{form.unit}]\n"
        f"{text_table(error, worth, width)}",
        f"By quarter; what limits look at: medians, as if never stopped\n{text_table(head, rows, width)}",
    ])  # fmt: skip


def draw(study: StagedRollout, ax: Axes | None = None) -> Axes:
    """Share on the candidate by the milestones, and share of worlds stopped, by quarter."""
    table = study.quarters()
    with styled():
        ax = new_axes() if ax is None else ax
        ends = table["quarter"] + 1
        on = 100 * table["on"]
        ax.step([0, *ends], [*on, on.iloc[-1]], where="post", color=colour(0), label="partners on it, if not stopped")
        ax.step(ends, 100 * table["stopped"], where="post", color=colour(1), label="worlds stopped")
        ax.set_xticks([0, *ends])
        ax.set_ylim(0.0, 103.0)
        ax.set_xlabel("quarters after launch")
        ax.set_ylabel("share [%]")
        ax.set_title(f"Rollout of {study.plan.candidate}")
        ax.legend(loc="upper left", fontsize=8)
        sample_note(ax, study.sample_text)
    return ax


def _form(study: StagedRollout) -> NumberFormat:
    shown = list(study.worth.values())
    currency = study.scenario.currency
    return form_of([f.value for f in shown], [f.se for f in shown], currency, currency)


def _money(study: StagedRollout, name: str) -> str:
    form, f = _form(study), study.worth[name]
    return f"{form.number(f.value)} {form.unit} (95 % CI {form.number(f.low)} to {form.number(f.high)})"


def _text(p: Estimate) -> str:
    error = "" if p.se is None else f" \u00b1 {_PERCENT.number(p.se)}"
    return UNDEFINED if p.mean is None else f"{_PERCENT.number(p.mean)}{error} %"


def _limits(p: Estimate) -> str:
    return UNDEFINED if p.low is None or p.high is None else f"{_PERCENT.number(p.low)} to {_PERCENT.number(p.high)} %"


def _share(value: float) -> str:
    return "\u2013" if value != value else f"{100 * value:.1f} %"
