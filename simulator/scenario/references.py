"""Names that must exist and shares that must sum to 1, checked on the tables as they are written.

So that a fault elsewhere in a table does not hide a misspelt name in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simulator.program.measures import MEASURES
from simulator.scenario.draft import Draft, DraftProgram, table
from simulator.scenario.finding import Finding, Steps, choice, plain, suggestion

SUM_TOLERANCE = 1e-6


def reference_findings(draft: Draft) -> Iterator[Finding]:
    """All names that name nothing, and all shares that do not sum to 1."""
    for name, market in _tables(draft.tree, "markets"):
        for field in ("stage_weights", "stage_durations"):
            yield from _sum(("markets", name, field), market.get(field))
    for section in ("territories", "partners"):
        for name, raw in _tables(draft.tree, section):
            yield from _mix(draft, (section, name, "markets"), table(raw, "markets"))
    for name, raw in _tables(draft.tree, "partners"):
        yield from _named("territory", draft.names("territories"), ("partners", name, "territory"), raw)
    yield from _participation(draft)
    yield from _trust(draft)
    yield from _sum(("behavior", "effort_shares"), table(draft.tree, "behavior").get("effort_shares"))
    for name, raw in _tables(draft.tree, "programs"):
        yield from _program(draft, draft.programs[name], ("programs", name), raw)


def _program(draft: Draft, program: DraftProgram, steps: Steps, raw: Mapping[str, Any]) -> Iterator[Finding]:
    for name, component in _tables(raw, "components"):
        path = (*steps, "components", name)
        yield from _keys_named("market", draft.names("markets"), (*path, "credit_by_market"), component)
        yield from _listed("market", draft.names("markets"), (*path, "markets"), component.get("markets"))
        if program.tier_names:
            yield from _keys_named("tier", program.tier_names, (*path, "payout_by_tier"), component)
        else:
            for tier in table(component, "payout_by_tier"):
                rule = "names no tier, as the program has none"
                yield Finding((*path, "payout_by_tier", tier), None, rule, "add a tiers table")
        for field in ("only_partners", "not_partners"):
            yield from _partners(draft, (*path, field), component.get(field))
        if component.get("kind") in ("bonus", "upfront_commitment"):
            yield from _named("measure", MEASURES, (*path, "measure"), component)
    for name, award in _tables(raw, "awards"):
        yield from _named("measure", MEASURES, (*steps, "awards", name, "measure"), award)
    rules = raw.get("review")
    for j, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict):
            names = list(table(raw, "components"))
            yield from _listed("component", names, (*steps, "review", j, "components"), rule.get("components"))
            yield from _named("component", names, (*steps, "review", j, "funded_by"), rule)
    for level, needs in _tables(table(raw, "tiers"), "levels"):
        criteria = needs.get("criteria")
        for position, criterion in enumerate(criteria if isinstance(criteria, list) else ()):
            path = (*steps, "tiers", "levels", level, "criteria", position)
            if isinstance(criterion, dict):
                yield from _named("measure", MEASURES, (*path, "measure"), criterion)
                points = criterion.get("points")
                for place, term in enumerate(points if isinstance(points, list) else ()):
                    if isinstance(term, dict):
                        yield from _named("measure", MEASURES, (*path, "points", place, "measure"), term)


def _participation(draft: Draft) -> Iterator[Finding]:
    if isinstance(draft.tree.get("participation"), dict):
        burn_in = table(draft.tree, "time").get("burn_in_weeks")
        if isinstance(burn_in, int) and burn_in < 26:
            rule = "must be at least 26 with participation, so that partners know what the baseline is worth to them"
            yield Finding(("time", "burn_in_weeks"), burn_in, rule)
        return
    for name, raw in _tables(draft.tree, "partners"):
        if raw.get("prospects"):
            rule = "needs a participation table, or they never join"
            yield Finding(("partners", name, "prospects"), raw["prospects"], rule)


def _trust(draft: Draft) -> Iterator[Finding]:
    burn_in = table(draft.tree, "time").get("burn_in_weeks")
    if isinstance(draft.tree.get("trust"), dict) and isinstance(burn_in, int) and burn_in < 13:
        rule = "must be at least 13 with trust, so that it is known where trust stands under the baseline"
        yield Finding(("time", "burn_in_weeks"), burn_in, rule)


def _mix(draft: Draft, steps: Steps, mix: Mapping[str, Any]) -> Iterator[Finding]:
    for market in mix:
        if market not in draft.names("markets"):
            hint = suggestion(market, draft.names("markets"))
            yield Finding((*steps, market), None, "names no market", hint)
    yield from _sum(steps, list(mix.values()))


def _sum(steps: Steps, shares: Any) -> Iterator[Finding]:
    """Shares must sum to 1; those that are no shares at all are reported one by one elsewhere."""
    if not isinstance(shares, list) or not shares or not all(_is_share(share) for share in shares):
        return
    total = math.fsum(shares)
    if abs(total - 1) > SUM_TOLERANCE:
        yield Finding(steps, None, f"shares must sum to 1, not {plain(total)}")


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _listed(what: str, known: Iterable[str], steps: Steps, names: Any) -> Iterator[Finding]:
    """The texts of a list must be among `known`."""
    for position, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name not in known:
            yield Finding((*steps, position), name, f"names no {what}", suggestion(name, known))


def _partners(draft: Draft, steps: Steps, names: Any) -> Iterator[Finding]:
    """Names of partners are those of segments, or SEGMENT-NUMBER with a number up to the segment's count."""
    for position, name in enumerate(names if isinstance(names, list) else ()):
        segment, _, number = name.rpartition("-") if isinstance(name, str) else ("", "", "")
        if not isinstance(name, str) or name in draft.names("partners"):
            continue
        if segment not in draft.names("partners") or not number.isdigit():
            hint = suggestion(name, draft.names("partners"))
            yield Finding((*steps, position), name, "names no partner: must be SEGMENT or SEGMENT-NUMBER", hint)
        elif segment in draft.partners and not 1 <= int(number) <= draft.partners[segment].count:
            rule = f"names no partner: '{segment}' has partners 1 to {draft.partners[segment].count}"
            yield Finding((*steps, position), name, rule)


def _named(what: str, known: Iterable[str], steps: Steps, holder: Mapping[str, Any]) -> Iterator[Finding]:
    """The text at the last step of `steps`, a key of `holder`, must be one of `known`."""
    name = holder.get(str(steps[-1]))
    if isinstance(name, str) and name not in known:
        yield Finding(steps, name, f"names no {what}: must be {choice(known)}", suggestion(name, known))


def _keys_named(what: str, known: Iterable[str], steps: Steps, holder: Mapping[str, Any]) -> Iterator[Finding]:
    """The keys of the table at the last step of `steps`, a key of `holder`, must be among `known`."""
    for name in table(holder, str(steps[-1])):
        if name not in known:
            yield Finding((*steps, name), None, f"names no {what}", suggestion(name, known))


def _tables(tree: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The entries at `key` of `tree` that are tables."""
    return ((name, raw) for name, raw in table(tree, key).items() if isinstance(raw, dict))
