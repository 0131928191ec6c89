"""Closing windows in the event engine: gates, budgets and commitments, account by account and then all together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.engines.ledger import attributed
from simulator.program.compiled import resolve_groups
from simulator.program.conditions import CompiledBudget, Quality, prorated
from simulator.program.credit_splits import SECOND
from simulator.program.governance import ProgramAdjustments
from simulator.program.measures import Event, attached_of

if TYPE_CHECKING:
    from simulator.engines.events.accounts import Claim, ClosedWindow, PartnerAccount


@dataclass(slots=True)
class PendingWindow:
    """A window about to be closed. earned: before budgets; kept: of what was paid in advance, None where nothing was;
    money in cents."""

    account: PartnerAccount
    component: int
    earned: float
    accrued: float
    penalty: float
    kept: float | None = None


def draft(account: PartnerAccount, week: int, everything: bool) -> list[PendingWindow]:
    """The windows of an account that end; `everything` when the partner leaves the program."""
    count = len(account.components)
    todo = [k for k in range(count) if everything or account.ends(k, week)]
    paid, penalty = [np.zeros((1, 1)) for _ in range(count)], [0.0] * count
    for k in todo:
        due, penalty[k] = account.due(k)
        gate = account.components[k].gate
        if gate is not None and not gate.passes(quality(account, account.started[k], week))[0, 0]:
            due = 0.0
        paid[k] = np.array([[due]])
    paid = resolve_groups(account.perception.program, paid, by_claim=False)
    return [_draft(account, k, float(paid[k][0, 0]), penalty[k]) for k in todo]


def _draft(account: PartnerAccount, k: int, due: float, penalty: float) -> PendingWindow:
    c = account.components[k]
    earned = account.earned[k] if c.by_claim else due
    if c.advance is None:
        return PendingWindow(account, k, earned, due, penalty)
    return PendingWindow(account, k, earned, account.advanced[k], penalty, kept=due)


def spend_fund(d: PendingWindow) -> float:
    """What the partner spends of what a fund grants is kept, the rest forfeited; cents spent, 0 without a fund."""
    share = d.account.perception.spent[d.component]
    if share is None:
        return 0.0
    d.kept = float(np.rint(d.accrued * share[0, d.account.who]))
    return d.kept


def quality(account: PartnerAccount, start: int, end: int) -> Quality:
    """Quality of a partner's deals in the window from `start` to before `end`, shape (1, 1)."""
    amount = conceded = attached = 0.0
    signed = kept = 0
    for claim in account.past_claims():
        opp = claim.opp
        if claim.event != Event.SIGNED or opp is None or claim.role == SECOND or not claim.week < end:
            continue
        if claim.week >= start:
            amount += opp.amount
            conceded += opp.conceded
            attached += opp.amount * bool(attached_of(np.array([claim.code]))[0])
        if claim.week >= end - 52:
            signed += 1
            kept += bool(opp.ends > end)
    verdicts = account.cohort.verdicts_of(account.who, start, end)
    figures = (amount, conceded, signed, kept, attached, len(verdicts), sum(verdicts))
    return Quality(*(np.array([[float(x)]]) for x in figures))


def parts(d: PendingWindow) -> list[tuple[Claim, float]]:
    """What of a window's payout rests on each of its claims."""
    account, k = d.account, d.component
    paid = np.array([d.accrued if d.kept is None else d.kept])
    if account.components[k].by_claim:
        if d.accrued == d.earned:
            return list(account.claims[k])
        whole = np.array([d.earned])
    else:
        whole = np.array([account.attained[k]])
    return [(claim, float(attributed(paid, np.array([value]), whole)[0])) for claim, value in account.claims[k]]


@dataclass
class AccountBudgets:
    """AccountBudgets of the programs: what has accrued in the running period, by key, as (period, cents)."""

    spent: dict[tuple[str, int, int], tuple[int, float]] = field(default_factory=dict)

    def limit(self, week: int, drafts: Sequence[PendingWindow], now: Mapping[int, ProgramAdjustments]) -> None:
        """Cut the accruals of `week` to what is left."""
        for offer, accounts in _by_offer(d.account for d in drafts).items():
            mine = [d for d in drafts if d.account.offer == offer and d.kept is None]
            for k, fund, name in _funds(accounts[0], now.get(offer)):
                asked = [d for d in mine if name == "budget" or d.component == k]
                for d, got in zip(asked, self._draw((name, offer, k), fund, week - 1, asked), strict=True):
                    d.accrued = got

    def grant(self, week: int, accounts: Sequence[PartnerAccount], now: Mapping[int, ProgramAdjustments]) -> None:
        """Cut what is paid at the start of the windows that start at `week`."""
        for offer, mine in _by_offer(accounts).items():
            starting = [
                PendingWindow(a, k, a.advanced[k], a.advanced[k], 0.0) for k, c in enumerate(mine[0].components)
                if c.advance is not None for a in mine if a.started[k] == week
            ]  # fmt: skip
            for k, fund, name in _funds(mine[0], now.get(offer)):
                asked = [d for d in starting if name == "budget" or d.component == k]
                for d, got in zip(asked, self._draw((name, offer, k), fund, week, asked), strict=True):
                    d.accrued = d.account.advanced[d.component] = got

    def _draw(
        self, key: tuple[str, int, int], fund: CompiledBudget, week: int, asked: Sequence[PendingWindow]
    ) -> list[float]:
        if not asked:
            return []
        period, spent = self.spent.get(key, (week // fund.weeks, 0.0))
        if period != week // fund.weeks:
            spent = 0.0
        got = prorated(np.array([[d.accrued for d in asked]]), fund.amount - spent)[0]
        self.spent[key] = (week // fund.weeks, spent + float(got.sum()))
        return [float(x) for x in got]


def _by_offer(accounts: Iterable[PartnerAccount]) -> dict[int, list[PartnerAccount]]:
    found: dict[int, list[PartnerAccount]] = {}
    for account in accounts:
        found.setdefault(account.offer, []).append(account)
    return found


def _funds(account: PartnerAccount, now: ProgramAdjustments | None) -> list[tuple[int, CompiledBudget, str]]:
    """Pools first, then the program's budget."""
    program = account.perception.program
    pools = [
        (k, c.pool if now is None else c.pool.times(now.pools[k]), "pool")
        for k, c in enumerate(program.components) if c.pool is not None
    ]  # fmt: skip
    return [*pools, *([] if program.budget is None else [(0, program.budget, "budget")])]


def book(d: PendingWindow, week: int) -> ClosedWindow:
    """Close a window for good."""
    return d.account.book(d.component, week, d.accrued, d.penalty, parts(d), d.kept)
