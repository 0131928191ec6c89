"""A program as read-only arrays, and what it pays on a set of claims.

Claims meet a component through one weight per `code`, a small integer made of market segment, complexity, engagement
and account; filters are weights of 0. Claims without a deal (certifications, false claims) have code -1 and weight 1.
Money and counts are in hundredths and integral, held in float64, so sums are exact in any order (up to 2^53).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.program.components.deal_registration import DealRegistration
from simulator.program.measures import MEASURES, Event, Measure
from simulator.program.numbers import Array, Numbers
from simulator.program.schedule import Schedule
from simulator.program.spec import WINDOW_WEEKS, ComponentSpec, TierStatus

if TYPE_CHECKING:
    from simulator.scenario.schema import Program as ProgramSpec

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ENGAGEMENTS = ("sourced", "assisted")
ACCOUNTS = ("new", "existing", "named")
COMPLEXITIES = ("standard", "complex")
CODES_PER_MARKET = len(COMPLEXITIES) * len(ENGAGEMENTS) * len(ACCOUNTS)


def deal_code(market: Ints, complexity: Ints, engagement: Ints, account: Ints) -> Ints:
    """The code of a deal's market, complexity, engagement and account, each as its position in its list."""
    return ((market * 2 + complexity) * 2 + engagement) * 3 + account


@dataclass(frozen=True)
class CompiledTerms:
    """Terms as arrays of shape (R or 1, 1); money in cents, rates as shares."""

    payout_lag_weeks: Array
    holdback_share: Array
    holdback_weeks: Array
    clawback_weeks: Array
    audit_rate: Array
    audit_cost: Array
    penalty_multiple: Array


@dataclass(frozen=True)
class Registration:
    """Protection window in weeks, shape (R or 1, 1), and registrations accepted per partner and quarter."""

    protection_weeks: Array
    per_quarter: int


@dataclass(frozen=True)
class Component:
    """One compiled component. weights: (R or 1, codes + 1); tier_multiple: (R or 1, tiers)."""

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
    registration: Registration | None
    terms: CompiledTerms

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
    """Trailing-year threshold in hundredths, shape (R or 1, 1)."""

    measure: str
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
        """Measures that some criterion looks at, in a fixed order."""
        used = {c.measure for level in self.levels for c in level}
        return tuple(m for m in MEASURES if m in used)


