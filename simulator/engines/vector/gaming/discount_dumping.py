"""Discount dumping in the vector engine: concessions that opportunists make with their proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.gaming import discount_dumping, kinds
from simulator.core.arrays import Array, Ints, take
from simulator.engines.vector.gaming.claim_value import drafts, worth
from simulator.engines.vector.joint_deals import first_role
from simulator.program.measures import Event

if TYPE_CHECKING:
    from simulator.engines.vector.accounts import ProgramAccounts
    from simulator.engines.vector.engine import VectorRun


def propose(run: VectorRun, opp: Ints, logit: Array) -> None:
    """Let opportunists choose the price of the proposals on deals `opp`, whose log-odds are `logit` now."""
    o = run.opps
    mine = o["worked"][opp] & run.world.opportunist.reshape(-1)[o["cell"][opp]]
    opp, logit = opp[mine], logit[mine]
    for b in run.accounts:
        here = b.member.reshape(-1)[o["cell"][opp]]
        if not here.any():
            continue
        rows, s = opp[here], run.setting
        rep, who = np.divmod(o["cell"][rows], run.shape[1])
        amount, deal = o["amount"][rows], o["deal"][rows]
        conceded = discount_dumping.concessions(amount, take(s.gaming("max_discount"), rep))
        discount = conceded / amount[:, None]
        weights = s.markets.stage_weights
        weight = weights[rep % len(weights), run.world.deals["market"][deal], 3]
        chance = discount_dumping.chances(logit[here], discount, take(s.behavior("discount_win"), rep), weight)
        own = np.broadcast_to(s.partners.own_margin, run.shape)[rep, who]
        seen = take(s.gaming("discount_detection"), rep)
        value = np.stack(
            [
                own * (amount - given) + _pay(run, b, rows, given, np.where(given > 0, seen, 0.0))
                for given in conceded.T
            ],
            axis=1,
        )
        gains = discount_dumping.concession_gains(chance, value, discount, take(s.gaming("discount_cost"), rep) * 100)
        choice = kinds.best_option(gains, value[:, 0])[:, None]
        o["conceded"][rows] = np.take_along_axis(conceded, choice, axis=1)[:, 0]
        o["discount"][rows] = np.take_along_axis(discount, choice, axis=1)[:, 0]


def _pay(run: VectorRun, b: ProgramAccounts, rows: Ints, given: Array, seen: Array) -> Array:
    """Pay on deals won at a price lower by `given` cents."""
    o = run.opps
    claims = drafts(
        len(rows), event=int(Event.SIGNED), cell=o["cell"][rows], opp=rows, time=o["due"][rows],
        week=np.floor(o["due"][rows]).astype(np.int64), start=o["start"][rows], amount=o["amount"][rows] - given,
        conceded=given, code=o["code"][rows], deal=o["deal"][rows], role=first_role(o["other"][rows]),
    )  # fmt: skip
    return worth(b, claims, seen)
