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

from simulator.engines import joining, trustees, upkeep
from simulator.engines.accounts import Account, Claim, Closed
from simulator.engines.agents import Opportunity, Partner, Process
from simulator.engines.closing import Draft, Purse, book, draft, spend_fund
from simulator.engines.desk import Desk
from simulator.engines.incoming import Deals, Incoming
from simulator.engines.payments import Payments
from simulator.engines.rollout import Conduct, Rollout
from simulator.engines.timing import Timing
from simulator.model.hearsay import Told, heard, partners_talk
from simulator.model.planning import Planner, Temptation
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.governance import InForce
from simulator.program.numbers import Array, partner_sum
from simulator.program.recognition import Prize
from simulator.program.schedule import Schedule
from simulator.world import World

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


class EventLife:
    """One replication lived under a rollout. `paid` pays by another rollout than partners respond to (static rung)."""

    def __init__(
        self,
        world: World,
        rollout: Rollout,
        conduct: Conduct,
        *,
        paid: Rollout | None = None,
        log: bool = False,
    ) -> None:
        self.world, self.rollout, self.conduct, self.paid = world, rollout, conduct, paid
        self.setting, self.shape = world.setting, world.shape
        self.planner = Planner(self.setting, world.rate, world.inert, conduct.outlook, world.shocks, conduct.responding)
        self.planner.membership = world.membership()
        self.talking = partners_talk(self.setting)
        self.log: list[tuple[Any, ...]] | None = [] if log else None
        p = self.setting.partners
        self.partners = [Partner(i, n, bool(world.opportunist[0, i])) for i, n in enumerate(p.names)]
        self.opportunities: list[Opportunity] = []
        self.deals = Deals(world)
        self.desks: list[Desk] = []
        self.paid_desks: list[Desk] = []
        self.awarded: list[Prize] = []
        self.settled: list[tuple[int, Closed]] = []
        self.pushed: list[tuple[Partner, Claim]] = []
        self.pulled: list[Claim] = []
        self.delayed: list[Opportunity] = []
        self.effort = [0.0, 0.0, 0.0, 0.0]
        self.purses = {"account": Purse(), "paid": Purse()}
        self.in_force: dict[str, dict[int, InForce]] = {"account": {}, "paid": {}}
        self.closed_now: list[Draft] = []
        self.over = False
        self.env = Clock(initial_time=-self.setting.burn_in - 1)
        self.office_call = self.env.event()
        self.timing = Timing(self)
        self.payments = Payments(self)
        self.cosell_win = self.setting.behavior("cosell_win")[0]
        self.discount_win = self.setting.behavior("discount_win")[0]

    def run(self) -> EventLife:
        """Live the whole replication, to the last payment."""
        for partner in self.partners:
            self.env.process(partner.conduct(self))
        self.env.run(until=self.env.process(self._office()))
        self.over = True
        self.env.run()
        return self

    # -- program office ----------------------------------------------------------------------------------------

    def _office(self) -> Process:
        yield self.env.at(-self.setting.burn_in - 1, URGENT)
        for week in range(-self.setting.burn_in, self.setting.horizon):
            yield self.env.at(week, URGENT)
            if week > -self.setting.burn_in:
                self._remember(week - 1)
            self.week = week
            yield from self._boundary(week)
            trustees.review(self, week)
            upkeep.reconsider(self, week)
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
        self.pace, self.pushed = self.planner.pace(), []
        if "timing" in self.conduct.gaming and not first:
            self.switching = switch
            yield from self._announce("file")
            joining.follow(self)
        self._former = [partner.account for partner in self.partners]
        self.desks = self._turn_over(self.desks, self.rollout, week, switch, "account")
        if self.paid is not None:
            self.paid_desks = self._turn_over(self.paid_desks, self.paid, week, paid_switch, "paid")
        for partner, claim in self.pushed:
            for account in partner.all_accounts():
                account.post(claim)

    def _moves(self, rollout: Rollout, who: int, week: int) -> bool:
        if week == self.setting.horizon:
            return False
        return bool(rollout.at(week)[0, who] != rollout.at(week - 1)[0, who])

    def _turn_over(self, desks: list[Desk], rollout: Rollout, week: int, switch: set[int], slot: str) -> list[Desk]:
        """Close ended windows, review tiers, open new windows, and move partners that change programs."""
        last, first = week == self.setting.horizon, week == -self.setting.burn_in
        settled = slot == "paid" or self.paid is None
        accounts = [account for desk in desks for account in desk.accounts.values()]
        drafts = [d for account in accounts for d in draft(account, week, last or account.who in switch)]
        self.purses[slot].limit(week, drafts, self.in_force[slot])
        if slot == "account":
            self.closed_now = drafts
        for d in drafts:
            spent = spend_fund(d)
            if spent and slot == "account":
                self.planner.spend(np.where(np.arange(self.shape[1]) == d.account.who, spent, 0.0)[None, :])
            closed = book(d, week)
            if settled and closed.end > 0:
                self.payments.settle(self.partners[d.account.who], d.account, closed)
        for desk in desks:
            if week % WEEKS_PER_QUARTER == 0 or last or switch.issuperset(desk.accounts):
                for prize, who in desk.award():
                    if settled and week > 0:
                        self.awarded.append(prize)
                        self.note("award", self.partners[who], None, 0.0, prize.name)
        if last:
            return desks
        upkeep.review(self, week, slot, desks, drafts)
        for desk in desks:
            for who in switch:
                desk.leave(who, int(rollout.at(week)[0, who]))
            desk.pace = self.pace
            desk.turn(week)
        kept = [d for d in desks if d.accounts]
        joining = set(range(len(self.partners))) if first else switch
        for index in sorted({int(rollout.at(week)[0, i]) for i in joining}):
            members = [i for i in sorted(joining) if rollout.at(week)[0, i] == index]
            desk = Desk(self, index, rollout.offers[index], self.pace, slot)
            for who in members:
                before = getattr(self.partners[who], slot)
                setattr(self.partners[who], slot, desk.join(week, who, self.partners[who].claims, before))
            if slot == "account" and index > 0 and self.talking:
                self._listen(desk, kept, week)
            desk.begin(week)
            kept.append(desk)
        if slot == "account":
            for partner in self.partners:
                partner.heard = [desk.listening[partner.who] for desk in kept if partner.who in desk.listening]
        accounts = [account for desk in kept for account in desk.accounts.values()]
        self.purses[slot].grant(week, accounts, self.in_force[slot])
        if settled and week >= 0:
            self.payments.advance(week, accounts)
        return kept

    def _listen(self, desk: Desk, desks: list[Desk], week: int) -> None:
        """Let all partners that are not on a new desk's program, nor listen already, hear of it."""
        now, known = self.rollout.at(week)[0], [d for d in desks if d.index == desk.index]
        for partner in self.partners:
            if now[partner.who] != desk.index and not any(partner.who in d.listening for d in known):
                desk.join(week, partner.who, partner.claims, self._former[partner.who], listens=True)

    def account_after(self, partner: Partner) -> Account | None:
        """The account that a partner which changes programs now would start, or None."""
        if partner.who not in self.switching:
            return None
        index = int(self.rollout.at(self.week)[0, partner.who])
        desk = Desk(self, index, self.rollout.offers[index], self.pace, "account")
        account = desk.join(self.week, partner.who, partner.claims, partner.account)
        desk.begin(self.week)
        return account

    def smooth(self, account: Account, k: int) -> Schedule:
        """The smooth schedule of a component's running window."""
        return account.desk.smooth[k]

    def benefits(self, account: Account) -> list[Array]:
        """What each tier adds until the next review."""
        return account.desk.benefits

    # -- effort and arrivals -----------------------------------------------------------------------------------

    def _prepare(self, week: int) -> None:
        """All partners' prices and effort in one call, and what the week brings."""
        values: list[Array] = [np.zeros(self.shape)] * 4
        told: list[Told] = []
        temptation = Temptation(self.shape)
        pace = self.planner.pace()
        for desk in self.desks:
            desk.pace, desk.trust = pace, self.planner.trusted()
            desk.gather()
            view = desk.perception.view(week, desk)
            member = desk.members()
            values = [np.where(member, v, old) for v, old in zip(view.activity, values, strict=True)]
            if desk.listening:
                told.append((desk.index, view.activity, desk.listeners()))
            desk.prices = view.price
            if self.conduct.gaming:
                temptation.add(desk.perception, view.price, member)
                temptation.add_prizes(desk.perception, view.prizes, member)
        if told:
            values = heard(self.setting, self.rollout.at(week), values, told)
        self.planner.help = upkeep.enablement(self, week)
        self.planner.plan(week, values, np.array([[float(p.open) for p in self.partners]]))
        temptation.only(self.planner.presence)
        self.false_gain = temptation.activity
        self.intensity, self.speed = self.planner.intensity, self.planner.speed
        self.incoming = Incoming(self, week, temptation)

    def kept_weeks(self, opp: Opportunity) -> float:
        """How long the customer of a signed deal stays, weeks from signature."""
        active = 1.0
        if opp.worked and opp.partner is not None:
            active = self.planner.activity[3][0, opp.partner.who]
        hazard = self.setting.markets.churn_per_week[0, opp.market]
        if opp.filed:  # before its signature a deal is only filed where it was pulled
            hazard = hazard * self.setting.gaming("rushed_churn")[0, 0]
        with np.errstate(divide="ignore"):
            stay = np.power(np.array([active]), self.setting.behavior("success_churn")[0])
            return float((np.array([self.deals.life[opp.deal]]) / hazard * stay)[0])

    def _remember(self, week: int) -> None:
        self.planner.remember(np.array([[float(p.wins) for p in self.partners]]))
        for p in self.partners:
            p.work += p.intensity
            p.wins = 0
        if week >= 0:
            for a in range(len(self.effort)):
                self.effort[a] += float(partner_sum(self.planner.working(a))[0])

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
                price = float(account.desk.prices[k][0, partner.who]) if account.desk.prices else None
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
