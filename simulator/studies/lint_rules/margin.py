"""Rules on what one more unit of revenue is paid, against the gross margin that it brings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.program.compiled import CODES_PER_MARKET, Bools
from simulator.program.numbers import Array
from simulator.program.schedule import segments
from simulator.studies.lint_rules.rule import Finding, lint_rule
from simulator.studies.lint_rules.typical import Paid, ProgramView

_REACHED = 0.01
"""A piece of a schedule in which fewer windows than this end is no threat to margin."""


@lint_rule
def pay_above_margin(view: ProgramView) -> Iterator[Finding]:
    """One component alone pays more on further revenue of a market than the gross margin it brings."""
    for paid in view.paid:
        for market, (share, most) in _by_market(view, _marginal(view, paid)).items():
            margin = _gross_margin(view, market)
            if share <= margin:
                continue
            stake = view.total(np.maximum(most - margin, 0.0) * _revenue(view, market))
            yield Finding(
                "pay_above_margin", view.name, paid.place, market, None, None, "", stake / 100,
                f"pays up to {share:.1%} of a further unit of revenue in {market}, above its gross margin of "
                f"{margin:.1%}", "cap the payout, lower the highest rate, or spread it over a wider range",
            )  # fmt: skip


@lint_rule
def stacking(view: ProgramView) -> Iterator[Finding]:
    """Components that add up pay more together than the gross margin, though each alone stays below it."""
    if not view.paid:
        return
    each = [_marginal(view, paid) for paid in view.paid]
    for market, (share, most) in _by_market(view, _stacked(view, each)).items():
        margin = _gross_margin(view, market)
        alone = max(_by_market(view, one)[market][0] for one in each)
        if share <= margin or alone > margin:
            continue
        stake = view.total(np.maximum(most - margin, 0.0) * _revenue(view, market))
        yield Finding(
            "stacking", view.name, view.place, market, None, None, "", stake / 100,
            f"components together pay up to {share:.1%} of a further unit of revenue in {market}, above its gross "
            f"margin of {margin:.1%}", "put components into one exclusive group, or set a ceiling per deal",
        )  # fmt: skip


def _marginal(view: ProgramView, paid: Paid) -> Array:
    """Most that a component pays on a further unit of revenue, by typical partner and market; (N, markets)."""
    out = np.zeros((len(view.typical.weight), len(view.typical.setting.markets.names)))
    if not paid.counts or not np.isfinite(paid.revenue).any():
        return out
    multiple = float(paid.component.tier_multiple.max())
    if paid.component.by_claim:
        return (
            out + _by_deal(view, paid) * multiple
            if paid.component.measure.by_amount
            else _spread(out, paid.price / paid.revenue * multiple)
        )
    slope = _steepest(paid) * multiple
    if not paid.component.measure.by_amount:
        return _spread(out, slope / paid.revenue)
    weights = paid.component.weights[0, :-1].reshape(-1, CODES_PER_MARKET).max(axis=1)
    return np.asarray(slope[:, None] * weights[None, :])


def _spread(out: Array, share: Array) -> Array:
    """One value per typical partner for all markets."""
    return out + np.nan_to_num(share)[:, None]


def _steepest(paid: Paid) -> Array:
    """The steepest slope among the pieces in which a window may well end, (N,)."""
    pieces = segments(paid.smooth)
    shape = (len(pieces.start), len(paid.result.mean))
    start, end, slope = (
        np.broadcast_to(a.reshape(len(a), -1), shape) for a in (pieces.start, pieces.end, pieces.slope)
    )
    ends_here = paid.result.reaches(start) - np.where(np.isinf(end), 0.0, paid.result.reaches(end))
    return np.asarray(np.where(ends_here >= _REACHED, slope, 0.0).max(axis=0))


def _by_deal(view: ProgramView, paid: Paid) -> Array:
    """The highest share of a single deal that is paid, by typical partner and market; (N, markets)."""
    out = np.zeros((len(view.typical.weight), len(view.typical.setting.markets.names)))
    for k, deals in enumerate(view.typical.deals):
        rep = np.zeros_like(deals.code)
        credit = paid.component.credit(rep=rep, code=deals.code, amount=deals.amount)
        share = np.where(credit > 0, paid.component.claim_payout(rep=rep, credit=credit) / deals.amount, 0.0)
        for market in np.unique(deals.market):
            out[view.typical.segment == k, market] = share[deals.market == market].max()
    return out


def _stacked(view: ProgramView, each: list[Array]) -> Array:
    """Sum over components that add; the highest of an exclusive group; claims up to the ceiling per deal."""
    grouped = {k for group in view.program.groups for k in group}
    by_claim = [np.zeros_like(each[0])]
    by_window = [np.zeros_like(each[0])]
    for members in (*view.program.groups, *((k,) for k in range(len(each)) if k not in grouped)):
        home = by_claim if view.program.components[members[0]].by_claim else by_window
        home.append(np.max([each[k] for k in members], axis=0))
    claims = np.sum(by_claim, axis=0)
    if view.program.deal_ceiling is not None:
        claims = np.minimum(claims, float(view.program.deal_ceiling[0, 0]))
    return np.asarray(claims + np.sum(by_window, axis=0))


def _by_market(view: ProgramView, share: Array) -> dict[str, tuple[float, Array]]:
    """Of each market that partners sell in, the highest share and the share by typical partner."""
    sold = np.stack([_sells(view, market) for market in view.typical.setting.markets.names], axis=1)
    kept = np.where(sold, share, 0.0)
    return {m: (float(kept[:, j].max()), kept[:, j]) for j, m in enumerate(view.typical.setting.markets.names)}


def _sells(view: ProgramView, market: str) -> Bools:
    return np.asarray(_revenue(view, market) > 0)


def _revenue(view: ProgramView, market: str) -> Array:
    """Expected revenue per year in a market, cents by typical partner, (N,)."""
    j = view.typical.setting.markets.names.index(market)
    share = np.zeros_like(view.typical.weight)
    for k, deals in enumerate(view.typical.deals):
        signed = deals.weight * deals.win * deals.amount
        share[view.typical.segment == k] = signed[deals.market == j].sum() / signed.sum()
    outlook = view.perception.outlook.revenue
    return np.asarray(share * (view.typical.rate * outlook)[0] * 52.0)


def _gross_margin(view: ProgramView, market: str) -> float:
    markets = view.typical.setting.markets
    return float(markets.gross_margin[0, markets.names.index(market)])
