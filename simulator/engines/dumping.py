"""Discount dumping in the vector engine: concessions that opportunists make with their proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.engines.seconds import first_role
from simulator.engines.stakes import drafts, worth
from simulator.model import discounting, gaming
from simulator.program.compiled import Ints, take
from simulator.program.measures import Event
from simulator.program.numbers import Array

if TYPE_CHECKING:
    from simulator.engines.books import Books
    from simulator.engines.vector import VectorLife


def propose(life: VectorLife, opp: Ints, logit: Array) -> None:
    """Let opportunists choose the price of the proposals on deals `opp`, whose log-odds are `logit` now."""
    o = life.opps
    mine = o["worked"][opp] & life.world.opportunist.reshape(-1)[o["cell"][opp]]
    opp, logit = opp[mine], logit[mine]
    for b in life.books:
        here = b.member.reshape(-1)[o["cell"][opp]]
        if not here.any():
            continue
        rows, s = opp[here], life.setting
        rep, who = np.divmod(o["cell"][rows], life.shape[1])
        amount, deal = o["amount"][rows], o["deal"][rows]
        conceded = discounting.concessions(amount, take(s.gaming("max_discount"), rep))
        discount = conceded / amount[:, None]
        weights = s.markets.stage_weights
        weight = weights[rep % len(weights), life.world.deals["market"][deal], 3]
        chance = discounting.chances(logit[here], discount, take(s.behavior("discount_win"), rep), weight)
        own = np.broadcast_to(s.partners.own_margin, life.shape)[rep, who]
        seen = take(s.gaming("discount_detection"), rep)
        value = np.stack(
            [
                own * (amount - given) + _pay(life, b, rows, given, np.where(given > 0, seen, 0.0))
                for given in conceded.T
            ],
            axis=1,
        )
        gains = discounting.concession_gains(chance, value, discount, take(s.gaming("discount_cost"), rep) * 100)
        choice = gaming.best_option(gains, value[:, 0])[:, None]
        o["conceded"][rows] = np.take_along_axis(conceded, choice, axis=1)[:, 0]
        o["discount"][rows] = np.take_along_axis(discount, choice, axis=1)[:, 0]


def _pay(life: VectorLife, b: Books, rows: Ints, given: Array, seen: Array) -> Array:
    """Pay on deals won at a price lower by `given` cents."""
    o = life.opps
    claims = drafts(
        len(rows), event=int(Event.SIGNED), cell=o["cell"][rows], opp=rows, time=o["due"][rows],
        week=np.floor(o["due"][rows]).astype(np.int64), start=o["start"][rows], amount=o["amount"][rows] - given,
        conceded=given, code=o["code"][rows], deal=o["deal"][rows], role=first_role(o["other"][rows]),
    )  # fmt: skip
    return worth(b, claims, seen)
