"""Discount dumping in the vector engine: concessions that opportunists make with their proposals.

What claims are worth to partners stands here too; splitting needs it as well.
"""

from __future__ import annotations

import numpy as np

from simulator.behavior.gaming import discount_dumping, kinds
from simulator.core.arrays import Array, Ints, take
from simulator.core.table import ColumnTable
from simulator.engines.records import CLAIM
from simulator.engines.vector.accounts import ProgramAccounts
from simulator.engines.vector.joint_deals import first_role
from simulator.engines.vector.state import VectorState
from simulator.program.compiled import CompiledComponent
from simulator.program.credit_splits import ALONE
from simulator.program.measures import Event
from simulator.world.disputes import NONE


def propose(state: VectorState, opp: Ints, logit: Array) -> None:
    """Let opportunists choose the price of the proposals on deals `opp`, whose log-odds are `logit` now."""
    o = state.opps
    mine = o["worked"][opp] & state.world.opportunist.reshape(-1)[o["cell"][opp]]
    opp, logit = opp[mine], logit[mine]
    for b in state.accounts:
        here = b.member.reshape(-1)[o["cell"][opp]]
        if not here.any():
            continue
        rows, s = opp[here], state.setting
        rep, who = np.divmod(o["cell"][rows], state.shape[1])
        amount, deal = o["amount"][rows], o["deal"][rows]
        conceded = discount_dumping.concessions(amount, take(s.gaming("max_discount"), rep))
        discount = conceded / amount[:, None]
        weights = s.markets.stage_weights
        weight = weights[rep % len(weights), state.world.deals["market"][deal], 3]
        chance = discount_dumping.chances(logit[here], discount, take(s.behavior("discount_win"), rep), weight)
        own = np.broadcast_to(s.partners.own_margin, state.shape)[rep, who]
        seen = take(s.gaming("discount_detection"), rep)
        value = np.stack(
            [
                own * (amount - given) + _pay(state, b, rows, given, np.where(given > 0, seen, 0.0))
                for given in conceded.T
            ],
            axis=1,
        )
        gains = discount_dumping.concession_gains(chance, value, discount, take(s.gaming("discount_cost"), rep) * 100)
        choice = kinds.best_option(gains, value[:, 0])[:, None]
        o["conceded"][rows] = np.take_along_axis(conceded, choice, axis=1)[:, 0]
        o["discount"][rows] = np.take_along_axis(discount, choice, axis=1)[:, 0]


def _pay(state: VectorState, b: ProgramAccounts, rows: Ints, given: Array, seen: Array) -> Array:
    """Pay on deals won at a price lower by `given` cents."""
    o = state.opps
    claims = drafts(
        len(rows), event=int(Event.SIGNED), cell=o["cell"][rows], opp=rows, time=o["due"][rows],
        week=np.floor(o["due"][rows]).astype(np.int64), start=o["start"][rows], amount=o["amount"][rows] - given,
        conceded=given, code=o["code"][rows], deal=o["deal"][rows], role=first_role(o["other"][rows]),
    )  # fmt: skip
    return worth(b, claims, seen)


def worth(b: ProgramAccounts, drafts: ColumnTable, seen: Array) -> Array:
    """Payout that the claims `drafts` would bring, in cents, at the prices partners see; (n,).

    Paid by claim they count exactly, by window at the price of the running one; less what is expected to be clawed
    back, and what audits would find. seen (n,): share of audits that would see through the claim.
    """
    rows = np.arange(drafts.rows)
    rep, who = np.divmod(drafts["cell"], b.shape[1])
    total = np.zeros(drafts.rows)
    for k, (mine, pay, _) in enumerate(b.payouts(rows, drafts)):
        if len(mine):
            total = total + pay * _kept(b, k, rep, who, seen)
    for k, c in enumerate(b.offer.program.components):
        if c.by_claim:
            continue
        mine, credit, _ = b.credits(k, rows, drafts)
        price = np.broadcast_to(b.prices[k], b.shape)[rep[mine], who[mine]]
        total[mine] = total[mine] + price * credit * _kept(b, k, rep[mine], who[mine], seen[mine])
    return total


def _kept(b: ProgramAccounts, k: int, rep: Ints, who: Ints, seen: Array) -> Array:
    c: CompiledComponent = b.offer.program.components[k]
    clawed = np.broadcast_to(b.offer.forecasts[k].clawed, b.shape)[rep, who]
    return kinds.kept(clawed, take(c.terms.audit_rate, rep) * seen, take(c.terms.penalty_multiple, rep))


def drafts(count: int, **columns: object) -> ColumnTable:
    """Claims that might be filed, none of them audited."""
    table = ColumnTable(CLAIM)
    table.append(
        count,
        **{
            "false": False,
            "audit": 2.0,
            "moved": 0,
            "conceded": 0.0,
            "deal": -1,
            "role": ALONE,
            "disputed": NONE,
            **columns,
        },
    )
    return table
