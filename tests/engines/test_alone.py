"""Deals that no partner registers are lived at once by the vector engine, and step by step by the event engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from simulator.core.arrays import Ints
from simulator.engines.events.engine import EventRun
from simulator.engines.records import DONE
from simulator.engines.totals.settlement import settle
from simulator.engines.vector import arrivals
from simulator.engines.vector.engine import VectorRun
from simulator.runs.simulate import Replications, fit_reference, prepare
from simulator.scenario.load import parse
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, LONG_HEAD as HEAD

ALONE = HEAD.replace("count = 6", "count = 1").replace("opportunities_per_year = 40", "opportunities_per_year = 200", 1)
TEXT = ALONE.replace("elasticity = 0.8", "elasticity = 0.8\nregistration_hazard = 0.0") + BASELINE
BURN_IN, HORIZON = 52, 39


@pytest.fixture(scope="module")
def stage() -> Iterator[Replications]:
    with quick_reference():
        scenario = parse(TEXT)
        yield prepare(scenario, fit_reference(scenario), ("baseline",), 5, np.array([0]))


def vector(stage: Replications) -> VectorRun:
    start = VectorRun(stage.world, stage.rollout("baseline"), stage.mode[False]).run(-BURN_IN, 0).compact(0)
    return start.branch(stage.rollout("baseline")).run(0, HORIZON).finish()


def totals(stage: Replications) -> tuple[dict[str, int], dict[str, int]]:
    simulated = EventRun(stage.world, stage.rollout("baseline"), stage.mode[False]).run()
    pair = settle(vector(stage)).totals, settle(simulated).totals
    one, other = ({name: int(value[0]) for name, value in found.items()} for found in pair)
    return one, other


def test_both_engines_count_the_same(stage: Replications) -> None:
    fast, slow = totals(stage)
    assert fast == slow
    assert fast["won"] - fast["won_by_partners"] > 5


def test_each_course_is_what_its_uniforms_say(stage: Replications) -> None:
    """Worked stage by stage: a stage ends when its duration is over, and is passed below the odds of the vendor."""
    run, deals = vector(stage), stage.world.deals
    alone = np.flatnonzero(~run.opps["attached"])
    assert {bool(run.opps["lost"][row]) for row in alone} == {True, False}
    for row in alone:
        deal, at = run.opps["deal"][row], float(run.opps["start"][row])
        for stage_of_deal in range(4):
            at += deals["durations"][deal, stage_of_deal]
            if deals["hurdles"][deal, stage_of_deal] >= deals["direct_logit"][deal]:
                assert run.opps["lost"][row]
                break
        else:
            assert run.opps["decided"][row] == at
            at += deals["durations"][deal, 4]
        assert run.opps["due"][row] == at
        assert (run.opps["stage"][row] == DONE) == (at < HORIZON)


def planted(wrong: Callable[[VectorRun, Ints], None], monkeypatch: pytest.MonkeyPatch) -> None:
    right = arrivals.go_alone

    def go(run: VectorRun, opp: Ints) -> None:
        right(run, opp)
        wrong(run, opp)

    monkeypatch.setattr(arrivals, "go_alone", go)


def test_a_week_too_late_is_caught(stage: Replications, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: deals lived at once end a week later than they should."""

    def late(run: VectorRun, opp: Ints) -> None:
        run.opps["due"][opp] += 1.0

    planted(late, monkeypatch)
    fast, slow = totals(stage)
    assert fast["bookings"] != slow["bookings"]
