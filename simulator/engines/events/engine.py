"""The event engine: one replication as SimPy processes, with a log of who did what, when, at which price and why.

A process per partner and per opportunity, one for the program office (window ends, reviews, payments) and one per
customer that may be lost. It is the reference, and the way to replay any replication. Rules are shared with the vector
engine; how time advances, how deals and claims are kept and when windows close is written here independently.
"""

from __future__ import annotations

from heapq import heappush
from typing import Any

import numpy as np
import simpy
from simpy.events import NORMAL, URGENT, EventPriority

from simulator.behavior.effort import EffortState
from simulator.behavior.gaming.false_claims import FalseClaimGains
from simulator.behavior.participation import participation_at_start
from simulator.behavior.word_of_mouth import HeardProgram, blended_values, partners_talk
from simulator.core.arrays import Array, partner_sum
from simulator.engines.assignment import BehaviorMode, ProgramAssignment
from simulator.engines.events import governance, joint_deals, trust
from simulator.engines.events.accounts import Claim, ClosedWindow, PartnerAccount
from simulator.engines.events.arrivals import DealAttributes, WeekArrivals
from simulator.engines.events.closing import AccountBudgets, PendingWindow, book, draft, spend_fund
from simulator.engines.events.deals import Opportunity, Partner, Process
from simulator.engines.events.gaming.timing import Timing
from simulator.engines.events.payments import Payments, run_records
from simulator.engines.events.program_office import ProgramCohort
from simulator.engines.records import RunRecords
from simulator.program.governance import ProgramAdjustments
from simulator.program.schedule import Schedule
from simulator.program.support import Prize
from simulator.world.setting import WEEKS_PER_QUARTER
from simulator.world.world import World

LOG_COLUMNS = (
    "time", "partner", "opportunity", "event", "amount", "component", "attainment", "perceived_price", "reason",
)  # fmt: skip


class Clock(simpy.Environment):
    """An environment whose events can be put at an absolute time, so that times are carried and never recomputed."""

    def at(self, time: float, priority: EventPriority = NORMAL) -> simpy.Event:
        """An event that happens at `time` exactly."""
        event = simpy.Event(self)
        event._ok, event._value = True, None
        heappush(self._queue, (time, priority, next(self._eid), event))
        return event


