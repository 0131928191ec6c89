"""From the written form of a program to its compiled one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

import numpy as np
from pydantic import Field

from simulator.core.arrays import Array
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
from simulator.program.values import Numbers


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
        registration=spec.registration(number),
        eligibility=_eligibility(spec, number, partners),
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


def _eligibility(spec: ComponentSpec, number: Numbers, partners: Sequence[tuple[str, ...]]) -> Eligibility | None:
    """Whom and when a component counts for, None where it says nothing of it; partners: what each goes by."""
    named = bool(spec.only_partners or spec.not_partners)
    if not named and spec.from_week is None and spec.until_week is None and spec.within_weeks is None:
        return None
    return Eligibility(
        partners=np.array([[float(_names_match(spec, names)) for names in partners]]) if named else None,
        first=-inf if spec.from_week is None else float(spec.from_week),
        last=inf if spec.until_week is None else float(spec.until_week),
        within=None if spec.within_weeks is None else number("within_weeks"),
    )


def _names_match(spec: ComponentSpec, names: tuple[str, ...]) -> bool:
    asked = not spec.only_partners or any(n in spec.only_partners for n in names)
    return asked and not any(n in spec.not_partners for n in names)


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
