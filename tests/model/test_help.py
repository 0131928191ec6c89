"""Enablement by hand, in minimally different worlds, and engine against engine."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import numpy as np
import pytest

from simulator.behavior.enablement import SupportEffects, access, help_of, helped_logit
from simulator.engines.events import governance
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.program.compiled import CompiledProgram
from simulator.program.support import Supports
from simulator.reference.fit import Reference
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.small import HEAD, SMALL
from tests.program.build import compiled, num

TABLE = """
[programs.{program}.enablement]
training = {{ skill = 0.5, cost_per_partner = 520 }}
content = {{ speed = 0.25, use = 0.4, cost_per_year = 1040 }}
sponsor = {{ win = 0.75 }}
specialists = {{ capacity = 3, win = 0.5, cost_per_year = 100.01 }}
"""
BASE = '[programs.baseline.components.core]\nkind = "revenue_share"\nrate = 0.05\n'


def supports(text: str) -> Supports:
    program: CompiledProgram = compiled(f"[programs.p.enablement]\n{text}")
    assert program.supports is not None
    return program.supports


def test_access_by_hand() -> None:
    assert access(num(3.0), np.array([[0.0, 2.0, 3.0, 4.0, 12.0]])).tolist() == [[1.0, 1.0, 1.0, 0.75, 0.25]]


def test_help_by_hand() -> None:
    """Two partners on the program with 1 and 5 open complex deals, one outside with 100: access 3 / 6, logits .25."""
    given = supports(
        "training = { skill = 0.5 }\ncontent = { speed = 0.25, use = 0.4 }\nsponsor = { win = 0.75 }\n"
        "specialists = { capacity = 3, win = 0.5 }"
    )
    on = np.array([True, True, False])
    got = help_of([(given, on), (None, ~on)], np.array([[1.0, 3.0, 1.0]]), np.array([[1.0, 5.0, 100.0]]))
    assert got is not None
    assert got.skill.tolist() == [[0.5, 0.5, 0.0]]
    assert got.use.tolist() == [[0.4, 1.0, 0.0]]
    assert got.speed.tolist() == [[1.1, 1.25, 1.0]]
    assert got.named.tolist() == [[0.75, 0.75, 0.0]]
    assert got.access.tolist() == [[0.5, 0.5, 0.0]]
    assert got.complex.tolist() == [[0.25, 0.25, 0.0]]


def test_nobody_is_helped_by_nothing() -> None:
    assert help_of([(None, np.array([True]))], num(1.0), num(1.0)) is None
    assert compiled("").supports is None


def test_odds_rise_where_the_help_is_for_the_deal() -> None:
    kinds = np.array([0, 1, 0, 1]), np.array([0, 1, 2, 2])
    got = helped_logit(
        np.zeros(4), complexity=kinds[0], account=kinds[1], hard=np.full(4, 0.25), named=np.full(4, 0.75)
    )
    assert got.tolist() == [0.0, 0.25, 0.75, 1.0]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with quick_reference():
        extra = '[programs.helped]\nextends = "baseline"\nadmin_cost_per_year = 1\n'
        yield fit_reference(parse(HEAD + BASE + extra))


def run(reference: Reference, table: str) -> VectorRun:
    head = HEAD.replace("elasticity = 0.8", "elasticity = 0.8\ninert_share = 0")
    text = head + BASE + f'[programs.helped]\nextends = "baseline"\n[programs.helped.enablement]\n{table}\n'
    scenario, fitted = parse(text), copy(reference)
    fitted.scenario = scenario  # what was fitted does not depend on support
    stage = prepare(scenario, fitted, ("helped",), 5, np.arange(12))
    return VectorRun(stage.world, stage.rollout("helped"), stage.mode[False]).run(-26, 39).finish()


def test_each_support_moves_what_it_is_for(reference: Reference) -> None:
    plain = settle(run(reference, "sponsor = { win = 0 }")).totals
    sponsored = settle(run(reference, "sponsor = { win = 1.5 }")).totals
    assert sponsored["bookings_named"].sum() > 1.2 * plain["bookings_named"].sum()
    assert (sponsored["sourced"] == plain["sourced"]).all()
    trained = settle(run(reference, "training = { skill = 2 }")).totals
    assert trained["sourced"].sum() > plain["sourced"].sum()
    read = settle(run(reference, "content = { speed = 0.8, use = 1 }")).totals
    assert read["cycle"].sum() / read["won_by_partners"].sum() < plain["cycle"].sum() / plain["won_by_partners"].sum()
    assert (read["helped.content"] > 0).all()
    few, many = (
        settle(run(reference, f"specialists = {{ capacity = {n}, win = 1.5 }}")).totals for n in (1, 1000)
    )  # fmt: skip
    assert plain["won"].sum() < few["won"].sum() < many["won"].sum()
    assert (many["helped.specialists"] == 1_000_000).all()
    assert (few["helped.specialists"] < 1_000_000).all()


def test_costs_by_hand(reference: Reference) -> None:
    """39 weeks, 6 partners: 520 * 6 * 39 / 52 = 2,340; 1,040 * 39 / 52 = 780; 100.01 * 39 / 52 = 75.01 to the cent."""
    cost = (
        "training = { cost_per_partner = 520 }\ncontent = { cost_per_year = 1040 }\n"
        "specialists = { capacity = 3, cost_per_year = 100.01 }"
    )
    totals = settle(run(reference, cost)).totals
    for name, cents in (("training", 234_000), ("content", 78_000), ("specialists", 7_501)):
        assert (totals[f"noncash.{name}"] == cents).all(), name
    paid = totals["paid"] - totals["penalty"] + totals["audit"] + totals["admin"]
    assert (totals["cost"] == paid + 234_000 + 78_000 + 7_501).all()


def test_the_engines_agree_and_a_planted_defect_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SMALL.replace("horizon_weeks = 39", "horizon_weeks = 26") + TABLE.format(program="full")
    scenario = parse(text)
    with quick_reference():
        result = verify(scenario, programs=("full",), replications=1, seed=5)
        assert result.agrees, str(result)
        right = governance.help_of

        def crowded(given: object, cosell: object, count: np.ndarray) -> SupportEffects | None:
            return right(given, cosell, count + 1.0)  # type: ignore[arg-type]

        monkeypatch.setattr(governance, "help_of", crowded)  # planted: one deal too many in one engine
        assert not verify(scenario, programs=("full",), replications=1, seed=5).agrees
