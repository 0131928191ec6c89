"""Discount dumping in the event engine: one opportunist prices one proposal."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.gaming import discount_dumping, kinds
from simulator.core.arrays import Array, take
from simulator.engines.events.accounts import Claim, PartnerAccount
from simulator.engines.events.joint_deals import first_role
from simulator.program.measures import Event

if TYPE_CHECKING:
    from simulator.engines.events.deals import Opportunity
    from simulator.engines.events.engine import EventRun

_ZERO = np.zeros(1, dtype=np.int64)


def propose(run: EventRun, opp: Opportunity, logit: Array) -> None:
    """Let the partner of a deal whose log-odds are `logit` (1,) choose the price of its proposal."""
    partner = opp.partner
    if partner is None or not (partner.opportunist and opp.worked) or partner.account is None:
        return
    s = run.setting
    conceded = discount_dumping.concessions(np.array([opp.amount]), take(s.gaming("max_discount"), _ZERO))
    discount = conceded / opp.amount
    weight = s.markets.stage_weights[0, opp.market, 3:4]
    chance = discount_dumping.chances(logit, discount, take(s.behavior("discount_win"), _ZERO), weight)
    own = float(np.broadcast_to(s.partners.own_margin, run.shape)[0, partner.who])
    seen = float(s.gaming("discount_detection")[0, 0])
    value = np.array(
        [
            [
                own * (opp.amount - given) + worth(partner.account, _draft(run, opp, given), seen if given else 0.0)
                for given in conceded[0].tolist()
            ]
        ]
    )
    gains = discount_dumping.concession_gains(chance, value, discount, take(s.gaming("discount_cost"), _ZERO) * 100)
    choice = int(kinds.best_option(gains, value[:, 0])[0])
    opp.conceded, opp.discount = float(conceded[0, choice]), float(discount[0, choice])
    if choice:
        reason = f"conceded {opp.discount:.1%} to win"
        run.note("discounted", partner, opp, opp.conceded, reason=reason)


def _draft(run: EventRun, opp: Opportunity, given: float) -> Claim:
    role, amount = first_role(run, opp), opp.amount - given
    return Claim(int(Event.SIGNED), opp.due, floor(opp.due), amount, opp.code, False, 2.0, opp, 0, given, role)


def worth(account: PartnerAccount, claim: Claim, seen: float) -> float:
    """Payout that a claim would bring, in cents, at the prices the partner sees.

    Paid by claim it counts exactly, by window at the price of the running one; less what is expected to be clawed back,
    and what audits would find. seen: share of audits that would see through the claim.
    """
    total = 0.0
    for k, pay, _ in account.payouts(claim):
        total += pay * _kept(account, k, seen)
    for k, c in enumerate(account.components):
        if not c.by_claim and claim.event == c.measure.event:
            price = np.broadcast_to(account.cohort.prices[k], account.cohort.shape)[0, account.who]
            total += float(price) * account.credit(k, claim) * _kept(account, k, seen)
    return total


def _kept(account: PartnerAccount, k: int, seen: float) -> float:
    terms = account.components[k].terms
    clawed = np.broadcast_to(account.cohort.clawed[k], account.cohort.shape)[0, account.who : account.who + 1]
    return float(kinds.kept(clawed, take(terms.audit_rate, _ZERO) * seen, take(terms.penalty_multiple, _ZERO))[0])
