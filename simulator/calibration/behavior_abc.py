"""Uncertain behavior fitted to what an export shows, by approximate Bayesian computation with the vector engine.

Each replication of the scenario draws its uncertain numbers from their stated distributions and leaves an export of
its own; moments of it (when wins close, where partners' quarters end beside a threshold, who is active) are held
against those of the real export. For each number its linear regression on the moments is the summary (Fearnhead and
Prangle 2012, JRSS B 74); the third of the draws whose summary is nearest is kept and moved along a local regression,
weighted by nearness (Beaumont, Zhang and Balding 2002, Genetics 162). Numbers are regressed as normal scores of their
place in the prior, so that none leaves its bounds. A moment beyond all draws counts as the furthest of them, as no line
is known to hold there. What the moments do not move keeps its prior, and the study says so: the share of a number's
variance over all draws that the moments tell (adjusted R^2), and the moment that goes with it most.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri
from scipy.stats import spearmanr

from simulator.calibration.clean import read_export
from simulator.calibration.crm_detection import source_of
from simulator.calibration.sales_cycle import refusal
from simulator.calibration.side_files import NO_COMPANIONS, CompanionFiles
from simulator.calibration.simulated_export import simulated_exports
from simulator.core.arrays import Array, Bools
from simulator.core.errors import fault
from simulator.program.components.bonus import Bonus
from simulator.runs.designs import SOBOL, drawn_values, unit_points
from simulator.scenario.load import parse
from simulator.scenario.paths import bounds_at
from simulator.scenario.schema import Scenario
from simulator.scenario.uncertainty import quantile
from simulator.studies.base import Study, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KEPT = 1 / 3
MIN_REPLICATIONS = 100
TRIED = 200
"""Simulated exports that are taken for the real one at most, to see whether intervals hold."""
FILLING_CYCLES = 3.25
MOVED = 0.1
"""A number of whose variance the moments tell a smaller share is not identified; chance tells .03 of 100 draws."""
BEHAVIOR = ("behavior.", "gaming.", "participation.", "trust.")
_SCORES = (np.arange(19) + 0.5) / 19


@dataclass(frozen=True)
class FittedBehaviorNumber:
    """What the moments say of one number: prior and posterior mean and sd; told: share of its variance over all draws
    that they tell; by: the moment that goes with it most, and their rank correlation; values: 19 quantiles of the
    posterior; held: share of simulated exports, each taken for the real one, whose 90 % interval holds the number that
    made it."""

    path: str
    prior: tuple[float, float]
    posterior: tuple[float, float]
    told: float
    by: tuple[str, float]
    values: tuple[float, ...]
    held: float

    @property
    def interval(self) -> tuple[float, float]:
        """The posterior's 90 % interval."""
        low, high = np.interp([0.05, 0.95], _SCORES, self.values)
        return float(low), float(high)

    @property
    def identified(self) -> bool:
        """Whether the moments move it enough."""
        return self.told >= MOVED


