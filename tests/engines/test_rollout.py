"""Engines carry a rollout: partners change programs in different weeks, in the middle of a quarter too, and other
partners in other replications; and partners talk about it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from simulator.core.arrays import Ints
from simulator.engines.assignment import ProgramAssignment
from simulator.engines.events.engine import EventRun
from simulator.engines.ledger import RunOutcome
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.accounts import ProgramAccounts
from simulator.engines.vector.engine import VectorRun
from simulator.reference.fit import Reference
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from tests.engines.quick import quick_reference
from tests.engines.random_scenarios import scenario_texts
from tests.engines.small import SMALL

TALK = "\n[pilot]\ncontamination = 0.6\nresentment = 0.8\n"


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_reference():
        yield


def schedule(later: int) -> Ints:
    """Half of six partners change in week 13, two never, one in week `later`; in the second replication one goes back
    then, and one comes in the week after."""
    out = np.zeros((2, 6, 39), dtype=np.int64)
    out[0, ::2, 13:] = 1
    out[0, 5, later:] = 1
    out[1, 1:3, 0:] = 1
    out[1, 2, later:] = 0
    out[1, 4, later + 1 :] = 1
    return out


@cache
def small() -> Reference:
    """What partners of the small scenario take for granted; that they talk is no part of it."""
    return fit_reference(parse(SMALL))


def simulated(
    scenario: Scenario, plan: Ints, gaming: bool, reference: Reference, replications: int = 2
) -> tuple[RunOutcome, list[RunOutcome]]:
    """Replications lived at once by the vector engine, and each alone by the event engine."""
    name = next(n for n in scenario.programs if n != "baseline")
    start, horizon = -scenario.time.burn_in_weeks, scenario.time.horizon_weeks
    both = prepare(scenario, reference, (name,), 5, np.arange(replications))
    rollout = ProgramAssignment((both.offers["baseline"], both.offers[name]), plan)
    together = settle(VectorRun(both.world, rollout, both.mode[gaming]).run(start, horizon).finish())
    alone = []
    for r in range(replications):
        one = prepare(scenario, reference, (name,), 5, np.array([r]))
        mine = ProgramAssignment((one.offers["baseline"], one.offers[name]), plan[[r]])
        alone.append(settle(EventRun(one.world, mine, one.mode[gaming]).run()))
    return together, alone


def differing(together: RunOutcome, alone: list[RunOutcome]) -> list[str]:
    """Names of the totals and columns of the ledger in which the engines differ."""
    found = []
    for r, single in enumerate(alone):
        rows = together.ledger["replication"] == r
        found += [n for n, column in single.ledger.items() if not np.array_equal(column, together.ledger[n][rows])]
        found += [n for n, value in single.totals.items() if value[0] != together.totals[n][r]]
    return found


@pytest.mark.parametrize(("later", "gaming", "talk"), [(1, True, ""), (20, True, TALK), (26, False, TALK)])
def test_the_engines_agree_on_a_staggered_rollout(later: int, gaming: bool, talk: str) -> None:
    together, alone = simulated(parse(SMALL + talk), schedule(later), gaming, small())
    assert differing(together, alone) == []
    ledger = {name: column[together.ledger["replication"] == 0] for name, column in together.ledger.items()}
    assert np.array_equal(ledger["accrued"], ledger["paid"] + ledger["forfeited"] + ledger["clawed_back"])
    assert set(ledger["end"].tolist()) <= {13, 26, 39, later}
    assert set(ledger["offer"][ledger["partner"] == 5].tolist()) >= {1}
    assert set(ledger["offer"][np.isin(ledger["partner"], (1, 3))].tolist()) == {0}


def test_an_engine_in_which_listeners_keep_no_books_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProgramAccounts, "followed", property(lambda accounts: accounts.member))
    together, alone = simulated(parse(SMALL + TALK), schedule(20), False, small())
    assert "activity.source" in differing(together, alone)


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(scenario_texts(), st.data())
def test_the_engines_agree_on_random_rollouts(text: str, data: Any) -> None:
    scenario = parse(text + TALK)
    partners = sum(segment.count + segment.prospects for segment in scenario.partners.values())
    weeks = st.lists(st.integers(-20, 40), min_size=2 * partners, max_size=2 * partners)
    joins, stays = (np.array(data.draw(weeks)).reshape(2, partners, 1) for _ in range(2))
    week = np.arange(scenario.time.horizon_weeks)
    plan = ((week >= joins) & (week < joins + np.abs(stays) + 1)).astype(np.int64)
    assert differing(*simulated(scenario, plan, True, fit_reference(scenario))) == []
