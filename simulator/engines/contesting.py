"""Disputes in the event engine: which signature is disputed, how many, and how long payment waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from simulator.disputes import NONE
from simulator.engines.joining import is_joint
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.compiled import Ints
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.program.sharing import SECOND

if TYPE_CHECKING:
    from simulator.engines.accounts import Claim
    from simulator.engines.agents import Opportunity, Partner
    from simulator.engines.events import EventLife

_ONE = np.zeros(1, dtype=np.int64)


def disputed(life: EventLife, opp: Opportunity) -> int:
    """State of the signature of an opportunity, see `simulator.disputes`."""
    if life.world.disputes is None:
        return NONE
    joint, claimed = np.array([is_joint(life, opp)]), np.array([opp.false])
    return int(life.world.disputed(np.array([opp.deal]), _ONE, joint, claimed)[0])


def disputes_of_quarter(life: EventLife, week: int) -> Ints:
    """Disputes about signatures that each partner filed in the quarter before the boundary `week`, (1, P)."""
    first = week - WEEKS_PER_QUARTER
    return np.array([[sum(first <= c.week < week for c in _contested(p)) for p in life.partners]], dtype=np.int64)


def _contested(partner: Partner) -> Iterator[Claim]:
    return (c for c in partner.claims if c.disputed != NONE and c.event == Event.SIGNED)


def delay(life: EventLife, claim: Claim) -> float:
    """Weeks by which a dispute delays what is paid on a claim."""
    if life.world.disputes is None or claim.disputed == NONE:
        return 0.0
    return float(life.world.disputes.number("delay_weeks", _ONE)[0])


def waited(life: EventLife) -> Array:
    """Cent-weeks that the payouts of each partner wait for disputes, whole, (1, P)."""
    late = np.zeros((1, life.shape[1]))
    for who, closed in life.settled:
        if closed.kept is None:
            late[0, who] += sum(float(np.rint(part * delay(life, claim))) for claim, part in closed.parts)
    return late


def dispute_totals(life: EventLife) -> dict[str, int]:
    """Disputes about signatures within the horizon, and what settling them costs in cents."""
    horizon = life.setting.horizon
    count = sum(0 <= c.week < horizon and c.role != SECOND for p in life.partners for c in _contested(p))
    if life.world.disputes is None:
        return {"disputes": 0, "disputes.cost": 0}
    return {"disputes": count, "disputes.cost": count * int(np.rint(life.world.disputes.number("cost", _ONE)[0] * 100))}
