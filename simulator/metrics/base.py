"""What a metric is: a named statistic of replications, defined once, with unit and direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulator.stats.estimate import Statistic, mean_of, probability_of, ratio_of, scaled, tail_mean_of, undefined

Ints = NDArray[np.int64]
Totals = Mapping[str, Ints]
"""Totals of one program on one behavior level by name, each (N,); money in cents."""
Part = NDArray[Any]

Unit = Literal["money", "share", "%", "probability", "weeks", "count", "ratio"]
Direction = Literal["higher", "lower", "neutral"]
_CENTS = 100


@dataclass(frozen=True)
class MetricInputs:
    """The replications that a metric may look at, of one program on one behavior level.

    own: the program itself; baseline, none: the status quo and no program at all, same worlds and level;
    without_gaming: the program where partners respond and nobody games; budget: for the horizon in cents, None without
    one. is_baseline: whether the program is the baseline itself; static: without response, where activity is
    that of the baseline.
    """

    own: Totals
    baseline: Totals
    none: Totals
    without_gaming: Totals
    budget: int | None
    is_baseline: bool
    static: Totals = field(default_factory=dict)

    @property
    def reference(self) -> Totals:
        """What a return is measured against: the baseline, and for the baseline itself no program."""
        return self.none if self.is_baseline else self.baseline

    @property
    def gaming_loss(self) -> Ints:
        """(cost - cost without gaming) + (margin without gaming - margin), cents."""
        return (self.own["cost"] - self.without_gaming["cost"]) + (self.without_gaming["margin"] - self.own["margin"])


@dataclass(frozen=True)
class Mean:
    """Mean over replications."""

    value: Callable[[MetricInputs], Part]

    def of(self, runs: MetricInputs) -> Statistic:
        return mean_of(np.asarray(self.value(runs), dtype=float))


@dataclass(frozen=True)
class Ratio:
    """Ratio of totals. missing: why there is none without a denominator; signed: see `ratio_of`."""

    top: Callable[[MetricInputs], Part]
    bottom: Callable[[MetricInputs], Part]
    missing: str
    signed: bool = False

    def of(self, runs: MetricInputs) -> Statistic:
        top, bottom = (np.asarray(part(runs), dtype=float) for part in (self.top, self.bottom))
        return ratio_of(top, bottom, missing=self.missing, signed=self.signed)


@dataclass(frozen=True)
class Probability:
    """Share of replications with an event; None where that has no meaning, for the reason `missing`."""

    event: Callable[[MetricInputs], NDArray[np.bool_] | None]
    missing: str = ""

    def of(self, runs: MetricInputs) -> Statistic:
        event = self.event(runs)
        return undefined(self.missing) if event is None else probability_of(event)


@dataclass(frozen=True)
class TailMean:
    """Mean of the largest values over replications, one in `estimate.TAIL_ONE_IN`."""

    value: Callable[[MetricInputs], Part]

    def of(self, runs: MetricInputs) -> Statistic:
        return tail_mean_of(np.asarray(self.value(runs), dtype=float))


@dataclass(frozen=True)
class Metric:
    """A named statistic.

    label: its name in tables and figures; direction: which way is better; doc: the definition in words;
    gaming: whether it compares with the run without gaming, so that it has a meaning only where partners game.
    Money is computed in cents and given in units of the currency.
    """

    name: str
    label: str
    unit: Unit
    direction: Direction
    doc: str
    statistic: Mean | Ratio | Probability | TailMean
    gaming: bool = False

    def of(self, runs: MetricInputs) -> Statistic:
        """The statistic, in the metric's unit."""
        statistic = self.statistic.of(runs)
        return scaled(statistic, _CENTS) if self.unit == "money" else statistic


@dataclass(frozen=True)
class Family:
    """One metric for each total whose name starts with `prefix`, such as one for each component of a program.

    member: the metric of a member, from its name and the function that reads its total.
    """

    prefix: str
    member: Callable[[str, Callable[[MetricInputs], Ints]], Metric]

    def members(self, totals: Totals) -> list[Metric]:
        """The metrics of a program with these totals, in their order."""
        return [self._metric(name) for name in totals if name.startswith(self.prefix)]

    def _metric(self, total: str) -> Metric:
        return self.member(total.removeprefix(self.prefix), lambda x: x.own[total])
