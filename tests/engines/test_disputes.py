"""Disputes about attribution: by hand, in both engines, and what follows from them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulator.engines.assignment import everyone
from simulator.engines.events import accounts as event_accounts, disputes as event_disputes, payments as event_payments
from simulator.engines.events.engine import EventRun
from simulator.engines.vector import (
    accounts as vector_accounts,
    disputes as vector_disputes,
    payments as vector_payments,
)
from simulator.engines.vector.engine import VectorRun
from simulator.program.credit_splits import ALONE, FIRST
from simulator.program.measures import Event
from simulator.runs.simulate import fit_reference, prepare, vector_outcomes
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from simulator.world.disputes import NONE, OVERTURNED, UPHELD, DisputeMarks, ambiguity
from tests.engines.test_joint import MOVING

ALWAYS = (
    "[disputes]\nprobability = 1.0\nclaimed_probability = 1.0\noverturned_share = 0.5\ndelay_weeks = 9.0\ncost = 100\n"
)
EAGER = MOVING.replace("misreport_cost = 1500", "misreport_cost = 100")
DISPUTED = EAGER.replace("[behavior]", ALWAYS + "[behavior]")


pytestmark = pytest.mark.usefixtures("quick")


def simulated(text: str, engine: Any = VectorRun, replications: int = 1) -> Any:
    scenario = parse(text)
    stage = prepare(scenario, fit_reference(scenario), ("full",), 3, np.arange(replications))
    setting = stage.world.setting
    offers = (stage.offers["baseline"], stage.offers["full"])
    rollout = everyone(offers, 1, setting.partners.count, setting.horizon)
    run = engine(stage.world, rollout, stage.mode[True])
    return run.run() if engine is EventRun else run.run(-setting.burn_in, setting.horizon).finish()


def test_ambiguity_by_hand() -> None:
    """Shares of 1/2, 0, 1/4 and 3/4: 4 s (1 - s) is 1, 0, 3/4 and 3/4."""
    assert ambiguity(np.array([1.0, 0.0, 1 / 3, 3.0])) == pytest.approx([1.0, 0.0, 0.75, 0.75])


def test_states_by_hand() -> None:
    """At probability .8 and three quarters of ambiguity disputes arise below .6, and half of them are overturned."""
    numbers = {"probability": 0.8, "claimed_probability": 0.3, "overturned_share": 0.5}
    setting: Any = SimpleNamespace(number=lambda _table, name: np.array([[numbers[name]]]))
    marks = np.array([[0.59, 0.59, 0.61], [0.49, 0.51, 0.0], [0, 0, 0], [0, 0, 0]])
    rule = DisputeMarks(setting, lambda *_: marks)
    at, rep = np.arange(3), np.zeros(3, dtype=np.int64)
    rule.add("deal", (rep, rep, rep, at))
    assert rule.joint(at, rep, np.full(3, 1 / 3)).tolist() == [OVERTURNED, UPHELD, NONE]
    assert rule.claimed(at, rep).tolist() == [NONE, NONE, NONE]


def test_overturned_joint_deals_are_halved_and_claimed_ones_pay_nothing() -> None:
    run = simulated(DISPUTED)
    c, b = run.claims, run.accounts[0]
    signed = np.flatnonzero(c["event"][:] == Event.SIGNED)
    state, role = c["disputed"][signed], c["role"][signed]
    assert {NONE, UPHELD, OVERTURNED} == set(state[role == FIRST].tolist())
    for k, component in enumerate(b.offer.program.components):
        if component.measure.event != Event.SIGNED or component.registration:
            continue
        rows, credit, _ = b.credits(k, signed, c)
        whole = component.credit(rep=c["cell"][rows] * 0, code=c["code"][rows], amount=c["amount"][rows])
        lost, joint = c["disputed"][rows] == OVERTURNED, c["role"][rows] != ALONE
        assert (lost & ~joint).any()
        assert (credit[lost & ~joint] == 0).all()
        if component.split is not None:
            halves = credit[lost & joint]
            assert (np.abs(2 * halves - whole[lost & joint]) <= 1).all()
            assert halves.sum() == whole[lost & (c["role"][rows] == FIRST)].sum()
    assert (c["disputed"][c["event"][:] != Event.SIGNED] == NONE).all()


def test_both_engines_know_the_same_disputes_at_every_boundary() -> None:
    vector, events = simulated(DISPUTED), simulated(DISPUTED, EventRun)
    found = []
    for week in range(-26, 40, 13):
        mine, theirs = (
            vector_disputes.disputes_of_quarter(vector, week),
            event_disputes.disputes_of_quarter(events, week),
        )
        assert (mine == theirs).all()
        found.append(mine.sum())
    assert min(found[2:]) > 0  # deals take a quarter and more
    quiet = simulated(MOVING)
    assert vector_disputes.disputes_of_quarter(quiet, 26).sum() == 0


def test_disputes_cost_delay_and_deter() -> None:
    scenario = {name: parse(text) for name, text in (("off", EAGER), ("on", DISPUTED))}
    got = {}
    for name, s in scenario.items():
        stage = prepare(s, fit_reference(s), ("full",), 3, np.arange(6))
        runs = vector_outcomes(stage, ("full",))
        got[name] = {level: {n: int(v.sum()) for n, v in o.totals.items()} for (p, level), o in runs if p == "full"}
    off, on = got["off"]["strategic"], got["on"]["strategic"]
    assert off["disputes"] == 0 < on["disputes"]
    assert on["admin"] - off["admin"] == on["disputes"] * 100_00
    assert on["fair.waiting"] / on["paid"] > off["fair.waiting"] / off["paid"]
    assert on["claimed_vendor"] < off["claimed_vendor"]
    assert got["on"]["responsive"]["activity.source"] < got["off"]["responsive"]["activity.source"]


def caught() -> bool:
    return not verify(parse(DISPUTED), programs=("full",), replications=1, seed=3).agrees


def test_the_engines_agree_on_disputes() -> None:
    assert not caught()


@pytest.mark.parametrize(
    ("room", "name", "defect"),
    [
        (event_accounts, "OVERTURNED", 9),  # the event engine pays claimed customers that were overturned
        (vector_accounts, "OVERTURNED", 9),  # so does the vector engine
        (vector_payments, "dispute_delay", lambda _world, _claims, rows: np.zeros(len(rows))),  # clawed back in time
        (event_payments, "delay", lambda _run, _claim: 0.0),  # so it is in the event engine
    ],
)
def test_a_defect_in_one_engine_is_caught(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, defect: Any) -> None:
    monkeypatch.setattr(room, name, defect)
    assert caught()
