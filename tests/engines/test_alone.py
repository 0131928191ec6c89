"""Deals that no partner registers are lived at once by the vector engine, and step by step by the event engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from simulator.engines import arrivals
from simulator.engines.events import EventLife
from simulator.engines.settle import settle
from simulator.engines.tables import DONE
from simulator.engines.tally import tally
from simulator.engines.vector import VectorLife
from simulator.program.compiled import Ints
from simulator.run import Stage, fit_reference, prepare
from simulator.scenario.load import parse
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE
from tests.engines.small import LONG_HEAD as HEAD

ALONE = HEAD.replace("count = 6", "count = 1").replace("opportunities_per_year = 40", "opportunities_per_year = 200", 1)
TEXT = ALONE.replace("elasticity = 0.8", "elasticity = 0.8\nregistration_hazard = 0.0") + BASELINE
BURN_IN, HORIZON = 52, 39


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with quick_reference():
        scenario = parse(TEXT)
        yield prepare(scenario, fit_reference(scenario), ("baseline",), 5, np.array([0]))


def vector(stage: Stage) -> VectorLife:
    start = VectorLife(stage.world, stage.rollout("baseline"), stage.conduct[False]).run(-BURN_IN, 0).compact(0)
    return start.fork(stage.rollout("baseline")).run(0, HORIZON).finish()


def totals(stage: Stage) -> tuple[dict[str, int], dict[str, int]]:
    lived = EventLife(stage.world, stage.rollout("baseline"), stage.conduct[False]).run()
    pair = settle(vector(stage)).totals, tally(lived).totals
    one, other = ({name: int(value[0]) for name, value in found.items()} for found in pair)
    return one, other


def test_both_engines_count_the_same(stage: Stage) -> None:
    fast, slow = totals(stage)
    assert fast == slow
    assert fast["won"] - fast["won_by_partners"] > 5


def test_each_course_is_what_its_uniforms_say(stage: Stage) -> None:
    """Worked stage by stage: a stage ends when its duration is over, and is passed below the odds of the vendor."""
    life, deals = vector(stage), stage.world.deals
    alone = np.flatnonzero(~life.opps["attached"])
    assert {bool(life.opps["lost"][row]) for row in alone} == {True, False}
    for row in alone:
        deal, at = life.opps["deal"][row], float(life.opps["start"][row])
        for stage_of_deal in range(4):
            at += deals["durations"][deal, stage_of_deal]
            if deals["hurdles"][deal, stage_of_deal] >= deals["direct_logit"][deal]:
                assert life.opps["lost"][row]
                break
        else:
            assert life.opps["decided"][row] == at
            at += deals["durations"][deal, 4]
        assert life.opps["due"][row] == at
        assert (life.opps["stage"][row] == DONE) == (at < HORIZON)


def planted(wrong: Callable[[VectorLife, Ints], None], monkeypatch: pytest.MonkeyPatch) -> None:
    right = arrivals.go_alone

    def go(life: VectorLife, opp: Ints) -> None:
        right(life, opp)
        wrong(life, opp)

    monkeypatch.setattr(arrivals, "go_alone", go)


def test_a_week_too_late_is_caught(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: deals lived at once end a week later than they should."""

    def late(life: VectorLife, opp: Ints) -> None:
        life.opps["due"][opp] += 1.0

    planted(late, monkeypatch)
    fast, slow = totals(stage)
    assert fast["bookings"] != slow["bookings"]
