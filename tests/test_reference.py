"""The reference population, extended by candidates instead of fitted again."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from simulator.core.errors import SimulatorError
from simulator.reference.fit import Reference, ReferenceDesign
from simulator.runs.designs import drawn_values
from simulator.runs.simulate import prepare, simulate
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario
from tests.engines.small import SMALL
from tests.test_engines import RICH

UNCERTAIN = '\n[uncertainty."behavior.elasticity"]\ndistribution = "uniform"\nlow = 0.2\nhigh = 1.0\n'
CHANGED = {"programs.full.components.core.rate": 0.04, "programs.full.components.registered.uplift": 0.02}


def fitted(scenario: Scenario) -> Reference:
    """A reference on a design of eight points, which is enough to tell whether two are the same."""
    unit = (np.arange(8)[:, None] + 0.5) / 8
    return Reference(scenario, ReferenceDesign(unit, drawn_values(scenario, unit)))


@pytest.fixture(scope="module")
def reference() -> Reference:
    return fitted(parse(SMALL + UNCERTAIN))


def test_extended_is_the_same_as_fitted_again(reference: Reference) -> None:
    scenario = with_values(parse(SMALL + UNCERTAIN), CHANGED)
    ids = np.arange(3)
    one, other = (
        prepare(scenario, got, ("full",), 5, ids).offers["full"]
        for got in (reference.extended(scenario), fitted(scenario))
    )
    for a, b in zip(one.forecasts, other.forecasts, strict=True):
        for field in ("credit", "square", "claim", "price", "clawed"):
            assert (getattr(a, field) == getattr(b, field)).all()


def test_extended_can_be_extended_again(reference: Reference) -> None:
    scenario = with_values(parse(SMALL + UNCERTAIN), CHANGED)
    assert reference.extended(scenario).extended(parse(SMALL + UNCERTAIN)).scenario == reference.scenario


def test_a_changed_candidate_changes_what_is_expected_of_it(reference: Reference) -> None:
    scenario = parse(SMALL + UNCERTAIN)
    changed = with_values(scenario, {"programs.full.components.registered.uplift": 0.02})
    ids = np.arange(3)
    old, new = (
        prepare(s, reference.extended(s), ("full",), 5, ids).offers["full"].forecasts for s in (scenario, changed)
    )
    assert not np.allclose(old[1].price, new[1].price)


@pytest.mark.parametrize("path", ["programs.baseline.components.core.rate", "behavior.inert_share"])
def test_another_baseline_or_world_is_refused(reference: Reference, path: str) -> None:
    with pytest.raises(SimulatorError, match="fits another scenario"):
        reference.extended(with_values(parse(SMALL + UNCERTAIN), {path: 0.07}))


def test_what_workers_get_is_small_and_cannot_be_extended(reference: Reference) -> None:
    sent = pickle.loads(pickle.dumps(reference))
    with pytest.raises(SimulatorError, match="came from another process"):
        sent.extended(parse(SMALL + UNCERTAIN))


TIERS = "tiers = [{ above = 100000, rate = 0.08 }]\n"


@pytest.mark.parametrize(
    ("elasticity", "tiers"),
    [(0.5, ""), (1.5, TIERS), (0.5, TIERS + 'tiering = "retroactive"'), (1.5, TIERS + 'tiering = "retroactive"')],
)
def test_activity_is_one_on_average_under_the_baseline(elasticity: float, tiers: str) -> None:
    head = RICH.split("[programs.baseline")[0].replace("count = 7", "count = 40").replace("count = 4", "count = 20")
    text = head + f'[programs.baseline.components.core]\nkind = "revenue_share"\nrate = 0.05\n{tiers}\n'
    scenario = with_values(parse(text), {"behavior.elasticity": elasticity, "behavior.inert_share": 0.0})
    simulated = simulate(scenario, programs=(), replications=12, seed=2)
    totals = simulated.totals["baseline", "responsive"]
    for activity in ("source", "cosell", "enable", "success"):
        assert totals[f"activity.{activity}"].mean() / 1e6 == pytest.approx(1.0, abs=0.02), activity
