"""Tuning: gains that only the search's worlds had are not reported as gains, and every figure says what it rests on.

On a linear world, where nobody responds, tiers cannot earn more than a flat share that costs as much; and where every
setting is worth the same, the best of many is only the luckiest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot

import simulator.studies.base as variants_module
from simulator.core.errors import InputError
from simulator.runs.run_directory import verified
from simulator.scenario.schema import Program
from simulator.stats.estimate import Array, Estimate
from simulator.studies.base import Bench
from simulator.studies.flat_share import flat_share, flat_share_costing
from simulator.studies.levers import Levers, OutcomeLimit, parse_levers
from simulator.studies.optimize import AS_IS, BEST, LINEAR, Optimum, OutOfSampleResult, optimize
from simulator.studies.search import Lever, SearchTrial, search
from tests.decisions.worlds import linear_world

ABOVE = "programs.tiers.components.core.tiers[0].above"
RATE = "programs.tiers.components.core.tiers[0].rate"
COUNT = 200


@pytest.fixture(scope="module")
def tuned(bench: Bench) -> Iterator[Optimum]:
    """Tiers tuned on the linear world, at no less than they cost already."""
    costs = bench.simulate({"x": bench.scenario.programs["tiers"]}).totals["x", "strategic"]["cost"]
    least = 0.9 * float(costs.mean()) / 100
    text = f"""
[levers."{ABOVE}"]
low = 20000
high = 120000
[levers."{RATE}"]
low = 0.06
high = 0.09
step = 0.01
[constraints]
program_cost = {{ at_least = {least:.0f} }}
p_over_budget = {{ at_most = 0.9 }}
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variants_module, "fit_reference", lambda _: bench.reference)
        scenario = linear_world()
        yield optimize(scenario, parse_levers(text, scenario), replications=30, seed=5, evaluations=14)


def test_tiers_gain_nothing_over_a_flat_share_on_a_linear_world(tuned: Optimum) -> None:
    over = tuned.over_linear
    assert over is not None
    assert over.se is not None
    assert over.se > 0
    assert not over.distinguishable
    (line,) = [line for line in tuned.headline() if "flat share" in line]
    assert "gains nothing distinguishable from 0 over that" in line


def test_linear_program_costs_as_much_in_the_search(tuned: Optimum) -> None:
    cost = {name: told.searched.shown["program_cost"].mean or 0.0 for name, told in tuned.retold.items()}
    assert tuned.linear is not None
    assert tuned.linear.reached
    assert cost[LINEAR] == pytest.approx(cost[BEST], rel=0.002)


def _cost(bench: Bench, program: Program) -> Array:
    return bench.simulate({"x": program}).totals["x", "strategic"]["cost"] / 100


def test_a_flat_share_of_equal_cost_is_that_of_the_closed_form(bench: Bench) -> None:
    """Where nobody responds a share r costs r times the partners' revenue in every world: 5 % cost what 5 % cost."""
    cost = _cost(bench, bench.scenario.programs["baseline"])
    found = flat_share_costing(bench, 0.8 * cost)
    assert found.reached
    assert found.rate == pytest.approx(0.04, rel=0.002)
    # No noise is left in the gap, only what the rate is off, to the cent.
    assert found.gap.mean == pytest.approx((found.rate / 0.05 - 0.8) * cost.mean(), abs=1.0)
    assert found.rate_se is not None
    assert found.rate_se < 2e-4


def test_the_error_of_the_flat_share_is_that_of_the_cost_over_the_slope(bench: Bench) -> None:
    """Against a target without luck the cost difference has the error of the cost itself."""
    cost = _cost(bench, flat_share(0.05))
    found = flat_share_costing(bench, np.full(40, 0.625 * cost.mean()))
    expected = found.rate * cost.std(ddof=1) / np.sqrt(40) / cost.mean()
    assert found.rate_se == pytest.approx(expected, rel=0.01)


def test_a_cost_that_no_flat_share_has_is_said(bench: Bench) -> None:
    found = flat_share_costing(bench, np.full(40, 1e9))
    assert not found.reached
    assert found.rate == pytest.approx(1.0)  # the most that a share may be
    assert found.gap.mean is not None
    assert found.gap.mean < 0


