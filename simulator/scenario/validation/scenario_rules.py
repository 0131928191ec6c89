"""What must hold across the tables of a scenario outside its programs, and of its names and uncertain numbers.

Names that must exist and shares that must sum to 1 are checked on the tables as they are written, so that a fault
elsewhere in a table does not hide a misspelt name in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from simulator.program.base import steps as steps_of
from simulator.program.measures import MEASURES
from simulator.scenario.fields import Place, leaves, model_of, place_at
from simulator.scenario.market import Economy
from simulator.scenario.schema import Correlation, Uncertain
from simulator.scenario.uncertainty import hold_together, normal_correlations, parameter_faults, stated_values
from simulator.scenario.validation.finding import Fault, Steps, choice, dotted, plain, suggestion
from simulator.scenario.validation.messages import share_meant
from simulator.scenario.validation.partial import DraftProgram, ValidParts, table
from simulator.scenario.validation.program_rules import program_findings

SUM_TOLERANCE = 1e-6


def reference_findings(draft: ValidParts) -> Iterator[Fault]:
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


def _program(draft: ValidParts, program: DraftProgram, steps: Steps, raw: Mapping[str, Any]) -> Iterator[Fault]:
    for name, component in _tables(raw, "components"):
        path = (*steps, "components", name)
        yield from _keys_named("market", draft.names("markets"), (*path, "credit_by_market"), component)
        yield from _listed("market", draft.names("markets"), (*path, "markets"), component.get("markets"))
        if program.tier_names:
            yield from _keys_named("tier", program.tier_names, (*path, "payout_by_tier"), component)
        else:
            for tier in table(component, "payout_by_tier"):
                rule = "names no tier, as the program has none"
                yield Fault((*path, "payout_by_tier", tier), None, rule, "add a tiers table")
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


def _participation(draft: ValidParts) -> Iterator[Fault]:
    if isinstance(draft.tree.get("participation"), dict):
        burn_in = table(draft.tree, "time").get("burn_in_weeks")
        if isinstance(burn_in, int) and burn_in < 26:
            rule = "must be at least 26 with participation, so that partners know what the baseline is worth to them"
            yield Fault(("time", "burn_in_weeks"), burn_in, rule)
        return
    for name, raw in _tables(draft.tree, "partners"):
        if raw.get("prospects"):
            rule = "needs a participation table, or they never join"
            yield Fault(("partners", name, "prospects"), raw["prospects"], rule)


def _trust(draft: ValidParts) -> Iterator[Fault]:
    burn_in = table(draft.tree, "time").get("burn_in_weeks")
    if isinstance(draft.tree.get("trust"), dict) and isinstance(burn_in, int) and burn_in < 13:
        rule = "must be at least 13 with trust, so that it is known where trust stands under the baseline"
        yield Fault(("time", "burn_in_weeks"), burn_in, rule)


def _mix(draft: ValidParts, steps: Steps, mix: Mapping[str, Any]) -> Iterator[Fault]:
    for market in mix:
        if market not in draft.names("markets"):
            hint = suggestion(market, draft.names("markets"))
            yield Fault((*steps, market), None, "names no market", hint)
    yield from _sum(steps, list(mix.values()))


def _sum(steps: Steps, shares: Any) -> Iterator[Fault]:
    """Shares must sum to 1; those that are no shares at all are reported one by one elsewhere."""
    if not isinstance(shares, list) or not shares or not all(_is_share(share) for share in shares):
        return
    total = math.fsum(shares)
    if abs(total - 1) > SUM_TOLERANCE:
        yield Fault(steps, None, f"shares must sum to 1, not {plain(total)}")


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _listed(what: str, known: Iterable[str], steps: Steps, names: Any) -> Iterator[Fault]:
    """The texts of a list must be among `known`."""
    for position, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name not in known:
            yield Fault((*steps, position), name, f"names no {what}", suggestion(name, known))


def _partners(draft: ValidParts, steps: Steps, names: Any) -> Iterator[Fault]:
    """Names of partners are those of segments, or SEGMENT-NUMBER with a number up to the segment's count."""
    for position, name in enumerate(names if isinstance(names, list) else ()):
        segment, _, number = name.rpartition("-") if isinstance(name, str) else ("", "", "")
        if not isinstance(name, str) or name in draft.names("partners"):
            continue
        if segment not in draft.names("partners") or not number.isdigit():
            hint = suggestion(name, draft.names("partners"))
            yield Fault((*steps, position), name, "names no partner: must be SEGMENT or SEGMENT-NUMBER", hint)
        elif segment in draft.partners and not 1 <= int(number) <= draft.partners[segment].count:
            rule = f"names no partner: '{segment}' has partners 1 to {draft.partners[segment].count}"
            yield Fault((*steps, position), name, rule)


