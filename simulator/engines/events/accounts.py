"""The event engine's accounts: what one partner has claimed and is owed under one program.

Written apart from the vector engine's accounts: each account keeps its claims one by one and hands every closed window
on with the claims it rests on. Payout rules are the shared ones, called on arrays of length 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor
from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.gaming.timing import at_cells
from simulator.behavior.lead_times import granted
from simulator.behavior.perceived_value import PerceivedValue
from simulator.core.arrays import Array, Ints
from simulator.program.compiled import (
    CompiledComponent,
    TierCriterion,
    apply_ceiling,
    own_amount,
    own_credit,
    resolve_groups,
)
from simulator.program.credit_splits import ALONE, SECOND, Joint
from simulator.program.measures import TALLIES, engagement_of
from simulator.program.schedule import Schedule
from simulator.world.disputes import NONE, OVERTURNED
from simulator.world.setting import WEEKS_PER_QUARTER

if TYPE_CHECKING:
    from simulator.engines.events.deals import Opportunity
    from simulator.engines.events.program_office import ProgramCohort

_ZERO = np.zeros(1, dtype=np.int64)


@dataclass(slots=True)
class Claim:
    """What a partner reports. time in weeks; amount in cents, net of what was conceded; opp: its opportunity;
    since: its start where that is not when the opportunity was found."""

    event: int
    time: float
    week: int
    amount: float
    code: int
    false: bool
    audit: float
    opp: Opportunity | None = None
    moved: int = 0
    conceded: float = 0.0
    role: int = ALONE
    since: float | None = None
    disputed: int = NONE


@dataclass(slots=True)
class ClosedWindow:
    """A closed window of one partner: claims with their parts of the payout (cents)."""

    offer: int
    component: int
    start: int
    end: int
    attained: float
    accrued: float
    penalty: float
    parts: list[tuple[Claim, float]]
    kept: float | None = None
    forfeited: float = 0.0
    clawed_back: float = 0.0


@dataclass
class PartnerAccount:
    """One partner's standing in one program. who: place of the partner; offer: place of the program in the rollout."""

    who: int
    offer: int
    cohort: ProgramCohort
    closed: list[ClosedWindow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.perception: PerceivedValue = self.cohort.perception
        components = self.components
        self.attained = [0.0] * len(components)
        self.voided = [0.0] * len(components)
        self.earned = [0.0] * len(components)
        self.started = [0] * len(components)
        self.advanced = [0.0] * len(components)
        self.claims: list[list[tuple[Claim, float]]] = [[] for _ in components]
        self.exact: list[Schedule] = [c.schedule for c in components]
        self.status = self.first_status = 0
        self.registered = [0] * len(components)
        self.accepted: set[tuple[int, int]] = set()
        tiers = self.perception.program.tiers
        self.quarters: dict[str, list[float]] = {m: [0.0] for m in (tiers.measures if tiers else ())}
        self.year_ago = {k: [0.0] * (52 // c.window) for k, c in enumerate(components) if c.reference == "growth"}
        self.scores = [0.0] * len(self.perception.program.prizes)
        self._by_claim = any(c.by_claim for c in components)

    @property
    def components(self) -> tuple[CompiledComponent, ...]:
        return self.perception.program.components

    def begin(self, week: int, past: list[Claim], before: PartnerAccount | None) -> None:
        """Look back a year on the partner's claims and take registrations over by component name."""
        self.started = [week] * len(self.components)
        if before is not None:
            names = {c.name: k for k, c in enumerate(self.components) if c.registration}
            for k, opp in before.accepted:
                name = before.components[k].name
                if name in names:
                    self.accepted.add((names[name], opp))
        year = [c for c in past if week - 52 <= c.week < week and c.event >= 0]
        for measure in self.quarters:
            sums = [0.0] * 4
            for claim in year:
                sums[3 - (week - 1 - claim.week) // WEEKS_PER_QUARTER] += counted(measure, claim)
            self.quarters[measure] = [*sums, 0.0]
        for k, sums in self.year_ago.items():
            length = self.components[k].window
            for claim in year:
                if claim.event == self.components[k].measure.event and not self.void(k, claim):
                    sums[-1 - (week - 1 - claim.week) // length] += self.credit(k, claim, dated=False)

    def register(self, opp: Opportunity, *, second: bool = False) -> None:
        """Accept a registration, of a second registrant if `second`, while this quarter's number lasts."""
        for k, c in enumerate(self.components):
            if c.registration is None or (second and c.registration.second is None):
                continue
            if self._plain_credit(k, opp.amount, opp.code) > 0 and self._reaches(k, opp.start, 0.0):
                if self.registered[k] < c.registration.per_quarter:
                    self.accepted.add((k, opp.number))
                self.registered[k] += 1

    def _plain_credit(self, k: int, amount: float, code: int) -> float:
        got = self.components[k].credit(rep=_ZERO, code=np.array([code]), amount=np.array([amount]))
        return float(got[0])

    def _reaches(self, k: int, week: float, waited: float, *, dated: bool = True) -> bool:
        eligibility = self.components[k].eligibility
        if eligibility is None:
            return True
        who, when = np.array([self.who]), np.array([floor(week)])
        return bool(eligibility.counts(rep=_ZERO, who=who, week=when, waited=np.array([waited]), dated=dated)[0])

    def credit(self, k: int, claim: Claim, *, dated: bool = True) -> float:
        """What a claim counts for component k, audits aside. dated: give none where k is not active in its week."""
        opp, c = claim.opp, self.components[k]
        if not claim.false and claim.audit < c.terms.refusal[0, 0]:
            return 0.0
        since = claim.since
        if since is None:
            since = claim.time if opp is None else opp.start
        if not self._reaches(k, claim.week, claim.time - since, dated=dated):
            return 0.0
        amount = claim.amount + claim.conceded if c.list_price else claim.amount
        if opp is not None and amount == opp.amount:
            key = (self.offer, k)
            if key not in opp.credits:
                opp.credits[key] = self._plain_credit(k, amount, claim.code)
            credit = opp.credits[key]
        else:
            credit = self._plain_credit(k, amount, claim.code)
        if c.registration and credit:
            if opp is None or (k, opp.number) not in self.accepted:
                return 0.0
            if claim.time > opp.start + c.registration.protection_weeks[0, 0]:
                return 0.0
        return self._own(c, claim, credit)

    def _own(self, c: CompiledComponent, claim: Claim, credit: float) -> float:
        """What a split, or a dispute, leaves to the claim's partner."""
        if claim.role == ALONE:
            return 0.0 if claim.disputed == OVERTURNED else credit
        role, whole = np.array([claim.role]), np.array([credit])
        return float(own_credit(c, rep=_ZERO, credit=whole, role=role, joint=self._facts(claim))[0])

    def _facts(self, claim: Claim) -> Callable[[Ints], Joint]:
        assert claim.opp is not None
        deal = np.array([claim.opp.deal])
        return lambda _: self.cohort.world.joint_facts(deal, _ZERO)

    def _ceiling_base(self, claim: Claim) -> Array:
        """The amount of the deal by which the ceiling binds the claim."""
        amount = np.array([claim.amount])
        if claim.role == ALONE:
            return amount
        role = np.array([claim.role])
        return own_amount(self.perception.program, rep=_ZERO, amount=amount, role=role, joint=self._facts(claim))

    def void(self, k: int, claim: Claim) -> bool:
        """Whether an audit finds a false claim."""
        return bool(claim.false and claim.audit < self.components[k].terms.audit_rate[0, 0])

    def payouts(self, claim: Claim, *, dated: bool = True) -> list[tuple[int, float, float]]:
        """(component, payout, payout voided) of a claim for every component paid by claim; cents, rules applied."""
        program = self.perception.program
        pays, voids = [np.zeros(1) for _ in self.components], [0.0] * len(self.components)
        for k, c in enumerate(self.components):
            if c.by_claim and claim.event == c.measure.event:
                credit = np.array([self.credit(k, claim, dated=dated)])
                pay = np.rint(self._multiple(k)[0] * c.claim_payout(rep=_ZERO, credit=credit))
                if self.void(k, claim):
                    voids[k] = float(pay[0])
                else:
                    pays[k] = pay
        pays = resolve_groups(program, pays, by_claim=True)
        pays = apply_ceiling(program, pays, rep=_ZERO, amount=self._ceiling_base(claim))
        return [(k, float(pays[k][0]), voids[k]) for k, c in enumerate(self.components) if c.by_claim]

    def post(self, claim: Claim, sign: int = 1) -> None:
        """Book a claim, or take it back with sign -1."""
        if self._by_claim:
            for k, pay, void in self.payouts(claim):
                self.earned[k] += sign * pay
                self.voided[k] += sign * void
                self._keep(k, claim, pay, sign)
        for k, c in enumerate(self.components):
            if c.by_claim or claim.event != c.measure.event:
                continue
            credit = self.credit(k, claim)
            if self.void(k, claim):
                self.voided[k] += sign * credit
            else:
                self.attained[k] += sign * credit
                self._keep(k, claim, credit, sign)
        for j, prize in enumerate(self.perception.program.prizes):
            self.scores[j] += sign * counted(prize.measure, claim)
        for measure, sums in self.quarters.items():
            sums[-1] += sign * counted(measure, claim)

    def _keep(self, k: int, claim: Claim, value: float, sign: int) -> None:
        if value and sign > 0:
            self.claims[k].append((claim, value))
        elif value:
            self.claims[k] = [kept for kept in self.claims[k] if kept[0] is not claim]

    def _multiple(self, k: int) -> Array:
        return self.perception.multiple(k, np.array([[self.status]]), self.cohort.rates)

    def payout_at(self, k: int, attained: Array) -> Array:
        """Payout of a window at the attainments given, tier multiple applied, unrounded."""
        return self._multiple(k) * at_cells(self.exact[k], _ZERO, np.array([self.who])).payout(attained)

    def due(self, k: int) -> tuple[float, float]:
        """Payout and penalty of component k's window as it stands, in cents, before exclusive groups."""
        c, attained = self.components[k], self.attained[k]
        multiple = c.terms.penalty_multiple[0, 0]
        if c.by_claim:
            return self.earned[k], float(np.rint(multiple * self.voided[k]))
        if c.advance is not None:
            schedule = at_cells(self.exact[k], _ZERO, np.array([self.who]))
            share = schedule.payout(np.array([[attained]])) / c.advance
            return float(np.rint(self.advanced[k] * share)[0, 0]), 0.0
        grant = np.broadcast_to(granted(c, self.started[k]), self.cohort.shape)[:, self.who, None]
        pay = np.rint(self.payout_at(k, np.array([[attained]])) + self._multiple(k) * grant)
        penalty = 0.0
        if self.voided[k]:
            more = np.rint(self.payout_at(k, np.array([[attained + self.voided[k]]]))) - pay
            penalty = float(np.rint(multiple * np.maximum(more[0, 0], 0.0)))
        return float(pay[0, 0]), penalty

    def past_claims(self) -> list[Claim]:
        """All claims of the partner so far."""
        return self.cohort.claims_of(self.who)

    def book(
        self,
        k: int,
        week: int,
        accrued: float,
        penalty: float,
        parts: list[tuple[Claim, float]],
        kept: float | None,
    ) -> ClosedWindow:
        """Close component k's window."""
        closed = ClosedWindow(self.offer, k, self.started[k], week, self.attained[k], accrued, penalty, parts, kept)
        self.closed.append(closed)
        return closed

    def ends(self, k: int, week: int) -> bool:
        """Whether component k's window ends at `week`; those paid by claim are closed by quarter."""
        return week % (self.components[k].window or WEEKS_PER_QUARTER) == 0

    def reset(self, week: int, *, first: bool) -> list[int]:
        """Start the windows that begin at `week`, review the tier; returns the components that start."""
        starting = [k for k in range(len(self.components)) if first or self.ends(k, week)]
        for k in starting:
            if k in self.year_ago and not first:
                self.year_ago[k] = [*self.year_ago[k][1:], self.attained[k]]
            self.attained[k] = self.voided[k] = self.earned[k] = 0.0
            self.claims[k] = []
            self.started[k] = week
        if week % WEEKS_PER_QUARTER == 0:
            self.registered = [0] * len(self.components)
        if week % WEEKS_PER_QUARTER == 0 or first:
            self._review(week, first)
        for k in starting:
            advance = self.components[k].advance
            if advance is not None:
                on = self._reaches(k, week, 0.0)
                self.advanced[k] = float(np.rint(self._multiple(k) * advance)[0, 0]) if on else 0.0
        return starting

    def _review(self, week: int, first: bool) -> None:
        tiers = self.perception.program.tiers
        if tiers is None:
            return
        if not first:
            for measure, sums in self.quarters.items():
                self.quarters[measure] = [*sums[-4:], 0.0]
        earned = 0
        for level, criteria in enumerate(tiers.levels):
            if all(self._trailing(c) >= c.at_least[0, 0] for c in criteria):
                earned = level + 1
        quarter = week // WEEKS_PER_QUARTER
        if (earned > self.status and (first or quarter % tiers.upgrade_every == 0)) or (
            earned < self.status and (first or quarter % tiers.downgrade_every == 0)
        ):
            self.status = earned

    def _trailing(self, criterion: TierCriterion) -> float:
        """What counts for a criterion over the last four closed quarters."""
        return sum(float(weight[0, 0]) * sum(self.quarters[name][:-1][-4:]) for name, weight in criterion.terms)


def counted(name: str, claim: Claim) -> float:
    """What a claim adds to a tally."""
    tally = TALLIES[name]
    if claim.event != tally.measure.event or claim.role == SECOND:
        return 0.0
    if (
        tally.engagement is not None
        and claim.code >= 0
        and engagement_of(np.array([claim.code]))[0] != tally.engagement
    ):
        return 0.0
    return claim.amount if tally.measure.by_amount else 100.0
