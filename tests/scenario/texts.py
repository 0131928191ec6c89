"""Scenario texts that tests share: `SMALL` is whole and valid, has one overlay and runs quickly."""

import pytest

from simulator.core.errors import InputError
from simulator.scenario.load import parse

SMALL = """\
#:schema ../../scenarios/scenario.schema.json
name = "small"

[time]
horizon_weeks = 26
burn_in_weeks = 52

[markets.mid]
size_median = 40_000.0
size_max = 500_000.0

[markets.large]
size_median = 150_000.0
size_max = 2_000_000.0
win_probability = 0.18

[territories.north]
vendor_opportunities_per_year = 60.0
markets = { mid = 0.7, large = 0.3 }

[partners.reseller]
count = 6
territory = "north"
markets = { mid = 1.0 }
opportunities_per_year = 12.0

[partners.integrator]
count = 3
territory = "north"
markets = { mid = 0.4, large = 0.6 }
opportunities_per_year = 6.0

[behavior]
elasticity = 0.6

[uncertainty."behavior.elasticity"]
distribution = "pert"
low = 0.1
mode = 0.5
high = 1.5

[programs.baseline]
label = "Status quo"

[programs.baseline.tiers.levels.silver]
criteria = [{ measure = "revenue", at_least = 200_000.0 }]

[programs.baseline.tiers.levels.gold]
criteria = [
    { measure = "revenue", at_least = 600_000.0 },
    { measure = "certification", at_least = 4.0 },
]

[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
payout_by_tier = { gold = 1.2 }
tiers = [
    { above = 100_000.0, rate = 0.075 },
    { above = 300_000.0, rate = 0.1 },
]

[programs.baseline.components.core.terms]
cap = 80_000.0

[programs.baseline.components.demos]
kind = "activity_credit"
measure = "demo"
amount = 250.0

[programs.growth]
extends = "baseline"
label = "Growth points"
remove = ["demos"]

[programs.growth.components.core]
rate = 0.04

[programs.growth.components.points]
kind = "growth"
points = [{ growth = 0.1, points = 0.02 }]
"""


def edited(old: str, new: str, text: str = SMALL) -> str:
    """`text` with its one occurrence of `old` replaced by `new`."""
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new)


def problems_of(text: str) -> tuple[str, ...]:
    """What the author of a malformed `text` is told, the file being called s.toml."""
    with pytest.raises(InputError) as caught:
        parse(text, file="s.toml")
    return tuple(str(p) for p in caught.value.problems)


def line_after(text: str, wanted: str, start: int = 0) -> int:
    """The 1-based line on which `wanted` first stands at or after position `start`."""
    return text.count("\n", 0, text.index(wanted, start)) + 1
