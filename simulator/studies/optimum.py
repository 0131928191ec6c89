"""What a search found: the program as it is, the best setting and the linear program, in the search and afterwards.

The best of many settings is best partly by the luck of the worlds that they were compared on (the winner's curse).
Gains are therefore those on worlds that the search has not seen; what the search itself saw stands beside them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Array, Difference, difference, mean_of
from simulator.stats.interval import t_quantile
from simulator.studies.levers import Levers
from simulator.studies.search import Lever, Searched, Trial
from simulator.studies.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = ("program_cost", "pipeline_lift", "gaming_loss")
"""What the frontier is drawn from: cost and gaming low, lift high."""
NET_VALUE = "net_value"
AS_IS, BEST, LINEAR = "as it is", "best found", "linear"


@dataclass(frozen=True)
class Retold:
    """One program on the worlds of the search and on fresh ones.

    curse: gain in the search less gain on fresh worlds, of two independent samples.
    """

    name: str
    searched: Trial
    fresh: Trial

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
class FlatShare:
    """The flat share of revenue that costs on average what a program costs.

    rate: with its standard error, that of the paired cost difference over the slope; target: expected cost of the
    program, in the currency; gap: expected cost of the share less that; reached: whether the gap is within tolerance.
    """

    rate: float
    rate_se: float | None
    target: float
    gap: Difference
    reached: bool


@dataclass(frozen=True)
class Optimum(Study):
    """What was found.

    searched: all settings simulated, on the worlds of `seed`; retold: the program as it is, the best setting and the
    linear program again on `fresh_replications` worlds of `fresh_seed`; linear: how its rate was found, None where
    the best setting costs nothing; best: the values of the levers.
    """

    scenario: Scenario
    levers: Levers
    searched: Searched
    retold: Mapping[str, Retold]
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
        """What was found, never more than fresh worlds show."""
        from simulator.report.optimum import headline

        return headline(self)

    def plot(self, kind: str = "frontier", ax: Axes | None = None, **options: Any) -> Axes:
        """A figure of `kind` (see `report.optimum_figures.KINDS`)."""
        from simulator.report.optimum_figures import draw

        return draw(self, kind, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
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

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        from simulator.report.optimum import save

        return save(self, out, command=command, plots=plots)


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


def _told(told: Retold) -> dict[str, Any]:
    curse, curse_se = told.curse
    return {
        "gain_in_search": asdict(told.gain_searched),
        "gain": {**asdict(told.gain), "distinguishable": told.gain.distinguishable},
        "curse": {"mean": curse, "se": curse_se},
        **{metric: asdict(got) for metric, got in told.fresh.shown.items()},
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): None if v != v else v for k, v in row.items()} for row in table.to_dict(orient="records")]
