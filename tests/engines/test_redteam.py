"""The red team finds a planted exploit, and next to nothing in pay that is linear in net revenue."""

from __future__ import annotations

import pytest

import simulator as sim
from simulator.studies import redteam as module
from simulator.studies.redteam import TERMS
from tests.engines.small import BASELINE, HEAD

LINEAR = """
[programs.linear.components.core]
kind = "revenue_share"
rate = 0.0625
engagement = "sourced"
"""
EXPLOIT = """
[programs.deals.components.wins]
kind = "activity_credit"
measure = "deals"
amount = 2000
"""


pytestmark = pytest.mark.usefixtures("quick")


def test_a_planted_exploit_is_found_and_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum per deal without a floor is filed in pieces; audits with the penalty that is there stop it.

    What is left are signatures moved across launch, into the program that pays more."""
    monkeypatch.setattr(
        module, "TERMS", tuple(t for t in TERMS if t.name in ("audit rate", "clawback window in weeks"))
    )
    monkeypatch.setattr(module, "_HALVINGS", 1)
    audited = EXPLOIT + "terms = { penalty_multiple = 3.0 }\n"
    short = HEAD.replace("horizon_weeks = 39", "horizon_weeks = 26")
    scenario = sim.parse(short + BASELINE + LINEAR + audited)
    found = sim.redteam(scenario, programs=("linear", "deals"), replications=4, seed=3, share=0.25)
    linear, deals = found.attacks
    assert abs(linear.extracted) <= max(2 * linear.se, 0.01 * deals.extracted)
    assert (deals.of_pay or 0.0) > 2
    assert "10 pieces" in deals.strategy
    assert deals.extracted > 2 * deals.se
    measures = {m.term: m for m in found.countermeasures}
    assert measures["audit rate"].enough
    assert (measures["audit rate"].of_pay or 0.0) < 0.25
    assert not measures["clawback window in weeks"].enough
    text = "\n".join(found.headline())
    assert "deals: a fully opportunistic partner extracts" in text
    assert "linear: no game was found" in text


def test_a_share_must_be_one() -> None:
    with pytest.raises(sim.InputError, match="share"):
        sim.redteam(sim.parse(HEAD + BASELINE), replications=2, share=0.0)
