"""The vector engine: many replications and partners at once, week by week, deals in flat arrays.

Deals wait in a calendar of weeks, so each is touched once per stage. The order of a week is that of the model: filing
choice, close and pay the windows that end, reset, reviews; then effort; then the week's arrivals, stages and
signatures in continuous time.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from simulator.behavior.enablement import SupportEffects, help_of
from simulator.behavior.gaming.false_claims import FalseClaimGains
from simulator.behavior.participation import ParticipationValue
from simulator.behavior.perceived_value import PerceivedValue
from simulator.behavior.word_of_mouth import HeardProgram, blended_values
from simulator.core.arrays import Array, Bools, Ints, partner_sum
from simulator.core.errors import SimulatorError
from simulator.engines.assignment import ProgramAssignment
from simulator.engines.records import DONE, SIGNING, RunRecords
from simulator.engines.vector import trust as trusting
from simulator.engines.vector.accounts import ProgramAccounts
from simulator.engines.vector.after_sale import happen, waiting
from simulator.engines.vector.arrivals import arrive
from simulator.engines.vector.closing import close_windows
from simulator.engines.vector.deals import progress
from simulator.engines.vector.gaming import timing
from simulator.engines.vector.gaming.deal_splitting import file_in_parts
from simulator.engines.vector.governance import review
from simulator.engines.vector.payments import run_records
from simulator.engines.vector.state import VectorState, claimed_stages
from simulator.program.compiled import CompiledComponent
from simulator.world.setting import ACTIVITIES, WEEKS_PER_QUARTER


class VectorRun(VectorState):
    """Replications of a world under an assignment of programs. Advance it with `run`, branch it with `branch`."""

    def branch(self, rollout: ProgramAssignment, *, to_reprice: bool = False) -> VectorRun:
        """An independent continuation under another rollout; the world stays shared.

        to_reprice: whether other rollouts are going to be paid on its claims; otherwise only those of stages are kept
        that its own looks at.
        """
        other = copy.copy(self)
        other.rollout = rollout
        other.claimed = self.claimed if to_reprice else self.claimed & claimed_stages(rollout.events)
        other.effort = self.effort.copy()
        deals = self._deals_in(self.setting.horizon)
        other.opps, other.claims = self.opps.copy(deals), self.claims.copy(2 * deals)
        other.coming = {week: list(parts) for week, parts in self.coming.items()}
        other.calendar = {week: list(rows) for week, rows in self.calendar.items()}
        other.accounts = [b.copy() for b in self.accounts]
        other.funds = self.funds.copy()
        other.closed = [b.copy() for b in self.closed]
        other.effort_total = self.effort_total.copy()
        return other

    def run(self, start: int, stop: int) -> VectorRun:
        """Simulate the weeks from `start` to before `stop`."""
        deals = self._deals_in(stop - start)
        self.opps.reserve(deals)
        self.claims.reserve(2 * deals)
        for week in range(start, stop):
            self._boundary(week)
            trusting.review(self, week)
            self._review(week)
            self._plan(week)
            first_claim = self.claims.rows
            self.opened, self.decided, self.won = [], [], []
            arrive(self, week)
            progress(self, week)
            if "splitting" in self.mode.gaming:
                file_in_parts(self, week, first_claim)
            happen(self, week)
            self._post(first_claim)
            self._remember(week)
        return self

    def finish(self) -> VectorRun:
        """Close all accounts at the horizon."""
        self._boundary(self.setting.horizon, last=True)
        return self

    def records(self) -> RunRecords:
        """What the finished run left behind."""
        return run_records(self)

    def _deals_in(self, weeks: int) -> int:
        """About how many deals `weeks` bring, to reserve room for."""
        return int(1.1 * (self.world.rate.sum() + self.world.vendor_rate()) * weeks)

    def _components(self) -> list[CompiledComponent]:
        return [c for b in self.accounts for c in b.offer.program.components]

    def compact(self, week: int) -> VectorRun:
        """Forget what nothing looks back at from `week` on: closed deals, and claims of over a year ago."""
        o, c = self.opps, self.claims
        claims = np.flatnonzero(c["week"] >= week - 52)
        recent = np.zeros(o.rows, dtype=bool)
        recent[c["opp"][claims][c["opp"][claims] >= 0]] = True
        recent[waiting(self.coming)] = True
        if any(c.gate is not None and c.gate.min_win_share is not None for c in self._components()):
            recent |= o["decided"][:] >= week - 52
        keep = np.flatnonzero((o["stage"] < DONE) | (o["due"] >= week) | recent)
        place = np.full(o.rows + 1, -1)
        place[keep] = np.arange(len(keep))
        self.opps, self.claims = o.take(keep), c.take(claims)
        self.claims["opp"][:] = place[self.claims["opp"]]
        self.calendar = {at: [place[rows] for rows in parts] for at, parts in self.calendar.items()}
        self.coming = {at: [(e, place[rows], t) for e, rows, t in parts] for at, parts in self.coming.items()}
        for b in self.accounts:
            b.registry.keep(keep)
        return self

    def reprice(self, simulated: VectorRun, rollout: ProgramAssignment) -> VectorRun:
        """The deals and claims of `simulated`, which branched off from here, paid under another rollout."""
        other = self.branch(rollout)
        if (other.claimed & ~simulated.claimed).any():
            raise SimulatorError("a run that is paid under other programs must be branched off with to_reprice")
        other.opps, other.claims, other.effort = simulated.opps, simulated.claims, simulated.effort
        other.effort_total = simulated.effort_total
        other.mode = replace(simulated.mode, gaming=frozenset())
        found = np.searchsorted(np.floor(other.opps["start"]), np.arange(self.setting.horizon + 1))
        order = np.argsort(other.claims["week"], kind="stable")  # those of opportunists may have been moved
        claimed = np.searchsorted(other.claims["week"][order], np.arange(self.setting.horizon + 1))
        for week in range(self.setting.horizon):
            other._boundary(week)
            for b in other.accounts:
                b.registry.file(week, np.arange(found[week], found[week + 1]), other.opps, b.member)
                b.post(order[claimed[week] : claimed[week + 1]], other.claims)
        return other.finish()

    # -- week boundary -----------------------------------------------------------------------------------------

    def _boundary(self, week: int, last: bool = False) -> None:
        now = self.rollout.at(week)
        first = not self.accounts and not self.closed
        switch = np.zeros(self.shape, dtype=bool)
        if not first:
            switch |= now != self.rollout.at(week - 1)
        if not (first or last or switch.any() or week % WEEKS_PER_QUARTER == 0):
            return
        moved: Ints = np.zeros(0, dtype=np.int64)
        if "timing" in self.mode.gaming and not first:
            moved = timing.file_late_or_early(self, week, switch)
        for b in self.accounts:
            left = (b.member & ~(switch | last)).any(axis=1, keepdims=True)
            over: Bools = ~left | np.array(week % WEEKS_PER_QUARTER == 0)
            if over.any():
                b.contest.close(week, b.member, over)
        close_windows(self, week, switch | last)
        if last:
            return
        review(self, week)
        self._change_books(week, now, switch | first)
        self.funds.grant(week, self.accounts, self.in_force)
        if len(moved):
            for b in self.accounts:
                b.post(moved, self.claims)

    def _change_books(self, week: int, now: Ints, switch: Bools) -> None:
        pace, now = self.effort.pace(), np.broadcast_to(now, self.shape)
        former = list(self.accounts)
        before = [(b, b.member) for b in former]
        for b in former:
            b.pace = pace
            b.leave(switch, now)
            if b.member.any():
                b.restart(week, all_windows=False)
        self.closed += [b for b in former if not b.member.any()]
        self.accounts = [b for b in former if b.member.any()]
        for index in np.unique(now[switch]):
            offer = self.rollout.offers[index]
            member = switch & (now == index)
            view = PerceivedValue(
                self.setting,
                offer.program,
                self.mode.expectations,
                offer.forecasts,
                offer.tier_forecasts,
                self.world.rate,
            )
            fresh = ProgramAccounts(self.setting, int(index), offer, view, member, pace, self.shape, self.world)
            fresh.in_force = self.in_force.get(int(index))
            if self.talking and index > 0:
                fresh.listening = self._listeners(int(index), member, now)
            fresh.begin(week, self.claims, self.opps, before)
            fresh.restart(week, all_windows=True)
            self.accounts.append(fresh)

    def _listeners(self, index: int, member: Bools, now: Ints) -> Bools:
        """Who hears of a program that the partners `member` start on: all who are not on it nor listen already."""
        listeners: Bools = member.any(axis=1, keepdims=True) & (now != index)
        for b in self.accounts:
            if b.offer_index == index and b.listening is not None:
                listeners = listeners & ~b.listening
        return listeners

    def _review(self, week: int) -> None:
        """Let partners reconsider at a quarter's end whether to take part."""
        if self.effort.membership is None or week % WEEKS_PER_QUARTER or week == -self.setting.burn_in:
            return
        pace = self.effort.pace()
        certain, income = np.zeros(self.shape), np.zeros(self.shape)
        for b in self.accounts:
            b.pace, b.trust = pace, self.effort.trusted()
            worth = b.perception.worth(week, b)
            certain, income = np.where(b.member, worth.certain, certain), np.where(b.member, worth.income, income)
        self.effort.review(week, ParticipationValue(certain, income), self.world.participation(week))

    # -- effort ------------------------------------------------------------------------------------------------

    def _plan(self, week: int) -> None:
        pace = self.effort.pace()
        values: list[Array] = [np.zeros(self.shape)] * len(ACTIVITIES)
        self.false_claim_gains, trust = FalseClaimGains(self.shape), self.effort.trusted()
        told: list[HeardProgram] = []
        for b in self.accounts:
            b.pace, b.trust = pace, trust
            view = b.perception.view(week, b)
            b.prices = view.price
            values = [np.where(b.member, v, old) for v, old in zip(view.activity, values, strict=True)]
            if b.listening is not None:
                told.append((b.offer_index, view.activity, b.listening))
            if self.mode.gaming:
                self.false_claim_gains.add(b.perception, view.price, b.member)
                self.false_claim_gains.add_prizes(b.perception, view.prizes, b.member)
        if told:
            values = blended_values(self.setting, self.rollout.at(week), values, told)
        self.planned_open = self.open
        self.effort.help = self._help(week)
        self.effort.plan(week, values, self.open)
        self.false_claim_gains.only(self.effort.presence)

    def _help(self, week: int) -> SupportEffects | None:
        """What enablement does for partners, from the complex deals that are open now."""
        offers, now = self.rollout.offers, self.rollout.at(week)
        if all(offer.program.supports is None for offer in offers):
            return None
        o = self.opps
        open_now = np.flatnonzero(o["worked"] & (o["stage"] < SIGNING))
        hard = open_now[self.world.deals["complexity"][o["deal"][open_now]] == 1]
        count = np.bincount(o["cell"][hard], minlength=self.open.size).reshape(self.shape).astype(float)
        given = [(offer.program.supports, now == index) for index, offer in enumerate(offers)]
        return help_of(given, self.effort.working(1), count)

    # -- end of week -------------------------------------------------------------------------------------------

    def _post(self, first: int) -> None:
        rows = np.arange(first, self.claims.rows)
        for b in self.accounts:
            b.post(rows, self.claims)

    def _counted(self, cells: list[Ints]) -> Array:
        """How many of the deals at `cells` each partner has, (R, P)."""
        if not cells:
            return np.zeros(self.shape)
        return np.bincount(np.concatenate(cells), minlength=self.open.size).astype(float).reshape(self.shape)

    def _remember(self, week: int) -> None:
        self.work = self.work + self.effort.intensity
        self.open = self.open + self._counted(self.opened) - self._counted(self.decided)
        self.effort.remember(self._counted(self.won))
        if week >= 0:
            for a in range(len(ACTIVITIES)):
                self.effort_total[a] += partner_sum(self.effort.working(a))
