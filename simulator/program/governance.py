r"""Governance: at quarter ends a program moves its rates, targets or pools by stated rules within bounds, or stops.

A rule compares a signal s of the last quarters with what was aimed at, t, and moves a factor f on what it acts on:

    rate     f <- clip(f (t / s)^gain, low, high)    dearer than planned, lower rates
    target   f <- clip(f (s / t)^gain, low, high)    beaten targets are raised: the ratchet
    pool     f <- clip(f (s / t)^gain, low, high)    money follows use; `funded_by` gives and gets it
    stop     rates are 0 from the next windows on once s > t

Signals are sums over all partners of the windows that ended: the payout that accrued, or attainment over what partners
attain under the baseline. Factors hold for the windows that start after the review; running windows keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.core.arrays import Array, column
from simulator.program.base import Listed, TableSpec, number
from simulator.program.conditions import CompiledBudget

QUARTERS = 4
"""Quarters that a rule may look back on."""


class ReviewRule(TableSpec):
    """One rule of a program's quarterly review."""

    signal: Literal["payout", "attainment"] = Field(
        "payout", description="what is looked at: accrued payout in money, or attainment over that under the baseline"
    )
    aim: float = number(..., "what the signal should be", unit="money per quarter, or ratio", gt=0)
    acts_on: Literal["rate", "target", "pool", "stop"] = Field("rate", description="what the rule moves")
    components: Listed[str] = Field((), description="components it looks at and moves; all where absent")
    every_quarters: int = number(1, "quarters between reviews, and looked back on", unit="quarters", ge=1, le=QUARTERS)
    gain: float = number(0.5, "how strongly it answers: 1 makes up for all of a gap", unit="exponent", ge=0, le=2)
    low: float = number(0.5, "least the factor may be", unit="factor", ge=0, le=1)
    high: float = number(1.5, "most the factor may be", unit="factor", ge=1, le=10)
    funded_by: str | None = Field(None, description="with acts_on 'pool': the component whose pool gives and gets")


@dataclass(frozen=True)
class CompiledRule:
    """A compiled rule. components: positions; aim in cents or as a ratio; numbers (R or 1, 1)."""

    signal: str
    acts_on: str
    components: tuple[int, ...]
    every: int
    aim: Array
    gain: Array
    low: Array
    high: Array
    funded_by: int | None

    def of(self, quarters: Sequence[WindowResults]) -> Array:
        """The signal of the quarters looked back on, (R, 1)."""
        last = quarters[-self.every :]
        if self.signal == "payout":
            return sum((q.accrued[k] for q in last for k in self.components), np.zeros((1, 1))) / self.every
        attained = sum((q.attained[k] for q in last for k in self.components), np.zeros((1, 1)))
        expected = sum((q.expected[k] for q in last for k in self.components), np.zeros((1, 1)))
        return np.asarray(np.where(expected > 0, attained / np.where(expected > 0, expected, 1.0), 1.0))


@dataclass(frozen=True)
class WindowResults:
    """What the windows of a program that ended in a quarter came to, by component, (R, 1) each: cents that accrued,
    attainment, and attainment expected under the baseline."""

    accrued: tuple[Array, ...]
    attained: tuple[Array, ...]
    expected: tuple[Array, ...]

    @classmethod
    def nothing(cls, count: int, replications: int) -> WindowResults:
        """A quarter in which no window ended."""
        zero = (np.zeros((replications, 1)),) * count
        return cls(zero, zero, zero)

    def plus(self, k: int, accrued: Array, attained: Array, expected: Array) -> WindowResults:
        """With a window of component k of all partners, (R, 1) each."""

        def more(held: tuple[Array, ...], by: Array) -> tuple[Array, ...]:
            return (*held[:k], held[k] + by, *held[k + 1 :])

        return WindowResults(more(self.accrued, accrued), more(self.attained, attained), more(self.expected, expected))


