"""What each partner of the event engine experienced in a quarter, as its trust needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.trust import QuarterExperience
from simulator.engines.events.disputes import disputes_of_quarter
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR

if TYPE_CHECKING:
    from simulator.engines.events.deals import Opportunity, Partner
    from simulator.engines.events.engine import EventRun


def review(run: EventRun, week: int) -> None:
    """Let trust move at the end of a quarter."""
    trust = run.effort.trust
    if trust is None or week % WEEKS_PER_QUARTER or week == -run.setting.burn_in:
        return
    rows = [_lived(run, partner, week) for partner in run.partners]
    paid, late, signed, lost, booked, raised = (np.array([column]) for column in zip(*rows, strict=True))
    trust.review(
        week, QuarterExperience(paid, late, signed, lost, booked, disputes_of_quarter(run, week).astype(float), raised)
    )


def _lived(run: EventRun, partner: Partner, week: int) -> tuple[float, float, float, float, float, float]:
    """Cents paid, cent-weeks late, deals signed and taken back, cents booked, and rise of targets of one partner."""
    norm = run.setting.number("trust", "norm_weeks")[0, 0]
    paid = late = 0.0
    for d in (d for d in run.closed_now if d.account.who == partner.who):
        lag = d.account.components[d.component].terms.payout_lag_weeks[0, 0]
        paid, late = paid + d.accrued, late + float(np.rint(d.accrued * max(lag - norm, 0.0)))
    account = partner.account
    assert account is not None
    window = max((float(c.terms.clawback_weeks[0, 0]) for c in account.components), default=0.0)
    now = run.in_force["account"].get(account.offer)
    deals = [o for o in partner.opportunities if o.won and week - WEEKS_PER_YEAR <= o.due < week]
    taken = [o for o in deals if week - WEEKS_PER_QUARTER <= o.ends < week and o.ends - o.due <= window]
    booked = sum(_net(o) for o in deals if o.due >= week - WEEKS_PER_QUARTER)
    raised = 0.0 if now is None else float(now.raised[0, 0])
    return paid, late, float(len(deals)), float(len(taken)), booked, raised


def _net(opp: Opportunity) -> float:
    return opp.amount - opp.conceded
