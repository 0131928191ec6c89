"""What must hold across the fields of a scenario outside its programs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from simulator.scenario.draft import Draft
from simulator.scenario.finding import Finding, Steps, plain
from simulator.scenario.market import Economy
from simulator.scenario.program_checks import program_findings
from simulator.scenario.references import reference_findings
from simulator.scenario.shock_checks import shock_findings
from simulator.scenario.uncertain_checks import correlation_findings, uncertainty_findings

MAX_ARRIVALS = 500.0
"""Most opportunities per stream and week: the inversion of a Poisson count underflows at about 700."""
ARRIVAL_SD = 5.0
"""How far out partner volume and the market are looked at: one partner-week in 3.5 million is beyond."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_NAME_RULE = "a name is a letter followed by up to 39 letters, digits, '_' or '-'"
_WEEKS_PER_YEAR = 52


def check(draft: Draft) -> Iterator[Finding]:
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


def _names(draft: Draft) -> Iterator[Finding]:
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


def _name(steps: Steps, name: str) -> Iterator[Finding]:
    if not _NAME.fullmatch(name):
        yield Finding(steps, None, _NAME_RULE)


def _markets(draft: Draft) -> Iterator[Finding]:
    for name, market in draft.markets.items():
        steps = ("markets", name)
        _, median = draft.span((*steps, "size_median"), market.size_median)
        largest, _ = draft.span((*steps, "size_max"), market.size_max)
        if not largest > median:
            found = f"{plain(largest)} is not above {plain(median)}"
            yield Finding((*steps, "size_max"), market.size_max, f"must be above size_median: {found}")


def _streams(draft: Draft, economy: Economy) -> Iterator[Finding]:
    for name, territory in draft.territories.items():
        steps: Steps = ("territories", name, "vendor_opportunities_per_year")
        yield from _arrivals(steps, territory.vendor_opportunities_per_year, 0.0, draft, economy)
    for name, segment in draft.partners.items():
        _, spread = draft.span(("partners", name, "volume_log_sd"), segment.volume_log_sd)
        steps = ("partners", name, "opportunities_per_year")
        yield from _arrivals(steps, segment.opportunities_per_year, spread, draft, economy)


def _arrivals(steps: Steps, rate: float, spread: float, draft: Draft, economy: Economy) -> Iterator[Finding]:
    """Refuse a stream of `rate` per year that could exceed the limit in the best season of a good market."""
    _, most = draft.span(steps, rate)
    _, market = draft.span(("economy", "market_log_sd"), economy.market_log_sd)
    season = max(draft.span(("economy", "season", k), s)[1] for k, s in enumerate(economy.season))
    log_sd = math.hypot(spread, market)
    peak = most / _WEEKS_PER_YEAR * season * math.exp(ARRIVAL_SD * log_sd - log_sd * log_sd / 2)
    if peak > MAX_ARRIVALS:
        rule = f"could bring {peak:.0f} opportunities in one week; the limit is {MAX_ARRIVALS:.0f}"
        yield Finding(steps, rate, rule, "split it up, or lower its volume or spread")
