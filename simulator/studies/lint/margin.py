r"""Rules on what one more unit of revenue is paid, against the gross margin that it brings.

Rule on alignment: the angle between what is paid and what is valued.

With a linear reward on a measure whose gradient in the agent's actions is g, where f is valued, the best reward
reaches cos^2(f, g) of the first best (Feltham and Xie 1994; Baker 2002). Actions here are the kinds of deals that a
partner may bring: for each market, account, engagement, complexity and size, the pay and the value of one more
opportunity, both as expected at its start; certifications are one more action.

Rule on deterrence: false claims stop where detection d > m / (m + F) (Becker 1968).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.behavior.gaming.false_claims import false_claim_gain, false_claim_rate
from simulator.core.arrays import Array
from simulator.program.measures import ACCOUNTS, CODES_PER_MARKET, Event
from simulator.program.schedule import segments
from simulator.studies.lint.rule import ComponentPay, LintFinding, ProgramView, TypicalDeals, lint_rule
from simulator.world.setting import WEEKS_PER_YEAR

_REACHED = 0.01
"""A piece of a schedule in which fewer windows than this end is no threat to margin."""


@lint_rule("pay above the margin")
def pay_above_margin(view: ProgramView) -> Iterator[LintFinding]:
    """One component alone pays more on further revenue of a market than the gross margin it brings."""
    for paid in view.paid:
        for market, (share, most) in _by_market(view, _marginal(view, paid)).items():
            margin = _gross_margin(view, market)
            if share <= margin:
                continue
            stake = view.total(np.maximum(most - margin, 0.0) * _revenue(view, market))
            yield view.finding(
                paid.place, stake,
                f"pays up to {share:.1%} of a further unit of revenue in {market}, above its gross margin of "
                f"{margin:.1%}", "cap the payout, lower the highest rate, or spread it over a wider range",
                segment=market,
            )  # fmt: skip


@lint_rule("components add up to more than the margin")
def stacking(view: ProgramView) -> Iterator[LintFinding]:
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
        yield view.finding(
            view.place, stake,
            f"components together pay up to {share:.1%} of a further unit of revenue in {market}, above its gross "
            f"margin of {margin:.1%}", "put components into one exclusive group, or set a ceiling per deal",
            segment=market,
        )  # fmt: skip


def _marginal(view: ProgramView, paid: ComponentPay) -> Array:
    """Most that a component pays on a further unit of revenue, by typical partner and market; (N, markets)."""
    out = np.zeros((len(view.typical.weight), len(view.typical.setting.markets.names)))
    if not paid.counts or not np.isfinite(paid.revenue).any():
        return out
    multiple = float(paid.component.tier_multiple.max())
    if paid.component.by_claim:
        if paid.component.measure.by_amount:
            return _by_deal(view, paid) * multiple
        return _spread(out, paid.price / paid.revenue * multiple)
    slope = _steepest(paid) * multiple
    if not paid.component.measure.by_amount:
        return _spread(out, slope / paid.revenue)
    weights = paid.component.weights[0, :-1].reshape(-1, CODES_PER_MARKET).max(axis=1)
    return np.asarray(slope[:, None] * weights[None, :])


def _spread(out: Array, share: Array) -> Array:
    """One value per typical partner for all markets."""
    return out + np.nan_to_num(share)[:, None]


def _steepest(paid: ComponentPay) -> Array:
    """The steepest slope among the pieces in which a window may well end, (N,)."""
    pieces = segments(paid.smooth)
    shape = (len(pieces.start), len(paid.result.mean))
    start, end, slope = (
        np.broadcast_to(a.reshape(len(a), -1), shape) for a in (pieces.start, pieces.end, pieces.slope)
    )
    ends_here = paid.result.reaches(start) - np.where(np.isinf(end), 0.0, paid.result.reaches(end))
    return np.asarray(np.where(ends_here >= _REACHED, slope, 0.0).max(axis=0))


def _by_deal(view: ProgramView, paid: ComponentPay) -> Array:
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
    names = view.typical.setting.markets.names
    sold = np.stack([_revenue(view, market) > 0 for market in names], axis=1)
    kept = np.where(sold, share, 0.0)
    return {m: (float(kept[:, j].max()), kept[:, j]) for j, m in enumerate(names)}


def _revenue(view: ProgramView, market: str) -> Array:
    """Expected revenue per year in a market, cents by typical partner, (N,)."""
    j = view.typical.setting.markets.names.index(market)
    share = np.zeros_like(view.typical.weight)
    for k, deals in enumerate(view.typical.deals):
        signed = deals.weight * deals.win * deals.amount
        share[view.typical.segment == k] = signed[deals.market == j].sum() / signed.sum()
    expectations = view.perception.expectations.revenue
    return np.asarray(share * (view.typical.rate * expectations)[0] * WEEKS_PER_YEAR)


def _gross_margin(view: ProgramView, market: str) -> float:
    markets = view.typical.setting.markets
    return float(markets.gross_margin[0, markets.names.index(market)])


ALIGNED = 0.8
"""Below this cos^2 a fifth or more of what an aligned measure would bring is out of reach."""


@lint_rule("pay points away from the goals")
def misalignment(view: ProgramView) -> Iterator[LintFinding]:
    """What is paid points away from the stated goals, by partner segment: cos^2 of the angle between them."""
    for k, segment in enumerate(view.typical.setting.partners.segments):
        paid, valued, weight = _gradients(view, k)
        if not (paid > 0).any() or not (valued > 0).any():
            continue
        match = cos2(paid, valued, weight)
        if match >= ALIGNED:
            continue
        mine = view.typical.segment == k
        spent = sum(view.total(np.where(mine, p.expected, 0.0), p) for p in view.paid if p.counts)
        yield view.finding(
            view.place, (1 - match) * spent,
            f"cos^2 of the angle between pay and the goals is {match:.2f} for {segment}: at most this share of what "
            "an aligned measure would bring can be reached",
            "move pay to what the goals name: credit by account or market, or a measure closer to it",
            segment=segment, low=match, high=1.0, unit="cos^2",
        )  # fmt: skip


def cos2(paid: Array, valued: Array, weight: Array) -> float:
    """cos^2 of the angle between two gradients (n,) whose coordinates count by `weight` (n,)."""
    across = float((weight * paid * valued).sum())
    return across**2 / float((weight * paid**2).sum() * (weight * valued**2).sum())


def _gradients(view: ProgramView, k: int) -> tuple[Array, Array, Array]:
    """Pay and value of one more opportunity of each kind, and how common the kinds are; the last is certifications."""
    deals = view.typical.deals[k]
    mine = view.typical.segment == k
    pay, certified = np.zeros(deals.amount.shape), 0.0
    for paid in view.paid:
        if not paid.counts:
            continue
        if paid.component.measure.event == Event.CERTIFIED:
            found = view.total(np.where(mine, view.typical.rate[0], 0.0)) * WEEKS_PER_YEAR
            certified += view.total(np.where(mine, paid.expected, 0.0), paid) / found
        else:
            pay = pay + _pay(view, paid, deals, mine)
    value = _value(view, deals)
    return np.append(pay, certified), np.append(value, 0.0), np.append(deals.weight, 1.0)


def _pay(view: ProgramView, paid: ComponentPay, deals: TypicalDeals, mine: Array) -> Array:
    """Expected pay of one component on one more opportunity, scaled so that it adds up to what is expected in all."""
    rep = np.zeros_like(deals.code)
    credit = paid.component.credit(rep=rep, code=deals.code, amount=deals.amount)
    shape = paid.component.claim_payout(rep=rep, credit=credit) if paid.component.by_claim else credit
    each = shape * deals.until(int(paid.component.measure.event))
    total = float((deals.weight * each).sum())
    weight = view.typical.weight * np.where(mine, view.typical.rate[0], 0.0) * WEEKS_PER_YEAR
    at_margin = paid.result.mean * paid.per_year * paid.price
    expected = view.total(np.where(mine, at_margin, 0.0), paid) / float(weight.sum())
    return each * (expected / total if total > 0 else 0.0)


def _value(view: ProgramView, deals: TypicalDeals) -> Array:
    """What the goals say one more opportunity of each kind is worth in cents, expected at its start.

    Speed is left out: no kind of deal brings more of it.
    """
    goals, markets = view.typical.scenario.goals, view.typical.setting.markets
    worth = goals.bookings + goals.margin * markets.gross_margin[0, deals.market]
    worth = worth + goals.new_accounts * (deals.account == ACCOUNTS.index("new"))
    worth = worth + goals.named_accounts * (deals.account == ACCOUNTS.index("named"))
    stays = np.exp(-WEEKS_PER_YEAR * markets.churn_per_week[0, deals.market])
    signed = deals.win * (worth * deals.amount + goals.retention * 100.0 * stays)
    return np.asarray(signed + goals.pipeline * deals.amount * deals.until(int(Event.QUALIFIED)))


@lint_rule("audits too weak")
def deterrence(view: ProgramView) -> Iterator[LintFinding]:
    """A false claim of an activity is worth its risk: detection d is not above m / (m + F)."""
    for paid in view.paid:
        terms, price = paid.component.terms, paid.price * 100.0
        gain = false_claim_gain(price, terms.audit_rate[0], terms.penalty_multiple[0])
        if not paid.component.measure.padded or not paid.counts or not (gain > 0).any():
            continue
        cost = view.typical.setting.gaming("misreport_cost")[0] * 100.0
        stake = view.total(false_claim_rate(gain, cost) * price, paid) * WEEKS_PER_YEAR
        audit, multiple = float(terms.audit_rate[0, 0]), float(terms.penalty_multiple[0, 0])
        needed = 1.0 / (1.0 + multiple)
        yield view.finding(
            f"{paid.place}.terms", stake,
            f"a false claim pays {view.money(view.mean(price, paid))} and is detected "
            f"with {audit:.0%}; it stops paying above {needed:.0%}",
            _stronger_audits(audit, needed), low=audit, high=needed, unit="of claims audited",
        )  # fmt: skip


def _stronger_audits(audit: float, needed: float) -> str:
    """Raise detection, or the penalty to 1 / d - 1 times the claim."""
    if needed >= 1:
        return "add a penalty" if audit > 0 else "audit claims, and add a penalty for false ones"
    more = f"audit more than {needed:.0%}"
    return f"{more}, or raise the penalty above {1 / audit - 1:.3g} times the claim" if audit > 0 else more