@dataclass(frozen=True)
class ProgramAdjustments:
    """Factors of a program by component, (R, 1): rates, targets and pools; quarters: what was seen, the last at the
    end, the running one last of all; raised: mean relative rise of targets at the last review."""

    rates: tuple[Array, ...]
    targets: tuple[Array, ...]
    pools: tuple[Array, ...]
    quarters: tuple[WindowResults, ...]
    raised: Array

    @classmethod
    def at_launch(cls, count: int, replications: int) -> ProgramAdjustments:
        """All factors 1, nothing seen."""
        one = (np.ones((replications, 1)),) * count
        return cls(one, one, one, (WindowResults.nothing(count, replications),), np.zeros((replications, 1)))

    def seeing(self, k: int, accrued: Array, attained: Array, expected: Array) -> ProgramAdjustments:
        """With a window that ended in the running quarter."""
        running = self.quarters[-1].plus(k, accrued, attained, expected)
        return replace(self, quarters=(*self.quarters[:-1], running))

    def totals(self) -> dict[str, NDArray[np.int64]]:
        """Mean factors of rates and targets over components, in millionths, and whether anything was stopped, (R,)."""
        means = {"rate": self.rates, "target": self.targets}
        found = {f"review.{name}": np.mean(np.concatenate(held, axis=1), axis=1) for name, held in means.items()}
        stopped = np.any(np.concatenate(self.rates, axis=1) == 0.0, axis=1)
        totals = {name: np.rint(value * 1e6).astype(np.int64) for name, value in found.items()}
        return {**totals, "review.stopped": stopped.astype(np.int64)}

    def reviewed(
        self, rules: Sequence[CompiledRule], pools: Sequence[CompiledBudget | None], quarter: int
    ) -> ProgramAdjustments:
        """After the review at the end of quarter number `quarter`, counted from launch, 1 the first; pools: by
        component."""
        factors = {"rate": list(self.rates), "target": list(self.targets), "pool": list(self.pools)}
        for rule in rules:
            if quarter % rule.every == 0:
                _apply(rule, rule.of(self.quarters), factors, pools)
        fresh = WindowResults.nothing(len(self.rates), len(self.rates[0]) if self.rates else 1)
        return ProgramAdjustments(
            tuple(factors["rate"]), tuple(factors["target"]), tuple(factors["pool"]),
            (*self.quarters[1 - QUARTERS :], fresh), self._rise(factors["target"]),
        )  # fmt: skip

    def _rise(self, targets: Sequence[Array]) -> Array:
        rises = [np.maximum(new / old - 1.0, 0.0) for new, old in zip(targets, self.targets, strict=True)]
        return np.asarray(sum(rises, np.zeros((1, 1))) / max(len(rises), 1))


def _apply(
    rule: CompiledRule, signal: Array, factors: Mapping[str, list[Array]], pools: Sequence[CompiledBudget | None]
) -> None:
    """Move the factors of one rule, in place of the lists' entries."""
    if rule.acts_on == "stop":
        for k in rule.components:
            factors["rate"][k] = np.where(signal > rule.aim, 0.0, factors["rate"][k])
        return
    ratio = np.maximum(signal, 1e-9 * rule.aim) / rule.aim
    step = np.power(ratio, -rule.gain if rule.acts_on == "rate" else rule.gain)
    held = factors[rule.acts_on]
    for k in rule.components:
        stopped = held[k] == 0.0
        moved = np.where(stopped, 0.0, np.clip(held[k] * step, rule.low, rule.high))
        giver = rule.funded_by
        if giver is not None:
            here, there = pools[k], pools[giver]
            assert here is not None
            assert there is not None
            added = np.minimum((moved - held[k]) * here.amount, held[giver] * there.amount)
            held[giver] = held[giver] - added / there.amount
            moved = held[k] + added / here.amount
        held[k] = moved


def compile_rules(rules: Sequence[ReviewRule], names: Sequence[str]) -> tuple[CompiledRule, ...]:
    """The rules of a program. names: its components in order."""
    return tuple(
        CompiledRule(
            rule.signal, rule.acts_on, tuple(names.index(n) for n in rule.components or names), rule.every_quarters,
            column(rule.aim * (100.0 if rule.signal == "payout" else 1.0)), column(rule.gain), column(rule.low),
            column(rule.high), None if rule.funded_by is None else names.index(rule.funded_by),
        )
        for rule in rules
    )  # fmt: skip
