"""Rules on what filing the same deals otherwise would pay: in parts, together, or in another window.

Payout differences under a transform of claims, through the program's own rules and without any simulation. What a
window pays is valued by its expected payout at the start of the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.program.compiled import apply_ceiling, resolve_groups
from simulator.program.measures import Event
from simulator.program.schedule import expected_payout
from simulator.studies.lint.rule import ComponentPay, LintFinding, ProgramView, TypicalDeals, lint_rule
from simulator.world.setting import WEEKS_PER_YEAR

PARTS = (2, 3, 4)
"""Into how many parts a deal may be split, and how many deals may be filed as one."""
_WORTH = 0.01
"""A filing that gains less than this share of what is paid is not worth a finding."""
_LEAST = 100.0
"""Nor is one that gains less than this, in cents: shares of a cent are rounded in filing."""
_QUANTILES = 40

_Refiling = Callable[[int, Array, int], Array]
"""Gain of refiling deals of a segment, of amounts (n,), in so many parts, by component; (components, n)."""


@lint_rule("splitting deals pays")
def splitting(view: ProgramView) -> Iterator[LintFinding]:
    """A deal filed as several pays more: rewards per deal, caps per deal, falling rates by size."""

    def gain(k: int, amount: Array, n: int) -> Array:
        return _pays(view, k, np.floor(amount / n), n) - _pays(view, k, amount, 1)

    yield from _refiled(
        view, gain, "filed as up to {n} deals pays {gain} more",
        "pay on revenue instead of per deal, or set a least size",
    )  # fmt: skip


@lint_rule("bundling deals pays")
def bundling(view: ProgramView) -> Iterator[LintFinding]:
    """Several like deals filed as one pay more: size floors, rates that rise with the size of a deal."""

    def gain(k: int, amount: Array, n: int) -> Array:
        return (_pays(view, k, amount * n, 1) - _pays(view, k, amount, n)) / n

    yield from _refiled(
        view, gain, "up to {n} filed as one pay {gain} more per deal",
        "let the reward rise from nothing at the floor, or pay on the revenue of the window",
    )  # fmt: skip


@lint_rule("moving deals between periods pays")
def shifting(view: ProgramView) -> Iterator[LintFinding]:
    """Moving one typical deal across a window's end pays: the closing week is chosen for the payout."""
    for paid in view.paid:
        if paid.component.by_claim or not paid.counts or paid.smooth.linear:
            continue
        attained, gain = _shift_gain(paid)
        mean = gain.mean(axis=0)
        stake = view.total(mean, paid) * paid.per_year
        if stake <= _WORTH * view.total(paid.expected, paid):
            continue
        likely = (gain > 0) & (gain >= 0.5 * gain.max(axis=0))
        results = np.broadcast_to(attained / paid.per_threshold_unit, gain.shape)[likely]
        low, high = (float(x) for x in np.quantile(results, (0.05, 0.95)))
        yield view.finding(
            paid.place, stake,
            f"moving one typical deal across the end of a {paid.window} pays "
            f"{view.money(view.mean(mean, paid))} on average",
            "a linear rate gains nothing; otherwise a longer or trailing window, or a smaller step",
            low=low, high=high, unit=view.threshold_unit(paid),
        )  # fmt: skip


def _refiled(view: ProgramView, gain: _Refiling, text: str, fix: str) -> Iterator[LintFinding]:
    """A finding per component that gains where the best number of parts gains in all."""
    if not view.paid:
        return
    currency, found = view.typical.scenario.currency, [_best(view, k, gain) for k in range(len(view.typical.deals))]
    for c, paid in enumerate(view.paid):
        rows = [best.worth & (best.each[c] > _LEAST) for best in found]
        stake = sum(
            paid.eligible[view.typical.segment == k].mean() * _deals_per_year(view, k, deals, row) @ best.each[c][row]
            for k, (deals, row, best) in enumerate(zip(view.typical.deals, rows, found, strict=True))
        )
        if stake <= _WORTH * view.total(paid.expected, paid):
            continue
        amounts = np.concatenate([d.amount[row] for d, row in zip(view.typical.deals, rows, strict=True)]) / 100
        most = max(best.each[c][row].max(initial=0.0) for row, best in zip(rows, found, strict=True))
        parts = max(best.parts[row].max(initial=2) for row, best in zip(rows, found, strict=True))
        low, high = float(amounts.min()), float(amounts.max())
        pays = f"a deal of {low:,.0f} to {high:,.0f} {currency} " + text.format(n=parts, gain=view.money(most))
        yield view.finding(paid.place, stake, pays, fix, low=low, high=high, unit=currency)


