"""From the written form of a program to its compiled one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Array
from simulator.program.awards import prizes_of
from simulator.program.base import WINDOW_WEEKS, ComponentSpec, Criterion, QualityGate, TierStatus
from simulator.program.compiled import (
    CompiledComponent,
    CompiledProgram,
    CompiledTerms,
    Registration,
    TierCriterion,
    Tiers,
)
from simulator.program.components.deal_registration import DealRegistration
from simulator.program.credit_splits import compile_split
from simulator.program.deal_codes import ACCOUNTS, ATTACHMENTS, COMPLEXITIES, ENGAGEMENTS
from simulator.program.eligibility import reach_of
from simulator.program.enablement import supports_of
from simulator.program.gates_and_budgets import CompiledBudget, Gate
from simulator.program.governance import compile_rules
from simulator.program.measures import MEASURES, Event, tally_name
from simulator.program.values import Numbers

if TYPE_CHECKING:
    from simulator.scenario.schema import Program as ProgramSpec


def compile_program(
    name: str,
    spec: ProgramSpec,
    numbers: Numbers,
    markets: Sequence[str],
    partners: Sequence[tuple[str, ...]] = (),
) -> CompiledProgram:
    """Compile a program. numbers: reader of the whole scenario; markets: names of the market segments in order;
    partners: the names that each partner goes by."""
    here = numbers.below(f"programs.{name}")
    tier_names = (spec.tiers.entry, *spec.tiers.levels) if spec.tiers else ("all",)
    components = tuple(
        _component(key, c, here.below(f"components.{key}"), markets, tier_names, partners)
        for key, c in spec.components.items()
    )
    ceiling = None if spec.deal_ceiling is None else here("deal_ceiling")
    tiers = None if spec.tiers is None else _tiers(spec.tiers, here.below("tiers"))
    budget = None
    if spec.budget is not None:
        budget = CompiledBudget(here("budget.amount") * 100, WINDOW_WEEKS[spec.budget.per])
    admin, paperwork = here("admin_cost_per_year") * 100, here("paperwork_per_year") * 100
    supports = supports_of(spec.enablement, here.below("enablement"))
    prizes = prizes_of(spec.awards, here.below("awards"))
    review = compile_rules(spec.review, here, list(spec.components))
    return CompiledProgram(name, components, tiers, ceiling, budget, admin, paperwork, supports, prizes, review)


def no_program() -> CompiledProgram:
    """The built-in program `none`, which pays nothing."""
    return CompiledProgram("none", (), None, None, None, np.zeros((1, 1)), np.zeros((1, 1)))


def _component(
    name: str,
    spec: ComponentSpec,
    number: Numbers,
    markets: Sequence[str],
    tier_names: Sequence[str],
    partners: Sequence[tuple[str, ...]],
) -> CompiledComponent:
    terms = number.below("terms")
    schedule = replace(
        spec.schedule(number),
        cap=None if spec.terms.cap is None else terms("cap") * 100,
        floor=None if spec.terms.floor is None else terms("floor") * 100,
    )
    registration = None
    if isinstance(spec, DealRegistration):
        second = None
        if spec.second_uplift is not None:
            whole = number("uplift")
            second = np.where(whole > 0, number("second_uplift") / np.where(whole > 0, whole, 1.0), 0.0)
        registration = Registration(number("protection_weeks"), spec.registrations_per_quarter, second)
    one = np.ones((1, 1))
    return CompiledComponent(
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
        list_price=spec.terms.price_basis == "list",
        registration=registration,
        eligibility=reach_of(spec, number, partners),
        gate=None if spec.gate is None else _gate(spec.gate, number.below("gate")),
        pool=None
        if spec.pool is None
        else CompiledBudget(number("pool") * 100, WINDOW_WEEKS[spec.window] or WINDOW_WEEKS["quarter"]),
        advance=spec.advance(number),
        terms=CompiledTerms(
            payout_lag_weeks=terms("payout_lag_weeks") + terms("countersign_weeks"),
            refusal=terms("countersign_refusal"),
            holdback_share=terms("holdback_share"),
            holdback_weeks=terms("holdback_weeks"),
            clawback_weeks=terms("clawback_weeks"),
            audit_rate=terms("audit_rate"),
            audit_cost=terms("audit_cost") * 100,
            penalty_multiple=terms("penalty_multiple"),
        ),
        split=compile_split(spec.split, number, signed=MEASURES[spec.measured()].event == Event.SIGNED),
        spending=spec.spending(number),
    )


def _gate(spec: QualityGate, number: Numbers) -> Gate:
    return Gate(
        None if spec.max_discount is None else number("max_discount"),
        None if spec.min_retention is None else number("min_retention"),
        None if spec.min_attach is None else number("min_attach"),
        None if spec.min_win_share is None else number("min_win_share"),
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
                    credit = (
                        weight("credit_by_market", spec.credit_by_market, market)
                        * weight("credit_by_complexity", spec.credit_by_complexity, complexity)
                        * weight("credit_by_engagement", spec.credit_by_engagement, engagement)
                        * (1.0 if counts else 0.0)
                    )
                    columns += [credit * weight("credit_by_attach", spec.credit_by_attach, a) for a in ATTACHMENTS]
    return np.concatenate(np.broadcast_arrays(*columns, one), axis=1)


def _criterion(spec: Criterion, number: Numbers) -> TierCriterion:
    at_least = number("at_least") * 100
    if spec.measure is not None:
        return TierCriterion(((spec.measure, np.ones((1, 1))),), at_least)
    weights = [number(f"points[{i}].weight") for i in range(len(spec.points))]
    names = [tally_name(p.measure, p.engagement) for p in spec.points]
    return TierCriterion(tuple(zip(names, weights, strict=True)), at_least)


def _tiers(spec: TierStatus, number: Numbers) -> Tiers:
    levels = tuple(
        tuple(_criterion(c, number.below(f"levels.{name}.criteria[{j}]")) for j, c in enumerate(level.criteria))
        for name, level in spec.levels.items()
    )
    return Tiers((spec.entry, *spec.levels), levels, spec.upgrade_every_quarters, spec.downgrade_every_quarters)
