"""Engines carry a rollout: partners change programs in different weeks, in the middle of a quarter too, and other
partners in other replications."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from simulator.engines.events import EventLife
from simulator.engines.rollout import Rollout
from simulator.engines.settle import settle
from simulator.engines.tally import tally
from simulator.engines.vector import VectorLife
from simulator.run import fit_reference, prepare
from simulator.scenario.load import parse
from tests.engines.random_scenarios import quick_reference
from tests.engines.small import SMALL


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_reference():
        yield


def schedule(later: int) -> np.ndarray:
    """Half of six partners change in week 13, two never, one in week `later`; in the second replication one goes back
    then, and one comes in the week after."""
    out = np.zeros((2, 6, 39), dtype=np.int64)
    out[0, ::2, 13:] = 1
    out[0, 5, later:] = 1
    out[1, 1:3, 0:] = 1
    out[1, 2, later:] = 0
    out[1, 4, later + 1 :] = 1
    return out


@pytest.mark.parametrize("gaming", [False, True])
@pytest.mark.parametrize("later", [1, 20, 26])
def test_the_engines_agree_on_a_staggered_rollout(later: int, gaming: bool) -> None:
    scenario = parse(SMALL)
    reference = fit_reference(scenario)
    both = prepare(scenario, reference, ("full",), 5, np.arange(2))
    rollout = Rollout((both.offers["baseline"], both.offers["full"]), schedule(later))
    together = settle(VectorLife(both.world, rollout, both.conduct[gaming]).run(-52, 39).finish())
    for r in range(2):
        alone = prepare(scenario, reference, ("full",), 5, np.array([r]))
        mine = Rollout((alone.offers["baseline"], alone.offers["full"]), rollout.schedule).alone(r)
        single = tally(EventLife(alone.world, mine, alone.conduct[gaming]).run())
        rows = together.ledger["replication"] == r
        for name, column in single.ledger.items():
            assert np.array_equal(column, together.ledger[name][rows]), name
        for name, value in single.totals.items():
            assert value[0] == together.totals[name][r], name
    ledger = {name: column[together.ledger["replication"] == 0] for name, column in together.ledger.items()}
    assert np.array_equal(ledger["accrued"], ledger["paid"] + ledger["forfeited"] + ledger["clawed_back"])
    assert set(ledger["end"].tolist()) <= {13, 26, 39, later}
    assert set(ledger["offer"][ledger["partner"] == 5].tolist()) >= {1}
    assert set(ledger["offer"][np.isin(ledger["partner"], (1, 3))].tolist()) == {0}