@dataclass(frozen=True)
class _Best:
    """The best refiling of each deal of a segment: whether it is worth it, gains by component (C, n), parts (n,)."""

    worth: Bools
    each: Array
    parts: Ints


def _best(view: ProgramView, k: int, gain: _Refiling) -> _Best:
    amount = view.typical.deals[k].amount
    options = np.stack([gain(k, amount, n) for n in PARTS])
    best = np.argmax(options.sum(axis=1), axis=0)
    each = np.take_along_axis(options, best[None, None], axis=0)[0]
    worth = each.sum(axis=0) > _WORTH * _pays(view, k, amount, 1).sum(axis=0) + _LEAST
    return _Best(worth, each, np.array(PARTS)[best])


def _deals_per_year(view: ProgramView, k: int, deals: TypicalDeals, rows: Bools) -> Array:
    """Signed deals per year of a segment that the rows of its grid stand for."""
    mine = view.typical.segment == k
    found = float((view.typical.weight * view.typical.rate[0])[mine].sum()) * WEEKS_PER_YEAR
    return np.asarray(found * (deals.weight * deals.win)[rows])


def _pays(view: ProgramView, k: int, amount: Array, filings: int) -> Array:
    """What `filings` deals of `amount` (n,) filed in one window pay together, by component, (components, n)."""
    code = view.typical.deals[k].code
    rep = np.zeros_like(code)
    credits = [
        p.component.credit(rep=rep, code=code, amount=amount)
        if p.component.measure.event == Event.SIGNED and p.counts else np.zeros(amount.shape)
        for p in view.paid
    ]  # fmt: skip
    pays = [
        np.rint(p.component.claim_payout(rep=rep, credit=c)) if p.component.by_claim else np.zeros(amount.shape)
        for p, c in zip(view.paid, credits, strict=True)
    ]
    pays = apply_ceiling(view.program, resolve_groups(view.program, pays, by_claim=True), rep=rep, amount=amount)
    return np.stack([
        pay * filings if p.component.by_claim else _window_value(view, k, p, credit * filings)
        for p, pay, credit in zip(view.paid, pays, credits, strict=True)
    ])  # fmt: skip


def _window_value(view: ProgramView, k: int, paid: ComponentPay, credit: Array) -> Array:
    """Expected payout of further credit (n,) in a window, averaged over the typical partners of a segment."""
    mine = view.typical.segment == k
    mean, sd = paid.result.mean, paid.result.sd
    more = expected_payout(paid.smooth, mean + credit[:, None], sd) - expected_payout(paid.smooth, mean[None], sd)
    return np.asarray(np.broadcast_to(more, (len(credit), len(mean)))[:, mine].mean(axis=1))


def _shift_gain(paid: ComponentPay) -> tuple[Array, Array]:
    """Results by even quantiles (Q, N), and what pulling in or pushing out one typical claim gains there.

    S(A + x) + G(M - x) or S(A - x) + G(M + x), less S(A) + G(M): this window counts exactly, the next as expected.
    """
    attained = paid.result.quantiles(_QUANTILES)
    mean, sd = paid.result.mean[None], paid.result.sd[None]

    def value(x: Array) -> Array:
        now = paid.exact.payout(np.maximum(attained + x, 0.0))
        return np.asarray(now + expected_payout(paid.smooth, mean - x, sd))

    x = paid.claim[None]
    best = np.maximum(value(x), np.where(attained >= x, value(-x), -np.inf)) - value(np.zeros_like(x))
    return attained, np.maximum(best, 0.0)
