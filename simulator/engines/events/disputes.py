"""Disputes in the event engine: which signature is disputed, how many, and how long payment waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.engines.events.joint_deals import is_joint
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.world.disputes import NONE
from simulator.world.setting import WEEKS_PER_QUARTER

if TYPE_CHECKING:
    from simulator.engines.events.accounts import Claim
    from simulator.engines.events.deals import Opportunity, Partner
    from simulator.engines.events.engine import EventRun

_ONE = np.zeros(1, dtype=np.int64)


def disputed(run: EventRun, opp: Opportunity) -> int:
    """State of the signature of an opportunity, see `simulator.world.disputes`."""
    if run.world.disputes is None:
        return NONE
    joint, claimed = np.array([is_joint(run, opp)]), np.array([opp.false])
    return int(run.world.disputed(np.array([opp.deal]), _ONE, joint, claimed)[0])


def disputes_of_quarter(run: EventRun, week: int) -> Ints:
    """Disputes about signatures that each partner filed in the quarter before the boundary `week`, (1, P)."""
    first = week - WEEKS_PER_QUARTER
    return np.array([[sum(first <= c.week < week for c in _contested(p)) for p in run.partners]], dtype=np.int64)


def _contested(partner: Partner) -> Iterator[Claim]:
    return (c for c in partner.claims if c.disputed != NONE and c.event == Event.SIGNED)


def delay(run: EventRun, claim: Claim) -> float:
    """Weeks by which a dispute delays what is paid on a claim."""
    if run.world.disputes is None or claim.disputed == NONE:
        return 0.0
    return float(run.world.disputes.number("delay_weeks", _ONE)[0])


def waited(run: EventRun) -> Array:
    """Cent-weeks that the payouts of each partner wait for disputes, whole, (1, P)."""
    late = np.zeros((1, run.shape[1]))
    for who, closed in run.settled:
        if closed.kept is None:
            late[0, who] += sum(float(np.rint(part * delay(run, claim))) for claim, part in closed.parts)
    return late


def dispute_totals(run: EventRun) -> dict[str, int]:
    """Disputes about signatures within the horizon, and what settling them costs in cents."""
    horizon = run.setting.horizon
    count = sum(0 <= c.week < horizon and c.role != SECOND for p in run.partners for c in _contested(p))
    if run.world.disputes is None:
        return {"disputes": 0, "disputes.cost": 0}
    return {"disputes": count, "disputes.cost": count * int(np.rint(run.world.disputes.number("cost", _ONE)[0] * 100))}
