"""Kinds of gaming lived through: both engines agree, each works alone, and honest partners play none."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engines.ledger import RunOutcome
from simulator.engines.vector.gaming.deal_splitting import _bundle
from simulator.runs.simulate import event_outcomes, fit_reference, prepare, simulate, vector_outcomes
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.small import BASELINE, HEAD

OFF = "timing = false\npadding = false\ncredit_claiming = false\n"
OPEN = HEAD.replace("opportunist_share = 0.6", "opportunist_share = 1.0\n" + OFF)
LINEAR = '[programs.baseline.components.core]\nkind = "revenue_share"\nrate = 0.05\n'
PER_DEAL = """
[programs.deals.components.wins]
kind = "activity_credit"
measure = "deals"
amount = 2000
[programs.deals.components.wins.terms]
clawback_weeks = 26
"""
FLOORED = """
[programs.deals.components.large]
kind = "revenue_share"
window = "claim"
rate = 0.1
min_amount = 40000
"""
LISTED = """
[programs.deals.components.list]
kind = "revenue_share"
rate = 0.15
terms = { price_basis = "list" }
"""


pytestmark = pytest.mark.usefixtures("quick")


def text(kind: str, program: str, *, terms: str = "", more: str = "") -> str:
    head = OPEN.replace("[gaming]\n", f"[gaming]\n{kind} = true\nsplit_cost = 0\ndiscount_cost = 0\n{more}")
    return head + BASELINE + (program.replace("clawback_weeks = 26", terms) if terms else program)


def simulated(scenario_text: str, replications: int = 6) -> dict[str, dict[str, int]]:
    """Totals of the program `deals` by rung, summed over replications."""
    scenario = parse(scenario_text)
    stage = prepare(scenario, fit_reference(scenario), ("deals",), 5, np.arange(replications))
    found = {level: out for (name, level), out in vector_outcomes(stage, ("deals",)) if name == "deals"}
    return {level: {n: int(v.sum()) for n, v in out.totals.items()} for level, out in found.items()}


def test_a_sum_per_deal_is_split() -> None:
    got = simulated(text("splitting", PER_DEAL))
    assert got["strategic"]["split"] > 3 * got["responsive"]["won_by_partners"]
    assert got["strategic"]["paid"] > 3 * got["responsive"]["paid"]
    assert got["responsive"]["split"] == got["responsive"]["bundled"] == 0


def test_small_deals_are_bundled_over_a_floor() -> None:
    got = simulated(text("splitting", FLOORED, more="bundle_weeks = 12\n"))
    assert got["strategic"]["bundled"] > 5
    assert got["strategic"]["split"] == 0
    assert got["strategic"]["paid"] > got["responsive"]["paid"]


@pytest.mark.parametrize("kind", ["splitting", "discount_dumping"])
def test_linear_pay_on_net_revenue_is_not_gamed(kind: str) -> None:
    linear = LINEAR.replace("baseline", "deals")
    got = simulated(text(kind, linear))
    same = [n for n in got["strategic"] if got["strategic"][n] != got["responsive"][n]]
    assert same == []


@pytest.mark.parametrize("pay", [PER_DEAL, LISTED])
def test_wins_are_bought_where_pay_does_not_fall_with_the_price(pay: str) -> None:
    got = simulated(text("discount_dumping", pay.replace("amount = 2000", "amount = 9000")))
    assert got["strategic"]["conceded"] > 0
    assert got["strategic"]["won_by_partners"] > got["responsive"]["won_by_partners"]
    assert got["responsive"]["conceded"] == 0
    vendor = 'price_authority = "vendor"\n'
    refused = simulated(text("discount_dumping", pay.replace("amount = 2000", "amount = 9000"), more=vendor))
    assert refused["strategic"] == refused["responsive"]


@pytest.mark.parametrize("kind", ["splitting", "discount_dumping"])
def test_audits_with_penalties_stop_it(kind: str) -> None:
    pay = PER_DEAL.replace("amount = 2000", "amount = 9000")
    plain, audited = (
        simulated(text(kind, pay, terms=terms))["strategic"]
        for terms in ("clawback_weeks = 26", "audit_rate = 0.9\npenalty_multiple = 3.0")
    )
    for name in ("split", "conceded"):
        assert audited[name] == 0
    assert plain["split"] + plain["conceded"] > 0


def test_both_engines_play_the_same_games() -> None:
    kinds = "splitting = true\ndiscount_dumping = true\nsplit_cost = 10\ndiscount_cost = 10\nbundle_weeks = 12\n"
    head = HEAD.replace("[gaming]\n", "[gaming]\n" + kinds)
    audited = "audit_rate = 0.2\npenalty_multiple = 0.5"
    everything = PER_DEAL.replace("clawback_weeks = 26", audited) + FLOORED + LISTED
    result = verify(parse(head + BASELINE + everything), programs=("deals",), replications=2, seed=5)
    assert result.agrees, str(result)


def test_a_bundle_that_keeps_the_first_claim_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: in the vector engine the first claim stays booked next to the bundle."""
    scenario = parse(text("splitting", FLOORED, more="bundle_weeks = 12\n"))

    def keeping(run: object, rows: object, with_rows: object) -> None:
        posted = run.claims["event"][with_rows].copy()  # type: ignore[attr-defined]
        _bundle(run, rows, with_rows)  # type: ignore[arg-type]
        run.claims["event"][with_rows] = posted  # type: ignore[attr-defined]

    monkeypatch.setattr("simulator.engines.vector.gaming.deal_splitting._bundle", keeping)
    assert not verify(scenario, programs=("deals",), replications=2, seed=5).agrees


