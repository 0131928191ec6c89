"""Assignments: who is on the candidate when, by hand and by what every design must keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.core.streams import Streams
from simulator.pilots.assignment import PartnerHistory, PilotAssignment, assign
from simulator.pilots.plan import Plan
from simulator.scenario.load import parse
from simulator.world.setting import compile_setting
from simulator.world.world import World

TWO = """
name = "two territories"
[time]
horizon_weeks = 52
burn_in_weeks = 52
[markets.mid]
size_median = 30000
size_max = 2000000
[territories.north]
vendor_opportunities_per_year = 10
markets = { mid = 1.0 }
[territories.south]
vendor_opportunities_per_year = 10
markets = { mid = 1.0 }
[partners.reseller]
count = COUNT
territory = "north"
opportunities_per_year = 10
markets = { mid = 1.0 }
[partners.agent]
count = 8
territory = "south"
opportunities_per_year = 10
markets = { mid = 1.0 }
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
"""


def world(replications: int = 200, count: int = 8, **values: float) -> World:
    scenario = parse(TWO.replace("COUNT", str(count))).with_({k.replace("__", "."): v for k, v in values.items()})
    return World(compile_setting(scenario), Streams(5), np.arange(replications))


def history(w: World) -> PartnerHistory:
    """Partners of rising size, all with opportunities from the start."""
    size = np.broadcast_to(100.0 * np.arange(w.shape[1]), w.shape)
    return PartnerHistory(size, np.full(w.shape, -52.0))


def drawn(
    w: World, *, eligible: dict[str, Any] | None = None, beside: tuple[str, ...] = (), **design: Any
) -> PilotAssignment:
    plan = {"candidate": "any", "eligible": eligible or {}, "design": {"quarters": 4, **design}, "other_arms": beside}
    return assign(w, Plan.model_validate(plan), history(w))


@pytest.fixture(scope="module")
def w() -> World:
    return world()


def test_parallel_groups_have_their_share_and_everybody_the_same_chance(w: World) -> None:
    a = drawn(w, treated_share=0.25)
    on = a.treated[..., 0]
    assert np.all(on.sum(axis=1) == 4)
    assert np.all(a.treated == on[..., None])
    assert a.observed.all()
    error = np.sqrt(0.25 * 0.75 / w.shape[0])
    assert np.all(np.abs(on.mean(axis=0) - 0.25) < 4 * error)
    assert np.array_equal(a.schedule, np.repeat(on[..., None], 52, axis=2))


def test_arms_are_alike_in_size_and_open_to_all_and_others_are_not_observed(w: World) -> None:
    """Of 16 partners a quarter each on three programs; those of the second and third are out of the comparison."""
    a = drawn(w, treated_share=0.25, beside=("other", "third"), assignment="stratified")
    arm = a.schedule[..., 0]
    assert all(np.all((arm == k).sum(axis=1) == 4) for k in range(4))
    assert np.array_equal(a.observed, np.repeat((arm <= 1)[..., None], 4, axis=2))
    assert np.array_equal(a.treated, np.repeat((arm == 1)[..., None], 4, axis=2))
    assert a.takes_part.all()
    error = np.sqrt(0.25 * 0.75 / w.shape[0])
    for k in range(4):
        assert np.all(np.abs((arm == k).mean(axis=0) - 0.25) < 4 * error)
        assert (np.abs((arm == k)[:, :8].sum(axis=1) - 2) <= 1).all(), "every arm has its part of each segment"


def test_of_an_odd_number_each_still_has_its_chance(w: World) -> None:
    """Of five agents two or three are on it, each in half of the pilots."""
    on = drawn(w, eligible={"segments": ["agent"], "max_size": 1200.0}).treated[:, 8:13, 0]
    assert set(on.sum(axis=1).tolist()) == {2, 3}
    assert np.all(np.abs(on.mean(axis=0) - 0.5) < 4 * np.sqrt(0.25 / w.shape[0]))


def test_strata_are_balanced_and_pairs_are_of_neighbours_in_size(w: World) -> None:
    a = drawn(w, assignment="stratified")
    assert all((a.treated[..., 0] & (a.stratum == s)).sum(axis=1).tolist() == [2] * 200 for s in np.unique(a.stratum))
    assert a.stratum[0].tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    a = drawn(w, assignment="matched_pairs", eligible={"min_size": 100.0})
    # 15 partners: 1 and 2, ..., 13 and 14 are pairs, and 15, the largest agent, is left over.
    assert a.stratum[0, 1:15].tolist() == [k // 2 for k in range(14)]
    assert not a.observed[:, [0, 15]].any()
    assert not a.schedule[:, [0, 15]].any()
    for pair in range(7):
        assert np.all((a.treated[..., 0] & (a.stratum == pair) & a.takes_part).sum(axis=1) == 1)


def test_a_territory_goes_as_one(w: World) -> None:
    a = drawn(w, unit="territory")
    assert np.array_equal(a.cluster[0], [0] * 8 + [1] * 8)
    north, south = a.treated[:, :8, 0], a.treated[:, 8:, 0]
    assert np.all(north == north[:, :1])
    assert np.all(south == south[:, :1])
    assert np.all(north[:, 0] != south[:, 0])


def test_steps_of_a_wedge_start_one_after_another(w: World) -> None:
    """16 partners in 3 groups over 4 quarters: groups of 6, 5, 5 start in quarters 1, 2 and 3."""
    a = drawn(w, assignment="stepped_wedge", steps=3)
    assert a.treated.sum(axis=1).tolist() == [[0, 6, 11, 16]] * 200
    assert np.all(np.diff(a.treated.astype(int), axis=2) >= 0)
    assert a.schedule[0].sum(axis=0).tolist() == [0] * 13 + [6] * 13 + [11] * 13 + [16] * 13


def test_a_switchback_turns_and_turns_back(w: World) -> None:
    a = drawn(w, assignment="switchback", steps=4)
    assert np.all(a.treated.sum(axis=1) == 8)
    assert np.array_equal(a.treated[..., 0], ~a.treated[..., 1])
    assert np.array_equal(a.treated[..., 0], a.treated[..., 2])


def test_who_may_take_part(w: World) -> None:
    a = drawn(w, eligible={"segments": ["agent"], "max_size": 1200.0}, partners=4)
    assert np.all(a.takes_part.sum(axis=1) == 4)
    assert not a.takes_part[:, :8].any()
    assert not a.takes_part[:, 13:].any()
    assert not (a.observed & ~a.takes_part[..., None]).any()
    plan = Plan.model_validate({"candidate": "any", "eligible": {"tenure_quarters": 3}, "design": {"quarters": 1}})
    since = np.where(np.arange(16) % 2, -38.0, -39.0) + np.zeros(w.shape)
    assert np.array_equal(assign(w, plan, PartnerHistory(np.ones(w.shape), since)).takes_part, since == -39.0)


def test_who_drops_out_is_back_on_the_baseline_and_no_longer_seen() -> None:
    """At a hazard of 0.2 per quarter, 0.8^4 are there to the end; in each quarter left, in both groups alike."""
    w = world(pilot__drop_out=0.2)
    a = drawn(w)
    left = 0.8 ** np.arange(1, 5)
    assert np.all(
        np.abs(a.observed.mean(axis=(0, 1)) - left) < 4 * np.sqrt(left * (1 - left) / a.observed[..., 0].size)
    )
    weeks = a.observed.repeat(13, axis=2)
    on = a.treated.repeat(13, axis=2)
    assert np.array_equal(weeks & on, weeks & (a.schedule == 1))
    gone = ~a.observed[..., 0]
    assert not a.schedule[gone][:, 13:].any()
    assert a.schedule[gone][:, :13].any()
    to_the_end = [a.observed[..., 3][group].mean() for group in (a.treated[..., 0], ~a.treated[..., 0])]
    assert abs(to_the_end[0] - to_the_end[1]) < 4 * np.sqrt(left[3] * (1 - left[3]) * 4 / gone.size)
    assert np.array_equal(a.treated, drawn(world()).treated), "dropping out changes no assignment"


def test_draws_do_not_depend_on_the_other_replications_or_partners() -> None:
    few, many = drawn(world(3)), drawn(world(5))
    assert np.array_equal(few.schedule, many.schedule[:3])
    one, more = world(3, count=8).marks("assignment"), world(3, count=9).marks("assignment")
    assert np.array_equal(one, np.delete(more, 8, axis=2))
