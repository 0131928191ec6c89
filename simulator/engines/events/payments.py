"""The program office's payments: closed windows are paid after their lag, and lost customers take payouts back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.table import ColumnTable
from simulator.engines.events.accounts import Claim, ClosedWindow, PartnerAccount
from simulator.engines.events.disputes import delay
from simulator.engines.events.joint_deals import second_of
from simulator.engines.ledger import taken_back
from simulator.engines.records import CLAIM, DEAL, DONE, NEVER, PAYOUT, WINDOW, RunRecords, TierRecords
from simulator.program.compiled import CompiledComponent

if TYPE_CHECKING:
    from simulator.engines.events.deals import Opportunity, Partner, Process
    from simulator.engines.events.engine import EventRun


class Payments:
    """Processes that pay closed windows and take back what rests on lost customers."""

    def __init__(self, run: EventRun) -> None:
        self._run = run

    def settle(self, partner: Partner, account: PartnerAccount, closed: ClosedWindow) -> None:
        self._run.settled.append((partner.who, closed))
        component = account.components[closed.component]
        if component.advance is None:
            self._run.note("accrued", partner, None, closed.accrued, component.name, closed.attained)
        if closed.kept is not None:
            self._missed(partner, component, closed)
        if closed.penalty:
            self._run.note(
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
                    self._run.env.process(self._lose_customer(*claim.opp.at_stake[-1]))
        if component.advance is None:
            self._run.env.process(self._pay(partner, account, closed))

    def advance(self, week: int, accounts: Sequence[PartnerAccount]) -> None:
        """Pay what is paid at the start of the windows that start at `week`, after the lag."""
        for account in accounts:
            for k, c in enumerate(account.components):
                if c.advance is not None and account.started[k] == week and account.advanced[k]:
                    partner = self._run.partners[account.who]
                    self._run.note("accrued", partner, None, account.advanced[k], c.name, reason="paid in advance")
                    self._run.env.process(self._pay_advance(partner, account, k, week, account.advanced[k]))

    def _pay_advance(self, partner: Partner, account: PartnerAccount, k: int, start: int, amount: float) -> Process:
        c = account.components[k]
        yield self._run.env.at(start + c.terms.payout_lag_weeks[0, 0])
        ended = [x for x in account.closed if x.component == k and x.start == start]
        self._run.note("paid", partner, None, amount - sum(x.forfeited for x in ended), c.name)

    def _missed(self, partner: Partner, component: CompiledComponent, closed: ClosedWindow) -> None:
        """Take back what was paid in advance and not earned; what was not paid yet, or not spent, is forfeited."""
        assert closed.kept is not None
        back = closed.accrued - closed.kept
        advance = component.advance is not None
        paid = advance and closed.start + component.terms.payout_lag_weeks[0, 0] < closed.end
        if paid:
            closed.clawed_back += back
        else:
            closed.forfeited += back
        if back:
            event = "clawed back" if paid else "forfeited"
            self._run.note(event, partner, None, -back, component.name, closed.attained,
                            reason="target missed" if advance else "unspent")  # fmt: skip

    def customer_signed(self, opp: Opportunity) -> None:
        """A deal that was paid before its signature gets its customer."""
        for stake in opp.at_stake:
            self._run.env.process(self._lose_customer(*stake))

    def _lose_customer(
        self, partner: Partner, account: PartnerAccount, closed: ClosedWindow, claim: Claim, part: float
    ) -> Process:
        """Take the payout on a lost customer's deal back, if it is lost in time."""
        opp, terms = claim.opp, account.components[closed.component].terms
        assert opp is not None
        if opp.ends - claim.time > terms.clawback_weeks[0, 0]:
            return
        yield self._run.env.at(max(opp.ends, self._run.env.now))
        late = delay(self._run, claim) if closed.kept is None else 0.0
        forfeited, clawed = taken_back(
            np.array([part]), lost=np.array([opp.ends]), claimed=np.array([claim.time]),
            end=np.array([float(closed.end if closed.kept is None else closed.start)]),
            lag=terms.payout_lag_weeks[0] + late, holdback=terms.holdback_share[0], held=terms.holdback_weeks[0],
            window=terms.clawback_weeks[0],
        )  # fmt: skip
        closed.forfeited += float(forfeited[0])
        closed.clawed_back += float(clawed[0])
        name = account.components[closed.component].name
        if forfeited[0]:
            self._run.note("forfeited", partner, opp, -float(forfeited[0]), name, reason="customer lost before payment")
        if clawed[0]:
            self._run.note("clawed back", partner, opp, -float(clawed[0]), name, reason="customer lost after payment")

    def _pay(self, partner: Partner, account: PartnerAccount, closed: ClosedWindow) -> Process:
        """Pay a closed window after its lag, and what was held back later."""
        terms, name = account.components[closed.component].terms, account.components[closed.component].name
        due = closed.end + terms.payout_lag_weeks[0, 0]
        yield self._run.env.at(max(due, self._run.env.now))
        kept = np.floor(closed.accrued * terms.holdback_share[0, 0])
        share = float(terms.holdback_share[0, 0])
        waits = [(delay(self._run, claim), part - np.floor(part * share)) for claim, part in closed.parts]
        late, disputed = max((w for w, _ in waits), default=0.0), sum(float(part) for w, part in waits if w)
        paid = closed.accrued - kept - closed.forfeited - disputed
        self._run.note("paid", partner, None, float(paid), name)
        early = closed.forfeited
        if late:
            yield self._run.env.at(max(due + late, self._run.env.now))
            now, early = disputed - (closed.forfeited - early), closed.forfeited
            self._run.note("paid", partner, None, now, name, reason="dispute settled")
        if kept:
            yield self._run.env.at(max(due + late + terms.holdback_weeks[0, 0], self._run.env.now))
            self._run.note(
                "paid",
                partner,
                None,
                float(kept - (closed.forfeited - early)),
                name,
                reason="holdback released",
            )