def detailed(engine: str) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    kinds = HEAD.replace("[gaming]\n", "[gaming]\nsplitting = true\nsplit_cost = 0\n")
    scenario = parse(kinds + BASELINE + PER_DEAL)
    return simulate(scenario, programs=("deals",), replications=2, seed=5, engine=engine, gaming_detail=True).totals


def test_the_parts_by_kind_and_by_component_make_the_whole() -> None:
    totals = detailed("vector")
    own, without_gaming = totals["deals", "strategic"], totals["deals", "responsive"]
    whole = (own["cost"] - without_gaming["cost"]) + (without_gaming["margin"] - own["margin"])
    parts = {n: v for n, v in own.items() if n.startswith("gaming_loss.")}
    kinds = {"interaction", "timing", "padding", "credit_claiming", "splitting"}
    assert set(parts) == {f"gaming_loss.{kind}" for kind in kinds}
    assert (sum(parts.values()) == whole).all()
    assert (parts["gaming_loss.splitting"] > 0).all()
    by_component = [own[n] - without_gaming[n] for n in own if n.startswith("cost.")]
    assert (sum(by_component) == own["cost"] - without_gaming["cost"]).all()
    by_events = detailed("events")["deals", "strategic"]
    assert all((by_events[n] == parts[n]).all() for n in parts)


def test_without_opportunists_nothing_is_lost() -> None:
    head = HEAD.replace("opportunist_share = 0.6", "opportunist_share = 0.0\nsplitting = true\ndiscount_dumping = true")
    scenario = parse(head + BASELINE + PER_DEAL)
    stage = prepare(scenario, fit_reference(scenario), ("deals",), 5, np.arange(2))
    outcomes: dict[tuple[str, str], RunOutcome] = dict(vector_outcomes(stage, ("deals",)))
    without_gaming, own = (outcomes["deals", level].totals for level in ("responsive", "strategic"))
    assert all((own[n] == without_gaming[n]).all() for n in own)
    first = prepare(scenario, fit_reference(scenario), ("deals",), 5, np.arange(1))
    events = dict(event_outcomes(first, ("deals",)))
    assert events["deals", "strategic"].totals["cost"] == events["deals", "responsive"].totals["cost"]
