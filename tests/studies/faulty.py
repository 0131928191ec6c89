"""One scenario with a clean linear program and twelve programs, each with one planted fault."""

from __future__ import annotations

HEAD = """
name = "faulty"
[time]
horizon_weeks = 52
burn_in_weeks = 52
[markets.mid]
size_median = 30000
size_log_sd = 0.8
size_max = 400000
gross_margin = 0.3
signature_weeks = 3.0
win_probability = 0.5
[territories.all]
vendor_opportunities_per_year = 20
markets = { mid = 1.0 }
[partners.reseller]
count = 16
territory = "all"
markets = { mid = 1.0 }
opportunities_per_year = 28
volume_log_sd = 0.4
[gaming]
opportunist_share = 0.5
timing_cost = 50
[programs.baseline.components.share]
kind = "revenue_share"
rate = 0.05
"""

PLAIN = '{kind="revenue_share", rate=0.05}'

FAULTS: dict[str, tuple[str, str]] = {
    "lump": ("notch", '{kind="bonus", lumps=[{at=120000, amount=8000}]}'),
    "retroactive": (
        "notch",
        '{kind="revenue_share", rate=0.03, tiering="retroactive", tiers=[{above=150000, rate=0.06}]}',
    ),
    "falling": ("cliff", '{kind="revenue_share", rate=0.08, tiering="retroactive", tiers=[{above=150000, rate=0.04}]}'),
    "generous": ("pay_above_margin", '{kind="accelerator", rate=0.1, multiples=[{above=1.2, multiple=4.0}]}'),
    "per_deal": ("splitting", '{kind="activity_credit", measure="deals", amount=900}'),
    "capped_deal": ("splitting", '{kind="revenue_share", window="claim", rate=0.05, terms={cap=2000}}'),
    "size_floor": ("bundling", '{kind="deal_registration", uplift=0.05, min_amount=40000}'),
    "quarterly": ("shifting", '{kind="accelerator", rate=0.05, multiples=[{above=1.0, multiple=2.0}]}'),
    "far": ("unreachable", '{kind="bonus", lumps=[{at=9000000, amount=20000}]}'),
    "near": ("trivial", '{kind="revenue_share", rate=0.0, tiers=[{above=1, rate=0.05}], window="year"}'),
    "unaudited": ("deterrence", '{kind="activity_credit", measure="demo", amount=200}'),
    "elsewhere": ("misalignment", '{kind="revenue_share", rate=0.05, accounts="named"}'),
}
"""By program, the rule that must find it and the one component that carries the fault."""

STACKED = """
[programs.stacked.components]
share = { kind = "revenue_share", rate = 0.15 }
uplift = { kind = "deal_registration", uplift = 0.12 }
size = { kind = "revenue_share", window = "claim", rate = 0.08 }
"""

TEXT = HEAD + STACKED + "".join(f"[programs.{name}.components]\nfault = {text}\n" for name, (_, text) in FAULTS.items())