@dataclass(frozen=True)
class Program:
    """A compiled program; deal_ceiling of shape (R or 1, 1), admin cost in cents per year."""

    name: str
    components: tuple[Component, ...]
    tiers: Tiers | None
    deal_ceiling: Array | None
    admin_cost_per_year: Array

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Positions of components in each exclusive group of two or more, in order."""
        named: dict[str, list[int]] = {}
        for k, c in enumerate(self.components):
            if c.group is not None:
                named.setdefault(c.group, []).append(k)
        return tuple(tuple(v) for v in named.values() if len(v) > 1)


def take(table: Array, rep: Ints, column: Ints | None = None) -> Array:
    """Row values of a (R or 1, n) table: table[rep, column], or table[0, column] where it has no replication axis."""
    if column is None:
        return np.full(rep.shape, table[0, 0]) if table.shape[0] == 1 else table[rep, 0]
    return np.asarray(table[0, column] if table.shape[0] == 1 else table[rep, column])


def rows_of(schedule: Schedule, rep: Ints) -> Schedule:
    """A schedule of (R or 1, 1) arrays laid out along flat claims of replications `rep`."""
    knots = tuple(
        replace(k, at=take(k.at, rep), change=take(k.change, rep), jump=take(k.jump, rep)) for k in schedule.knots
    )
    floor = None if schedule.floor is None else take(schedule.floor, rep)
    cap = None if schedule.cap is None else take(schedule.cap, rep)
    return replace(schedule, base=take(schedule.base, rep), knots=knots, floor=floor, cap=cap)


def resolve_groups(program: Program, payouts: Sequence[Array], *, by_claim: bool) -> list[Array]:
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


def apply_ceiling(program: Program, payouts: Sequence[Array], *, rep: Ints, amount: Array) -> list[Array]:
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


def compile_program(name: str, spec: ProgramSpec, numbers: Numbers, markets: Sequence[str]) -> Program:
    """Compile a program. numbers: reader of the whole scenario; markets: names of the market segments in order."""
    here = numbers.below(f"programs.{name}")
    tier_names = (spec.tiers.entry, *spec.tiers.levels) if spec.tiers else ("all",)
    components = tuple(
        _component(key, c, here.below(f"components.{key}"), markets, tier_names) for key, c in spec.components.items()
    )
    ceiling = None if spec.deal_ceiling is None else here("deal_ceiling")
    tiers = None if spec.tiers is None else _tiers(spec.tiers, here.below("tiers"))
    return Program(name, components, tiers, ceiling, here("admin_cost_per_year") * 100)


def no_program() -> Program:
    """The built-in program `none`, which pays nothing."""
    return Program("none", (), None, None, np.zeros((1, 1)))


def _component(
    name: str, spec: ComponentSpec, number: Numbers, markets: Sequence[str], tier_names: Sequence[str]
) -> Component:
    terms = number.below("terms")
    schedule = replace(
        spec.schedule(number),
        cap=None if spec.terms.cap is None else terms("cap") * 100,
        floor=None if spec.terms.floor is None else terms("floor") * 100,
    )
    registration = None
    if isinstance(spec, DealRegistration):
        registration = Registration(number("protection_weeks"), spec.registrations_per_quarter)
    one = np.ones((1, 1))
    return Component(
        name=name,
        kind=spec.kind,
        measure=MEASURES[spec.measured()],
        window=WINDOW_WEEKS[spec.window],
        reference=spec.reference,
        minimum_base=number("minimum_base") * 100 if spec.reference == "growth" else one,
        schedule=schedule,
        min_amount=number("min_amount") * 100,
        weights=_weights(spec, number, markets),
        tier_multiple=np.concatenate(
            np.broadcast_arrays(
                *[number(f"payout_by_tier.{t}") if t in spec.payout_by_tier else one for t in tier_names], one
            )[:-1],
            axis=1,
        ),
        group=spec.exclusive_group,
        registration=registration,
        terms=CompiledTerms(
            payout_lag_weeks=terms("payout_lag_weeks"),
            holdback_share=terms("holdback_share"),
            holdback_weeks=terms("holdback_weeks"),
            clawback_weeks=terms("clawback_weeks"),
            audit_rate=terms("audit_rate"),
            audit_cost=terms("audit_cost") * 100,
            penalty_multiple=terms("penalty_multiple"),
        ),
    )


def _weights(spec: ComponentSpec, number: Numbers, markets: Sequence[str]) -> Array:
    one = np.ones((1, 1))

    def weight(table: str, names: Iterable[str], key: str) -> Array:
        return number(f"{table}.{key}") if key in names else one

    columns: list[Array] = []
    for market in markets:
        for complexity in COMPLEXITIES:
            for engagement in ENGAGEMENTS:
                for account in ACCOUNTS:
                    counts = (
                        (not spec.markets or market in spec.markets)
                        and spec.engagement in ("any", engagement)
                        and (spec.accounts in ("any", account) or (spec.accounts == "existing" and account == "named"))
                    )
                    columns.append(
                        weight("credit_by_market", spec.credit_by_market, market)
                        * weight("credit_by_complexity", spec.credit_by_complexity, complexity)
                        * weight("credit_by_engagement", spec.credit_by_engagement, engagement)
                        * (1.0 if counts else 0.0)
                    )
    return np.concatenate(np.broadcast_arrays(*columns, one), axis=1)


def _tiers(spec: TierStatus, number: Numbers) -> Tiers:
    levels = tuple(
        tuple(
            TierCriterion(c.measure, number(f"levels.{name}.criteria[{j}].at_least") * 100)
            for j, c in enumerate(level.criteria)
        )
        for name, level in spec.levels.items()
    )
    return Tiers((spec.entry, *spec.levels), levels, spec.upgrade_every_quarters, spec.downgrade_every_quarters)


__all__ = ["Component", "Event", "Program", "Tiers", "compile_program", "no_program"]
