"""What each partner of the event engine lived through in a quarter, as its trust needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.engines.contesting import disputes_of_quarter
from simulator.model.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR
from simulator.model.trust import Facts

if TYPE_CHECKING:
    from simulator.engines.agents import Opportunity, Partner
    from simulator.engines.events import EventLife


def review(life: EventLife, week: int) -> None:
    """Let trust move at the end of a quarter."""
    trust = life.planner.trust
    if trust is None or week % WEEKS_PER_QUARTER or week == -life.setting.burn_in:
        return
    rows = [_lived(life, partner, week) for partner in life.partners]
    paid, late, signed, lost, booked, raised = (np.array([column]) for column in zip(*rows, strict=True))
    trust.review(week, Facts(paid, late, signed, lost, booked, disputes_of_quarter(life, week).astype(float), raised))


def _lived(life: EventLife, partner: Partner, week: int) -> tuple[float, float, float, float, float, float]:
    """Cents paid, cent-weeks late, deals signed and taken back, cents booked, and rise of targets of one partner."""
    norm = life.setting.numbers("trust.norm_weeks")[0, 0]
    paid = late = 0.0
    for d in (d for d in life.closed_now if d.account.who == partner.who):
        lag = d.account.components[d.component].terms.payout_lag_weeks[0, 0]
        paid, late = paid + d.accrued, late + float(np.rint(d.accrued * max(lag - norm, 0.0)))
    account = partner.account
    assert account is not None
    window = max((float(c.terms.clawback_weeks[0, 0]) for c in account.components), default=0.0)
    now = life.in_force["account"].get(account.offer)
    deals = [o for o in partner.opportunities if o.won and week - WEEKS_PER_YEAR <= o.due < week]
    taken = [o for o in deals if week - WEEKS_PER_QUARTER <= o.ends < week and o.ends - o.due <= window]
    booked = sum(_net(o) for o in deals if o.due >= week - WEEKS_PER_QUARTER)
    raised = 0.0 if now is None else float(now.raised[0, 0])
    return paid, late, float(len(deals)), float(len(taken)), booked, raised


def _net(opp: Opportunity) -> float:
    return opp.amount - opp.conceded
