"""From the written form of a program to its compiled one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import inf
from typing import Any

import numpy as np
from pydantic import Field

from simulator.core.arrays import Array, column, columns
from simulator.program.base import (
    WINDOW_WEEKS,
    ComponentSpec,
    Criterion,
    Listed,
    ProgramBudget,
    QualityGate,
    TableSpec,
    TierStatus,
    number,
)
from simulator.program.compiled import (
    CompiledComponent,
    CompiledProgram,
    CompiledTerms,
    TierCriterion,
    Tiers,
)
from simulator.program.conditions import CompiledBudget, Eligibility, Gate
from simulator.program.credit_splits import compile_split
from simulator.program.governance import ReviewRule, compile_rules
from simulator.program.measures import ACCOUNTS, ATTACHMENTS, COMPLEXITIES, ENGAGEMENTS, MEASURES, Event, tally_name
from simulator.program.support import Award, Enablement, prizes_of, supports_of


class ProgramSpec(TableSpec):
    """The written form of a program: a named set of components, with tier status and explicit stacking."""

    label: str = Field("", description="name used in reports", max_length=80)
    components: dict[str, ComponentSpec] = Field(default_factory=dict, description="components by name")
    tiers: TierStatus | None = Field(None, description="partner tiers")
    deal_ceiling: float | None = number(
        None, "most that all components paid by claim pay on one deal", unit="share of deal", gt=0, le=1
    )
    budget: ProgramBudget | None = Field(None, description="what all partners together may accrue")
    admin_cost_per_year: float = number(0.0, "fixed cost of running the program", unit="money per year", ge=0)
    paperwork_per_year: float = number(
        0.0, "what taking part costs a partner in paperwork", unit="money per partner and year", ge=0
    )
    awards: dict[str, Award] = Field(default_factory=dict, description="recognition: prizes for the best of a quarter")
    enablement: Enablement | None = Field(None, description="non-cash support of partners")
    review: Listed[ReviewRule] = Field((), description="governance: rules by which rates, targets or pools move")


def compile_program(
    name: str, spec: ProgramSpec, markets: Sequence[str], partners: Sequence[tuple[str, ...]] = ()
) -> CompiledProgram:
    """Compile a program, whose numbers may be drawn by replication, see `base.with_drawn`.

    markets: names of the market segments in order; partners: the names that each partner goes by.
    """
    tier_names = (spec.tiers.entry, *spec.tiers.levels) if spec.tiers else ("all",)
    return CompiledProgram(
        name=name,
        components=tuple(_component(key, c, markets, tier_names, partners) for key, c in spec.components.items()),
        tiers=None if spec.tiers is None else _tiers(spec.tiers),
        deal_ceiling=_optional(spec.deal_ceiling),
        budget=None if spec.budget is None else _budget(spec.budget.amount, spec.budget.per),
        admin_cost_per_year=column(spec.admin_cost_per_year * 100),
        paperwork_per_year=column(spec.paperwork_per_year * 100),
        supports=supports_of(spec.enablement),
        prizes=prizes_of(spec.awards),
        review=compile_rules(spec.review, list(spec.components)),
    )


def _optional(value: float | None, scale: int = 1) -> Array | None:
    return None if value is None else column(value * scale)


def _budget(amount: float, per: str) -> CompiledBudget:
    """A budget of money per period; what is paid by claim accrues by the quarter."""
    return CompiledBudget(column(amount * 100), WINDOW_WEEKS[per] or WINDOW_WEEKS["quarter"])


def _component(
    name: str,
    spec: ComponentSpec,
    markets: Sequence[str],
    tier_names: Sequence[str],
    partners: Sequence[tuple[str, ...]],
) -> CompiledComponent:
    terms, measure = spec.terms, MEASURES[spec.measured()]
    return CompiledComponent(
        name=name,
        kind=spec.kind,
        measure=measure,
        window=WINDOW_WEEKS[spec.window],
        reference=spec.reference,
        minimum_base=column(spec.least_reference * 100),
        schedule=replace(spec.schedule(), cap=_optional(terms.cap, 100), floor=_optional(terms.floor, 100)),
        min_amount=column(spec.min_amount * 100),
        weights=_weights(spec, markets),
        tier_multiple=columns(spec.payout_by_tier.get(tier, 1.0) for tier in tier_names),
        group=spec.exclusive_group,
        list_price=terms.price_basis == "list",
        registration=spec.registration(),
        eligibility=_eligibility(spec, partners),
        gate=None if spec.gate is None else _gate(spec.gate),
        pool=None if spec.pool is None else _budget(spec.pool, spec.window),
        advance=spec.advance(),
        terms=CompiledTerms(
            payout_lag_weeks=column(terms.payout_lag_weeks + terms.countersign_weeks),
            refusal=column(terms.countersign_refusal),
            holdback_share=column(terms.holdback_share),
            holdback_weeks=column(terms.holdback_weeks),
            clawback_weeks=column(terms.clawback_weeks),
            audit_rate=column(terms.audit_rate),
            audit_cost=column(terms.audit_cost * 100),
            penalty_multiple=column(terms.penalty_multiple),
        ),
        split=compile_split(spec.split, signed=measure.event == Event.SIGNED),
        spending=spec.spending(),
    )


def _eligibility(spec: ComponentSpec, partners: Sequence[tuple[str, ...]]) -> Eligibility | None:
    """Whom and when a component counts for, None where it says nothing of it; partners: what each goes by."""
    named = bool(spec.only_partners or spec.not_partners)
    if not named and spec.from_week is None and spec.until_week is None and spec.within_weeks is None:
        return None
    return Eligibility(
        partners=np.array([[float(_names_match(spec, names)) for names in partners]]) if named else None,
        first=-inf if spec.from_week is None else float(spec.from_week),
        last=inf if spec.until_week is None else float(spec.until_week),
        within=_optional(spec.within_weeks),
    )


def _names_match(spec: ComponentSpec, names: tuple[str, ...]) -> bool:
    asked = not spec.only_partners or any(n in spec.only_partners for n in names)
    return asked and not any(n in spec.not_partners for n in names)


def _gate(spec: QualityGate) -> Gate:
    return Gate(
        _optional(spec.max_discount),
        _optional(spec.min_retention),
        _optional(spec.min_attach),
        _optional(spec.min_win_share),
    )


def _weights(spec: ComponentSpec, markets: Sequence[str]) -> Array:
    """Weight of a claim by the code of its deal, and last, 1, of one without a deal."""
    tables: tuple[Mapping[Any, float], ...] = (
        spec.credit_by_market, spec.credit_by_complexity, spec.credit_by_engagement, spec.credit_by_attach
    )  # fmt: skip
    weights: list[float | Array] = []
    for market, complexity, engagement, account, attach in product(
        markets, COMPLEXITIES, ENGAGEMENTS, ACCOUNTS, ATTACHMENTS
    ):
        counts = (
            (not spec.markets or market in spec.markets)
            and spec.engagement in ("any", engagement)
            and (spec.accounts in ("any", account) or (spec.accounts == "existing" and account == "named"))
        )
        weight = 1.0 if counts else 0.0
        for table, key in zip(tables, (market, complexity, engagement, attach), strict=True):
            weight = weight * table.get(key, 1.0)
        weights.append(weight)
    return columns([*weights, 1.0])


def _criterion(spec: Criterion) -> TierCriterion:
    at_least = column(spec.at_least * 100)
    if spec.measure is not None:
        return TierCriterion(((spec.measure, column(1.0)),), at_least)
    return TierCriterion(tuple((tally_name(p.measure, p.engagement), column(p.weight)) for p in spec.points), at_least)


def _tiers(spec: TierStatus) -> Tiers:
    levels = tuple(tuple(_criterion(c) for c in level.criteria) for level in spec.levels.values())
    return Tiers((spec.entry, *spec.levels), levels, spec.upgrade_every_quarters, spec.downgrade_every_quarters)