@dataclass(frozen=True)
class FittedBehavior(Study):
    """moments: observed, and mean and sd over the simulated exports, by name; outside: moments that hardly any draw
    comes near (1 % on either side); weeks: of the export that were held against the simulated ones."""

    scenario: Scenario
    replications: int
    learned: tuple[FittedBehaviorNumber, ...]
    moments: Mapping[str, tuple[float, float, float]]
    outside: tuple[str, ...]
    weeks: int

    @property
    def title(self) -> str:
        """What was fitted."""
        return f"{self.scenario.name}: behavior fitted to an export"

    @property
    def sample_text(self) -> str:
        """What it rests on."""
        return (
            f"last {self.weeks} weeks; {self.replications:,} simulated exports, the nearest third kept for each number"
        )

    def table(self) -> pd.DataFrame:
        """A row per number: prior, posterior, how much the moments tell and which most."""
        return pd.DataFrame([
            {"path": x.path, "prior_mean": x.prior[0], "prior_sd": x.prior[1], "mean": x.posterior[0],
             "sd": x.posterior[1], "low": x.interval[0], "high": x.interval[1], "variance_told": x.told,
             "moment": x.by[0], "correlation": x.by[1], "held_90": x.held, "identified": x.identified}
            for x in self.learned
        ])  # fmt: skip

    def headline(self) -> list[str]:
        """What was learned, what was not, and where no draw comes near the export."""
        found = [
            f"{x.path}: {x.posterior[0]:.3g} +- {x.posterior[1]:.2g} (before {x.prior[0]:.3g} +- {x.prior[1]:.2g}), "
            f"90 % interval {x.interval[0]:.3g} to {x.interval[1]:.3g}, mostly by {x.by[0]}; such intervals held "
            f"{x.held:.0%} of the simulated exports' own numbers"
            for x in self.learned if x.identified
        ]  # fmt: skip
        kept = [x.path for x in self.learned if not x.identified]
        if kept:
            found.append(f"not identified, prior kept: {', '.join(kept)}")
        return [*found, *(f"hardly any draw has the export's {name}: something is missing" for name in self.outside)]

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Share of each number's variance that the moments tell."""
        from simulator.report.plots import colour, new_axes, rows_for, sample_note, styled

        with styled():
            ax = new_axes() if ax is None else ax
            rows = rows_for(ax, [x.path for x in self.learned])
            ax.barh(rows, [100 * max(x.told, 0.0) for x in self.learned], height=0.6, color=colour(1))
            ax.set_xlabel("Variance told by the moments [%]")
            ax.set_title("What the export says of behavior")
            sample_note(ax, self.sample_text)
        return ax

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts."""
        return {
            "scenario": self.scenario.name,
            "study": "behavior",
            "replications": self.replications,
            "weeks": self.weeks,
            "learned": self.table().to_dict("records"),
            "moments": {
                name: dict(zip(("observed", "simulated", "sd"), values, strict=True))
                for name, values in self.moments.items()
            },
            "headline": self.headline(),
        }

    def summary(self) -> str:
        """A screenful."""
        shown = self.table().drop(columns=["low", "high", "moment", "correlation"])
        table = shown.to_string(index=False, float_format="{:.3g}".format)
        seen = pd.DataFrame(self.moments, index=["observed", "simulated", "sd"]).T
        moments = seen.to_string(float_format="{:.3g}".format)
        return "\n".join([self.title, self.sample_text, "", table, "", moments, "", *self.headline()])

    def uncertainty(self) -> str:
        """Tables of a scenario file with the posterior of what was identified."""
        return "\n".join(
            f'[uncertainty."{x.path}"]\ndistribution = "empirical"\n'
            f"values = [{', '.join(f'{v:.6g}' if '.' in f'{v:.6g}' else f'{v:.6g}.0' for v in x.values)}]\n"
            'source = "simulated moments of an export"\n'
            for x in self.learned if x.identified
        )  # fmt: skip


@timed
def behavior(
    scenario: Scenario, export: Path, profile: Path | str | None, *, replications: int, seed: int, weeks: int = 52,
    companions: CompanionFiles = NO_COMPANIONS,
) -> FittedBehavior:  # fmt: skip
    """Fit the uncertain behavior of `scenario` (whose `baseline` was in force for the last `weeks`) to an export.

    companions: roster, stage history and rates that go with it. Raises `InputError` where no number of behavior,
    gaming, participation or trust is uncertain, there are fewer than 100 replications, the weeks are more than the
    export or the simulated ones have, or the export cannot be used.
    """
    source = source_of(export, profile, companions.rates)
    read = read_export(export, source=source, companions=companions)
    if reason := refusal(read.rows.assign(market="market"), source.profile):
        raise fault(str(export), "closed", None, f"behavior shows in closing dates, but {reason}")
    return fit_behavior(scenario, read.rows, read.end, replications=replications, seed=seed, weeks=weeks)


def _require(scenario: Scenario, paths: Sequence[str], span: float, replications: int, weeks: int) -> None:
    """Refuse what cannot be fitted. span: weeks of the export."""
    if not paths:
        raise fault("scenario", "uncertainty", None, f"no number of {', '.join(BEHAVIOR)} is uncertain")
    if replications < MIN_REPLICATIONS:
        raise fault("options", "replications", replications, f"must be at least {MIN_REPLICATIONS}")
    # A simulated pipeline takes a while to fill.
    filling = math.ceil(FILLING_CYCLES * max(market.cycle_weeks for market in scenario.markets.values()))
    simulated = scenario.time.burn_in_weeks + scenario.time.horizon_weeks - filling
    most = min(simulated, int(span))
    if weeks > most:
        rule = (
            f"must be at most {most}: the export has {int(span)} weeks, simulated ones {simulated} of full pipeline, "
            "which a later horizon lengthens"
        )
        raise fault("options", "weeks", weeks, rule)


def fit_behavior(
    scenario: Scenario, rows: pd.DataFrame, end: pd.Timestamp, *, replications: int, seed: int, weeks: int = 52
) -> FittedBehavior:
    """The same for checked rows."""
    paths = [path for path in scenario.uncertainty if path.startswith(BEHAVIOR)]
    _require(scenario, paths, (end - rows["created"].min()) / pd.Timedelta(weeks=1), replications, weeks)
    ids = np.arange(replications)
    unit = unit_points(scenario, SOBOL, seed, ids)
    assert unit is not None
    values = drawn_values(scenario, unit)
    steps = thresholds(scenario)
    worlds = simulated_exports(scenario, seed=seed, replications=ids.tolist())
    simulated = pd.DataFrame([moments(world.opportunities, world.end, steps, weeks) for world in worlds])
    observed = moments(rows, end, steps, weeks)
    used = [name for name in observed if simulated[name].std() > 0 and np.isfinite(observed[name])]
    table, seen = simulated[used].to_numpy(dtype=float), np.array([observed[name] for name in used])
    place = {path: k for k, path in enumerate(scenario.uncertainty)}
    points = unit[:, [place[path] for path in paths]]
    learned = []
    for k, path in enumerate(paths):
        kept, weight, told = posterior(points[:, k], table, np.clip(seen, table.min(axis=0), table.max(axis=0)))
        if told < MOVED:
            kept, weight = points[:, k], np.ones(replications)
        drawn = quantile(scenario.uncertainty[path], kept, *bounds_at(scenario, path))
        held = recovery(points[:, k], table)
        learned.append(_learned_number(path, values[path], drawn, weight, told, simulated[used], held))
    shares = {name: float((simulated[name] <= observed[name]).mean()) for name in used}
    outside = tuple(name for name, share in shares.items() if not 0.01 <= share <= 0.99)
    shown = {n: (observed[n], float(simulated[n].mean()), float(simulated[n].std())) for n in used}
    return FittedBehavior(scenario, replications, tuple(learned), shown, outside, weeks)


def posterior(points: Array, simulated: Array, observed: Array) -> tuple[Array, Array, float]:
    """Kept draws of a number moved to the observed moments, (n,) in (0, 1), their weights (n,), and the share of the
    number's variance over all draws that the moments tell.

    points: (R,) places of the draws in the prior; simulated: (R, M); observed: (M,).
    """
    scores, count = ndtri(points), len(points)
    spread = simulated.std(axis=0)
    design = np.column_stack([np.ones(count), (simulated - observed) / spread])
    slopes = np.linalg.lstsq(design, scores, rcond=None)[0]
    gap = design[:, 1:] @ slopes[1:]  # of the summary, to the observed one
    told = 1 - (scores - design @ slopes).var() / scores.var() * (count - 1) / (count - design.shape[1])
    rows = np.argsort(np.abs(gap), kind="stable")[: int(np.ceil(KEPT * count))]
    near, kept = gap[rows], scores[rows]
    weight = np.maximum(1 - (near / np.abs(near).max()) ** 2, 1e-6)
    middle = np.average(near, weights=weight)
    slope = np.average((near - middle) * kept, weights=weight) / np.average((near - middle) ** 2, weights=weight)
    level = np.average(kept - slope * near, weights=weight)
    # Residuals of two fitted numbers are too narrow for the draws that count.
    worth = weight.sum() ** 2 / (weight**2).sum()
    moved = level + (kept - slope * near - level) * np.sqrt(worth / (worth - 2))
    return np.asarray(ndtr(moved)), weight, float(told)


def recovery(points: Array, simulated: Array) -> float:
    """Share of simulated exports, each taken for the real one and the others for the simulations, whose 90 % interval
    holds the number that made it."""
    held = []
    for k in range(min(TRIED, len(points))):
        others = np.arange(len(points)) != k
        kept, weight, _ = posterior(points[others], simulated[others], simulated[k])
        order = np.argsort(kept)
        low, high = np.interp([0.05, 0.95], _middles(weight[order]), kept[order])
        held.append(low <= points[k] <= high)
    return float(np.mean(held))


def _middles(weight: Array) -> Array:
    """Cumulated shares at the middle of each weight."""
    return np.asarray((np.cumsum(weight) - 0.5 * weight) / weight.sum())


def thresholds(scenario: Scenario) -> tuple[float, ...]:
    """Sums of money per quarter at which the baseline pays a lump."""
    found: set[float] = set()
    for component in scenario.programs["baseline"].components.values():
        if isinstance(component, Bonus) and component.measure == "revenue":
            found |= {float(lump.at) for lump in component.lumps}
    return tuple(sorted(found))


def moments(rows: pd.DataFrame, end: pd.Timestamp, steps: Sequence[float] = (), weeks: int = 52) -> dict[str, float]:
    """Moments of an export's partner deals (columns `owner`, `created`, `closed`, `outcome`, `amount`, `direct`) in the
    last weeks: share of wins in the last and first week of quarters, of losses in the last, share of partners' quarters
    with something new, share of quarters within a tenth of a threshold that lie above it."""
    part = rows[~rows["direct"].astype(bool)]
    since = end - pd.Timedelta(weeks=weeks)
    closed = part[part["closed"] > since]
    won, lost = (closed[closed["outcome"].eq(name)] for name in ("won", "lost"))
    found = {
        "wins in the last week of quarters": _share(_to_end(won["closed"]) < 7),
        "wins in the first week of quarters": _share(_from_start(won["closed"]) < 7),
        "losses in the last week of quarters": _share(_to_end(lost["closed"]) < 7),
    }
    fresh = part[part["created"] > since]
    owners = max(part["owner"].nunique(), 1)
    quarters = fresh["created"].dt.to_period("Q")
    found["partners active in a quarter"] = len(set(zip(fresh["owner"], quarters, strict=True))) / owners * 13 / weeks
    if steps:
        sums = won.groupby([won["owner"].astype(str), won["closed"].dt.to_period("Q")])["amount"].sum().to_numpy()
        near = [(sums >= 0.9 * step) & (sums < 1.1 * step) for step in steps]
        above = sum(int(((sums >= step) & pick).sum()) for step, pick in zip(steps, near, strict=True))
        found["quarters just above a threshold"] = (above + 0.5) / (sum(int(pick.sum()) for pick in near) + 1)
    return found


def _to_end(days: pd.Series) -> Array:
    return np.asarray((days.dt.to_period("Q").dt.end_time.dt.normalize() - days).dt.days.to_numpy(dtype=float))


def _from_start(days: pd.Series) -> Array:
    return np.asarray((days - days.dt.to_period("Q").dt.start_time).dt.days.to_numpy(dtype=float))


def _share(marks: Bools) -> float:
    return (float(marks.sum()) + 0.5) / (len(marks) + 1)


def _learned_number(
    path: str, prior: Array, drawn: Array, weight: Array, told: float, simulated: pd.DataFrame, held: float
) -> FittedBehaviorNumber:
    mean = float(np.average(drawn, weights=weight))
    variance = float(np.average((drawn - mean) ** 2, weights=weight))
    strength = {str(name): float(spearmanr(prior, simulated[name]).statistic) for name in simulated}
    most = max(strength, key=lambda name: abs(strength[name]))
    order = np.argsort(drawn)
    values = np.interp(_SCORES, _middles(weight[order]), drawn[order])
    return FittedBehaviorNumber(
        path, (float(prior.mean()), float(prior.std())), (mean, float(np.sqrt(variance))), told,
        (most, strength[most]), tuple(float(v) for v in values), held,
    )  # fmt: skip


def with_uncertainty(text: str, study: FittedBehavior) -> str:
    """A scenario's text with the posterior in place of the prior of what was identified; checked to be a scenario."""
    for x in study.learned:
        if x.identified:
            header = re.escape(f'[uncertainty."{x.path}"]')
            text = re.sub(rf"^{header}[^\n]*\n(?:(?!\[)[^\n]*\n?)*", "", text, flags=re.MULTILINE)
    whole = text.rstrip("\n") + "\n\n" + study.uncertainty()
    parse(whole, file="behavior")
    return whole
