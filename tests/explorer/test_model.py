"""The explorer's figures are those of a simulation; what does not depend on levers is lived once; stale work stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simulator.core.errors import InputError, SimulatorError
from simulator.metrics.measure import measure
from simulator.reference.fit import Reference
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.load import load
from simulator.scenario.schema import Scenario
from simulator.studies import explore
from simulator.studies.explore import SHOWN, Explorer, Preview, PreviewThread, explorer
from simulator.world.world import World
from tests.engines.quick import quick_reference
from tests.explorer.worlds import AUDIT, LAG, RATE, THRESHOLD, small_world

COUNT = 12
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model() -> Iterator[Explorer]:
    with quick_reference():
        found = explorer(small_world(), [RATE, LAG, AUDIT, THRESHOLD], replications=COUNT)
        assert found.reference is not None
        yield found


def setting(model: Explorer, **moved: float) -> dict[str, float]:
    names = {"rate": RATE, "lag": LAG, "audit": AUDIT, "threshold": THRESHOLD}
    return {**model.start, **{names[name]: value for name, value in moved.items()}}


def simulated_anew(model: Explorer, scenario: Scenario, count: int) -> SimulationResult:
    reference = model.reference.extended(scenario)
    return simulate(scenario, programs=("full",), replications=count, seed=model.seed, reference=reference)


def last(model: Explorer, values: dict[str, float]) -> Preview:
    return list(model.pictures(values))[-1]


@pytest.mark.parametrize("moved", [{}, {"rate": 0.05, "lag": 20.0, "audit": 0.9, "threshold": 90_000.0}])
def test_both_rungs_are_those_of_a_simulation_to_the_cent(model: Explorer, moved: dict[str, float]) -> None:
    values = setting(model, **moved)
    scenario = model.changed(values)
    picture = last(model, values)
    simulated = simulated_anew(model, scenario, COUNT)
    for program, levels in (("full", picture.own), ("baseline", picture.baseline)):
        for level, totals in (("strategic", levels.strategic), ("responsive", levels.responsive)):
            expected = simulated.totals[program, level]
            assert set(totals) == set(expected)
            for name in set(totals) - {"deadweight"}:  # which needs a life under no program
                np.testing.assert_array_equal(totals[name], expected[name], err_msg=f"{program} {level} {name}")
    measured = measure(simulated)
    for metric in SHOWN:
        assert picture.estimate("full", metric) == measured.estimates["full", "strategic", metric]
        assert picture.difference("full", metric) == measured.differences["full", "strategic", metric]


@pytest.mark.parametrize("rate", [0.02, 0.065])
def test_the_first_picture_is_the_static_rung_to_the_cent(model: Explorer, rate: float) -> None:
    last(model, model.start)
    values = setting(model, rate=rate, audit=0.7)
    first = next(model.pictures(values))
    simulated = simulated_anew(model, model.changed(values), 8)
    assert (first.level, first.replications, first.refined) == ("static", 8, False)
    for program in ("full", "baseline"):
        cost = simulated.totals[program, "static"]["cost"] / 100
        np.testing.assert_array_equal(first.each(program, "program_cost"), cost)


def test_pictures_grow_and_errors_shrink(model: Explorer) -> None:
    pictures = list(model.pictures(setting(model, rate=0.06)))
    assert [(p.level, p.replications) for p in pictures] == [
        ("static", 8), ("strategic", 2), ("strategic", 8), ("strategic", COUNT),
    ]  # fmt: skip
    assert [p.refined for p in pictures] == [False, False, False, True]
    widths = [p.difference("full", "program_cost") for p in pictures[1:]]
    spans = [(w.high or 0) - (w.low or 0) for w in widths]
    assert spans[0] > spans[1] > spans[2] > 0


def test_a_further_setting_draws_no_world_and_fits_nothing(model: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    last(model, setting(model, rate=0.04))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("was computed again")

    monkeypatch.setattr(World, "__init__", refuse)
    monkeypatch.setattr(Reference, "__init__", refuse)
    assert last(model, setting(model, rate=0.041)).refined


def test_a_known_setting_comes_back_whole_and_unlived(model: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    before = last(model, setting(model, rate=0.07))
    monkeypatch.setattr(explore, "settle", None)
    (again,) = model.pictures(setting(model, rate=0.07))
    np.testing.assert_array_equal(again.own.strategic["cost"], before.own.strategic["cost"])


def test_work_stops_when_it_is_stale_and_goes_on_later_as_if_it_had_not() -> None:
    with quick_reference():
        broken, whole = (explorer(small_world(), [RATE], replications=4) for _ in range(2))
        values = {RATE: 0.05}
        rounds = 0
        found: list[Preview] = []
        while not (found and found[-1].refined):  # every round is dropped after some weeks, in burn-in or later
            asked = iter(range(30 + rounds))
            found += broken.pictures(values, lambda asked=asked: next(asked, None) is None)  # type: ignore[misc]
            rounds += 1
        assert rounds > 3
        expected = last(whole, values)
    np.testing.assert_array_equal(found[-1].own.strategic["cost"], expected.own.strategic["cost"])
    np.testing.assert_array_equal(found[-1].baseline.strategic["cost"], expected.baseline.strategic["cost"])


def test_a_life_that_is_no_longer_wanted_is_dropped(model: Explorer) -> None:
    last(model, setting(model, rate=0.055))
    assert list(model.pictures(setting(model, rate=0.0551), lambda: True)) == []


def test_the_newest_setting_wins_and_a_bad_one_is_said(model: Explorer) -> None:
    shown: list[Preview] = []
    refused: list[SimulatorError] = []
    done, said = threading.Event(), threading.Event()

    def show(picture: Preview) -> None:
        shown.append(picture)
        if picture.values[RATE] == 0.09 and picture.refined:
            done.set()

    def refuse(error: SimulatorError) -> None:
        refused.append(error)
        said.set()

    thread = PreviewThread(model, show, refuse)
    for rate in (0.081, 0.082, 0.083, 0.09):
        thread.want(setting(model, rate=rate))
    assert done.wait(60)
    assert sum(p.refined for p in shown) == 1
    thread.want(setting(model, rate=2.0))
    assert said.wait(60)
    thread.close()
    assert "at most 1" in str(refused[0]) or "between 0 and 1" in str(refused[0])


def test_levers_are_chosen_where_none_are_named() -> None:
    scenario = small_world()
    chosen = explorer(scenario).levers
    assert chosen.program == "full"
    by_path = {lever.path: lever for lever in chosen.levers}
    assert (by_path[RATE].low, by_path[RATE].high, by_path[RATE].step) == (0.0, 0.06, 0.002)
    assert all(".terms." not in lever.path for lever in chosen.levers[:3])
    named = explorer(scenario, {RATE: (0.01, 0.05), AUDIT: None}).levers
    assert [(lever.low, lever.high) for lever in named.levers] == [(0.01, 0.05), (0.0, 0.6)]


@pytest.mark.parametrize(
    ("levers", "program", "rule"),
    [
        (["programs.full.components.core.rat"], None, "is no path"),
        (["programs.baseline.components.core.rate"], None, "candidate"),
        (["behavior.elasticity"], None, "candidate"),
        ({RATE: (0.05, 0.01)}, None, "above low"),
        (None, "ful", "must be a candidate program"),
    ],
)
def test_what_is_no_lever_is_refused(levers: object, program: str | None, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        explorer(small_world(), levers, program=program)


def test_every_library_scenario_can_be_explored() -> None:
    for path in sorted((ROOT / "scenarios").rglob("*.toml")):
        if not path.name.endswith("_levers.toml") and path.parent.name != "pilots":  # which are plans
            assert explorer(load(path)).levers.levers
