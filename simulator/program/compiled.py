"""A program as read-only arrays, and what it pays on a set of claims.

Claims meet a component through one weight per `code`, a small integer made of market segment, complexity, engagement,
account and attachment; filters are weights of 0. Claims without a deal (certifications, false claims) have code -1 and
weight 1.
Money and counts are in hundredths and integral, held in float64, so sums are exact in any order (up to 2^53).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.core.arrays import Array, Ints, take
from simulator.program.conditions import CompiledBudget, Eligibility, Gate, MarketingFund, Registration
from simulator.program.credit_splits import ALONE, SECOND, CompiledSplit, Joint, divided, second_share
from simulator.program.governance import CompiledRule
from simulator.program.measures import Measure
from simulator.program.schedule import Schedule
from simulator.program.support import Prize, Supports

CLOSED_WEEKS = 13
"""Components paid by claim accrue at the end of every so many weeks."""


@dataclass(frozen=True)
class CompiledTerms:
    """Terms as arrays of shape (R or 1, 1); money in cents, rates as shares."""

    payout_lag_weeks: Array
    holdback_share: Array
    holdback_weeks: Array
    clawback_weeks: Array
    refusal: Array
    audit_rate: Array
    audit_cost: Array
    penalty_multiple: Array


@dataclass(frozen=True)
class CompiledComponent:
    """One compiled component. weights: (R or 1, codes + 1); tier_multiple: (R or 1, tiers).

    list_price: whether claims count before price concessions."""

    name: str
    kind: str
    measure: Measure
    window: int
    reference: str
    minimum_base: Array
    schedule: Schedule
    min_amount: Array
    weights: Array
    tier_multiple: Array
    group: str | None
    list_price: bool
    registration: Registration | None
    eligibility: Eligibility | None
    gate: Gate | None
    pool: CompiledBudget | None
    advance: Array | None
    terms: CompiledTerms
    split: CompiledSplit | None = None
    spending: MarketingFund | None = None

    @property
    def by_claim(self) -> bool:
        """Whether each claim is paid by itself instead of by window."""
        return self.window == 0

    def credit(self, *, rep: Ints, code: Ints, amount: Array) -> Array:
        """What claims of the component's event add to attainment, before audits and registration; shape (n,).

        amount: size of the deal in cents (0 for claims without a deal).
        """
        weight = take(self.weights, rep, code)
        large = (amount >= take(self.min_amount, rep)) | (code < 0)
        value = amount if self.measure.by_amount else np.full(amount.shape, 100.0)
        return np.where(large, np.rint(value * weight), 0.0)

    def claim_payout(self, *, rep: Ints, credit: Array) -> Array:
        """S(credit) of each claim of a component paid by claim, unrounded; shape (n,)."""
        return rows_of(self.schedule, rep).payout(credit)


@dataclass(frozen=True)
class TierCriterion:
    """Trailing-year threshold in hundredths, shape (R or 1, 1), on a weighted sum of tallies by name."""

    terms: tuple[tuple[str, Array], ...]
    at_least: Array


@dataclass(frozen=True)
class Tiers:
    """Tier names (entry first), criteria per level above it, and review cadence in quarters."""

    names: tuple[str, ...]
    levels: tuple[tuple[TierCriterion, ...], ...]
    upgrade_every: int
    downgrade_every: int

    @property
    def measures(self) -> tuple[str, ...]:
        """Tallies that some criterion looks at, in a fixed order."""
        return tuple(sorted({name for level in self.levels for c in level for name, _ in c.terms}))


@dataclass(frozen=True)
class CompiledProgram:
    """A compiled program; deal_ceiling of shape (R or 1, 1); costs of administration and of a partner's paperwork in
    cents per year."""

    name: str
    components: tuple[CompiledComponent, ...]
    tiers: Tiers | None
    deal_ceiling: Array | None
    budget: CompiledBudget | None
    admin_cost_per_year: Array
    paperwork_per_year: Array
    supports: Supports | None = None
    prizes: tuple[Prize, ...] = ()
    review: tuple[CompiledRule, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """Tallies that tiers and prizes look at, in a fixed order."""
        return tuple(sorted({*(self.tiers.measures if self.tiers else ()), *(p.measure for p in self.prizes)}))

    @property
    def pools(self) -> tuple[CompiledBudget | None, ...]:
        """The pool of each component, None where it has none."""
        return tuple(c.pool for c in self.components)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Positions of components in each exclusive group of two or more, in order."""
        named: dict[str, list[int]] = {}
        for k, c in enumerate(self.components):
            if c.group is not None:
                named.setdefault(c.group, []).append(k)
        return tuple(tuple(v) for v in named.values() if len(v) > 1)


