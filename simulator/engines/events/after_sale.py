"""What becomes of customers in the event engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import take
from simulator.world.after_sale import OUTCOMES, expansion_amount, outcome_times

if TYPE_CHECKING:
    from simulator.engines.events.deals import Opportunity
    from simulator.engines.events.engine import EventRun


def coming(run: EventRun, opp: Opportunity) -> list[tuple[int, float]]:
    """What will become of a customer that is signed now: (event, time)."""
    after, rep = run.setting.markets.after_sale, np.zeros(1, dtype=np.int64)
    if after is None or opp.partner is None:
        return []
    active = run.effort.activity[3][0, opp.partner.who] if opp.worked else 1.0
    times = outcome_times(
        waits=run.world.deals["after"][opp.deal : opp.deal + 1],
        renewal=take(after.renewal, rep, np.array([opp.market])), signed=np.array([opp.due]),
        ends=np.array([opp.ends]), active=np.array([active]),
        elasticity=take(run.setting.behavior("success_outcomes"), rep),
    )[0]  # fmt: skip
    return [(int(e), float(t)) for e, t in zip(OUTCOMES, times, strict=True) if t < run.setting.horizon]


def expansion(run: EventRun, opp: Opportunity) -> float:
    """Cents of a customer's expansion."""
    after = run.setting.markets.after_sale
    assert after is not None
    share = take(after.expansion_share, np.zeros(1, dtype=np.int64), np.array([opp.market]))
    return float(expansion_amount(np.array([opp.amount]), share)[0])
