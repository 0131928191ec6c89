"""The vector engine's accounts: attainment, tiers and accruals for all replications and partners.

One set of accounts holds the partners that start on one program in one week.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.behavior.lead_times import granted
from simulator.behavior.perceived_value import Factors, PerceivedValue
from simulator.core.arrays import Array, Bools, Ints, ranks, take
from simulator.core.table import ColumnTable
from simulator.engines.assignment import ProgramWithForecasts
from simulator.engines.vector.registrations import DealRegistrations
from simulator.program.compiled import (
    CompiledComponent,
    CompiledProgram,
    apply_ceiling,
    own_amount,
    own_credit,
    resolve_groups,
)
from simulator.program.conditions import CompiledBudget, Quality, prorated
from simulator.program.credit_splits import ALONE, SECOND, Joint
from simulator.program.governance import ProgramAdjustments
from simulator.program.measures import MEASURES, TALLIES
from simulator.program.schedule import Schedule
from simulator.program.support import Prize
from simulator.world.disputes import OVERTURNED
from simulator.world.setting import WEEKS_PER_QUARTER, Setting
from simulator.world.world import World


@dataclass(frozen=True)
class ClosedWindows:
    """A window that was closed for the partners `columns` (R, P): claims from `start` to before `end` (weeks).

    Arrays (R, P) in cents and hundredths. schedule: as it stood; earned: payout before budgets; kept: of what was
    paid in advance, None where nothing was.
    """

    component: int
    start: int
    end: int
    attained: Array
    accrued: Array
    penalty: Array
    status: Ints
    columns: Bools
    earned: Array
    kept: Array | None
    rates: Factors
    schedule: Schedule


class Contest:
    """Results of the running quarter, and who won, for all replications at once.

    scores: result of the quarter by prize, (R, P) in hundredths; won: (prize, week of the end, winners (R, P)).
    """

    def __init__(self, prizes: tuple[Prize, ...], shape: tuple[int, int]) -> None:
        self.prizes, self._shape = prizes, shape
        self.scores: list[Array] = [np.zeros(shape) for _ in prizes]
        self.won: list[tuple[int, int, Bools]] = []

    def copy(self) -> Contest:
        """An independent copy."""
        other = copy.copy(self)
        other.scores, other.won = list(self.scores), list(self.won)
        return other

    def post(self, rows: Ints, claims: ColumnTable, sign: float) -> None:
        """Count the claims `rows`, or take them back with sign -1."""
        for k, prize in enumerate(self.prizes):
            at = MEASURES[prize.measure]
            mine = rows[(claims["event"][rows] == at.event) & (claims["role"][rows] != SECOND)]
            if len(mine):
                value = claims["amount"][mine] if at.by_amount else np.full(len(mine), 100.0)
                more = np.bincount(claims["cell"][mine], weights=value, minlength=self._shape[0] * self._shape[1])
                self.scores[k] = self.scores[k] + sign * more.reshape(self._shape)

    def close(self, week: int, members: Bools, over: Bools) -> None:
        """Name the winners among the partners `members` (R, P) where the quarter is `over` (R, 1), and start anew."""
        for k, prize in enumerate(self.prizes):
            best = ranks(self.scores[k], members) < prize.winners
            self.won.append((k, week, best & (self.scores[k] > 0) & members & over))
            self.scores[k] = np.where(over, 0.0, self.scores[k])


@dataclass
class ProgramAccounts:
    """Running accounts of one program. offer_index: its place in the rollout; member (R, P): the partners on it now."""

    setting: Setting
    offer_index: int
    offer: ProgramWithForecasts
    perception: PerceivedValue
    member: Bools
    pace: Array
    shape: tuple[int, int]
    world: World
    closings: list[ClosedWindows] = field(default_factory=list)
    listening: Bools | None = None
    """Partners (R, P) that are not on the program and keep track of what it would be worth to them."""

    def __post_init__(self) -> None:
        program, count = self.offer.program, len(self.offer.program.components)
        self.attained: list[Array] = [np.zeros(self.shape) for _ in range(count)]
        self.voided: list[Array] = [np.zeros(self.shape) for _ in range(count)]
        self.advanced: list[Array] = [np.zeros(self.shape) for _ in range(count)]
        self.earned: list[Array] = [np.zeros(self.shape) for _ in range(count)]
        self.started: list[int] = [0] * count
        zero = np.zeros((1, 1))
        self.exact: list[Schedule] = [c.schedule for c in program.components]
        self.smooth: list[Schedule] = list(self.exact)
        self.opening: list[Array] = [zero] * count
        self.benefits: list[Array] = []
        self.in_force: ProgramAdjustments | None = None
        self.trust: Array | None = None
        self.rates: list[Array] | None = [np.ones((1, 1))] * count if program.review else None
        self.prices: tuple[Array, ...] = ()
        self.status: Ints = np.zeros(self.shape, dtype=np.int64)
        self.first_status: Ints = self.status
        self.registry = DealRegistrations(program, self.shape)
        self.contest = Contest(program.prizes, self.shape)
        measures = program.tiers.measures if program.tiers else ()
        self.quarters: dict[str, list[Array]] = {m: [np.zeros(self.shape)] for m in measures}
        self.year_ago: dict[int, list[Array]] = {
            k: [np.zeros(self.shape)] * (52 // c.window)
            for k, c in enumerate(program.components)
            if c.reference == "growth"
        }

    def copy(self) -> ProgramAccounts:
        """An independent copy; arrays are never written in place, so only the containers are copied."""
        other = copy.copy(self)
        for name in (
            "closings",
            "attained",
            "voided",
            "earned",
            "advanced",
            "started",
            "exact",
            "smooth",
            "opening",
        ):
            setattr(other, name, list(getattr(self, name)))
        other.quarters = {m: list(v) for m, v in self.quarters.items()}
        other.year_ago = {k: list(v) for k, v in self.year_ago.items()}
        other.registry, other.contest = self.registry.copy(), self.contest.copy()
        other.member = self.member.copy()
        return other

    @property
    def followed(self) -> Bools:
        """The partners (R, P) whose claims are booked: those on the program, and those that listen."""
        return self.member if self.listening is None else self.member | self.listening

    def leave(self, switch: Bools, now: Ints) -> None:
        """Let the partners `switch` (R, P) go, which are on the programs `now` (R, P) from here on.

        Who comes on the program itself no longer listens, nor anybody where nobody is on it any more.
        """
        self.member = self.member & ~switch
        if self.listening is not None:
            there = self.member.any(axis=1, keepdims=True)
            self.listening = self.listening & ~(switch & (now == self.offer_index)) & there

    @property
    def scores(self) -> list[Array]:
        """Results of the running quarter by prize."""
        return self.contest.scores

    @property
    def rivals(self) -> Bools:
        """The partners that compete."""
        return self.member

    def kept(self, measure: str, quarters: int) -> Array:
        """Trailing total that still counts `quarters` quarter-ends from now."""
        total = self.quarters[measure][-1]
        for past in self.quarters[measure][:-1][-(4 - quarters) :] if quarters < 4 else []:
            total = total + past
        return total

    # -- start -------------------------------------------------------------------------------------------------

    def begin(
        self, week: int, claims: ColumnTable, opps: ColumnTable, before: Sequence[tuple[ProgramAccounts, Bools]]
    ) -> None:
        """Start the accounts at `week`: look back a year on the claims so far, take registrations over by name.

        before: the accounts that partners come from, each with the partners (R, P) that were on it.
        """
        program = self.offer.program
        self.registry.know(opps.rows)
        self.started = [week] * len(program.components)
        self.registry.take_over([(accounts.registry, were) for accounts, were in before], opps)
        if not (self.quarters or self.year_ago):
            return
        past = np.flatnonzero((claims["week"] >= week - 52) & (claims["week"] < week) & (claims["event"] >= 0))
        for measure in self.quarters:
            at = TALLIES[measure]
            rows = past[at.counts(claims["event"][past], claims["code"][past]) & (claims["role"][past] != SECOND)]
            value = at.value(claims["amount"][rows])
            sums = self._by_window(claims, rows, value, week, WEEKS_PER_QUARTER, 4)
            self.quarters[measure] = [*sums, np.zeros(self.shape)]
        for k in self.year_ago:
            rows, credit, void = self.credits(k, past, claims, dated=False)
            length = program.components[k].window
            self.year_ago[k] = self._by_window(claims, rows, np.where(void, 0.0, credit), week, length, 52 // length)

    def _by_window(
        self, claims: ColumnTable, rows: Ints, value: Array, week: int, length: int, count: int
    ) -> list[Array]:
        """Sums by window of `length` weeks before `week`, oldest first, over the last year."""
        back = (week - 1 - claims["week"][rows]) // length
        sums = []
        for age in range(count - 1, -1, -1):
            pick = back == age
            sums.append(self._sum(claims["cell"][rows[pick]], value[pick]))
        return sums

    def _sum(self, cell: Ints, value: Array) -> Array:
        total: Array = np.bincount(cell, weights=value, minlength=self.shape[0] * self.shape[1]).astype(float)
        return total.reshape(self.shape)

    # -- claims ------------------------------------------------------------------------------------------------

    def credits(self, k: int, rows: Ints, claims: ColumnTable, *, dated: bool = True) -> tuple[Ints, Array, Bools]:
        """Claims of component k's event among `rows`, their credit, and which of them an audit voids.

        dated: whether a component that is not active in the week of a claim gives it no credit.
        """
        c = self.offer.program.components[k]
        rows = rows.take(np.flatnonzero(claims["event"].take(rows) == c.measure.event))
        rep = claims["cell"].take(rows) // self.shape[1]
        amount = claims["amount"].take(rows)
        if c.list_price:
            amount = amount + claims["conceded"].take(rows)
        credit = c.credit(rep=rep, code=claims["code"].take(rows), amount=amount)
        if c.registration:
            credit = np.where(self.registry.protected(k, c, rows, claims), credit, 0.0)
        if c.eligibility is not None:
            who, waited = claims["cell"][rows] % self.shape[1], claims["time"][rows] - claims["start"][rows]
            credit = credit * c.eligibility.counts(
                rep=rep, who=who, week=claims["week"][rows], waited=waited, dated=dated
            )
        if self.world.joint is not None:
            credit = own_credits(self.world, c, claims, rows, credit)
        if self.world.disputes is not None:
            refused = (claims["disputed"][rows] == OVERTURNED) & (claims["role"][rows] == ALONE)
            credit = np.where(refused, 0.0, credit)
        if c.terms.refusal.any():
            refused = ~claims["false"][rows] & (claims["audit"][rows] < take(c.terms.refusal, rep))
            credit = np.where(refused, 0.0, credit)
        void = claims["false"].take(rows) & (claims["audit"].take(rows) < take(c.terms.audit_rate, rep))
        return rows, credit, void

    def payouts(self, rows: Ints, claims: ColumnTable, *, dated: bool = True) -> list[tuple[Ints, Array, Array]]:
        """Per component paid by claim: (rows, payout, payout of voided claims), stacking rules applied; in cents."""
        program = self.offer.program
        found = {k: self.credits(k, rows, claims, dated=dated) for k, c in enumerate(program.components) if c.by_claim}
        full: list[Array] = [np.zeros(len(rows)) for _ in program.components]
        voids = list(full)
        rep = claims["cell"][rows] // self.shape[1]
        for k, (mine, credit, void) in found.items():
            c = program.components[k]
            at = np.searchsorted(rows, mine)
            status = self.status.reshape(-1)[claims["cell"][mine]]
            multiple = take(c.tier_multiple, rep[at], status)
            if self.rates is not None:
                multiple = multiple * take(self.rates[k], rep[at])
            pay = np.rint(multiple * c.claim_payout(rep=rep[at], credit=credit))
            full[k] = np.zeros(len(rows))
            full[k][at] = np.where(void, 0.0, pay)
            voids[k] = np.zeros(len(rows))
            voids[k][at] = np.where(void, pay, 0.0)
        full = resolve_groups(program, full, by_claim=True)
        full = apply_ceiling(program, full, rep=rep, amount=ceiling_base(self.world, program, claims, rows))
        return [
            (rows, full[k], voids[k]) if c.by_claim else (rows[:0], np.zeros(0), np.zeros(0))
            for k, c in enumerate(program.components)
        ]

    def post(self, rows: Ints, claims: ColumnTable, sign: float = 1.0) -> None:
        """Book the claims `rows` (ascending), or take them back with sign -1."""
        rows = rows.take(np.flatnonzero(self.followed.take(claims["cell"].take(rows))))
        if not len(rows):
            return
        program = self.offer.program
        if any(c.by_claim for c in program.components):
            for k, (mine, pay, unpaid) in enumerate(self.payouts(rows, claims)):
                if len(mine):
                    cell = claims["cell"][mine]
                    self.earned[k] = self.earned[k] + sign * self._sum(cell, pay)
                    self.voided[k] = self.voided[k] + sign * self._sum(cell, unpaid)
        for k, c in enumerate(program.components):
            if c.by_claim:
                continue
            mine, credit, void = self.credits(k, rows, claims)
            if len(mine):
                cell = claims["cell"][mine]
                self.attained[k] = self.attained[k] + sign * self._sum(cell, np.where(void, 0.0, credit))
                if void.any():
                    self.voided[k] = self.voided[k] + sign * self._sum(cell, np.where(void, credit, 0.0))
        self.contest.post(rows, claims, sign)
        for measure, sums in self.quarters.items():
            at = TALLIES[measure]
            mine = rows[at.counts(claims["event"][rows], claims["code"][rows]) & (claims["role"][rows] != SECOND)]
            if len(mine):
                value = at.value(claims["amount"][mine])
                sums[-1] = sums[-1] + sign * self._sum(claims["cell"][mine], value)

    # -- window ends -------------------------------------------------------------------------------------------

    def ending(self, week: int) -> list[int]:
        """Components whose window ends at `week` by the calendar; those paid by claim are closed by quarter."""
        components = self.offer.program.components
        return [k for k, c in enumerate(components) if week % (c.window or WEEKS_PER_QUARTER) == 0]

    def due(self, k: int) -> tuple[Array, Array]:
        """Payout and penalty of component k's window as it stands, in cents, before exclusive groups."""
        c, multiple = self.offer.program.components[k], self.perception.multiple(k, self.status, self.rates)
        if c.by_claim:
            return self.earned[k], np.rint(c.terms.penalty_multiple * self.voided[k])
        if c.advance is not None:
            share = self.exact[k].payout(self.attained[k]) / c.advance
            return np.rint(self.advanced[k] * share), np.zeros(self.shape)
        pay = np.rint(multiple * self.exact[k].payout(self.attained[k]) + multiple * granted(c, self.started[k]))
        if not self.voided[k].any():
            return pay, np.zeros(self.shape)
        more = np.rint(multiple * self.exact[k].payout(self.attained[k] + self.voided[k])) - pay
        return pay, np.where(self.voided[k] > 0, np.rint(c.terms.penalty_multiple * np.maximum(more, 0.0)), 0.0)

    def draft(self, week: int, leaving: Bools, quality: Callable[[int], Quality]) -> list[ClosedWindows]:
        """The windows that end at `week`, and every window of the partners `leaving` (R, P), before budgets.

        quality: of the partners' deals in a window that ends now, by its start.
        """
        ended = set(self.ending(week))
        todo = range(len(self.attained)) if leaving.any() else sorted(ended)
        dues = {k: self.due(k) for k in todo}
        paid = [dues[k][0] if k in dues else np.zeros(self.shape) for k in range(len(self.attained))]
        for k in todo:
            gate = self.offer.program.components[k].gate
            if gate is not None:
                paid[k] = np.where(gate.passes(quality(self.started[k])), paid[k], 0.0)
        paid = resolve_groups(self.offer.program, paid, by_claim=False)
        columns = {k: self.member if k in ended else self.member & leaving for k in todo}
        return [self._closing(k, week, paid[k], dues[k][1], columns[k]) for k in todo if columns[k].any()]

    def _closing(self, k: int, week: int, paid: Array, penalty: Array, columns: Bools) -> ClosedWindows:
        def mine(value: Array) -> Array:
            return np.where(columns, value, 0.0)

        c = self.offer.program.components[k]
        return ClosedWindows(
            k, self.started[k], week, mine(self.attained[k]), mine(paid if c.advance is None else self.advanced[k]),
            mine(penalty), self.status, columns, earned=mine(self.earned[k] if c.by_claim else paid),
            kept=None if c.advance is None else mine(paid), rates=None if self.rates is None else tuple(self.rates),
            schedule=self.exact[k],
        )  # fmt: skip

    def restart(self, week: int, *, all_windows: bool) -> None:
        """Reset ended windows, review tiers and open the windows that start at `week`."""
        starting = range(len(self.attained)) if all_windows else self.ending(week)
        for k in starting:
            if k in self.year_ago and not all_windows:
                self.year_ago[k] = [*self.year_ago[k][1:], self.attained[k]]
            for held in (self.attained, self.voided, self.earned):
                held[k] = np.zeros(self.shape)
            self.started[k] = week
        if self.rates is not None and self.in_force is not None:
            self.rates = [self.in_force.rates[k] if k in starting else f for k, f in enumerate(self.rates)]
        if week % WEEKS_PER_QUARTER == 0 or all_windows:
            self._review(week, all_windows)
        if all_windows:
            self.first_status = self.status
        for k in starting:
            self._open(k, week)
            self._advance(k, week)
        if week % WEEKS_PER_QUARTER == 0 or all_windows:
            self.benefits = self.perception.tier_benefits(self.smooth, self.pace, week, self.rates)

    def _advance(self, k: int, week: int) -> None:
        """What is paid at the start of component k's window, before budgets."""
        c = self.offer.program.components[k]
        if c.advance is None:
            return
        amount = np.rint(self.perception.multiple(k, self.status, self.rates) * c.advance) + np.zeros(self.shape)
        if c.eligibility is not None:
            count = self.shape[1]
            first, who = np.zeros(count, dtype=np.int64), np.arange(count)
            on = c.eligibility.counts(rep=first, who=who, week=np.full(count, week), waited=np.zeros(count))
            amount = amount * on
        self.advanced[k] = amount

    def _open(self, k: int, week: int) -> None:
        last = self.year_ago[k][0] if k in self.year_ago else np.zeros((1, 1))
        targets = None if self.in_force is None else self.in_force.targets
        self.exact[k], self.smooth[k], self.opening[k] = self.perception.open_window(k, last, self.pace, week, targets)

    def _review(self, week: int, first: bool) -> None:
        """Move tiers by trailing-year results; the running quarter is closed first."""
        tiers = self.offer.program.tiers
        if tiers is None:
            return
        if not first:
            for measure, sums in self.quarters.items():
                self.quarters[measure] = [*sums[-4:], np.zeros(self.shape)]
        quarter = week // WEEKS_PER_QUARTER
        up, down = first or quarter % tiers.upgrade_every == 0, first or quarter % tiers.downgrade_every == 0
        earned = np.zeros(self.shape, dtype=np.int64)
        for level, criteria in enumerate(tiers.levels):
            met = np.ones(self.shape, dtype=bool)
            for c in criteria:
                total = np.zeros(self.shape)
                for name, weight in c.terms:
                    total = total + weight * sum(self.quarters[name][:-1][-4:], np.zeros(self.shape))
                met &= total >= c.at_least
            earned = np.where(met, level + 1, earned)
        rises = np.where(up, np.maximum(self.status, earned), self.status)
        self.status = np.where(down & (earned < rises), earned, rises)