def _named(what: str, known: Iterable[str], steps: Steps, holder: Mapping[str, Any]) -> Iterator[Fault]:
    """The text at the last step of `steps`, a key of `holder`, must be one of `known`."""
    name = holder.get(str(steps[-1]))
    if isinstance(name, str) and name not in known:
        yield Fault(steps, name, f"names no {what}: must be {choice(known)}", suggestion(name, known))


def _keys_named(what: str, known: Iterable[str], steps: Steps, holder: Mapping[str, Any]) -> Iterator[Fault]:
    """The keys of the table at the last step of `steps`, a key of `holder`, must be among `known`."""
    for name in table(holder, str(steps[-1])):
        if name not in known:
            yield Fault((*steps, name), None, f"names no {what}", suggestion(name, known))


def _tables(tree: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The entries at `key` of `tree` that are tables."""
    return ((name, raw) for name, raw in table(tree, key).items() if isinstance(raw, dict))


def shock_findings(draft: ValidParts) -> Iterator[Fault]:
    """All faults across the fields of the shocks."""
    shocks = table(draft.tree, "shocks")
    for kind in ("demand", "price", "competitor"):
        for steps, shock in _rows(shocks, kind):
            yield from _spell(steps, shock)
            yield from _shock_checks_names(draft, steps, shock, "partners" if kind == "competitor" else "markets")
    for steps, shock in _rows(shocks, "departure"):
        yield from _who(draft, steps, shock)


def _rows(shocks: Mapping[str, Any], kind: str) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    rows = shocks.get(kind)
    for position, row in enumerate(rows if isinstance(rows, list | tuple) else ()):
        if isinstance(row, dict):
            yield ("shocks", kind, position), row


def _spell(steps: Steps, shock: Mapping[str, Any]) -> Iterator[Fault]:
    start, stop = shock.get("from_week"), shock.get("until_week")
    if isinstance(start, int) and isinstance(stop, int) and not stop > start:
        yield Fault((*steps, "until_week"), stop, f"must be after from_week, which is {plain(start)}")


def _shock_checks_names(draft: ValidParts, steps: Steps, shock: Mapping[str, Any], section: str) -> Iterator[Fault]:
    known, names = draft.names(section), shock.get(section)
    what = "partner segment" if section == "partners" else "market"
    for position, name in enumerate(names if isinstance(names, list | tuple) else ()):
        if isinstance(name, str) and name not in known:
            yield Fault((*steps, section, position), name, f"names no {what}", suggestion(name, known))


def _who(draft: ValidParts, steps: Steps, shock: Mapping[str, Any]) -> Iterator[Fault]:
    name, rank = shock.get("partner"), shock.get("rank")
    if (name is None) == (rank is None):
        yield Fault(steps, None, "needs either partner or rank", "give one of the two")
        return
    count = {segment: spec.count for segment, spec in draft.partners.items()}
    if isinstance(name, str):
        segment, dash, number = name.rpartition("-")
        if dash and segment in draft.names("partners") and segment not in count:
            return
        if not (number.isdigit() and 1 <= int(number) <= count.get(segment, 0)):
            known = [f"{segment}-{n}" for segment, most in count.items() for n in (1, most)]
            yield Fault((*steps, "partner"), name, "names no partner", suggestion(name, known))
    elif isinstance(rank, int) and len(count) == len(draft.names("partners")) and rank > sum(count.values()):
        yield Fault((*steps, "rank"), rank, f"must be at most {sum(count.values())}, the number of partners")


_SUM_TO_ONE = ("stage_weights", "stage_durations", "effort_shares")


def uncertainty_findings(draft: ValidParts) -> Iterator[Fault]:
    """All faults of the uncertain numbers."""
    for path in draft.names("uncertainty"):
        steps: Steps = ("uncertainty", path)
        if _below_a_fault(draft, path):
            continue
        place = draft.place(path)
        if place is None:
            yield Fault(steps, None, "is no path of the scenario", suggestion(path, _number_paths(draft)))
            continue
        refusal = why_certain(steps_of(path), place)
        canonical = dotted(steps_of(path))
        if refusal:
            yield Fault(steps, None, refusal)
        elif canonical != path:
            yield Fault(steps, None, "must be written as paths are", f"did you mean '{canonical}'?")
        elif path in draft.uncertain:
            yield from _distribution(steps, draft.uncertain[path], place)


def correlation_findings(draft: ValidParts) -> Iterator[Fault]:
    """All faults of the correlations of uncertain numbers."""
    known = draft.names("uncertainty")
    seen: dict[frozenset[str], int] = {}
    faulty = False
    for position, pair in draft.correlations.items():
        for finding in _pair(("correlation", position), pair, known, seen):
            faulty = True
            yield finding
        seen.setdefault(frozenset((pair.a, pair.b)), position)
    if draft.correlations and not faulty:
        yield from _together(tuple(draft.correlations.values()))


def _pair(steps: Steps, pair: Correlation, known: tuple[str, ...], seen: Mapping[Any, int]) -> Iterator[Fault]:
    for name, path in (("a", pair.a), ("b", pair.b)):
        if path not in known:
            way_out = suggestion(path, known) or f"add an uncertainty table for '{path}'"
            yield Fault((*steps, name), path, "is no uncertain number of the scenario", way_out)
    both = frozenset((pair.a, pair.b))
    if pair.a == pair.b:
        yield Fault((*steps, "b"), pair.b, "must be another number than a")
    elif both in seen:
        yield Fault(steps, None, f"states a pair that correlation[{seen[both]}] has already")


def _together(stated: tuple[Correlation, ...]) -> Iterator[Fault]:
    """Refuse correlations that no numbers can have at once."""
    paths = tuple(dict.fromkeys(path for pair in stated for path in (pair.a, pair.b)))
    if hold_together(normal_correlations(paths, stated)):
        return
    percent = next(p for p in count(99, -1) if hold_together(normal_correlations(paths, stated, p / 100)))
    rule = "cannot all hold at once: the matrix of correlations is not positive definite"
    yield Fault(("correlation",), None, rule, f"all of them times {percent / 100:.2f} can")


def why_certain(steps: Steps, place: Place) -> str:
    """Why the number at `steps` cannot be uncertain; empty where it can."""
    if place.annotation is int:
        return "cannot be uncertain: it is a count or length that a run is built on"
    if place.annotation is not float:
        return "cannot be uncertain: it is not a number"
    if steps[0] in ("goals", "budget"):
        return "cannot be uncertain: it is chosen, not unknown"
    if place.value is None:
        return "cannot be uncertain: no value is given there"
    if sums_to_one(steps):
        return "cannot be uncertain: shares that sum to 1 do not vary one by one"
    return ""


def sums_to_one(steps: Steps) -> bool:
    """Whether `steps` lead to an element of shares that sum to 1."""
    mix = steps[0] in ("territories", "partners") and len(steps) == 4 and steps[2] == "markets"
    return mix or (len(steps) > 1 and steps[-2] in _SUM_TO_ONE)


def _below_a_fault(draft: ValidParts, path: str) -> bool:
    """Whether `path` leads into a program or component at fault, so that nothing can be said of it."""
    steps = steps_of(path)
    if len(steps) < 2 or steps[0] != "programs":
        return False
    component = place_at(draft.tree, steps[:4]) if len(steps) > 4 else None
    return steps[1] in draft.unresolved or (component is not None and model_of(component) is None)


def _number_paths(draft: ValidParts) -> list[str]:
    numbers = [(steps, place) for steps, place in leaves(draft.tree) if place.numeric]
    return [dotted(steps) for steps, place in numbers if not why_certain(steps, place)]


def _distribution(steps: Steps, uncertain: Uncertain, place: Place) -> Iterator[Fault]:
    for parameter, rule in parameter_faults(uncertain):
        value = getattr(uncertain, parameter)
        yield Fault((*steps, parameter), list(value) if isinstance(value, tuple) else value, rule)
    for name, position, number in stated_values(uncertain):
        if not place.bounds.hold(number):
            where: Steps = (*steps, name) if position is None else (*steps, name, position)
            rule = f"{place.bounds.rule()}, like the number itself"
            yield Fault(where, number, rule, share_meant(place.bounds, place.unit, number))


MAX_ARRIVALS = 500.0
"""Most opportunities per stream and week: the inversion of a Poisson count underflows at about 700."""
ARRIVAL_SD = 5.0
"""How far out partner volume and the market are looked at: one partner-week in 3.5 million is beyond."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_NAME_RULE = "a name is a letter followed by up to 39 letters, digits, '_' or '-'"
_WEEKS_PER_YEAR = 52


def check(draft: ValidParts) -> Iterator[Fault]:
    """All faults across the fields of a scenario."""
    yield from _names(draft)
    yield from reference_findings(draft)
    yield from _markets(draft)
    if draft.economy is not None:
        yield from _streams(draft, draft.economy)
    yield from shock_findings(draft)
    yield from program_findings(draft)
    yield from uncertainty_findings(draft)
    yield from correlation_findings(draft)


def _names(draft: ValidParts) -> Iterator[Fault]:
    for section in ("markets", "territories", "partners", "programs"):
        for name in draft.names(section):
            yield from _name((section, name), name)
    for name, program in draft.programs.items():
        raw = draft.tree["programs"][name].get("components")
        for component in raw if isinstance(raw, dict) else ():
            yield from _name(("programs", name, "components", component), component)
        awards = draft.tree["programs"][name].get("awards")
        for award in awards if isinstance(awards, dict) else ():
            yield from _name(("programs", name, "awards", award), award)
        for position, tier in enumerate(program.tier_names):
            place = ("levels", tier) if position else ("entry",)
            yield from _name(("programs", name, "tiers", *place), tier)


def _name(steps: Steps, name: str) -> Iterator[Fault]:
    if not _NAME.fullmatch(name):
        yield Fault(steps, None, _NAME_RULE)


def _markets(draft: ValidParts) -> Iterator[Fault]:
    for name, market in draft.markets.items():
        steps = ("markets", name)
        _, median = draft.span((*steps, "size_median"), market.size_median)
        largest, _ = draft.span((*steps, "size_max"), market.size_max)
        if not largest > median:
            found = f"{plain(largest)} is not above {plain(median)}"
            yield Fault((*steps, "size_max"), market.size_max, f"must be above size_median: {found}")


def _streams(draft: ValidParts, economy: Economy) -> Iterator[Fault]:
    for name, territory in draft.territories.items():
        steps: Steps = ("territories", name, "vendor_opportunities_per_year")
        yield from _arrivals(steps, territory.vendor_opportunities_per_year, 0.0, draft, economy)
    for name, segment in draft.partners.items():
        _, spread = draft.span(("partners", name, "volume_log_sd"), segment.volume_log_sd)
        steps = ("partners", name, "opportunities_per_year")
        yield from _arrivals(steps, segment.opportunities_per_year, spread, draft, economy)


def _arrivals(steps: Steps, rate: float, spread: float, draft: ValidParts, economy: Economy) -> Iterator[Fault]:
    """Refuse a stream of `rate` per year that could exceed the limit in the best season of a good market."""
    _, most = draft.span(steps, rate)
    _, market = draft.span(("economy", "market_log_sd"), economy.market_log_sd)
    season = max(draft.span(("economy", "season", k), s)[1] for k, s in enumerate(economy.season))
    log_sd = math.hypot(spread, market)
    peak = most / _WEEKS_PER_YEAR * season * math.exp(ARRIVAL_SD * log_sd - log_sd * log_sd / 2)
    if peak > MAX_ARRIVALS:
        rule = f"could bring {peak:.0f} opportunities in one week; the limit is {MAX_ARRIVALS:.0f}"
        yield Fault(steps, rate, rule, "split it up, or lower its volume or spread")
