"""Candidates at equal expected cost, against the closed form of a linear program.

Where nobody responds, a flat rate r costs r times the partners' revenue in every world, so the rate that costs as much
as the baseline's 5 % is 5 %, and the scale of an 8 % rate is .05/.08 = .625, with error 0 but for cents.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.scenario.paths import value_at
from simulator.studies.equal_cost import cost_in, equal_cost, levers_of, with_levels
from simulator.studies.variants import Bench, variant
from tests.decisions.worlds import linear_world

FLAT = "programs.flat.components.core.rate"
TIERS = ("programs.tiers.components.core.rate", "programs.tiers.components.core.tiers[0].rate")


def test_a_flat_rate_is_scaled_to_the_closed_form(bench: Bench) -> None:
    (found,) = equal_cost(bench, {"flat": (FLAT,)})
    assert found.reached
    assert found.scale == pytest.approx(0.625, rel=0.002)
    assert found.values == {FLAT: pytest.approx(0.05, rel=0.002)}
    # The gap is 8 % times the scale's distance from .625, to the cent: no noise is left in it.
    cost = cost_in(bench.simulate({"flat": bench.scenario.programs["flat"]}), "flat").mean()
    assert found.gap.mean == pytest.approx((found.scale - 0.625) * cost, abs=1.0)
    assert found.se is not None
    assert found.se < 2e-3


def test_a_given_target_is_met_by_several_levers_scaled_together(bench: Bench) -> None:
    """Both rates times s cost s times as much, so a target of half the cost is met at s = 1/2."""
    cost = cost_in(bench.simulate({"tiers": bench.scenario.programs["tiers"]}), "tiers")
    (found,) = equal_cost(bench, {"tiers": TIERS}, target=cost / 2)
    assert found.reached
    assert found.scale == pytest.approx(0.5, rel=0.002)
    levelled = with_levels(bench.scenario, [found])
    assert [value_at(levelled, p) for p in TIERS] == [found.values[p] for p in TIERS]


def test_the_error_of_the_scale_is_that_of_the_cost_over_the_slope(bench: Bench) -> None:
    """Against a target without luck the cost difference has the error of the cost itself."""
    cost = cost_in(bench.simulate({"flat": bench.scenario.programs["flat"]}), "flat")
    (found,) = equal_cost(bench, {"flat": (FLAT,)}, target=np.full(40, 0.625 * cost.mean()))
    expected = found.scale * cost.std(ddof=1) / np.sqrt(40) / cost.mean()
    assert found.se == pytest.approx(expected, rel=0.01)
    assert found.value_se(FLAT) == pytest.approx(expected * 0.08, rel=0.01)


def test_a_threshold_is_a_lever_that_costs_less_when_it_rises(bench: Bench) -> None:
    path = "programs.tiers.components.core.tiers[0].above"
    middle = variant(bench.scenario, "tiers", {path: 120_000.0})
    target = cost_in(bench.simulate({"middle": middle}), "middle")
    (found,) = equal_cost(bench, {"tiers": (path,)}, target=target)
    assert found.reached
    assert abs((found.gap.mean or 0.0) / found.target) <= 0.002


def test_what_cannot_be_reached_is_said(bench: Bench) -> None:
    (dear,) = equal_cost(bench, {"flat": (FLAT,)}, target=np.full(40, 1e9))
    assert not dear.reached
    assert dear.values[FLAT] == pytest.approx(1.0)  # the most that a rate may be
    assert dear.gap.mean is not None
    assert dear.gap.mean < 0


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("programs.flat.components.core.rat", "is no path of the scenario (did you mean"),
        ("behavior.elasticity", "must lead into a candidate program"),
        ("programs.baseline.components.core.rate", "must lead into a candidate program"),
        ("programs.flat.components.core.kind", "must be a number above 0"),
        ("programs.flat.components.core.terms.audit_rate", "must be a number above 0"),
    ],
)
def test_paths_that_cannot_be_scaled(path: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        levers_of(linear_world(), [path, FLAT])
    assert message in str(caught.value)


def test_paths_are_gathered_by_candidate() -> None:
    assert levers_of(linear_world(), [FLAT, *TIERS]) == {"flat": (FLAT,), "tiers": TIERS}
