"""Closing windows in the vector engine: what accrues once gates, budgets and commitments have been looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Array, Bools
from simulator.engines.vector.accounts import ClosedWindows, ProgramAccounts
from simulator.program.conditions import CompiledBudget, Quality, prorated
from simulator.program.credit_splits import SECOND
from simulator.program.governance import ProgramAdjustments
from simulator.program.measures import Event, attached_of

if TYPE_CHECKING:
    from simulator.engines.vector.engine import VectorRun


def close_windows(run: VectorRun, week: int, leaving: Bools) -> None:
    """Accrue the windows that end at `week`, and every window of the partners `leaving` (R, P)."""
    drafts = [(b, b.draft(week, b.member & leaving, lambda start: measured(run, start, week))) for b in run.accounts]
    run.funds.limit(week, drafts, run.in_force)
    for b, closings in drafts:
        b.closings += [_spent(run, b, closing) for closing in closings]


def _spent(run: VectorRun, b: ProgramAccounts, closing: ClosedWindows) -> ClosedWindows:
    """A closing with what partners spend of a fund; the rest is forfeited."""
    share = b.perception.spent[closing.component]
    if share is None:
        return closing
    kept = np.rint(closing.accrued * share)
    run.effort.spend(kept)
    return replace(closing, kept=kept)


def measured(run: VectorRun, start: int, end: int) -> Quality:
    """Quality of all partners' deals in the window from `start` to before `end`, (R, P)."""
    c, o = run.claims, run.opps
    signed = (
        (c["event"] == Event.SIGNED) & (c["role"] != SECOND) & (c["week"] >= min(start, end - 52)) & (c["week"] < end)
    )
    rows = np.flatnonzero(signed)
    opp, cell, week = c["opp"][rows], c["cell"][rows], c["week"][rows]

    def total(pick: Bools, value: Array) -> Array:
        sums = np.bincount(cell[pick], weights=value[pick], minlength=run.shape[0] * run.shape[1])
        return sums.astype(float).reshape(run.shape)

    inside, trailing = week >= start, week >= end - 52
    decided = o["attached"] & (o["decided"] >= start) & (o["decided"] < end)
    verdicts = [
        np.bincount(o["cell"][pick], minlength=run.open.size).astype(float).reshape(run.shape)
        for pick in (decided, decided & ~o["lost"])
    ]
    return Quality(
        total(inside, o["amount"][opp]), total(inside, o["conceded"][opp]), total(trailing, np.ones(len(rows))),
        total(trailing, (o["ends"][opp] > end).astype(float)),
        total(inside, o["amount"][opp] * attached_of(c["code"][rows])), *verdicts,
    )  # fmt: skip


@dataclass
class Budgets:
    """Budgets of the programs: what has accrued in the running period, by key, as (period, (R, 1) cents)."""

    spent: dict[tuple[str, int, int], tuple[int, Array]] = field(default_factory=dict)

    def copy(self) -> Budgets:
        """An independent copy."""
        return Budgets(dict(self.spent))

    def limit(
        self,
        week: int,
        drafts: Sequence[tuple[ProgramAccounts, list[ClosedWindows]]],
        now: Mapping[int, ProgramAdjustments],
    ) -> None:
        """Cut the closings of `week` to what is left of pools and budgets, in place of the lists."""
        for index, program in {b.offer_index: b.offer.program for b, _ in drafts}.items():
            mine = [
                (closings, i) for b, closings in drafts if b.offer_index == index for i in range(len(closings))
                if program.components[closings[i].component].advance is None
            ]  # fmt: skip
            for k, c in enumerate(program.components):
                if c.pool is not None:
                    pool = c.pool if index not in now else c.pool.times(now[index].pools[k])
                    self._cut(("pool", index, k), pool, week - 1, [p for p in mine if p[0][p[1]].component == k])
            if program.budget is not None:
                self._cut(("budget", index, 0), program.budget, week - 1, mine)

    def _cut(
        self, key: tuple[str, int, int], fund: CompiledBudget, week: int, places: list[tuple[list[ClosedWindows], int]]
    ) -> None:
        kept = self.draw(key, fund, week, [closings[i].accrued for closings, i in places])
        for (closings, i), accrued in zip(places, kept, strict=True):
            closings[i] = replace(closings[i], accrued=accrued)

    def grant(self, week: int, accounts: Sequence[ProgramAccounts], now: Mapping[int, ProgramAdjustments]) -> None:
        """Cut what is paid at the start of the windows that start at `week`."""
        for b in accounts:
            for k, c in enumerate(b.offer.program.components):
                if c.advance is not None and b.started[k] == week:
                    b.advanced[k] = np.where(b.member, b.advanced[k], 0.0)
        for index, program in {b.offer_index: b.offer.program for b in accounts}.items():
            mine = [b for b in accounts if b.offer_index == index]
            starting = [
                (b, k) for k, c in enumerate(program.components) if c.advance is not None
                for b in mine if b.started[k] == week
            ]  # fmt: skip
            for k, c in enumerate(program.components):
                if c.pool is not None:
                    pool = c.pool if index not in now else c.pool.times(now[index].pools[k])
                    self._lower(("pool", index, k), pool, week, [p for p in starting if p[1] == k])
            if program.budget is not None:
                self._lower(("budget", index, 0), program.budget, week, starting)

    def _lower(
        self, key: tuple[str, int, int], fund: CompiledBudget, week: int, places: list[tuple[ProgramAccounts, int]]
    ) -> None:
        kept = self.draw(key, fund, week, [b.advanced[k] for b, k in places])
        for (b, k), advanced in zip(places, kept, strict=True):
            b.advanced[k] = advanced

    def draw(self, key: tuple[str, int, int], fund: CompiledBudget, week: int, wanted: list[Array]) -> list[Array]:
        """What a fund gives of the accruals `wanted`, each (R, P), in the period of `week`."""
        if not wanted:
            return []
        period, spent = self.spent.get(key, (week // fund.weeks, np.zeros((len(wanted[0]), 1))))
        if period != week // fund.weeks:
            spent = np.zeros_like(spent)
        kept = prorated(np.concatenate(wanted, axis=1), fund.amount - spent)
        self.spent[key] = (week // fund.weeks, spent + kept.sum(axis=1, keepdims=True))
        return np.split(kept, len(wanted), axis=1)
