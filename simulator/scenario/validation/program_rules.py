"""What must hold across the fields of a program."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from simulator.program.base import ComponentSpec, QualityGate, TierStatus
from simulator.program.components.co_marketing_fund import CoMarketingFund
from simulator.program.components.deal_registration import DealRegistration
from simulator.program.components.outcome_bonus import OutcomeBonus
from simulator.program.governance import ReviewRule
from simulator.program.measures import MEASURES, Event
from simulator.scenario.validation.finding import Fault, Steps, plain
from simulator.scenario.validation.partial import ValidParts

BASELINE = "baseline"


def program_findings(draft: ValidParts) -> Iterator[Fault]:
    """All faults across the fields of the programs."""
    written = draft.tree.get("programs")
    if isinstance(written, dict) and BASELINE not in written and BASELINE not in draft.unresolved:
        yield Fault(("programs", BASELINE), None, "is required: the status quo that candidates are compared with")
    for name, program in draft.programs.items():
        steps = ("programs", name)
        for component, spec in program.components.items():
            path = (*steps, "components", component)
            yield from _window(path, spec)
            yield from _split(path, spec)
            yield from _second(draft, path, spec)
            yield from _dates(path, spec)
            yield from _gate(path, spec)
            yield from _advance(path, spec)
            yield from _fund(path, spec)
            yield from _outcome(draft, path, spec)
            yield from _ladders(draft, path, spec)
            yield from _floor_and_cap(draft, (*path, "terms"), spec)
        yield from _exclusive_groups((*steps, "components"), program.components)
        for j, rule in program.review.items():
            yield from _review((*steps, "review", j), rule, program.components)
        if program.tiers is not None:
            yield from _tiers(draft, (*steps, "tiers"), program.tiers)


def _window(steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    if spec.reference != "money" and spec.window == "claim":
        rule = f"a component of kind '{spec.kind}' looks at the result of a whole window"
        yield Fault((*steps, "window"), spec.window, f"must be 'quarter', 'half' or 'year': {rule}")
    if spec.kind == "deal_registration" and spec.window != "claim":
        yield Fault((*steps, "window"), spec.window, "must be 'claim': a registered deal is paid by itself")


def _gate(steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    if spec.gate is not None and not spec.gate.model_dump(exclude_none=True):
        yield Fault((*steps, "gate"), None, "must have a condition: " + ", ".join(QualityGate.model_fields))


def _review(steps: Steps, rule: ReviewRule, components: Mapping[str, ComponentSpec]) -> Iterator[Fault]:
    """What a rule looks at and moves must be there."""
    on = {name: components[name] for name in rule.components or components if name in components}
    for name, spec in on.items():
        if rule.acts_on == "pool" and spec.pool is None:
            yield Fault((*steps, "acts_on"), "pool", f"moves the pool of '{name}', which has none")
        if rule.signal == "attainment" and spec.window == "claim":
            yield Fault((*steps, "signal"), "attainment", f"of '{name}', which is paid by claim and has no window")
        if rule.acts_on == "target" and spec.window == "claim":
            yield Fault((*steps, "acts_on"), "target", f"of '{name}', which is paid by claim and has no window")
    giver = rule.funded_by
    if giver is None:
        return
    if rule.acts_on != "pool":
        yield Fault((*steps, "funded_by"), giver, "goes with acts_on = 'pool' only")
    elif giver in components and components[giver].pool is None:
        yield Fault((*steps, "funded_by"), giver, "has no pool to give from")
    elif giver in on:
        yield Fault((*steps, "funded_by"), giver, "cannot fund itself; name components without it")


def _advance(steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    """What is paid at the start of a window is settled at its end, as a whole."""
    if type(spec).advance is ComponentSpec.advance:
        return
    rule = f"does not go with a component of kind '{spec.kind}', which is paid when its window starts"
    if spec.window == "claim":
        yield Fault((*steps, "window"), spec.window, f"must be 'quarter', 'half' or 'year': {rule}")
    if spec.exclusive_group is not None:
        yield Fault((*steps, "exclusive_group"), spec.exclusive_group, rule)
    for field in ("cap", "floor", "holdback_share"):
        if getattr(spec.terms, field):
            yield Fault((*steps, "terms", field), getattr(spec.terms, field), rule)


def _fund(steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    """What a fund grants is settled when its window closes, as a whole."""
    if not isinstance(spec, CoMarketingFund):
        return
    rule = "does not go with a component of kind 'co_marketing_fund', which reimburses what was spent in a window"
    if spec.window == "claim":
        yield Fault((*steps, "window"), spec.window, f"must be 'quarter', 'half' or 'year': {rule}")
    if spec.exclusive_group is not None:
        yield Fault((*steps, "exclusive_group"), spec.exclusive_group, rule)
    for field in ("holdback_share", "clawback_weeks"):
        if getattr(spec.terms, field):
            yield Fault((*steps, "terms", field), getattr(spec.terms, field), rule)


def _outcome(draft: ValidParts, steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    if not isinstance(spec, OutcomeBonus):
        return
    paid, other = ("share", "amount") if spec.measure == "expansion" else ("amount", "share")
    if getattr(spec, paid) is None:
        yield Fault((*steps, paid), None, f"is required where the measure is '{spec.measure}'")
    if getattr(spec, other) is not None:
        yield Fault((*steps, other), getattr(spec, other), f"does not go with the measure '{spec.measure}'")
    if draft.markets and all(market.after_sale is None for market in draft.markets.values()):
        rule = "pays nothing, as no market says what becomes of a customer"
        yield Fault((*steps, "measure"), spec.measure, rule, "add a table [markets.NAME.after_sale]")


def _dates(steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    if spec.until_week is not None and spec.until_week <= (spec.from_week or 0):
        rule = f"must be above from_week, which is {spec.from_week or 0}"
        yield Fault((*steps, "until_week"), spec.until_week, rule)


def _second(draft: ValidParts, steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    """A second registrant gets no more than the first."""
    if isinstance(spec, DealRegistration) and spec.second_uplift is not None:
        least = draft.span((*steps, "uplift"), spec.uplift)[0]
        if draft.span((*steps, "second_uplift"), spec.second_uplift)[1] > least:
            yield Fault((*steps, "second_uplift"), spec.second_uplift, f"must be at most the uplift, {least:g}")


def _split(steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    if spec.split is None:
        return
    measure = MEASURES.get(spec.measured())
    if measure is not None and measure.event > Event.SIGNED:
        yield Fault((*steps, "split"), None, "only pay on deals up to signature can be shared: leave it out")
    elif spec.kind == "deal_registration":
        yield Fault((*steps, "split"), None, "a registration belongs to who filed it: leave it out")


def _ladders(draft: ValidParts, steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    """Thresholds must rise strictly, whatever uncertain ones turn out to be."""
    for pattern, thresholds in spec.ladders().items():
        paths = [_below(steps, pattern, position) for position in range(len(thresholds))]
        spans = [draft.span(path, value) for path, value in zip(paths, thresholds, strict=True)]
        for position in range(1, len(thresholds)):
            below, here = spans[position - 1][1], spans[position][0]
            if not here > below:
                rule = f"overlapping thresholds: must be above the one before, which is {plain(below)}"
                yield Fault(paths[position], thresholds[position], rule)


def _below(steps: Steps, pattern: str, position: int) -> Steps:
    """The steps of the `position`-th threshold of a ladder, from a pattern such as `tiers[{}].above`."""
    name, field = pattern.split("[{}].")
    return (*steps, name, position, field)


def _floor_and_cap(draft: ValidParts, steps: Steps, spec: ComponentSpec) -> Iterator[Fault]:
    floor, cap = spec.terms.floor, spec.terms.cap
    if floor is None or cap is None:
        return
    _, most = draft.span((*steps, "floor"), floor)
    least, _ = draft.span((*steps, "cap"), cap)
    if not most < least:
        yield Fault((*steps, "floor"), floor, f"must be below cap: {plain(most)} is not below {plain(least)}")


def _exclusive_groups(steps: Steps, components: Mapping[str, ComponentSpec]) -> Iterator[Fault]:
    """The highest payout of a group can only be told when its members pay at the same time."""
    first: dict[str, str] = {}
    for name, spec in components.items():
        if spec.exclusive_group is None:
            continue
        other = first.setdefault(spec.exclusive_group, name)
        window = components[other].window
        if spec.window != window:
            rule = f"must be '{window}' as for '{other}', which is in the same exclusive group"
            yield Fault((*steps, name, "window"), spec.window, rule)


def _tiers(draft: ValidParts, steps: Steps, tiers: TierStatus) -> Iterator[Fault]:
    if tiers.entry in tiers.levels:
        yield Fault((*steps, "entry"), tiers.entry, "must not be the name of a level as well")
    reached: dict[Hashable, tuple[str, float]] = {}
    for level, needs in tiers.levels.items():
        here: dict[Hashable, tuple[str, float]] = {}
        for position, criterion in enumerate(needs.criteria):
            path = (*steps, "levels", level, "criteria", position)
            if (criterion.measure is None) == (not criterion.points):
                yield Fault((*path, "measure"), criterion.measure, "a criterion has either a measure or points")
            least, most = draft.span((*path, "at_least"), criterion.at_least)
            counted = criterion.measure or criterion.points
            lower = reached.get(counted)
            if lower is not None and least < lower[1]:
                rule = f"must not be easier than in the tier below: '{lower[0]}' needs {plain(lower[1])}"
                yield Fault((*path, "at_least"), criterion.at_least, rule)
            here[counted] = (level, most)
        reached |= here
