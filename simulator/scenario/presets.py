"""Presets: named packs of numbers for how partners respond, and for how opportunistic they are.

`preset = "low"` in `[behavior]` or `[gaming]` stands for the numbers of a pack; what the file gives itself wins. Packs
are written out when a file is read, so that a scenario holds plain numbers. `central` holds the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.scenario.validation.finding import Fault, choice, suggestion

KEY = "preset"


@dataclass(frozen=True)
class Pack:
    """Numbers by field, with where they come from and how good that evidence is (A to C, or J for judgement)."""

    values: Mapping[str, Any]
    source: str
    grade: str


PACKS: dict[str, dict[str, Pack]] = {
    "behavior": {
        "none": Pack({"elasticity": 0.0}, "nobody responds: programs differ in payout, and in who registers what", "J"),
        "low": Pack(
            {"elasticity": 0.2, "adjustment_weeks": 13.0, "inert_share": 0.4},
            "lower part of the range judged plausible; no study of partner firms was found",
            "J",
        ),
        "central": Pack(
            {"elasticity": 0.5, "adjustment_weeks": 8.0, "inert_share": 0.2},
            "the defaults; sales forces changed revenue by some 5 to 20 % with their plans (Misra and Nair 2011; "
            "Chung, Steenburgh and Sudhir 2014), which are employees, not firms",
            "J",
        ),
        "high": Pack(
            {"elasticity": 1.0, "adjustment_weeks": 6.0, "inert_share": 0.1},
            "upper part of the range judged plausible; no study of partner firms was found",
            "J",
        ),
    },
    "gaming": {
        "none": Pack(
            {"opportunist_share": 0.0}, "lump-sum bonuses mainly raised effort, not timing games (Steenburgh 2008)", "A"
        ),
        "low": Pack(
            {"opportunist_share": 0.05, "misreport_cost": 8000.0, "timing_cost": 500.0},
            "5 % of incentives abused, the lower end of what most respondents say (Deloitte/AGMA 2011); costs judged",
            "B",
        ),
        "central": Pack(
            {"opportunist_share": 0.15, "misreport_cost": 4000.0, "timing_cost": 250.0},
            "the defaults; 5-10 % of incentives abused (Deloitte/AGMA 2011), share of partners and costs judged",
            "B",
        ),
        "high": Pack(
            {"opportunist_share": 0.35, "misreport_cost": 2000.0, "timing_cost": 100.0},
            "up to 25 % of channel sales touched by abuse (Deloitte/AGMA 2011); share of partners and costs judged",
            "B",
        ),
    },
}


def resolve_presets(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The tables of a scenario with presets written out, and the presets that do not exist."""
    out, findings = dict(raw), []
    for section, packs in PACKS.items():
        table = raw.get(section)
        if not isinstance(table, dict) or KEY not in table:
            continue
        name, own = table[KEY], {key: value for key, value in table.items() if key != KEY}
        if isinstance(name, str) and name in packs:
            own = {**packs[name].values, **own}
        else:
            findings.append(Fault((section, KEY), name, f"must be {choice(packs)}", suggestion(name, packs)))
        out[section] = own
    return out, findings
