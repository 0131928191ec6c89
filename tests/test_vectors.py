"""Designs: which point and which world each replication has, and studies that go on where they stopped."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from simulator.core.errors import InputError, SimulatorError
from simulator.runs.designs import SOBOL, Crossed, Design, Given, Independent, Sobol
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from tests.engines.small import BASELINE as CORE, HEAD

PATHS = ("behavior.elasticity", "gaming.opportunist_share")
UNCERTAIN = """
[uncertainty."behavior.elasticity"]
distribution = "uniform"
low = 0.2
high = 1.0
[uncertainty."gaming.opportunist_share"]
distribution = "uniform"
low = 0.0
high = 0.5
"""
IDS = np.arange(96)


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(HEAD.replace("opportunist_share = 0.6\n", "") + UNCERTAIN + CORE)


def run(scenario: Scenario, count: int, design: Design | None = None, first: int = 0) -> SimulationResult:
    return simulate(scenario, programs=(), replications=count, seed=5, design=design, first=first)


def equal(a: SimulationResult, b: SimulationResult) -> bool:
    return all(np.array_equal(x, b.totals[key][name]) for key in a.totals for name, x in a.totals[key].items())


@pytest.mark.parametrize("design", [SOBOL, Sobol(8), Independent(), Crossed(6, 16), Crossed(6, 16, Independent())])
def test_a_replication_has_its_point_whatever_is_asked_with_it(design: Design) -> None:
    whole = design.unit(PATHS, 3, IDS)
    assert whole.shape == (96, 2)
    assert ((whole > 0) & (whole < 1)).all()
    for part in (IDS[:5], IDS[40:47], IDS[95:]):
        assert np.array_equal(design.unit(PATHS, 3, part), whole[part])
        assert np.array_equal(design.world_ids(part), design.world_ids(IDS)[part])
    assert np.array_equal(design.unit((*PATHS, "economy.market_log_sd"), 3, IDS)[:, :2], whole)


def test_each_scramble_is_a_net_of_its_own() -> None:
    # Any 2^k first points of a Sobol' sequence, shifted or not, have one point in each of 2^k equal intervals.
    unit = Sobol(8).unit(PATHS, 3, np.arange(8 * 16)).reshape(16, 8, 2)
    for scramble in range(8):
        for column in range(2):
            assert sorted(np.floor(unit[:, scramble, column] * 16)) == list(range(16))
    assert len({tuple(unit[0, s]) for s in range(8)}) == 8
    assert np.array_equal(Sobol(8).unit(PATHS, 3, np.arange(0, 128, 8)), SOBOL.unit(PATHS, 3, np.arange(16)))


def test_points_are_those_of_the_published_sequence() -> None:
    # scipy's Sobol' points use the direction numbers of Joe and Kuo (2008); a shift changes every point alike.
    plain = (qmc.Sobol(2, scramble=False, bits=30).random(16) * 2**30).astype(np.int64)
    mine = (SOBOL.unit(PATHS, 3, np.arange(16)) * 2**30).astype(np.int64)
    assert len(set(map(tuple, plain ^ mine))) == 1


def test_independent_points_are_unrelated() -> None:
    # 4 standard errors of a correlation of 20,000 pairs, 0.0283.
    unit = Independent().unit(PATHS, 3, np.arange(20_000))
    assert abs(np.corrcoef(unit.T)[0, 1]) < 0.0283
    assert abs(np.corrcoef(unit[1:, 0], unit[:-1, 0])[0, 1]) < 0.0283


def test_crossed_meets_every_world_with_every_vector() -> None:
    crossed = Crossed(6, 16)
    points, luck = crossed.unit(PATHS, 3, IDS), crossed.world_ids(IDS)
    assert len({(*p, w) for p, w in zip(points.tolist(), luck.tolist(), strict=True)}) == 96
    assert len({tuple(p) for p in points.tolist()}) == 6
    assert set(luck.tolist()) == set(range(16))


def test_replications_simulated_later_are_the_same(scenario: Scenario) -> None:
    at_once = run(scenario, 12)
    begun = run(scenario, 5)
    later = simulate(scenario, programs=(), replications=7, seed=5, first=5, reference=begun.reference, chunk=3)
    both = begun.extended(later)
    assert equal(both, at_once)
    assert (both.first, both.replications) == (0, 12)
    assert all(np.array_equal(both.values()[path], x) for path, x in at_once.values().items())
    with pytest.raises(SimulatorError, match="only the replications that follow"):
        begun.extended(begun)
    with pytest.raises(SimulatorError, match="only the replications that follow"):
        begun.extended(run(scenario, 2, Independent(), first=5))


def test_a_world_is_met_again_and_a_vector_as_well(scenario: Scenario) -> None:
    # Crossed with one vector is that vector in worlds 0 and 1; the same as stating both.
    crossed = run(scenario, 4, Crossed(2, 2))
    unit = crossed.unit()
    assert unit is not None
    assert np.array_equal(unit[0], unit[1])
    assert equal(crossed, run(scenario, 4, Given(unit, np.array([0, 1, 0, 1]))))
    same = run(scenario, 4, Given(unit[[0, 0, 0, 0]], np.array([0, 1, 0, 1])))
    cost = same.totals["baseline", "strategic"]["cost"]
    assert np.array_equal(cost[:2], cost[2:])
    assert cost[0] != cost[1]
    assert np.array_equal(cost[:2], crossed.totals["baseline", "strategic"]["cost"][:2])


def test_more_replications_than_the_design_has_are_refused(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="replications = 5: the design has 4 from 0 on"):
        run(scenario, 5, Crossed(2, 2))
