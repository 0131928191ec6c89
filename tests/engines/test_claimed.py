"""Claims of stages that no program looks at are left out, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from simulator.core.errors import SimulatorError
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.program.measures import Event
from simulator.runs.simulate import Replications, fit_reference, prepare
from simulator.scenario.load import parse
from tests.engines.quick import quick_reference
from tests.engines.simulated import STILL, share

HEAD = STILL.replace("opportunist_share = 0.0", "opportunist_share = 0.5").replace("[programs.baseline]\n", "")
DEMOS = '[programs.demos.components.d]\nkind = "activity_credit"\nmeasure = "demo"\namount = 300\n'
TIERED = f"""{share("tiered")}[programs.tiered.tiers]
entry = "low"
[programs.tiered.tiers.levels.high]
criteria = [{{ measure = "pilot", at_least = 3 }}]
"""


@pytest.fixture(scope="module")
def stage() -> Iterator[Replications]:
    with quick_reference():
        scenario = parse(HEAD + share("baseline") + DEMOS + TIERED)
        yield prepare(scenario, fit_reference(scenario), ("demos", "tiered"), 3, np.arange(2))


def whole(stage: Replications) -> VectorRun:
    """The burn-in with the claims of all stages."""
    return VectorRun(stage.world, stage.rollout("baseline"), stage.mode[True]).run(-52, 0)


def kept(run: VectorRun) -> set[int]:
    """Events of deals before and after their signature that `run` has claims of since launch."""
    c = run.claims
    return set(c["event"][(c["opp"] >= 0) & (c["week"] >= 0)].tolist())


def test_each_life_keeps_what_its_own_programs_look_at(stage: Replications) -> None:
    start = stage.burn_in(stage.mode[True])
    found = {name: kept(start.branch(stage.rollout(name)).run(0, 13)) for name in ("baseline", "demos", "tiered")}
    assert found == {
        "baseline": {Event.SIGNED}, "demos": {Event.DEMO, Event.SIGNED}, "tiered": {Event.PILOT, Event.SIGNED},
    }  # fmt: skip
    assert kept(whole(stage).branch(stage.rollout("baseline"), to_reprice=True).run(0, 13)) == {
        Event.QUALIFIED, Event.DEMO, Event.PILOT, Event.SIGNED,
    }  # fmt: skip


@pytest.mark.parametrize("program", ["baseline", "demos", "tiered"])
def test_totals_are_those_of_a_life_that_keeps_all(stage: Replications, program: str) -> None:
    """Tiers look back a year, into the burn-in, at claims that the baseline itself does not look at."""
    sparse = settle(stage.burn_in(stage.mode[True]).branch(stage.rollout(program)).run(0, 39).finish())
    full = settle(whole(stage).branch(stage.rollout(program), to_reprice=True).run(0, 39).finish())
    for name, value in full.totals.items():
        assert np.array_equal(sparse.totals[name], value), name
    for name, column in full.ledger.items():
        assert np.array_equal(sparse.ledger[name], column), name


def test_what_was_not_kept_is_not_paid_on(stage: Replications) -> None:
    start = stage.burn_in(stage.mode[True])
    simulated = start.branch(stage.rollout("baseline")).run(0, 13)
    with pytest.raises(SimulatorError, match="to_reprice"):
        start.reprice(simulated, stage.rollout("demos"))