def rows_of(schedule: Schedule, rep: Ints) -> Schedule:
    """A schedule of (R or 1, 1) arrays laid out along flat claims of replications `rep`."""
    knots = tuple(
        replace(k, at=take(k.at, rep), change=take(k.change, rep), jump=take(k.jump, rep)) for k in schedule.knots
    )
    floor = None if schedule.floor is None else take(schedule.floor, rep)
    cap = None if schedule.cap is None else take(schedule.cap, rep)
    return replace(schedule, base=take(schedule.base, rep), knots=knots, floor=floor, cap=cap)


def resolve_groups(program: CompiledProgram, payouts: Sequence[Array], *, by_claim: bool) -> list[Array]:
    """In each exclusive group keep only the highest payout (the first of equals); others become 0.

    payouts: one array per component, all of one shape; only groups of components paid by claim, or only of those paid
    by window, are looked at.
    """
    kept = list(payouts)
    for group in program.groups:
        if program.components[group[0]].by_claim != by_claim:
            continue
        best = np.argmax(np.stack([payouts[k] for k in group]), axis=0)
        for position, k in enumerate(group):
            kept[k] = np.where(best == position, payouts[k], 0.0)
    return kept


def apply_ceiling(program: CompiledProgram, payouts: Sequence[Array], *, rep: Ints, amount: Array) -> list[Array]:
    """Scale the payouts by claim on each deal down, to whole cents, where their sum passes the program's ceiling."""
    if program.deal_ceiling is None:
        return list(payouts)
    most = np.floor(take(program.deal_ceiling, rep) * amount)
    total = np.zeros(amount.shape)
    for p in payouts:
        total = total + p
    over = (total > most) & (amount > 0)
    scale = np.where(over, most / np.where(over, total, 1.0), 1.0)
    return [np.where(over, np.floor(p * scale), p) for p in payouts]


def own_amount(
    program: CompiledProgram, *, rep: Ints, amount: Array, role: Ints, joint: Callable[[Ints], Joint]
) -> Array:
    """The part of each deal's amount (n,) that the ceiling leaves to the claim's own partner.

    The second partner's part is the largest share that a component paid by claim gives it; together the parts are the
    deal. joint: facts of the claims at places.
    """
    at = np.flatnonzero(role != ALONE)
    rules = [c.split for c in program.components if c.by_claim and c.split is not None]
    if not len(at) or not rules:
        return amount
    facts = joint(at)
    second = np.max([second_share(rule, rep=rep[at], joint=facts) for rule in rules], axis=0)
    out = amount.astype(float)
    # Never 0 for a deal: an amount of 0 says that there is none, and no ceiling.
    out[at] = np.maximum(amount[at] * np.where(role[at] == SECOND, second, 1.0 - second), 1e-9)
    return out


def own_credit(
    component: CompiledComponent, *, rep: Ints, credit: Array, role: Ints, joint: Callable[[Ints], Joint]
) -> Array:
    """What is left to the claim's own partner of the credit (n,) of its deal. joint: facts of the claims at places."""
    split, registration = component.split, component.registration
    if split is None:
        second = None if registration is None else registration.second
        theirs = np.zeros(credit.shape) if second is None else np.rint(credit * take(second, rep))
        return np.where(role == SECOND, theirs, credit)
    at = np.flatnonzero((role != ALONE) & (credit > 0))
    if not len(at):
        return credit
    share = second_share(split, rep=rep[at], joint=joint(at))
    parts = divided(credit[at], np.stack((1.0 - share, share), axis=-1))
    out = credit.copy()
    out[at] = np.where(role[at] == SECOND, parts[:, 1], parts[:, 0])
    return out
