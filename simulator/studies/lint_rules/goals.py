r"""Rule on alignment: the angle between what is paid and what is valued.

With a linear reward on a measure whose gradient in the agent's actions is g, where f is valued, the best reward
reaches cos^2(f, g) of the first best (Feltham and Xie 1994; Baker 2002). Actions here are the kinds of deals that a
partner may bring: for each market, account, engagement, complexity and size, the pay and the value of one more
opportunity, both as expected at its start; certifications are one more action.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.model.setting import WEEKS_PER_YEAR
from simulator.program.compiled import ACCOUNTS
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.studies.lint_rules.deals import Deals
from simulator.studies.lint_rules.rule import Finding, lint_rule
from simulator.studies.lint_rules.typical import Paid, ProgramView

ALIGNED = 0.8
"""Below this cos^2 a fifth or more of what an aligned measure would bring is out of reach."""


@lint_rule
def misalignment(view: ProgramView) -> Iterator[Finding]:
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
        yield Finding(
            "misalignment", view.name, view.place, segment, match, 1.0, "cos^2", (1 - match) * spent / 100,
            f"cos^2 of the angle between pay and the goals is {match:.2f} for {segment}: at most this share of what "
            "an aligned measure would bring can be reached",
            "move pay to what the goals name: credit by account or market, or a measure closer to it",
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


def _pay(view: ProgramView, paid: Paid, deals: Deals, mine: Array) -> Array:
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


def _value(view: ProgramView, deals: Deals) -> Array:
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
