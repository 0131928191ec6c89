"""The program office's payments: closed windows are paid after their lag, and lost customers take payouts back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.engines.accounts import Account, Claim, Closed
from simulator.engines.ledger import taken_back

if TYPE_CHECKING:
    from simulator.engines.agents import Opportunity, Partner, Process
    from simulator.engines.events import EventLife


class Payments:
    """Processes that pay closed windows and take back what rests on lost customers."""

    def __init__(self, life: EventLife) -> None:
        self._life = life

    def settle(self, partner: Partner, account: Account, closed: Closed) -> None:
        self._life.settled.append((partner.who, closed))
        component = account.components[closed.component]
        self._life.note("accrued", partner, None, closed.accrued, component.name, closed.attained)
        if closed.penalty:
            self._life.note(
                "penalty",
                partner,
                None,
                -closed.penalty,
                component.name,
                reason="false claims found by audit",
            )
        for claim, part in closed.parts:
            if claim.opp is not None and component.terms.clawback_weeks[0, 0] > 0:
                claim.opp.at_stake.append((partner, account, closed, claim, part))
                if np.isfinite(claim.opp.ends):
                    self._life.env.process(self._lose_customer(*claim.opp.at_stake[-1]))
        self._life.env.process(self._pay(partner, account, closed))

    def customer_signed(self, opp: Opportunity) -> None:
        """A deal that was paid before its signature gets its customer."""
        for stake in opp.at_stake:
            self._life.env.process(self._lose_customer(*stake))

    def _lose_customer(self, partner: Partner, account: Account, closed: Closed, claim: Claim, part: float) -> Process:
        """Take the payout on a lost customer's deal back, if it is lost in time."""
        opp, terms = claim.opp, account.components[closed.component].terms
        assert opp is not None
        if opp.ends - claim.time > terms.clawback_weeks[0, 0]:
            return
        yield self._life.env.at(max(opp.ends, self._life.env.now))
        forfeited, clawed = taken_back(
            np.array([part]), lost=np.array([opp.ends]), claimed=np.array([claim.time]),
            end=np.array([float(closed.end)]),
            lag=terms.payout_lag_weeks[0], holdback=terms.holdback_share[0], held=terms.holdback_weeks[0],
            window=terms.clawback_weeks[0],
        )  # fmt: skip
        closed.forfeited += float(forfeited[0])
        closed.clawed_back += float(clawed[0])
        name = account.components[closed.component].name
        if forfeited[0]:
            self._life.note(
                "forfeited", partner, opp, -float(forfeited[0]), name, reason="customer lost before payment"
            )
        if clawed[0]:
            self._life.note("clawed back", partner, opp, -float(clawed[0]), name, reason="customer lost after payment")

    def _pay(self, partner: Partner, account: Account, closed: Closed) -> Process:
        """Pay a closed window after its lag, and what was held back later."""
        terms, name = account.components[closed.component].terms, account.components[closed.component].name
        due = closed.end + terms.payout_lag_weeks[0, 0]
        yield self._life.env.at(max(due, self._life.env.now))
        kept = np.floor(closed.accrued * terms.holdback_share[0, 0])
        paid = closed.accrued - kept - closed.forfeited
        self._life.note("paid", partner, None, float(paid), name)
        if kept:
            early = closed.forfeited
            yield self._life.env.at(due + terms.holdback_weeks[0, 0])
            self._life.note(
                "paid",
                partner,
                None,
                float(kept - (closed.forfeited - early)),
                name,
                reason="holdback released",
            )
