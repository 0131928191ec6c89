"""Random small scenarios as TOML texts, so that a failing one can be pasted into a file and replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

Draw = Any
"""Hypothesis's `draw`, which its own types leave open."""

KINDS = (
    "revenue_share", "accelerator", "growth", "bonus", "activity_credit", "deal_registration", "upfront_commitment",
    "outcome_bonus", "co_marketing_fund",
)  # fmt: skip
_UNSHARED = ("certification", "live", "retained", "expansion", "reference")
_ROUND = (10_000.0, 20_000.0, 40_000.0, 80_000.0, 160_000.0, 400_000.0)
"""Thresholds that whole numbers of equal deals can hit exactly."""


def toml(value: Any) -> str:
    """A value in TOML's inline notation."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return json.dumps(value)


def document(sections: Mapping[str, Mapping[str, Any]], name: str = "random") -> str:
    """A scenario text of `sections`, whose values are written inline."""
    lines = [f"name = {json.dumps(name)}"]
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{json.dumps(k)} = {toml(v)}" for k, v in values.items())]
    return "\n".join(lines) + "\n"


def rising(draw: Draw, choices: Sequence[float], most: int) -> list[float]:
    """One to `most` different values in rising order."""
    return sorted(draw(st.lists(st.sampled_from(choices), min_size=1, max_size=most, unique=True)))


def pick(draw: Draw, *values: Any) -> Any:
    """One of `values`."""
    return draw(st.sampled_from(values))


def _terms(draw: Draw) -> dict[str, Any]:
    terms: dict[str, Any] = {"payout_lag_weeks": pick(draw, 0.0, 6.0, 6.5)}
    if draw(st.booleans()):
        terms |= {"holdback_share": pick(draw, 0.25, 1.0), "holdback_weeks": pick(draw, 0.0, 13.0)}
    if draw(st.booleans()):
        terms["clawback_weeks"] = pick(draw, 13.0, 52.0, 104.0)
    if draw(st.booleans()):
        terms |= {
            "audit_rate": pick(draw, 0.13, 0.5, 1.0),
            "audit_cost": pick(draw, 0.0, 20.33),
            "penalty_multiple": pick(draw, 0.0, 1.5),
        }
    if draw(st.integers(0, 2)) == 0:
        terms["price_basis"] = "list"
    if draw(st.integers(0, 2)) == 0:
        terms["cap"] = pick(draw, 900.0, 5_000.0, 20_000.0)
    if draw(st.integers(0, 2)) == 0:
        terms["floor"] = pick(draw, 50.0, 800.0)
    if draw(st.integers(0, 3)) == 0:
        terms |= {"countersign_weeks": pick(draw, 0.0, 2.5), "countersign_refusal": pick(draw, 0.1, 0.4)}
    return terms


def _own_fields(draw: Draw, kind: str) -> dict[str, Any]:
    tiering = pick(draw, "marginal", "retroactive")
    if kind == "revenue_share":
        tiers = [{"above": at, "rate": pick(draw, 0.0, 0.03, 0.1)} for at in rising(draw, _ROUND, 3)]
        return {"rate": pick(draw, 0.0, 0.05), "tiers": tiers, "tiering": tiering}
    if kind == "accelerator":
        steps = [{"above": at, "multiple": pick(draw, 0.0, 1.0, 3.0)} for at in rising(draw, (0.4, 1.0, 1.5), 3)]
        return {"rate": 0.04, "multiples": steps, "tiering": tiering, "start_multiple": pick(draw, 0.5, 1.0)}
    if kind == "growth":
        points = [{"growth": at, "points": pick(draw, 0.01, 0.05)} for at in rising(draw, (-0.2, 0.1, 0.4), 2)]
        return {"points": points, "tiering": tiering}
    if kind == "bonus":
        measure = pick(draw, "revenue", "deals", "qualified", "demo", "pilot", "certification")
        levels = _ROUND if measure == "revenue" else (1.0, 2.0, 4.0)
        lumps = [{"at": at, "amount": pick(draw, 500.0, 6_000.0)} for at in rising(draw, levels, 2)]
        return {"measure": measure, "lumps": lumps}
    if kind == "activity_credit":
        measure = pick(draw, "qualified", "demo", "pilot", "certification", "deals")
        limit = {"limit": pick(draw, 1.0, 3.0)} if draw(st.booleans()) else {}
        return {"measure": measure, "amount": pick(draw, 0.0, 433.33, 2_000.0), **limit}
    if kind == "outcome_bonus":
        measure = pick(draw, "live", "retained", "expansion", "reference")
        return {"measure": measure, "share": 0.07} if measure == "expansion" else {"measure": measure, "amount": 321.09}
    if kind == "co_marketing_fund":
        out = pick(draw, {"rate": 0.03}, {"proposal": 3_210.0, "approved": 0.7}, {"rate": 0.1, "proposal": 500.0})
        return out | {"unspent": pick(draw, 0.0, 0.37), "lag_effect": 0.5, "size_effect": pick(draw, 0.0, 0.6)}
    if kind == "upfront_commitment":
        return {"amount": 2_000.0, "target": pick(draw, *_ROUND), "shortfall": pick(draw, "all", "pro_rata")}
    return {
        "uplift": pick(draw, 0.03, 0.1),
        "protection_weeks": pick(draw, 6.0, 20.0),
        "registrations_per_quarter": pick(draw, 1, 3, 50),
        **pick(draw, {}, {"second_uplift": 0.013}),
    }


def component(draw: Draw, kind: str, markets: Sequence[str]) -> dict[str, Any]:
    """A random component of a kind."""
    out = {"kind": kind, **_own_fields(draw, kind)}
    if kind != "deal_registration":
        windows = (
            ("quarter", "half", "year")
            if kind in ("accelerator", "growth", "upfront_commitment", "co_marketing_fund")
            else ("quarter", "half", "year", "claim")
        )
        out["window"] = pick(draw, *windows)
    if draw(st.booleans()):
        out |= {
            "accounts": pick(draw, "any", "new", "existing", "named"),
            "engagement": pick(draw, "any", "sourced", "assisted"),
            "min_amount": pick(draw, 0.0, 20_000.0),
        }
    if draw(st.booleans()):
        out |= {
            "credit_by_complexity": {"complex": pick(draw, 0.0, 1.37)},
            "credit_by_market": {pick(draw, *markets): pick(draw, 0.5, 2.0)},
            "credit_by_engagement": {"assisted": pick(draw, 0.33, 1.5)},
            "credit_by_attach": {"plain": pick(draw, 0.0, 1.21)},
        }
    out |= _reach(draw)
    if draw(st.integers(0, 3)) == 0:
        out["gate"] = pick(
            draw,
            {"max_discount": 0.02},
            {"min_retention": 0.7},
            {"max_discount": 0.0, "min_retention": 0.9},
            {"min_attach": 0.4},
            {"min_win_share": 0.3},
        )
    if draw(st.integers(0, 3)) == 0:
        out["pool"] = pick(draw, 3_000.0, 12_345.67)
    if (
        kind not in ("deal_registration", "outcome_bonus")
        and out.get("measure") not in _UNSHARED
        and draw(st.booleans())
    ):
        rule = pick(draw, "fixed", "equal", "contribution", "contribution_and_risk", "shapley")
        out["split"] = {"rule": rule, "second": pick(draw, 0.0, 0.3, 1.0), "risk_weight": pick(draw, 0.0, 0.7)}
    out["terms"] = _terms(draw)
    if kind == "co_marketing_fund":
        out["terms"] = {k: v for k, v in out["terms"].items() if not k.startswith(("holdback", "clawback"))}
    if kind == "upfront_commitment":
        out["terms"] = {k: v for k, v in out["terms"].items() if k not in ("cap", "floor", "holdback_share")}
    return out


def _reach(draw: Draw) -> dict[str, Any]:
    """Now and then: named partners, active weeks, and a limit on how long a claim may take."""
    out: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        out[pick(draw, "only_partners", "not_partners")] = [pick(draw, "reseller", "reseller-1")]
    if draw(st.integers(0, 3)) == 0:
        out |= pick(draw, {"from_week": 5}, {"until_week": 30}, {"from_week": 13, "until_week": 26}, {"until_week": 7})
    if draw(st.integers(0, 4)) == 0:
        out["within_weeks"] = pick(draw, 4.5, 16.0)
    return out


def _review(draw: Draw, parts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rules of review that move rates, targets, pools or stop a component."""
    name = draw(st.sampled_from(sorted(parts)))
    rules: list[dict[str, Any]] = [
        {"aim": pick(draw, 500.0, 9_000.0), "gain": pick(draw, 0.3, 1.0), "every_quarters": pick(draw, 1, 2)},
        {"aim": pick(draw, 300.0, 20_000.0), "acts_on": "stop", "components": [name]},
    ]
    if parts[name].get("window", "quarter") != "claim" and parts[name]["kind"] in ("bonus", "growth", "accelerator"):
        rules += [{"signal": "attainment", "aim": pick(draw, 0.6, 1.2), "acts_on": "target", "components": [name]}]
    pooled = [k for k, part in parts.items() if "pool" in part]
    if pooled:
        giver = {"funded_by": pooled[1]} if len(pooled) > 1 else {}
        rules += [{"aim": 800.0, "acts_on": "pool", "components": pooled[:1], **giver}]
    return rules[draw(st.integers(0, 1)) :]