def own_credits(world: World, c: CompiledComponent, claims: ColumnTable, rows: Ints, credit: Array) -> Array:
    """What a component's split leaves to the partners of the claims `rows` of the credit of their deals."""
    rep, role = claims["cell"][rows] // world.shape[1], claims["role"][rows]
    return own_credit(c, rep=rep, credit=credit, role=role, joint=_facts(world, claims["deal"][rows], rep))


def ceiling_base(world: World, program: CompiledProgram, claims: ColumnTable, rows: Ints) -> Array:
    """The amounts by which a program's ceiling binds the claims `rows`."""
    amount = claims["amount"][rows]
    if world.joint is None or program.deal_ceiling is None:
        return amount
    rep, role = claims["cell"][rows] // world.shape[1], claims["role"][rows]
    return own_amount(program, rep=rep, amount=amount, role=role, joint=_facts(world, claims["deal"][rows], rep))


@dataclass
class Budgets:
    """Budgets of the programs: what has accrued in the running period, by key, as (period, (R, 1) cents)."""

    spent: dict[tuple[str, int, int], tuple[int, Array]] = field(default_factory=dict)

    def copy(self) -> Budgets:
        """An independent copy."""
        return Budgets(dict(self.spent))

    def limit(
        self,
        week: int,
        drafts: Sequence[tuple[ProgramAccounts, list[ClosedWindows]]],
        now: Mapping[int, ProgramAdjustments],
    ) -> None:
        """Cut the closings of `week` to what is left of pools and budgets, in place of the lists."""
        for index, program in {b.offer_index: b.offer.program for b, _ in drafts}.items():
            mine = [
                (closings, i) for b, closings in drafts if b.offer_index == index for i in range(len(closings))
                if program.components[closings[i].component].advance is None
            ]  # fmt: skip
            for k, c in enumerate(program.components):
                if c.pool is not None:
                    pool = c.pool if index not in now else c.pool.times(now[index].pools[k])
                    self._cut(("pool", index, k), pool, week - 1, [p for p in mine if p[0][p[1]].component == k])
            if program.budget is not None:
                self._cut(("budget", index, 0), program.budget, week - 1, mine)

    def _cut(
        self, key: tuple[str, int, int], fund: CompiledBudget, week: int, places: list[tuple[list[ClosedWindows], int]]
    ) -> None:
        kept = self.draw(key, fund, week, [closings[i].accrued for closings, i in places])
        for (closings, i), accrued in zip(places, kept, strict=True):
            closings[i] = replace(closings[i], accrued=accrued)

    def grant(self, week: int, accounts: Sequence[ProgramAccounts], now: Mapping[int, ProgramAdjustments]) -> None:
        """Cut what is paid at the start of the windows that start at `week`."""
        for b in accounts:
            for k, c in enumerate(b.offer.program.components):
                if c.advance is not None and b.started[k] == week:
                    b.advanced[k] = np.where(b.member, b.advanced[k], 0.0)
        for index, program in {b.offer_index: b.offer.program for b in accounts}.items():
            mine = [b for b in accounts if b.offer_index == index]
            starting = [
                (b, k) for k, c in enumerate(program.components) if c.advance is not None
                for b in mine if b.started[k] == week
            ]  # fmt: skip
            for k, c in enumerate(program.components):
                if c.pool is not None:
                    pool = c.pool if index not in now else c.pool.times(now[index].pools[k])
                    self._lower(("pool", index, k), pool, week, [p for p in starting if p[1] == k])
            if program.budget is not None:
                self._lower(("budget", index, 0), program.budget, week, starting)

    def _lower(
        self, key: tuple[str, int, int], fund: CompiledBudget, week: int, places: list[tuple[ProgramAccounts, int]]
    ) -> None:
        kept = self.draw(key, fund, week, [b.advanced[k] for b, k in places])
        for (b, k), advanced in zip(places, kept, strict=True):
            b.advanced[k] = advanced

    def draw(self, key: tuple[str, int, int], fund: CompiledBudget, week: int, wanted: list[Array]) -> list[Array]:
        """What a fund gives of the accruals `wanted`, each (R, P), in the period of `week`."""
        if not wanted:
            return []
        period, spent = self.spent.get(key, (week // fund.weeks, np.zeros((len(wanted[0]), 1))))
        if period != week // fund.weeks:
            spent = np.zeros_like(spent)
        kept = prorated(np.concatenate(wanted, axis=1), fund.amount - spent)
        self.spent[key] = (week // fund.weeks, spent + kept.sum(axis=1, keepdims=True))
        return np.split(kept, len(wanted), axis=1)


def _facts(world: World, deal: Ints, rep: Ints) -> Callable[[Ints], Joint]:
    return lambda at: world.joint_facts(deal[at], rep[at])