class EventRun:
    """One replication under an assignment of programs. `paid` pays by another one than partners respond to."""

    def __init__(
        self,
        world: World,
        rollout: ProgramAssignment,
        mode: BehaviorMode,
        *,
        paid: ProgramAssignment | None = None,
        log: bool = False,
    ) -> None:
        self.world, self.rollout, self.mode, self.paid = world, rollout, mode, paid
        self.setting, self.shape = world.setting, world.shape
        self.effort = EffortState(
            self.setting, world.rate, world.inert, mode.expectations, world.shocks, mode.responding
        )
        self.effort.membership = participation_at_start(world)
        self.talking = partners_talk(self.setting)
        self.log: list[tuple[Any, ...]] | None = [] if log else None
        p = self.setting.partners
        self.partners = [Partner(i, n, bool(world.opportunist[0, i])) for i, n in enumerate(p.names)]
        self.opportunities: list[Opportunity] = []
        self.deals = DealAttributes(world)
        self.cohorts: list[ProgramCohort] = []
        self.paid_cohorts: list[ProgramCohort] = []
        self.awarded: list[Prize] = []
        self.settled: list[tuple[int, ClosedWindow]] = []
        self.pushed: list[tuple[Partner, Claim]] = []
        self.pulled: list[Claim] = []
        self.delayed: list[Opportunity] = []
        self.effort_total = [0.0, 0.0, 0.0, 0.0]
        self.purses = {"account": AccountBudgets(), "paid": AccountBudgets()}
        self.in_force: dict[str, dict[int, ProgramAdjustments]] = {"account": {}, "paid": {}}
        self.closed_now: list[PendingWindow] = []
        self.over = False
        self.env = Clock(initial_time=-self.setting.burn_in - 1)
        self.office_call = self.env.event()
        self.timing = Timing(self)
        self.payments = Payments(self)
        self.cosell_win = self.setting.behavior("cosell_win")[0]
        self.discount_win = self.setting.behavior("discount_win")[0]

    def run(self) -> EventRun:
        """Live the whole replication, to the last payment."""
        for partner in self.partners:
            self.env.process(partner.mode(self))
        self.env.run(until=self.env.process(self._office()))
        self.over = True
        self.env.run()
        return self

    def records(self) -> RunRecords:
        """What the finished run left behind."""
        return run_records(self)

    # -- program office ----------------------------------------------------------------------------------------

    def _office(self) -> Process:
        yield self.env.at(-self.setting.burn_in - 1, URGENT)
        for week in range(-self.setting.burn_in, self.setting.horizon):
            yield self.env.at(week, URGENT)
            if week > -self.setting.burn_in:
                self._remember(week - 1)
            self.week = week
            yield from self._boundary(week)
            trust.review(self, week)
            governance.reconsider(self, week)
            self._prepare(week)
            yield from self._announce("plan")
        yield self.env.at(self.setting.horizon, URGENT)
        self._remember(self.week)
        self.week = self.setting.horizon
        yield from self._boundary(self.week)

    def _announce(self, what: str) -> Process:
        """Call all partners and let them act before going on."""
        call, self.office_call = self.office_call, self.env.event()
        call.succeed(what)
        yield self.env.timeout(0)

    def _boundary(self, week: int) -> Process:
        last = week == self.setting.horizon
        first = week == -self.setting.burn_in
        switch = {i for i in range(len(self.partners)) if not first and self._moves(self.rollout, i, week)}
        paid_switch = {
            i for i in range(len(self.partners)) if self.paid and not first and self._moves(self.paid, i, week)
        }
        if not (first or last or switch or paid_switch or week % WEEKS_PER_QUARTER == 0):
            return
        self.pace, self.pushed = self.effort.pace(), []
        if "timing" in self.mode.gaming and not first:
            self.switching = switch
            yield from self._announce("file")
            joint_deals.follow(self)
        self._former = [partner.account for partner in self.partners]
        self.cohorts = self._turn_over(self.cohorts, self.rollout, week, switch, "account")
        if self.paid is not None:
            self.paid_cohorts = self._turn_over(self.paid_cohorts, self.paid, week, paid_switch, "paid")
        for partner, claim in self.pushed:
            for account in partner.all_accounts():
                account.post(claim)

    def _moves(self, rollout: ProgramAssignment, who: int, week: int) -> bool:
        if week == self.setting.horizon:
            return False
        return bool(rollout.at(week)[0, who] != rollout.at(week - 1)[0, who])

    def _turn_over(
        self, cohorts: list[ProgramCohort], rollout: ProgramAssignment, week: int, switch: set[int], slot: str
    ) -> list[ProgramCohort]:
        """Close ended windows, review tiers, open new windows, and move partners that change programs."""
        last, first = week == self.setting.horizon, week == -self.setting.burn_in
        settled = slot == "paid" or self.paid is None
        accounts = [account for cohort in cohorts for account in cohort.accounts.values()]
        drafts = [d for account in accounts for d in draft(account, week, last or account.who in switch)]
        self.purses[slot].limit(week, drafts, self.in_force[slot])
        if slot == "account":
            self.closed_now = drafts
        for d in drafts:
            spent = spend_fund(d)
            if spent and slot == "account":
                self.effort.spend(np.where(np.arange(self.shape[1]) == d.account.who, spent, 0.0)[None, :])
            closed = book(d, week)
            if settled and closed.end > 0:
                self.payments.settle(self.partners[d.account.who], d.account, closed)
        for cohort in cohorts:
            if week % WEEKS_PER_QUARTER == 0 or last or switch.issuperset(cohort.accounts):
                for prize, who in cohort.award():
                    if settled and week > 0:
                        self.awarded.append(prize)
                        self.note("award", self.partners[who], None, 0.0, prize.name)
        if last:
            return cohorts
        governance.review(self, week, slot, cohorts, drafts)
        for cohort in cohorts:
            for who in switch:
                cohort.leave(who, int(rollout.at(week)[0, who]))
            cohort.pace = self.pace
            cohort.turn(week)
        kept = [d for d in cohorts if d.accounts]
        joining = set(range(len(self.partners))) if first else switch
        for index in sorted({int(rollout.at(week)[0, i]) for i in joining}):
            members = [i for i in sorted(joining) if rollout.at(week)[0, i] == index]
            cohort = ProgramCohort(self, index, rollout.offers[index], self.pace, slot)
            for who in members:
                before = getattr(self.partners[who], slot)
                setattr(self.partners[who], slot, cohort.join(week, who, self.partners[who].claims, before))
            if slot == "account" and index > 0 and self.talking:
                self._listen(cohort, kept, week)
            cohort.begin(week)
            kept.append(cohort)
        if slot == "account":
            for partner in self.partners:
                partner.heard = [cohort.listening[partner.who] for cohort in kept if partner.who in cohort.listening]
        accounts = [account for cohort in kept for account in cohort.accounts.values()]
        self.purses[slot].grant(week, accounts, self.in_force[slot])
        if settled and week >= 0:
            self.payments.advance(week, accounts)
        return kept

    def _listen(self, cohort: ProgramCohort, cohorts: list[ProgramCohort], week: int) -> None:
        """Let all partners that are not on a new cohort's program, nor listen already, hear of it."""
        now, known = self.rollout.at(week)[0], [d for d in cohorts if d.index == cohort.index]
        for partner in self.partners:
            if now[partner.who] != cohort.index and not any(partner.who in d.listening for d in known):
                cohort.join(week, partner.who, partner.claims, self._former[partner.who], listens=True)

    def account_after(self, partner: Partner) -> PartnerAccount | None:
        """The account that a partner which changes programs now would start, or None."""
        if partner.who not in self.switching:
            return None
        index = int(self.rollout.at(self.week)[0, partner.who])
        cohort = ProgramCohort(self, index, self.rollout.offers[index], self.pace, "account")
        account = cohort.join(self.week, partner.who, partner.claims, partner.account)
        cohort.begin(self.week)
        return account

    def smooth(self, account: PartnerAccount, k: int) -> Schedule:
        """The smooth schedule of a component's running window."""
        return account.cohort.smooth[k]

    def benefits(self, account: PartnerAccount) -> list[Array]:
        """What each tier adds until the next review."""
        return account.cohort.benefits

    # -- effort and arrivals -----------------------------------------------------------------------------------

    def _prepare(self, week: int) -> None:
        """All partners' prices and effort in one call, and what the week brings."""
        values: list[Array] = [np.zeros(self.shape)] * 4
        told: list[HeardProgram] = []
        false_claim_gains = FalseClaimGains(self.shape)
        pace = self.effort.pace()
        for cohort in self.cohorts:
            cohort.pace, cohort.trust = pace, self.effort.trusted()
            cohort.gather()
            view = cohort.perception.view(week, cohort)
            member = cohort.members()
            values = [np.where(member, v, old) for v, old in zip(view.activity, values, strict=True)]
            if cohort.listening:
                told.append((cohort.index, view.activity, cohort.listeners()))
            cohort.prices = view.price
            if self.mode.gaming:
                false_claim_gains.add(cohort.perception, view.price, member)
                false_claim_gains.add_prizes(cohort.perception, view.prizes, member)
        if told:
            values = blended_values(self.setting, self.rollout.at(week), values, told)
        self.effort.help = governance.enablement(self, week)
        self.effort.plan(week, values, np.array([[float(p.open) for p in self.partners]]))
        false_claim_gains.only(self.effort.presence)
        self.false_gain = false_claim_gains.activity
        self.intensity, self.speed = self.effort.intensity, self.effort.speed
        self.incoming = WeekArrivals(self, week, false_claim_gains)

    def kept_weeks(self, opp: Opportunity) -> float:
        """How long the customer of a signed deal stays, weeks from signature."""
        active = 1.0
        if opp.worked and opp.partner is not None:
            active = self.effort.activity[3][0, opp.partner.who]
        hazard = self.setting.markets.churn_per_week[0, opp.market]
        if opp.filed:  # before its signature a deal is only filed where it was pulled
            hazard = hazard * self.setting.gaming("rushed_churn")[0, 0]
        with np.errstate(divide="ignore"):
            stay = np.power(np.array([active]), self.setting.behavior("success_churn")[0])
            return float((np.array([self.deals.life[opp.deal]]) / hazard * stay)[0])

    def _remember(self, week: int) -> None:
        self.effort.remember(np.array([[float(p.wins) for p in self.partners]]))
        for p in self.partners:
            p.work += p.intensity
            p.wins = 0
        if week >= 0:
            for a in range(len(self.effort_total)):
                self.effort_total[a] += float(partner_sum(self.effort.working(a))[0])

    # -- log ---------------------------------------------------------------------------------------------------

    def note(
        self, event: str, partner: Partner | None, opp: Opportunity | None, amount: float, component: str = "",
        attainment: float | None = None, price: float | None = None, reason: str = "",
    ) -> None:  # fmt: skip
        """Write a line of the event log; amounts in cents."""
        if self.log is not None:
            name = partner.name if partner else "vendor"
            number = opp.number if opp else None
            self.log.append((self.env.now, name, number, event, amount, component, attainment, price, reason))

    def note_claim(self, partner: Partner, claim: Claim) -> None:
        """Log a claim once per component that pays on it, with the price that the partner sees."""
        account = partner.account
        if self.log is None or account is None:
            return
        reason = "false claim" if claim.false else ""
        for k, c in enumerate(account.components):
            if c.measure.event == claim.event and account.credit(k, claim):
                price = float(account.cohort.prices[k][0, partner.who]) if account.cohort.prices else None
                self.note(
                    "claim",
                    partner,
                    claim.opp,
                    account.credit(k, claim),
                    c.name,
                    account.attained[k],
                    price,
                    reason,
                )