def _points(draw: Draw) -> list[dict[str, Any]]:
    """Terms of a sum of points, weighted so that round deals make round totals."""
    engagement = pick(draw, "any", "sourced", "assisted")
    return [
        {"measure": "revenue", "engagement": engagement, "weight": 0.005},
        {"measure": pick(draw, "revenue", "deals", "demo", "certification"), "engagement": "assisted", "weight": 0.003},
        {"measure": "pilot", "engagement": pick(draw, "any", "sourced"), "weight": pick(draw, 0.0, 10.0)},
    ][: draw(st.integers(1, 3))]


def program(draw: Draw, name: str, markets: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Sections of a random program of up to four components."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=0 if name == "candidate" else 1, max_size=4))
    parts = {f"c{k}": component(draw, kind, markets) for k, kind in enumerate(kinds)}
    tiered = draw(st.booleans())
    for part in parts.values():
        if tiered and draw(st.booleans()):
            part["payout_by_tier"] = {"silver": 1.15, "gold": pick(draw, 0.5, 2.0)}
        if draw(st.booleans()) and part["kind"] not in ("upfront_commitment", "co_marketing_fund"):
            part["exclusive_group"] = "group-" + str(part.get("window", "claim"))
    head: dict[str, Any] = {"admin_cost_per_year": pick(draw, 0.0, 999.99)}
    if draw(st.booleans()):
        head["deal_ceiling"] = pick(draw, 0.02, 0.08)
    if draw(st.integers(0, 2)) == 0:
        head["enablement"] = {
            "training": {"skill": pick(draw, 0.0, 0.7), "cost_per_partner": 333.33},
            "content": {"speed": pick(draw, 0.0, 0.5), "use": pick(draw, 0.3, 1.0), "cost_per_year": 1000.01},
            "sponsor": {"win": 0.5},
            "specialists": {"capacity": pick(draw, 1.0, 40.0), "win": 0.7},
        }
    if draw(st.integers(0, 2)) == 0:
        head["budget"] = {"amount": pick(draw, 8_000.0, 30_000.01), "per": pick(draw, "quarter", "year")}
    if draw(st.integers(0, 2)) == 0:
        measure = pick(draw, "revenue", "deals", "demo", "certification")
        prize = {"measure": measure, "winners": pick(draw, 1, 3), "value": pick(draw, 3_000.0, 40_000.0), "cost": 99.99}
        head["awards"] = {"best": prize}
    if parts and draw(st.integers(0, 2)) == 0:
        head["review"] = _review(draw, parts)
    out = {f"programs.{name}": head}
    if tiered:
        measure = pick(draw, "revenue", "deals", "demo", "certification")
        low, high = (80_000.0, 240_000.0) if measure == "revenue" else (2.0, 5.0)
        gold = [{"measure": measure, "at_least": high}, {"measure": pick(draw, "revenue", "pilot"), "at_least": high}]
        if draw(st.booleans()):
            gold[0] = {"points": _points(draw), "at_least": pick(draw, 20.0, 400.0, 3_000.0)}
        out[f"programs.{name}.tiers"] = {
            "levels": {
                "silver": {"criteria": [{"measure": measure, "at_least": low}]},
                "gold": {"criteria": gold[: draw(st.integers(1, 2))]},
            },
            "upgrade_every_quarters": pick(draw, 1, 2, 3),
            "downgrade_every_quarters": pick(draw, 1, 2, 3),
        }
    return out | {f"programs.{name}.components.{k}": v for k, v in parts.items()}


def _market(draw: Draw, median: float) -> dict[str, Any]:
    spread = pick(draw, 0.0, 1.0)  # 0: all deals of a partner are alike, so that thresholds are hit exactly
    return {
        "size_median": median,
        "size_log_sd": spread,
        "size_max": median * 20,
        "win_probability": pick(draw, 0.2, 0.6),
        "cycle_weeks": pick(draw, 3.0, 12.0),
        "signature_weeks": pick(draw, 0.0, 1.5, 6.0),
        "attach_share": pick(draw, 0.0, 0.4),
        "stage_weights": pick(draw, (0.25, 0.25, 0.25, 0.25), (0.5, 0.0, 0.5, 0.0)),
        "stage_durations": pick(draw, (0.15, 0.25, 0.35, 0.25), (0.0, 0.5, 0.0, 0.5)),
        "churn_per_year": pick(draw, 0.0, 0.1, 2.0),
        "after_sale": {
            "live_weeks": pick(draw, 2.0, 9.0),
            "renewal_weeks": pick(draw, 26.0, 39.5),
            "expansions_per_year": pick(draw, 0.0, 2.0),
            "references_per_year": pick(draw, 0.0, 1.0),
        },
    }


def _people(draw: Draw, territory: str, markets: Sequence[str], count: int, spread: float) -> dict[str, Any]:
    mix = {markets[0]: 1.0} if len(markets) == 1 else {markets[0]: 0.4, markets[1]: 0.6}
    return {
        "count": count,
        "territory": territory,
        "markets": mix,
        "opportunities_per_year": pick(draw, 5.0, 20.0, 60.0),
        "size_log_sd_between": spread,
        "certifications_per_year": pick(draw, 0.0, 3.0),
        "second_partner_share": pick(draw, 0.0, 0.5),
    }


def _shocks(draw: Draw, markets: Sequence[str]) -> dict[str, Any]:
    when = {"from_week": pick(draw, -10, 3, 13), "until_week": pick(draw, 14, 30, 500)}
    hit = [pick(draw, *markets)] if draw(st.booleans()) else []
    return {
        "demand": [{"factor": pick(draw, 0.0, 0.6, 1.7), "markets": hit, **when}],
        "price": [{"factor": pick(draw, 0.7, 1.3), "markets": hit, **when}],
        "competitor": [{"factor": pick(draw, 0.5, 1.5), "partners": ["reseller"], **when}],
        "departure": [
            {"rank": 1, "from_week": pick(draw, -5, 8), "open_deals": "orphaned"},
            {"partner": "reseller-1", "from_week": pick(draw, 2, 20), "open_deals": "worked"},
        ],
    }


@st.composite
def scenario_texts(draw: Draw) -> str:
    """A random scenario: up to 10 partners, two territories and markets, every component kind, every game."""
    markets = ("mid", "large")[: draw(st.integers(1, 2))]
    territories = ("north", "south")[: draw(st.integers(1, 2))]
    sections: dict[str, dict[str, Any]] = {
        "time": {"horizon_weeks": draw(st.integers(13, 65)), "burn_in_weeks": draw(st.integers(0, 52))},
        "economy": {"market_log_sd": pick(draw, 0.0, 0.2), "season": pick(draw, (1.0,) * 4, (0.5, 1.0, 1.5, 0.0))},
    }
    for market, median in zip(markets, (20_000.0, 80_000.0), strict=False):
        sections[f"markets.{market}"] = _market(draw, median)
    for territory in territories:
        sections[f"territories.{territory}"] = {
            "vendor_opportunities_per_year": pick(draw, 0.0, 60.0),
            "markets": {markets[-1]: 1.0},
        }
    spread = pick(draw, 0.0, 0.3)
    sections["partners.reseller"] = _people(draw, "north", markets, draw(st.integers(1, 6)), spread)
    if draw(st.booleans()):
        sections["partners.consultancy"] = _people(draw, territories[-1], markets[:1], draw(st.integers(1, 4)), spread)
    sections["behavior"] = {
        "elasticity": pick(draw, 0.0, 0.5, 1.5),
        "adjustment_weeks": pick(draw, 1.0, 8.0),
        "inert_share": pick(draw, 0.0, 0.3),
        "complexity_discount": pick(draw, 0.0, 0.0, 0.1),
        "hours_capacity": pick(draw, 1.0, 2.0),
        "rivalrous_share": pick(draw, 0.0, 0.5, 1.0),
        "registration_hazard": pick(draw, 0.0, 0.5),
        "cosell_win": pick(draw, 0.0, 0.6),
        "discount_win": pick(draw, 4.0, 20.0),
        "cosell_speed": pick(draw, 0.0, 0.4),
        "skill_elasticity": pick(draw, 0.0, 0.4),
        "success_churn": pick(draw, 0.0, 1.0),
        "discount_rate": pick(draw, 0.0, 0.3),
        "fund_lift": pick(draw, 0.0, 0.6),
        "pace_prior_deals": pick(draw, 0.0, 4.0) if spread else 4.0,
    }
    sections["gaming"] = {
        "opportunist_share": pick(draw, 0.0, 0.5, 1.0),
        "timing": pick(draw, True, True, False),
        "padding": pick(draw, True, True, False),
        "credit_claiming": pick(draw, True, True, False),
        "discount_dumping": pick(draw, True, True, False),
        "squatting": pick(draw, True, False),
        "splitting": pick(draw, True, True, False),
        "max_pieces": pick(draw, 2, 4),
        "bundle_weeks": pick(draw, 2, 12),
        "split_cost": pick(draw, 0.0, 100.0),
        "split_detection": pick(draw, 0.0, 0.5, 1.0),
        "discount_cost": pick(draw, 0.0, 250.0),
        "discount_detection": pick(draw, 0.0, 0.5, 1.0),
        "misreport_cost": pick(draw, 300.0, 4_000.0),
        "timing_cost": pick(draw, 0.0, 50.0),
        "max_shift_weeks": pick(draw, 1, 4, 12),
        "concession_per_week": pick(draw, 0.0, 0.01, 0.2),
        "rushed_churn": pick(draw, 1.0, 3.0),
        "price_authority": pick(draw, "vendor", "partner"),
        "push_loss_per_week": pick(draw, 0.0, 0.05),
    }
    if draw(st.booleans()):
        if sections["time"]["burn_in_weeks"] >= 13:
            sections["trust"] = {
                "norm_weeks": pick(draw, 0.0, 4.0),
                "dispute": 0.1,
                "out_of_line": pick(draw, 0.0, 0.3),
            }
        sections["disputes"] = {
            "probability": pick(draw, 0.0, 0.5, 1.0), "claimed_probability": pick(draw, 0.3, 1.0),
            "overturned_share": pick(draw, 0.0, 0.5, 1.0), "delay_weeks": pick(draw, 0.0, 5.5, 30.0), "cost": 33.33,
        }  # fmt: skip
    if draw(st.integers(0, 2)) == 0:
        sections["shocks"] = _shocks(draw, markets)
    if sections["time"]["burn_in_weeks"] >= 26 and draw(st.booleans()):
        sections["participation"] = {
            "active_share": pick(draw, 0.3, 0.8), "response": pick(draw, 0.0, 6.0), "join_share": 0.3,
            "review_share": pick(draw, 0.3, 1.0), "risk_aversion": pick(draw, 0.0, 2.0),
            "ramp_weeks": pick(draw, 1.0, 20.0),
        }  # fmt: skip
        sections["partners.reseller"]["prospects"] = pick(draw, 0, 4)
    uncertain = {
        "behavior.elasticity": (0.0, 1.5),
        "gaming.opportunist_share": (0.0, 1.0),
        f"markets.{markets[0]}.win_probability": (0.2, 0.5),
        "partners.reseller.own_margin": (0.05, 0.3),
    }
    for path in draw(st.lists(st.sampled_from(sorted(uncertain)), max_size=2, unique=True)):
        low, high = uncertain[path]
        sections[f'uncertainty."{path}"'] = {"distribution": "uniform", "low": low, "high": high}
    return document(sections | program(draw, "baseline", markets) | program(draw, "candidate", markets))
