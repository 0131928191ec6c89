"""The processes of the event engine: partners, opportunities and customers."""

from __future__ import annotations

from collections.abc import Generator
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np
import simpy

from simulator.behavior.gaming import kinds
from simulator.behavior.gaming.false_claims import false_claim_rate
from simulator.core.arrays import Array
from simulator.engines.events import governance
from simulator.engines.events.accounts import Claim, ClosedWindow, PartnerAccount
from simulator.engines.events.after_sale import coming, expansion
from simulator.engines.events.disputes import disputed
from simulator.engines.events.gaming.deal_splitting import file
from simulator.engines.events.gaming.discount_dumping import propose
from simulator.engines.events.joint_deals import file_together, is_joint, second_of
from simulator.program.credit_splits import SECOND
from simulator.program.measures import MEASURES, Event, complexity_of
from simulator.world import opportunities

if TYPE_CHECKING:
    from simulator.engines.events.engine import EventRun

Process = Generator[simpy.Event, Any, None]
STAGES = ("qualified", "joint demo", "pilot", "verbal win")
_PADDED = tuple(name for name, m in MEASURES.items() if m.padded)


class Opportunity:
    """One opportunity, its course as a process. Its partner is None where the vendor works alone."""

    __slots__ = (
        "account", "amount", "at_stake", "code", "conceded", "credits", "deal", "decided", "discount", "due", "ends",
        "false", "filed", "lost", "market", "number", "partner", "qualified", "since", "start", "vendor", "verbal",
        "won", "worked",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        deal: int,
        start: float,
        amount: float,
        code: int,
        market: int,
        account: int,
        vendor: bool,
    ) -> None:
        self.number, self.deal, self.start, self.amount, self.code = number, deal, start, amount, code
        self.market, self.account, self.vendor = market, account, vendor
        self.partner: Partner | None = None
        self.worked = self.false = self.filed = self.lost = self.won = self.verbal = False
        self.credits: dict[tuple[int, int], float] = {}
        self.conceded, self.discount, self.since, self.due = 0.0, 0.0, 0.0, start
        self.qualified: float | None = None
        self.decided: float | None = None
        self.ends = np.inf
        self.at_stake: list[tuple[Partner, PartnerAccount, ClosedWindow, Claim, float]] = []

    @property
    def complexity(self) -> int:
        """1 for a complex deal, 0 for a standard one; read from the code."""
        return int(complexity_of(np.array([self.code]))[0])

    def course(self, run: EventRun) -> Process:
        """From arrival through the stages to the signature."""
        yield run.env.at(self.start)
        self._arrive(run)
        durations, hurdles = run.deals.durations[self.deal], run.deals.hurdles[self.deal]
        for stage in range(4):
            self.due = self.due + durations[stage] / self._speed()
            yield run.env.at(self.due)
            if run.over:
                return
            logit = self._logit(run)
            if not hurdles[stage] < logit[0]:
                self._lose(run, stage)
                return
            self._pass(run, stage)
            if stage == 2 and "discount_dumping" in run.mode.gaming:
                propose(run, self, logit)
        self.due = self.due + durations[4]
        self.verbal = True
        yield run.env.at(self.due)
        if not run.over:
            self._sign(run)

    def _arrive(self, run: EventRun) -> None:
        if self.worked and self.partner is not None:
            p = self.partner
            p.open += 1
            self.since = p.work + p.intensity * (self.start - floor(self.start))
        if self.partner is not None:
            self.partner.opportunities.append(self)
            for account in self.partner.all_accounts():
                account.register(self)
        other = second_of(run, self)
        if other is not None:
            for account in other.all_accounts():
                account.register(self, second=True)
        run.note("found", self.partner, self, self.amount)

    def _speed(self) -> float:
        return self.partner.speed if self.worked and self.partner is not None else 1.0

    def _logit(self, run: EventRun) -> Array:
        """Log-odds as things stand, shape (1,)."""
        if not self.worked or self.partner is None:
            return np.array([run.deals.direct_logit[self.deal]])
        p = self.partner
        work = p.work + p.intensity * (self.due - floor(self.due))
        mean = opportunities.mean_intensity(
            work=np.array([work]),
            since=np.array([self.since]),
            now=np.array([self.due]),
            start=np.array([self.start]),
        )
        logit = opportunities.win_logit(base=run.deals.with_logit(self.deal), cosell_win=run.cosell_win, intensity=mean)
        logit = governance.helped(run, self, p, logit)
        if self.discount:
            logit = logit + run.discount_win * self.discount
        return logit

    def _decide(self) -> None:
        self.decided = self.due
        if self.worked and self.partner is not None:
            self.partner.open -= 1

    def _lose(self, run: EventRun, stage: int) -> None:
        self.lost = True
        self._decide()
        run.note("lost", self.partner, self, self.amount, reason=f"not passed: {STAGES[stage]}")

    def _pass(self, run: EventRun, stage: int) -> None:
        if stage == 0:
            self.qualified = self.due
        if stage == 3:
            self._decide()
        elif self.partner is not None:
            file_together(run, self, self._claim(run, stage))
        run.note(STAGES[stage], self.partner, self, self.amount)

    def truth(self, run: EventRun) -> tuple[bool, float]:
        """Whether a claim on the deal is false or rests on an unwarranted concession, and its audit mark."""
        audit = run.deals.audit[self.deal]
        if self.discount:
            audit = float(kinds.audit_mark(np.array([audit]), run.setting.gaming("discount_detection")[0])[0])
        return self.false or self.discount > 0, audit

    def _claim(self, run: EventRun, event: int) -> Claim:
        false, audit = self.truth(run)
        amount = self.amount - self.conceded
        made = Claim(event, self.due, floor(self.due), amount, self.code, false, audit, self, conceded=self.conceded)
        if event == Event.SIGNED:
            made.disputed = disputed(run, self)
        return made

    def _sign(self, run: EventRun) -> None:
        self.won, self.verbal = True, False
        self.ends = self.due + run.kept_weeks(self)
        run.note("signed", self.partner, self, self.amount)
        if self.partner is None:
            return
        if self.worked:
            self.partner.wins += 1
        if not self.filed:
            claim = self._claim(run, int(Event.SIGNED))
            if "splitting" in run.mode.gaming and self.partner.opportunist and not is_joint(run, self):
                file(run, self.partner, claim)
            else:
                file_together(run, self, claim)
        run.payments.customer_signed(self)
        for event, time in coming(run, self):
            run.env.process(self._outcome(run, event, time))

    def _outcome(self, run: EventRun, event: int, time: float) -> Process:
        """Something that becomes of the customer."""
        yield run.env.at(time)
        if run.over or self.lost or self.partner is None:
            return
        amount = expansion(run, self) if event == Event.EXPANDED else self.amount
        claim = Claim(event, time, floor(time), amount, self.code, self.false, run.deals.audit[self.deal], self)
        claim.since = self.due
        self.partner.claim(run, claim)


