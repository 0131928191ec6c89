"""Malformed scenarios and exactly what their authors are told.

Each case is `SMALL` with one piece of text exchanged. The line expected in front of the message is the one on
which the new text, or the text named in `at`, begins.
"""

from dataclasses import dataclass

import pytest

from simulator.scenario.load import parse
from tests.scenario.texts import SMALL, edited, line_after, problems_of


@dataclass(frozen=True)
class Case:
    """old, new: the exchange; message: what must come out; at: the text on the line that must be named."""

    old: str
    new: str
    message: str
    at: str = ""


KINDS = (
    "'accelerator', 'activity_credit', 'bonus', 'co_marketing_fund', 'deal_registration', 'growth', 'outcome_bonus', "
    "'revenue_share' or 'upfront_commitment'"
)
MEASURES = (
    "'revenue', 'deals', 'qualified', 'demo', 'pilot', 'live', 'retained', 'expansion', 'reference' or 'certification'"
)
CORE = "programs.baseline.components.core"
UNCERTAIN = 'uncertainty."behavior.elasticity"'

CASES = {
    "share as a percentage": Case(
        "rate = 0.075", "rate = 7.5",
        CORE + ".tiers[0].rate = 7.5: must be between 0 and 1 (did you mean 0.075?)",
    ),
    "share above one that is no percentage": Case(
        "rate = 0.075", "rate = 750",
        CORE + ".tiers[0].rate = 750: must be between 0 and 1",
    ),
    "percentage in a mix": Case(
        "{ mid = 1.0 }", "{ mid = 100 }",
        "partners.reseller.markets.mid = 100: must be between 0 and 1 (did you mean 1?)",
    ),
    "misspelt key": Case(
        "elasticity = 0.6", "elasticty = 0.6",
        "behavior.elasticty = 0.6: unknown key (did you mean 'elasticity'?)",
    ),
    "key from nowhere": Case(
        "[behavior]", "[run]\nzzz = 1\n[behavior]",
        "run.zzz = 1: unknown key (known keys: replications, seed)", "zzz",
    ),
    "misspelt overlay key": Case(
        "[programs.growth]\n", '[programs.other]\nextend = "baseline"\n[programs.growth]\n',
        "programs.other.extend = 'baseline': unknown key (did you mean 'extends'?)", "extend =",
    ),
    "required number left out": Case(
        "amount = 250.0\n", "",
        "programs.baseline.components.demos.amount: is required", "[programs.baseline.components.demos]",
    ),
    "unknown kind": Case(
        'kind = "growth"', 'kind = "grwth"',
        f"programs.growth.components.points.kind = 'grwth': must be {KINDS} (did you mean 'growth'?)",
    ),
    "kind left out": Case(
        'kind = "growth"\n', "",
        f"programs.growth.components.points.kind: is required (one of {KINDS})",
        "[programs.growth.components.points]",
    ),
    "misspelt component in an overlay": Case(
        "[programs.growth.components.core]", "[programs.growth.components.cor]",
        "programs.growth.components.cor.kind: is required (did you mean the component 'core'?)",
    ),
    "not a number": Case(
        "amount = 250.0", "amount = nan",
        "programs.baseline.components.demos.amount = nan: must be a finite number",
    ),
    "infinite": Case(
        "size_max = 500_000.0", "size_max = inf",
        "markets.mid.size_max = inf: must be a finite number",
    ),
    "number in quotes": Case(
        "amount = 250.0", 'amount = "250"',
        "programs.baseline.components.demos.amount = '250': must be a number (leave out the quotes)",
    ),
    "true for a number": Case(
        "elasticity = 0.6", "elasticity = true",
        "behavior.elasticity = true: must be a number",
    ),
    "fraction for a count": Case(
        "count = 6", "count = 6.0",
        "partners.reseller.count = 6.0: must be a whole number (did you mean 6?)",
    ),
    "a value outside half-open bounds": Case(
        "[behavior]", "[economy]\nmarket_persistence = 1.0\n[behavior]",
        "economy.market_persistence = 1.0: must be at least 0 and below 1", "market_persistence",
    ),
    "a multiple above 100": Case(
        "{ gold = 1.2 }", "{ gold = 120 }",
        CORE + ".payout_by_tier.gold = 120: must be between 0 and 100",
    ),
    "a value for a table": Case(
        "[programs.growth.components.core]\nrate = 0.04", "components.core = 3",
        "programs.growth.components.core = 3: must be a table",
    ),
    "a table for a list": Case(
        "points = [{ growth = 0.1, points = 0.02 }]", "points = { growth = 0.1, points = 0.02 }",
        "programs.growth.components.points.points: must be a list",
    ),
    "unknown word": Case(
        "amount = 250.0", 'amount = 250.0\nwindow = "quater"',
        "programs.baseline.components.demos.window = 'quater': must be 'claim', 'quarter', 'half' or 'year' "
        "(did you mean 'quarter'?)", "window",
    ),
    "unknown complexity": Case(
        "amount = 250.0", "amount = 250.0\ncredit_by_complexity = { complx = 2.0 }",
        "programs.baseline.components.demos.credit_by_complexity.complx: unknown key, must be 'standard' or "
        "'complex' (did you mean 'complex'?)", "credit_by_complexity",
    ),
    "too few in a fixed list": Case(
        "elasticity = 0.6", "effort_shares = [0.5, 0.5]",
        "behavior.effort_shares = [0.5, 0.5]: must have exactly 4 elements",
    ),
    "empty list": Case(
        'criteria = [{ measure = "revenue", at_least = 200_000.0 }]', "criteria = []",
        "programs.baseline.tiers.levels.silver.criteria = []: must have at least 1 element",
    ),
    "long text": Case(
        'label = "Status quo"', f'label = "{"x" * 81}"',
        f"programs.baseline.label = '{'x' * 56}...: must have at most 80 characters",
    ),
    "mix that does not sum to one": Case(
        "mid = 0.7, large = 0.3", "mid = 0.7, large = 0.2",
        "territories.north.markets: shares must sum to 1, not 0.9",
    ),
    "weights that do not sum to one": Case(
        "size_max = 500_000.0", "size_max = 500_000.0\nstage_weights = [0.25, 0.25, 0.25, 0.3]",
        "markets.mid.stage_weights: shares must sum to 1, not 1.05", "stage_weights",
    ),
    "unknown market in a mix": Case(
        "{ mid = 1.0 }", "{ midd = 1.0 }",
        "partners.reseller.markets.midd: names no market (did you mean 'mid'?)",
    ),
    "unknown market in a filter": Case(
        "amount = 250.0", 'amount = 250.0\nmarkets = ["mid", "larg"]',
        "programs.baseline.components.demos.markets[1] = 'larg': names no market (did you mean 'large'?)",
        "\"larg\"",
    ),
    "unknown market in credits": Case(
        "amount = 250.0", "amount = 250.0\ncredit_by_market = { larg = 2.0 }",
        "programs.baseline.components.demos.credit_by_market.larg: names no market (did you mean 'large'?)",
        "larg =",
    ),
    "unknown territory": Case(
        'count = 3\nterritory = "north"', 'count = 3\nterritory = "nroth"',
        "partners.integrator.territory = 'nroth': names no territory: must be 'north' (did you mean "
        "'north'?)",
        "nroth",
    ),
    "unknown tier": Case(
        "{ gold = 1.2 }", "{ golden = 1.2 }",
        CORE + ".payout_by_tier.golden: names no tier (did you mean 'gold'?)",
    ),
    "unknown measure of a criterion": Case(
        'measure = "certification"', 'measure = "certifications"',
        "programs.baseline.tiers.levels.gold.criteria[1].measure = 'certifications': names no measure: "
        f"must be {MEASURES} (did you mean 'certification'?)",
    ),
    "unknown measure of points": Case(
        'measure = "certification", at_least = 4.0', 'points = [{ measure = "deels", weight = 1.0 }], at_least = 4.0',
        "programs.baseline.tiers.levels.gold.criteria[1].points[0].measure = 'deels': names no measure: "
        f"must be {MEASURES} (did you mean 'deals'?)",
    ),
    "a criterion without measure and points": Case(
        'measure = "certification", at_least = 4.0', "at_least = 4.0",
        "programs.baseline.tiers.levels.gold.criteria[1].measure: a criterion has either a measure or points",
    ),
    "unknown measure of a bonus": Case(
        'kind = "activity_credit"\nmeasure = "demo"\namount = 250.0',
        'kind = "bonus"\nmeasure = "sales"\nlumps = [{ at = 1e5, amount = 1e3 }]',
        f"programs.baseline.components.demos.measure = 'sales': names no measure: must be {MEASURES}",
        '"sales"',
    ),
    "overlapping thresholds": Case(
        "above = 300_000.0", "above = 90_000",
        CORE + ".tiers[1].above = 90000: overlapping thresholds: must be above the one before, which is "
        "100000",
    ),
    "equal thresholds": Case(
        "above = 300_000.0", "above = 1e5",
        CORE + ".tiers[1].above = 100000.0: overlapping thresholds: must be above the one before, which is "
        "100000",
    ),
    "growth by claim": Case(
        'kind = "growth"', 'kind = "growth"\nwindow = "claim"',
        "programs.growth.components.points.window = 'claim': must be 'quarter', 'half' or 'year': a "
        "component of kind "
        "'growth' looks at the result of a whole window", 'window = "claim"',
    ),
    "deal registration by quarter": Case(
        'kind = "activity_credit"\nmeasure = "demo"\namount = 250.0',
        'kind = "deal_registration"\nuplift = 0.1\nwindow = "quarter"',
        "programs.baseline.components.demos.window = 'quarter': must be 'claim': a registered deal is paid "
        "by itself",
        'window = "quarter"',
    ),
    "windows of an exclusive group": Case(
        "amount = 250.0",
        'amount = 250.0\nwindow = "claim"\nexclusive_group = "best"\n[programs.baseline.components.wins]\n'
        'kind = "activity_credit"\nmeasure = "deals"\namount = 1.0\nexclusive_group = "best"',
        "programs.baseline.components.wins.window = 'quarter': must be 'claim' as for 'demos', which is in "
        "the same "
        "exclusive group", "[programs.baseline.components.wins]",
    ),
    "a tier easier than the one below": Case(
        "at_least = 600_000.0", "at_least = 150_000.0",
        "programs.baseline.tiers.levels.gold.criteria[0].at_least = 150000.0: must not be easier than in "
        "the tier "
        "below: 'silver' needs 200000",
    ),
    "a level named as the entry tier": Case(
        "[programs.baseline.tiers.levels.silver]", '[programs.baseline.tiers]\nentry = "gold"\n'
        "[programs.baseline.tiers.levels.silver]",
        "programs.baseline.tiers.entry = 'gold': must not be the name of a level as well", "entry",
    ),
    "floor above the cap": Case(
        "cap = 80_000.0", "cap = 80_000.0\nfloor = 90_000.0",
        CORE + ".terms.floor = 90000.0: must be below cap: 90000 is not below 80000", "floor",
    ),
    "largest deal below the median": Case(
        "size_max = 500_000.0", "size_max = 40_000",
        "markets.mid.size_max = 40000: must be above size_median: 40000 is not above 40000",
    ),
    "a name with a blank": Case(
        "[programs.growth.components.points]", '[programs.growth.components."growth points"]',
        "programs.growth.components.\"growth points\": a name is a letter followed by up to 39 letters, "
        "digits, '_' "
        "or '-'",
    ),
    "too many arrivals": Case(
        "opportunities_per_year = 12.0", "opportunities_per_year = 1999.0",
        "partners.reseller.opportunities_per_year = 1999.0: could bring 3530 opportunities in one week; the "
        "limit is "
        "500 (split it up, or lower its volume or spread)",
    ),
    "too many arrivals in a territory": Case(
        "vendor_opportunities_per_year = 60.0", "vendor_opportunities_per_year = 90_000.0",
        "territories.north.vendor_opportunities_per_year = 90000.0: could bring 2839 opportunities in one "
        "week; the "
        "limit is 500 (split it up, or lower its volume or spread)",
    ),
    "an uncertain path that does not exist": Case(
        '"behavior.elasticity"]', '"behavior.elastisity"]',
        "uncertainty.\"behavior.elastisity\": is no path of the scenario (did you mean "
        "'behavior.elasticity'?)",
    ),
    "an uncertain path without quotes": Case(
        '[uncertainty."behavior.elasticity"]', "[uncertainty.behavior.elasticity]",
        'uncertainty.behavior: the path must be in quotes (write uncertainty."behavior.elasticity")',
    ),
    "an uncertain count": Case(
        '"behavior.elasticity"]', '"partners.reseller.count"]',
        'uncertainty."partners.reseller.count": cannot be uncertain: it is a count or length that a run is '
        'built on',
    ),
    "an uncertain switch": Case(
        '"behavior.elasticity"]', '"gaming.padding"]',
        'uncertainty."gaming.padding": cannot be uncertain: it is not a number',
    ),
    "an uncertain share of a whole": Case(
        '"behavior.elasticity"]', '"partners.integrator.markets.mid"]',
        'uncertainty."partners.integrator.markets.mid": cannot be uncertain: shares that sum to 1 do not '
        'vary one by '
        "one",
    ),
    "an uncertain goal": Case(
        '"behavior.elasticity"]', '"goals.margin"]',
        'uncertainty."goals.margin": cannot be uncertain: it is chosen, not unknown',
    ),
    "an uncertain budget": Case(
        '[uncertainty."behavior.elasticity"]', '[budget]\nper_year = 1e6\n[uncertainty."budget.per_year"]',
        'uncertainty."budget.per_year": cannot be uncertain: it is chosen, not unknown',
        "[uncertainty",
    ),
    "an uncertain number without a value": Case(
        '"behavior.elasticity"]', '"programs.baseline.components.core.terms.floor"]',
        'uncertainty."programs.baseline.components.core.terms.floor": cannot be uncertain: no value is '
        'given there',
    ),
    "an incomplete distribution": Case(
        "high = 1.5\n", "",
        UNCERTAIN + ".high: is required by a pert distribution", '[uncertainty."behavior',
    ),
    "a parameter of another distribution": Case(
        "high = 1.5", "high = 1.5\nsd = 0.2",
        UNCERTAIN + ".sd = 0.2: is no parameter of a pert distribution, which has low, mode, high", "sd =",
    ),
    "a disordered distribution": Case(
        "mode = 0.5", "mode = 1.9",
        UNCERTAIN + ".mode = 1.9: must be between low, which is 0.1, and high, which is 1.5",
    ),
    "a distribution beyond the bounds": Case(
        "high = 1.5", "high = 3.5",
        UNCERTAIN + ".high = 3.5: must be between 0 and 3, like the number itself",
    ),
    "a distribution that touches an open bound": Case(
        '"behavior.elasticity"]\ndistribution = "pert"\nlow = 0.1\nmode = 0.5\nhigh = 1.5',
        '"markets.mid.win_probability"]\ndistribution = "pert"\nlow = 0.0\nmode = 0.5\nhigh = 0.9',
        'uncertainty."markets.mid.win_probability".low = 0.0: must be above 0 and below 1, like the number '
        'itself',
        "low = 0.0",
    ),
    "a path in a spelling of its own": Case(
        '"behavior.elasticity"]', '"behavior..elasticity"]',
        "uncertainty.\"behavior..elasticity\": must be written as paths are (did you mean "
        "'behavior.elasticity'?)",
    ),
    "extending nothing": Case(
        'extends = "baseline"', 'extends = "basline"',
        "programs.growth.extends = 'basline': must be the name of a program (did you mean 'baseline'?)",
    ),
    "removing nothing": Case(
        '["demos"]', '["demo"]',
        "programs.growth.remove[0] = 'demo': no such component in the extended program (did you mean "
        "'demos'?)",
    ),
    "removing without extending": Case(
        'label = "Status quo"', 'remove = ["demos"]',
        "programs.baseline.remove = ['demos']: nothing to remove from, as the program extends no other (add "
        "extends = "
        '"baseline")', 'remove = ["demos"]',
    ),
    "an overlay of nothing": Case(
        "[programs.growth]\n", '[programs.same]\nextends = "baseline"\nlabel = "Same"\n[programs.growth]\n',
        "programs.same: changes nothing of 'baseline' (overlay at least one value, or remove a component)",
        "[programs.same]",
    ),
    "a circle of overlays": Case(
        "[programs.growth]\n",
        '[programs.a]\nextends = "b"\n[programs.b]\nextends = "a"\n[programs.growth]\n',
        "programs.b.extends = 'a': programs extend each other in a circle: a -> b -> a", 'extends = "a"',
    ),
    "the reserved name": Case(
        "[programs.growth]\n", "[programs.none]\n[programs.growth]\n",
        "programs.none: the name is reserved for the built-in program without components (rename it)",
        "[programs.none]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_one_fault_is_one_exact_message(case: Case) -> None:
    text = edited(case.old, case.new)
    wanted = case.at or case.new
    start = text.index(case.new) if wanted in case.new else 0
    assert problems_of(text) == (f"s.toml:{line_after(text, wanted, start)}: {case.message}",)


def test_the_text_that_the_cases_change_is_itself_valid() -> None:
    assert parse(SMALL).name == "small"
