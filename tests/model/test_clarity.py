"""A program of more components than the baseline is seen less clearly."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import numpy as np
import pytest

from simulator.core.arrays import Array
from simulator.engines.vector.engine import VectorRun
from simulator.reference.fit import Reference
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from tests.engines.quick import quick_reference
from tests.engines.small import HEAD

SHARE = 'kind = "revenue_share"\nrate = '
TEXT = f"""{HEAD}
[programs.baseline.components.core]
{SHARE}0.05
[programs.three.components.core]
{SHARE}0.05
[programs.three.components.second]
{SHARE}0.01
[programs.three.components.third]
{SHARE}0.02
"""


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with quick_reference():
        yield fit_reference(parse(TEXT))


def prices(reference: Reference, discount: float, program: str) -> list[Array]:
    text = TEXT.replace("[behavior]\n", f"[behavior]\ncomplexity_discount = {discount}\n")
    scenario, fitted = parse(text), copy(reference)
    fitted.scenario = scenario
    stage = prepare(scenario, fitted, ("three",), 5, np.arange(2))
    (accounts,) = VectorRun(stage.world, stage.rollout(program), stage.mode[False]).run(-26, 2).accounts
    return list(accounts.perception.view(2, accounts).price)


def test_prices_fall_with_every_further_component(reference: Reference) -> None:
    """Two components more at .1 each: .9 * .9 = .81 of the price. The baseline's own price stays."""
    for clear, dim in zip(prices(reference, 0.0, "three"), prices(reference, 0.1, "three"), strict=True):
        assert dim / clear == pytest.approx(np.full(clear.shape, 0.81), rel=1e-12)
    (same,), (plain,) = prices(reference, 0.1, "baseline"), prices(reference, 0.0, "baseline")
    assert np.array_equal(same, plain)
