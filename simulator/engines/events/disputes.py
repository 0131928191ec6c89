"""Disputes in the event engine: which signature is disputed, how many, and how long payment waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Ints
from simulator.engines.events.joint_deals import is_joint
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
