"""One small scenario with every kind of component."""

from __future__ import annotations

from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario

HEAD = """
name = "small"
[time]
horizon_weeks = 39
burn_in_weeks = 26
[markets.mid]
size_median = 30000
size_max = 2000000
cycle_weeks = 8
churn_per_year = 0.5
[territories.north]
vendor_opportunities_per_year = 40
markets = { mid = 1.0 }
[partners.reseller]
count = 6
territory = "north"
markets = { mid = 1.0 }
opportunities_per_year = 40
[behavior]
elasticity = 0.8
[gaming]
opportunist_share = 0.6
misreport_cost = 1500
timing_cost = 50
"""

BASELINE = """
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
tiers = [{ above = 150000, rate = 0.08 }]
terms = { clawback_weeks = 26, holdback_share = 0.2, cap = 12000 }
"""

CANDIDATE = """
[programs.full]
deal_ceiling = 0.08
[programs.full.tiers]
levels.silver = { criteria = [{ measure = "revenue", at_least = 300000 }] }
[programs.full.components.core]
kind = "revenue_share"
rate = 0.03
tiering = "retroactive"
tiers = [{ above = 200000, rate = 0.06 }]
payout_by_tier = { silver = 1.1 }
terms = { clawback_weeks = 39, holdback_share = 0.25, floor = 500 }
[programs.full.components.registered]
kind = "deal_registration"
uplift = 0.05
registrations_per_quarter = 2
protection_weeks = 30
[programs.full.components.demos]
kind = "activity_credit"
measure = "demo"
amount = 400
limit = 3
terms = { audit_rate = 0.3, audit_cost = 20.33, penalty_multiple = 2.0 }
[programs.full.components.growth]
kind = "growth"
window = "half"
points = [{ growth = 0.1, points = 0.02 }]
"""

SMALL = HEAD + BASELINE + CANDIDATE

LONG_HEAD, LONG_SMALL = (text.replace("burn_in_weeks = 26", "burn_in_weeks = 52") for text in (HEAD, SMALL))
"""With a year before launch, for what looks back on one."""


def smaller(scenario: Scenario, partners: int = 5, weeks: int = 39) -> Scenario:
    """A shipped scenario with fewer partners per segment, as many fewer of the vendor's customers, and less time."""
    share = partners / max(segment.count for segment in scenario.partners.values())
    burn_in = min(52, scenario.time.burn_in_weeks)
    values: dict[str, float] = {"time.horizon_weeks": weeks, "time.burn_in_weeks": burn_in}
    values |= {f"partners.{name}.count": partners for name, s in scenario.partners.items() if s.count > partners}
    for name, territory in scenario.territories.items():
        values[f"territories.{name}.vendor_opportunities_per_year"] = share * float(
            territory.vendor_opportunities_per_year
        )
    return with_values(scenario, values)
