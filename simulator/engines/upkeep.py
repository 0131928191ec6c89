"""What the event engine's program office looks after besides payouts: reviews of programs, participation, support."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulator.model.help import Help, help_of, helped_logit
from simulator.model.participation import Worth
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.compiled import Program
from simulator.program.governance import InForce
from simulator.program.numbers import Array, partner_sum

if TYPE_CHECKING:
    from simulator.engines.agents import Opportunity, Partner
    from simulator.engines.closing import Draft
    from simulator.engines.desk import Desk
    from simulator.engines.events import EventLife


def review(life: EventLife, week: int, slot: str, desks: Sequence[Desk], closed: Sequence[Draft]) -> None:
    """Look at what every program's windows that closed now came to, and follow its rules."""
    held = life.in_force[slot]
    for index, program in {desk.index: desk.perception.program for desk in desks}.items():
        if not program.review or week <= 0:
            continue
        now = held.get(index) or InForce.at_launch(len(program.components), 1)
        for k in range(len(program.components)):
            usual = np.zeros(life.shape)
            paid = attained = 0.0
            for d in (d for d in closed if d.account.offer == index and d.component == k):
                paid, attained = paid + d.accrued, attained + d.account.attained[k]
                expected = d.account.perception.usual(k, d.account.started[k], week)
                usual[0, d.account.who] = expected[0, d.account.who]
            now = now.seeing(k, np.array([[paid]]), np.array([[attained]]), partner_sum(usual)[:, None])
        held[index] = now
        if week % WEEKS_PER_QUARTER == 0:
            held[index] = now.reviewed(program.review, program.components, week // WEEKS_PER_QUARTER)
            _note_moves(life, program, now, held[index])


def _note_moves(life: EventLife, program: Program, before: InForce, now: InForce) -> None:
    """Log what a review changed."""
    for what, was, is_now in (
        ("rates", before.rates, now.rates), ("targets", before.targets, now.targets), ("pool", before.pools, now.pools),
    ):  # fmt: skip
        for component, old, new in zip(program.components, was, is_now, strict=True):
            if old[0, 0] != new[0, 0]:
                life.note("review", None, None, 0.0, component.name, reason=f"{what} times {new[0, 0]:.3f}")


def reconsider(life: EventLife, week: int) -> None:
    """Ask all partners at a quarter's end whether they take part."""
    members = life.planner.membership
    if members is None or week % WEEKS_PER_QUARTER != 0 or week == -life.setting.burn_in:
        return
    worth = Worth(np.zeros(life.shape), np.zeros(life.shape))
    for desk in life.desks:
        desk.pace, desk.trust = life.planner.pace(), life.planner.trusted()
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