class Partner:
    """One partner: plans each week, files claims, and at a window's end may move signatures."""

    def __init__(self, who: int, name: str, opportunist: bool) -> None:
        self.who, self.name, self.opportunist = who, name, opportunist
        self.open, self.work, self.intensity, self.speed, self.wins = 0, 0.0, 1.0, 1.0, 0
        self.signed_week: int | None = None
        self.account: PartnerAccount | None = None
        self.paid: PartnerAccount | None = None
        self.heard: list[PartnerAccount] = []
        self.claims: list[Claim] = []
        self.opportunities: list[Opportunity] = []

    def all_accounts(self) -> list[PartnerAccount]:
        """The account it sees, the one it is paid by where that is another, and what it hears of other programs."""
        return [*(a for a in (self.account, self.paid) if a is not None), *self.heard]

    def claim(self, run: EventRun, claim: Claim) -> None:
        """File a claim and book it."""
        self.claims.append(claim)
        for account in self.all_accounts():
            account.post(claim)
        run.note_claim(self, claim)

    def mode(self, run: EventRun) -> Process:
        """Wait for the program office: file at a window's end, plan at the start of a week."""
        while True:
            call = yield run.office_call
            if call == "file":
                self.file(run)
            else:
                self.plan(run)

    def plan(self, run: EventRun) -> None:
        """Take up the week's effort and start what it brings."""
        who, week = self.who, run.week
        self.intensity = float(run.intensity[0, who])
        self.speed = float(run.speed[0, who])
        for opp in run.incoming.found.pop(who, ()):
            opp.partner, opp.worked = self, True
            run.env.process(opp.course(run))
        for event, false, audit in run.incoming.activity_claims(who):
            self.claim(run, Claim(event, float(week), week, 0.0, -1, false, audit))

    def file(self, run: EventRun) -> None:
        """Move signatures across the end of the window where the payout gains more than it costs."""
        if not self.opportunist or self.account is None:
            return
        tau, week = run.setting.scenario.gaming.max_shift_weeks, run.week
        late = [
            c for c in self.claims
            if week - tau <= c.week < week and c.event == Event.SIGNED and c.moved == 0 and c.role != SECOND
        ]  # fmt: skip
        early = [o for o in self.opportunities if o.verbal and not o.filed and o.due < week + tau]
        if late or early:
            run.timing.choose(self, late, early)

    def false_rates(self, run: EventRun) -> dict[int, float]:
        """False claims per week that pay, by event."""
        if not self.opportunist:
            return {}
        cost = run.world.misreport_cost[:, self.who]
        rates = {}
        for name in _PADDED:
            event = MEASURES[name].event
            if event in run.false_gain:
                rates[int(event)] = float(false_claim_rate(run.false_gain[event][:, self.who], cost)[0])
        return rates
