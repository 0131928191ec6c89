"""Squatting: registering other partners' customers for what a registration protects; the payout alone decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.engines.events import arrivals as event_arrivals
from simulator.engines.vector import arrivals as vector_arrivals
from simulator.runs.simulate import fit_reference, prepare, simulate, vector_outcomes
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.small import BASELINE, HEAD

OFF = "timing = false\npadding = false\ncredit_claiming = false\nsquatting = true\n"
OPEN = HEAD.replace("misreport_cost = 1500", "misreport_cost = 100\n" + OFF) + BASELINE
REGISTERED = """
[programs.deals.components.registered]
kind = "deal_registration"
uplift = 0.1
protection_weeks = 30
registrations_per_quarter = 40
[programs.deals.components.registered.terms]
audit_rate = 0.0
"""
RATED = '[programs.deals.components.share]\nkind = "revenue_share"\nwindow = "claim"\nrate = 0.1\n'


pytestmark = pytest.mark.usefixtures("quick")


def simulated(program: str, head: str = OPEN, replications: int = 2) -> dict[str, dict[str, int]]:
    scenario = parse(head + program)
    stage = prepare(scenario, fit_reference(scenario), ("deals",), 5, np.arange(replications))
    found = {level: out for (name, level), out in vector_outcomes(stage, ("deals",)) if name == "deals"}
    return {level: {n: int(v.sum()) for n, v in out.totals.items()} for level, out in found.items()}


def squatted(*changes: tuple[str, str]) -> int:
    program = REGISTERED
    for old, new in changes:
        assert old in program
        program = program.replace(old, new)
    return simulated(program)["strategic"]["claimed_vendor"]


def test_squatters_tie_customers_up_that_others_would_have_worked() -> None:
    got = simulated(REGISTERED)
    without_gaming, gamed = got["responsive"], got["strategic"]
    assert without_gaming["claimed_vendor"] == 0 < gamed["claimed_vendor"]
    assert gamed["registered_vendor"] < without_gaming["registered_vendor"]
    assert gamed["paid"] > without_gaming["paid"]


def test_where_a_registration_protects_nothing_nobody_squats() -> None:
    got = simulated(RATED)
    assert got["strategic"] == got["responsive"]


def test_without_opportunists_nothing_is_lost() -> None:
    none = OPEN.replace("opportunist_share = 0.6", "opportunist_share = 0.0")
    got = simulated(REGISTERED, none)
    assert got["strategic"] == got["responsive"]


def test_audits_caps_and_short_protection_counter_it() -> None:
    """More audit never means more squatting, and beyond m / (m + F), here a third, there is none (Becker 1968)."""
    fined = ("audit_rate = 0.0", "penalty_multiple = 2.0\naudit_rate = ")
    by_audit = [squatted((fined[0], f"{fined[1]}{rate}")) for rate in (0.0, 0.3, 0.34)]
    assert by_audit == sorted(by_audit, reverse=True)
    assert by_audit[0] > by_audit[1] > by_audit[2] == 0
    free = by_audit[0]
    # With 40 opportunities a year a partner of usual volume fills a cap of 10 a quarter itself.
    assert squatted(("registrations_per_quarter = 40", "registrations_per_quarter = 10")) < free
    assert squatted(("protection_weeks = 30", "protection_weeks = 3")) < free


def test_its_loss_is_a_kind_of_its_own_and_the_parts_add_up() -> None:
    head = OPEN.replace("credit_claiming = false", "credit_claiming = true")
    got = simulate(parse(head + REGISTERED), programs=("deals",), replications=3, seed=5, gaming_detail=True)
    own, without_gaming = got.totals["deals", "strategic"], got.totals["deals", "responsive"]
    parts = {n.removeprefix("gaming_loss."): v for n, v in own.items() if n.startswith("gaming_loss.")}
    assert set(parts) == {"interaction", "credit_claiming", "squatting"}
    loss = (own["cost"] - without_gaming["cost"]) + (without_gaming["margin"] - own["margin"])
    assert (sum(parts.values()) == loss).all()
    assert parts["squatting"].sum() > 0


def agrees() -> bool:
    return verify(parse(OPEN + REGISTERED), programs=("deals",), replications=1, seed=5).agrees


def test_both_engines_squat_alike() -> None:
    assert agrees()


@pytest.mark.parametrize("room", [vector_arrivals, event_arrivals])
def test_a_squatter_too_few_in_one_engine_is_caught(monkeypatch: pytest.MonkeyPatch, room: Any) -> None:
    right = room.squatting_shares
    monkeypatch.setattr(room, "squatting_shares", lambda *given: 0.3 * right(*given))
    assert not agrees()
