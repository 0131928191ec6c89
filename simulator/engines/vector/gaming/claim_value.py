"""What claims are worth to partners of the vector engine, as the choice of how to file a deal needs it."""

from __future__ import annotations

import numpy as np

from simulator.behavior.gaming import kinds
from simulator.core.arrays import Array, Ints, take
from simulator.core.table import Table
from simulator.engines.records import CLAIM
from simulator.engines.vector.accounts import ProgramAccounts
from simulator.program.compiled import CompiledComponent
from simulator.program.credit_splits import ALONE
from simulator.world.disputes import NONE


def worth(b: ProgramAccounts, drafts: Table, seen: Array) -> Array:
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


def drafts(count: int, **columns: object) -> Table:
    """Claims that might be filed, none of them audited."""
    table = Table(CLAIM)
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
