"""Second partners in the event engine: each files a claim of its own beside every claim of a joint deal.

Where the first partner moves a signature, the second one's claim moves with it, after everybody has chosen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.program.credit_splits import ALONE, FIRST, SECOND
from simulator.program.measures import Event

if TYPE_CHECKING:
    from simulator.engines.events.accounts import Claim
    from simulator.engines.events.deals import Opportunity, Partner
    from simulator.engines.events.engine import EventRun


def second_of(run: EventRun, opp: Opportunity) -> Partner | None:
    """The second partner of an opportunity that is worked on, if there is one."""
    if run.world.joint is None or not opp.worked:
        return None
    other = int(run.world.joint.rows["other"][opp.deal])
    return run.partners[other] if other >= 0 else None


def first_role(run: EventRun, opp: Opportunity) -> int:
    """Role of the first partner's claims on an opportunity."""
    return ALONE if second_of(run, opp) is None else FIRST


def is_joint(run: EventRun, opp: Opportunity) -> bool:
    """Whether an opportunity has a second partner."""
    return second_of(run, opp) is not None


def file_together(run: EventRun, opp: Opportunity, claim: Claim) -> None:
    """File a claim of an opportunity, and the second partner's beside it."""
    assert opp.partner is not None
    other = second_of(run, opp)
    if other is None:
        opp.partner.claim(run, claim)
        return
    claim.role = FIRST
    opp.partner.claim(run, claim)
    other.claim(run, replace(claim, role=SECOND, false=False))


def follow(run: EventRun) -> None:
    """Take the second partners' claims along with the signatures that were pulled or pushed."""
    for claim in run.pulled:
        assert claim.opp is not None
        other = second_of(run, claim.opp)
        if other is not None:
            other.claim(run, replace(claim, role=SECOND, false=False))
    for opp in run.delayed:
        other = second_of(run, opp)
        if other is not None:
            _delay(run, other, opp)
    run.pulled, run.delayed = [], []


def _delay(run: EventRun, other: Partner, opp: Opportunity) -> None:
    mine = next(c for c in other.claims if c.opp is opp and c.event == Event.SIGNED and c.role == SECOND)
    for account in other.all_accounts():
        account.post(mine, sign=-1)
    mine.week, mine.time, mine.moved = run.week, float(run.week), 1
    if opp.lost:
        mine.event = -1
    else:
        run.pushed.append((other, mine))
