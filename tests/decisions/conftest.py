"""Worlds that the tests of decisions share: their reference population is fitted once."""

from __future__ import annotations

import pytest

from simulator.studies.base import Bench
from tests.decisions.worlds import linear_bench


@pytest.fixture(scope="session")
def bench() -> Bench:
    """40 replications of the linear world."""
    made = linear_bench()
    assert made.reference.scenario == made.scenario  # fitted here, so that tests can put it in place of a fit
    return made
