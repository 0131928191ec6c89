"""Gradual rollouts: what must hold exactly, and rightly and wrongly by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.core.errors import InputError
from simulator.engines.assignment import ProgramAssignment
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.pilots.gradual_rollout import RolloutRuns, joining, simulate_rollouts
from simulator.pilots.plan import Plan
from simulator.scenario.load import parse
from simulator.studies.rollout import StagedRollout, rollout
from tests.engines.small import LONG_SMALL as SMALL
from tests.pilots.test_lives import SAME, reference, stage

HALVES = {"milestones": [{"quarter": 0, "share": 0.5}, {"quarter": 1, "share": 1.0}]}


def plan(candidate: str = "full", **parts: object) -> Plan:
    return Plan.model_validate({"candidate": candidate, **parts})


def simulated(text: str = SMALL, candidate: str = "full", replications: int = 3, **parts: object) -> RolloutRuns:
    s = stage(text, candidate, replications)
    return simulate_rollouts(s, plan(candidate, **parts), parse(text).goals)


def test_everybody_at_once_is_the_rollout_of_one_milestone() -> None:
    found = simulated()
    assert (found.without_limits == found.at_once).all()
    assert (found.with_limits == found.at_once).all()
    assert not found.stop.any()
    assert found.at_once.any()


def test_a_candidate_equal_to_the_baseline_is_worth_exactly_nothing() -> None:
    found = simulated(SAME, "same", rollout=HALVES, guardrails={"max_cost_overrun": 0.01})
    assert not np.concatenate([found.at_once, found.without_limits, found.with_limits]).any()


def test_partners_join_by_milestones_and_stay() -> None:
    world = stage(SMALL).world
    parts = {"milestones": [{"quarter": 1, "share": 0.3}, {"quarter": 3, "share": 1.0}]}
    on = joining(world, plan(rollout=parts), 5)
    count = on.shape[1]
    assert (on.sum(axis=1) == np.array([0, *[np.ceil(0.3 * count)] * 2, count, count])).all()
    assert (np.diff(on.astype(int), axis=2) >= 0).all()
    whole = joining(world, plan(rollout=parts, design={"unit": "territory"}), 5)
    for home in np.unique(world.setting.partners.territory):
        members = whole[:, world.setting.partners.territory == home]
        assert (members == members[:, :1]).all()


def test_a_stop_takes_all_back_from_the_next_quarter_on() -> None:
    """A limit that anything passes stops after the first quarter: as a life in which half are on it for 13 weeks."""
    s, goals = stage(SMALL), parse(SMALL).goals
    asked = plan(rollout=HALVES, guardrails={"min_lift": 10.0})
    found = simulate_rollouts(s, asked, goals)
    assert found.stop.tolist() == [1, 1, 1]
    assert (found.why == 2).all()
    start = VectorRun(s.world, s.rollout("baseline"), s.mode[True]).run(-52, 0)
    first = joining(s.world, asked, 1)[..., [0]] & (np.arange(39) < 13)
    by_hand = start.branch(ProgramAssignment(s.rollout("full").offers, first.astype(np.int64))).run(0, 39).finish()
    nobody = start.branch(s.rollout("baseline")).run(0, 39).finish()
    own, other = (settle(run).totals for run in (by_hand, nobody))
    gained = (own["margin"] - own["cost"] - other["margin"] + other["cost"]) / 100
    assert found.with_limits == pytest.approx(gained)
    assert not np.allclose(found.with_limits, found.without_limits)


def study(at_once: list[float], stop: list[int], why: list[int]) -> StagedRollout:
    x = np.array(at_once)
    staged = RolloutRuns(
        x,
        x / 2,
        x / 4,
        np.array(stop),
        np.array(why),
        np.zeros((len(at_once), 3, 2)),
        np.tile([0.5, 1.0], (len(at_once), 1)),
    )
    limited = plan(guardrails={"max_cost_overrun": 0.1})
    return StagedRollout(parse(SMALL), limited, 1, staged)


def test_right_and_wrong_by_hand() -> None:
    """Gains, gains, loses, loses, loses; stopped in the second, third and fourth."""
    found = study([4.0, 8.0, -4.0, -8.0, -4.0], [0, 1, 1, 2, 0], [0, 0, 1, 0, 0])
    shares = {name: p.mean for name, p in found.odds.items()}
    assert shares == pytest.approx({
        "stopped rightly": 0.4, "stopped wrongly": 0.2, "went on rightly": 0.2, "went on wrongly": 0.2,
        "stopped by cost overrun": 0.4, "stopped by gaming share": 0.2, "stopped by lift": 0.0,
    })  # fmt: skip
    worth = {name: f.value for name, f in found.worth.items()}
    assert worth == pytest.approx({"all at once": -0.8, "by milestones": -0.4, "with limits": -0.2, "the limits": 0.2})
    assert found.quarters()["stopped"].tolist() == pytest.approx([0.4, 0.6])
    assert "stops rightly in 40.0" in found.headline()[0]


def test_the_study_runs_is_told_and_does_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    # As the other tests here.
    monkeypatch.setattr("simulator.runs.simulate.fit_reference", lambda _scenario: reference(SMALL))
    scenario = parse(SMALL)
    asked = plan(rollout=HALVES, guardrails={"max_cost_overrun": 0.2, "max_gaming_share": 0.1})
    one, other = (rollout(scenario, asked, replications=2, seed=3, chunk=size) for size in (2, 1))
    assert one.to_json() == other.to_json()
    assert "By quarter" in one.text()
    open_ended = replace(one, plan=plan())
    assert open_ended.headline()[0].startswith("No limit is set")


def test_a_rollout_in_steps_needs_two_quarters() -> None:
    short = parse(SMALL).with_({"time.horizon_weeks": 13})
    with pytest.raises(InputError, match=r"time.horizon_weeks = 13: must be at least 26"):
        rollout(short, {"candidate": "full", "design": {"quarters": 1}}, replications=2)