def test_constraints_steps_and_fresh_worlds(tuned: Optimum) -> None:
    assert tuned.feasible
    assert tuned.best[RATE] * 100 == pytest.approx(round(tuned.best[RATE] * 100))
    assert tuned.fresh_seed == tuned.seed + 1
    assert (tuned.replications, tuned.fresh_replications) == (30, 60)
    frontier = tuned.frontier()
    assert len(frontier) == len(tuned.searched.trials) <= 14
    assert frontier["efficient"].any()
    assert not (frontier["efficient"] & ~frontier["feasible"]).any()


def test_a_search_is_told_and_saved(tuned: Optimum, tmp_path: Path) -> None:
    text = tuned.text()
    for title in ("Gain on fresh worlds", "one standard error", "core.tiers[0].above", "settings in"):
        assert title in text
    got = json.loads(tuned.to_json())
    assert set(got["programs"]) == {AS_IS, BEST, LINEAR}
    assert got["best"] == tuned.best
    place = tuned.save(tmp_path, plots=False)
    assert verified(place)
    assert json.loads((place / "optimum.json").read_text())["lives"] == tuned.simulated_lives


@pytest.mark.parametrize("kind", ["frontier", "gains", "lever"])
def test_figures(tuned: Optimum, kind: str) -> None:
    ax = tuned.plot(kind)
    assert ax.get_xlabel()
    assert ax.get_title(loc="left")
    pyplot.close("all")


def test_unknown_figures_are_refused(tuned: Optimum) -> None:
    with pytest.raises(InputError, match="did you mean 'gains'"):
        tuned.plot("gain")


# -- all settings worth the same -----------------------------------------------------------------------------------


def _noise(setting: Array, seed: int, rise: float = 0.0) -> SearchTrial:
    """A gain that is luck alone, of an own kind for every setting; `rise` is real."""
    rng = np.random.default_rng([seed, round(float(setting[0]) * 1e6)])
    shown = {name: Estimate(1000.0, 1.0, None, None, None) for name in ("program_cost", "pipeline_lift", "net_value")}
    shown["gaming_loss"] = Estimate(1.0, 0.1, None, None, None)
    return SearchTrial(rng.normal(rise, 1000.0, COUNT), (), shown)


def lucky(rise: float = 0.0) -> Optimum:
    """The luckiest of forty settings, as the search saw it and on fresh luck."""
    levers = (Lever(ABOVE, 0.0, 1.0),)
    searched = search(levers, lambda s: [_noise(x, 1, rise) for x in s], evaluations=40, seed=1, enough=-1e9)
    best = searched.settings[searched.closest]
    told = {
        AS_IS: OutOfSampleResult(AS_IS, _noise(np.array([0.5]), 1), _noise(np.array([0.5]), 2)),
        BEST: OutOfSampleResult(BEST, searched.trials[searched.closest], _noise(best, 2, rise)),
    }
    return Optimum(linear_world(), Levers("tiers", levers), searched, told, None, 1, COUNT, 2, COUNT, 40 * COUNT)


def test_the_luckiest_of_many_shows_a_gain_that_vanishes_on_fresh_worlds() -> None:
    found = lucky()
    best = found.retold[BEST]
    assert best.gain_searched.distinguishable  # the search alone would have been believed
    assert not best.gain.distinguishable
    mean, se = best.curse
    assert mean > 2 * se
    said = " ".join(found.headline())
    assert "gains nothing distinguishable from 0 over the baseline" in said
    assert "winner's curse" in said


def test_a_real_gain_stays() -> None:
    said = " ".join(lucky(rise=500.0).headline())
    assert "On fresh worlds it gains" in said
    assert "nothing distinguishable from 0 over the baseline" not in said


def test_a_constraint_broken_on_fresh_worlds_is_said() -> None:
    found = lucky()
    fresh = SearchTrial(found.retold[BEST].fresh.gain, (5.0,), found.retold[BEST].fresh.shown)
    told = {**found.retold, BEST: OutOfSampleResult(BEST, found.retold[BEST].searched, fresh)}
    limited = Levers("tiers", found.levers.levers, (OutcomeLimit("program_cost", 995.0, 1),))
    broken = Optimum(found.scenario, limited, found.searched, told, None, 1, COUNT, 2, COUNT, 1)
    assert "On fresh worlds it breaks program_cost <= 995: 1,000.0 ± 1.0." in broken.headline()


def test_too_few_evaluations_are_refused(bench: Bench) -> None:
    text = f'[levers."{ABOVE}"]\nlow = 20000\nhigh = 120000\n'
    with pytest.raises(InputError, match="evaluations = 3: must be at least 4"):
        optimize(bench.scenario, parse_levers(text, bench.scenario), evaluations=3)
