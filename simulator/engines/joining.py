"""Second partners in the event engine: each files a claim of its own beside every claim of a joint deal.

Where the first partner moves a signature, the second one's claim moves with it, after everybody has chosen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.program.measures import Event
from simulator.program.sharing import ALONE, FIRST, SECOND

if TYPE_CHECKING:
    from simulator.engines.accounts import Claim
    from simulator.engines.agents import Opportunity, Partner
    from simulator.engines.events import EventLife


def second_of(life: EventLife, opp: Opportunity) -> Partner | None:
    """The second partner of an opportunity that is worked on, if there is one."""
    if life.world.joint is None or not opp.worked:
        return None
    other = int(life.world.joint.rows["other"][opp.deal])
    return life.partners[other] if other >= 0 else None


def first_role(life: EventLife, opp: Opportunity) -> int:
    """Role of the first partner's claims on an opportunity."""
    return ALONE if second_of(life, opp) is None else FIRST


def is_joint(life: EventLife, opp: Opportunity) -> bool:
    """Whether an opportunity has a second partner."""
    return second_of(life, opp) is not None


def file_together(life: EventLife, opp: Opportunity, claim: Claim) -> None:
    """File a claim of an opportunity, and the second partner's beside it."""
    assert opp.partner is not None
    other = second_of(life, opp)
    if other is None:
        opp.partner.claim(life, claim)
        return
    claim.role = FIRST
    opp.partner.claim(life, claim)
    other.claim(life, replace(claim, role=SECOND, false=False))


def follow(life: EventLife) -> None:
    """Take the second partners' claims along with the signatures that were pulled or pushed."""
    for claim in life.pulled:
        assert claim.opp is not None
        other = second_of(life, claim.opp)
        if other is not None:
            other.claim(life, replace(claim, role=SECOND, false=False))
    for opp in life.delayed:
        other = second_of(life, opp)
        if other is not None:
            _delay(life, other, opp)
    life.pulled, life.delayed = [], []


def _delay(life: EventLife, other: Partner, opp: Opportunity) -> None:
    mine = next(c for c in other.claims if c.opp is opp and c.event == Event.SIGNED and c.role == SECOND)
    for account in other.all_accounts():
        account.post(mine, sign=-1)
    mine.week, mine.time, mine.moved = life.week, float(life.week), 1
    if opp.lost:
        mine.event = -1
    else:
        life.pushed.append((other, mine))
