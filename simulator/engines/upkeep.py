"""What the event engine's program office looks after besides payouts: participation, and support of partners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.model.help import Help, help_of, helped_logit
from simulator.model.participation import Worth
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.numbers import Array

if TYPE_CHECKING:
    from simulator.engines.agents import Opportunity, Partner
    from simulator.engines.events import EventLife


def reconsider(life: EventLife, week: int) -> None:
    """Ask all partners at a quarter's end whether they take part."""
    members = life.planner.membership
    if members is None or week % WEEKS_PER_QUARTER != 0 or week == -life.setting.burn_in:
        return
    worth = Worth(np.zeros(life.shape), np.zeros(life.shape))
    for desk in life.desks:
        desk.pace = life.planner.pace()
        desk.gather()
        seen = desk.perception.worth(week, desk)
        for who in desk.accounts:
            worth.certain[0, who], worth.income[0, who] = seen.certain[0, who], seen.income[0, who]
    before = members.active
    life.planner.review(week, worth, life.world.participation(week))
    for partner in life.partners:
        if before[0, partner.who] != members.active[0, partner.who]:
            change = "takes part" if members.active[0, partner.who] else "goes dormant"
            life.note(change, partner, None, 0.0)


def enablement(life: EventLife, week: int) -> Help | None:
    """What enablement does for partners, asked of their open complex deals."""
    offers, now = life.rollout.offers, life.rollout.at(week)
    if not any(offer.program.supports for offer in offers):
        return None
    count = np.zeros(life.shape)
    for p in life.partners:
        count[0, p.who] = sum(o.worked and o.decided is None and o.complexity == 1 for o in p.opportunities)
    given = [(offer.program.supports, now == index) for index, offer in enumerate(offers)]
    return help_of(given, life.planner.working(1), count)


def helped(life: EventLife, opp: Opportunity, partner: Partner, logit: Array) -> Array:
    """Log-odds of a deal with the help that its partner gets this week, shape (1,)."""
    if life.planner.help is None:
        return logit
    return helped_logit(
        logit, complexity=np.array([opp.complexity]), account=np.array([opp.account]),
        hard=life.planner.help.complex[:, partner.who], named=life.planner.help.named[:, partner.who],
    )  # fmt: skip