def run_records(run: EventRun) -> RunRecords:
    """What a finished run left behind."""
    paying = run.rollout if run.paid is None else run.paid
    claims, row = _claims(run)
    lines = [
        (int(run.world.ids[0]), who, c.offer, c.component, c.start, c.end, c.attained, c.accrued, c.forfeited,
         c.clawed_back, c.accrued - c.forfeited - c.clawed_back, c.penalty)
        for who, c in run.settled if c.accrued or c.attained or c.penalty
    ]  # fmt: skip
    payouts = [
        (c.offer, c.component, row[id(claim)], part, c.kept is not None)
        for _, c in run.settled for claim, part in c.parts
    ]  # fmt: skip
    windows = np.array(lines, dtype=np.int64).reshape(-1, len(WINDOW))
    kinds = (np.int64, np.int64, np.int64, float, bool)
    return RunRecords(
        run.world, paying, run.effort, np.array(run.effort_total)[:, None], _deals(run), claims,
        dict(zip(WINDOW, windows.T, strict=True)),
        {n: np.array([p[i] for p in payouts], dtype=k) for i, (n, k) in enumerate(zip(PAYOUT, kinds, strict=True))},
        tuple((prize, np.ones(1, dtype=np.int64)) for prize in run.awarded),
        tuple(_tiers(run)),
        run.in_force["account" if run.paid is None else "paid"].get(len(paying.offers) - 1),
    )  # fmt: skip


def _deals(run: EventRun) -> ColumnTable:
    deals = ColumnTable(DEAL)
    for o in run.opportunities:
        other = second_of(run, o)
        deals.append(
            1, deal=o.deal, cell=0 if o.partner is None else o.partner.who, start=o.start, amount=o.amount,
            code=o.code, attached=o.partner is not None, worked=o.worked, false=o.false, vendor=o.vendor,
            since=o.since, stage=DONE if o.won or o.lost else 0, due=o.due,
            qualified=NEVER if o.qualified is None else o.qualified,
            decided=NEVER if o.decided is None else o.decided, lost=o.lost, filed=o.filed, conceded=o.conceded,
            discount=o.discount, ends=o.ends, other=-1 if other is None else other.who,
        )  # fmt: skip
    return deals


def _claims(run: EventRun) -> tuple[ColumnTable, dict[int, int]]:
    """All claims, and the row of each by its `id`."""
    claims, row = ColumnTable(CLAIM), dict[int, int]()
    for partner in run.partners:
        for c in partner.claims:
            row[id(c)] = claims.rows
            start = c.time if c.opp is None else c.opp.start
            claims.append(
                1, event=c.event, cell=partner.who, opp=-1 if c.opp is None else c.opp.number, week=c.week,
                time=c.time, start=start if c.since is None else c.since, amount=c.amount, code=c.code,
                false=c.false, audit=c.audit, moved=c.moved, conceded=c.conceded,
                deal=-1 if c.opp is None else c.opp.deal, role=c.role, disputed=c.disputed,
            )  # fmt: skip
    return claims, row


def _tiers(run: EventRun) -> Iterator[TierRecords]:
    for cohort in run.cohorts if run.paid is None else run.paid_cohorts:
        tiers = cohort.perception.program.tiers
        if tiers is not None:
            first, now = np.zeros((2, *run.shape), dtype=np.int64)
            for who, account in cohort.accounts.items():
                first[0, who], now[0, who] = account.first_status, account.status
            yield TierRecords(tiers.names, cohort.members(), first, now)
