"""The event engine's timing game: one partner weighs its own options, deal by deal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.gaming import kinds
from simulator.behavior.gaming.timing import early_concession, next_window, perceived, push_lost, push_risk
from simulator.core.arrays import Array, take
from simulator.engines.events.accounts import Claim, PartnerAccount, counted
from simulator.engines.events.closing import quality
from simulator.engines.events.disputes import disputed
from simulator.engines.events.joint_deals import first_role
from simulator.program.compiled import resolve_groups
from simulator.program.conditions import Quality
from simulator.program.measures import Event, attached_of
from simulator.world.setting import WEEKS_PER_QUARTER

if TYPE_CHECKING:
    from simulator.engines.events.deals import Opportunity, Partner
    from simulator.engines.events.engine import EventRun

_ZERO = np.zeros(1, dtype=np.int64)


class Timing:
    """The choice of filing dates at the end of a window; options are none, push 1..tau, pull 1..tau weeks."""

    def __init__(self, run: EventRun) -> None:
        self.run = run
        s = run.setting
        self.tau = s.scenario.gaming.max_shift_weeks
        self.partner_pays = s.scenario.gaming.price_authority == "vendor"
        self.concession = s.gaming("concession_per_week")
        self.risk = s.gaming("push_loss_per_week")
        self.own = s.gaming("timing_cost")[0] * 100

    def choose(self, partner: Partner, late: list[Claim], early: list[Opportunity]) -> None:
        """Weigh the options and carry the best one out."""
        week = self.run.week
        account = partner.account
        assert account is not None
        fresh = self.run.account_after(partner)
        drafts = [self._draft(o, week) for o in early]
        push_weeks = [week - c.week for c in late]
        pull_weeks = [int(np.floor(o.due)) - week + 1 for o in early]
        conceded = [self._conceded(o, week) for o in early]

        def push(value: Callable[[Claim], float]) -> Array:
            return self._sums(1, [(w, value(c)) for w, c in zip(push_weeks, late, strict=True)])

        def pull(value: Callable[[Claim], float]) -> Array:
            return self._sums(1 + self.tau, [(w, value(c)) for w, c in zip(pull_weeks, drafts, strict=True)])

        gains, stake = self._payout_gains(account, fresh, push, pull)
        margin = np.broadcast_to(self.run.setting.partners.own_margin, self.run.shape)[0, partner.who]
        gains = gains - margin * push(lambda c: float(np.rint(c.amount * self._risk(week - c.time))))
        if self.partner_pays:
            costs = dict(zip(map(id, drafts), conceded, strict=True))
            gains = gains - pull(lambda c: costs[id(c)])
        gains = gains - self.own * (push(_one) + pull(_one))
        choice = int(kinds.best_option(gains[None, :], np.array([stake]))[0])
        for w, opp, draft, price in zip(pull_weeks, early, drafts, conceded, strict=True):
            if w + self.tau <= choice:
                self._pull(partner, opp, draft, price)
        for w, claim in zip(push_weeks, late, strict=True):
            if w <= choice <= self.tau:
                self._push(partner, claim, float(gains[choice]))

    def _sums(self, first: int, moved: list[tuple[int, float]]) -> Array:
        """Cumulative sums over the weeks moved, laid out over the options from `first` on."""
        out = np.zeros(2 * self.tau + 1)
        for weeks, value in moved:
            out[first + weeks - 1] += value
        out[first : first + self.tau] = np.cumsum(out[first : first + self.tau])
        return out

    def _risk(self, weeks: float) -> float:
        return float(push_risk(np.array([weeks]), take(self.risk, _ZERO))[0])

    def _conceded(self, opp: Opportunity, week: int) -> float:
        weeks = np.array([opp.due - week])
        return float(early_concession(np.array([opp.amount]), weeks, take(self.concession, _ZERO))[0])

    def _draft(self, opp: Opportunity, week: int) -> Claim:
        """The claim that an opportunity would make if filed just before `week`."""
        price = 0.0 if self.partner_pays else self._conceded(opp, week)
        role = first_role(self.run, opp)
        false, audit = opp.truth(self.run)
        amount, given = opp.amount - opp.conceded - price, opp.conceded + price
        claim = Claim(int(Event.SIGNED), float(week), week - 1, amount, opp.code, false, audit, opp, -1, given, role)
        claim.disputed = disputed(self.run, opp)
        return claim

    def _payout_gains(
        self,
        account: PartnerAccount,
        fresh: PartnerAccount | None,
        push: Callable[[Callable[[Claim], float]], Array],
        pull: Callable[[Callable[[Claim], float]], Array],
    ) -> tuple[Array, float]:
        """Gain in payout of each option and the payout at stake; `fresh` is the account of a program to come."""
        week, who = self.run.week, np.array([account.who])
        options = 2 * self.tau + 1
        program = account.perception.program
        now = [np.zeros((1, options)) for _ in program.components]
        later = list(now)
        for k, c in enumerate(program.components):
            if c.by_claim or not (fresh is not None or account.ends(k, week)):
                continue
            moved = (pull(_credit(account, k)) - push(_credit(account, k)))[None, :]
            now[k] = account.payout_at(k, account.attained[k] + moved)
            if c.gate is not None:
                met = c.gate.passes(self._quality(account, account.started[k], push, pull))
                now[k] = np.where(met, now[k], 0.0)
            now[k] = perceived(account.perception, k, now[k], _ZERO, who)
            if fresh is None:
                smooth, pace = self.run.smooth(account, k), self.run.pace
                multiple = account.perception.multiple(k, np.array([[account.status]]), account.cohort.rates)
                if c.eligibility is not None:
                    undated = _credit(account, k, dated=False)
                    moved = (pull(undated) - push(undated))[None, :]
                later[k] = multiple * next_window(account.perception, k, smooth, pace, week, _ZERO, who, -moved)
        total = _total(account, now, options)
        if fresh is None:
            total = total + _total(account, later, options)
            total = total + self._tier_gain(account, push, pull)
            return total - total[0], float(total[0])
        coming = [np.zeros((1, options)) for _ in fresh.components]
        for k, c in enumerate(fresh.components):
            if not c.by_claim:
                undated = _credit(fresh, k, dated=False)
                moved = (push(undated) - pull(undated))[None, :]
                smooth, pace = self.run.smooth(fresh, k), self.run.pace
                multiple = fresh.perception.multiple(k, np.array([[fresh.status]]), fresh.cohort.rates)
                coming[k] = multiple * next_window(fresh.perception, k, smooth, pace, week, _ZERO, who, moved)
        total = total + _total(fresh, coming, options)
        for one, sign in ((account, 1.0), (fresh, -1.0)):
            for lay, way in ((push, -1.0), (pull, 1.0)):
                for k, c in enumerate(one.components):
                    if c.by_claim:
                        total = total + sign * way * lay(_payout(one, k, dated=one is account))
        return total - total[0], float(total[0])

    def _quality(
        self,
        account: PartnerAccount,
        start: int,
        push: Callable[[Callable[[Claim], float]], Array],
        pull: Callable[[Callable[[Claim], float]], Array],
    ) -> Quality:
        """Quality of the deals of the window that ends now under each option, (1, options)."""
        week = self.run.week
        q = quality(account, start, week)

        def at(claim: Claim, value: float) -> float:
            return value if claim.week >= start else 0.0

        def of(claim: Claim) -> Opportunity:
            assert claim.opp is not None
            return claim.opp

        return Quality(
            q.amount + pull(lambda c: of(c).amount) - push(lambda c: at(c, of(c).amount)),
            q.conceded + pull(lambda c: of(c).amount - c.amount) - push(lambda c: at(c, of(c).conceded)),
            q.signed + pull(_one) - push(_one),
            q.kept + pull(_one) - push(lambda c: float(of(c).ends > week)),
            q.attached
            + pull(lambda c: of(c).amount * _attached(c))
            - push(lambda c: at(c, of(c).amount * _attached(c))),
            q.decided + np.zeros_like(pull(_one)),
            q.won + np.zeros_like(pull(_one)),
        )

    def _tier_gain(
        self,
        account: PartnerAccount,
        push: Callable[[Callable[[Claim], float]], Array],
        pull: Callable[[Callable[[Claim], float]], Array],
    ) -> Array:
        tiers, week = account.perception.program.tiers, self.run.week
        out = np.zeros(2 * self.tau + 1)
        quarter = week // WEEKS_PER_QUARTER
        if tiers is None or quarter % tiers.upgrade_every or week % WEEKS_PER_QUARTER:
            return out
        for level, criteria in enumerate(tiers.levels):
            benefit = float(self.run.benefits(account)[level][0, account.who])
            if quarter % tiers.downgrade_every and account.status > level:
                benefit = 0.0
            met = np.ones(len(out), dtype=bool)
            for c in criteria:
                points = np.zeros(len(out))
                for name, weight in c.terms:
                    total = account.quarters[name][-1] + np.zeros(len(out))
                    for past in account.quarters[name][:-1][-3:]:
                        total = total + past
                    total = total + pull(partial(counted, name)) - push(partial(counted, name))
                    points = points + weight[0, 0] * total
                met &= points >= c.at_least[0, 0]
            out = out + np.where(met, benefit, 0.0)
        return out

    def _pull(self, partner: Partner, opp: Opportunity, draft: Claim, price: float) -> None:
        opp.filed = True
        if not self.partner_pays:
            opp.conceded += price
        partner.claim(self.run, draft)
        self.run.pulled.append(draft)
        self.run.note("pulled", partner, opp, price, reason="signature pulled before the window's end")

    def _push(self, partner: Partner, claim: Claim, gain: float) -> None:
        run, opp = self.run, claim.opp
        assert opp is not None
        for account in partner.all_accounts():
            account.post(claim, sign=-1)
        delay = np.array([run.week - claim.time])
        lost = push_lost(np.array([run.deals.delay[opp.deal]]), delay, take(self.risk, _ZERO))[0]
        claim.week, claim.time, claim.moved = run.week, float(run.week), 1
        run.delayed.append(opp)
        if lost:
            opp.lost, opp.won, claim.event = True, False, -1
            run.note("lost", partner, opp, opp.amount, reason="lost over a pushed signature")
        else:
            opp.filed = True
            run.pushed.append((partner, claim))
        run.note("pushed", partner, opp, gain, reason="filed for the next window")


def _one(_: Claim) -> float:
    return 1.0


def _attached(claim: Claim) -> float:
    return float(attached_of(np.array([claim.code]))[0])


def _credit(account: PartnerAccount, k: int, *, dated: bool = True) -> Callable[[Claim], float]:
    def value(claim: Claim) -> float:
        if claim.event != account.components[k].measure.event or account.void(k, claim):
            return 0.0
        return account.credit(k, claim, dated=dated)

    return value


def _payout(account: PartnerAccount, k: int, *, dated: bool) -> Callable[[Claim], float]:
    return lambda claim: next(pay for at, pay, _ in account.payouts(claim, dated=dated) if at == k)


def _total(account: PartnerAccount, payouts: list[Array], options: int) -> Array:
    total = np.zeros((1, options))
    for p in resolve_groups(account.perception.program, payouts, by_claim=False):
        total = total + p
    return np.asarray(total[0])
