"""A short life of a small scenario, settled: what single terms do to a ledger when nothing else may move."""

from __future__ import annotations

import numpy as np

from simulator.engines.ledger import RunOutcome
from simulator.runs.simulate import RESPONSE_LEVELS, fit_reference, prepare, vector_outcomes
from simulator.scenario.load import parse
from tests.engines.quick import quick_reference

STILL = """
name = "still"
[time]
horizon_weeks = 39
burn_in_weeks = 52
[markets.mid]
size_median = 30000
size_max = 2000000
cycle_weeks = 6
churn_per_year = 1.0
[territories.north]
vendor_opportunities_per_year = 40
markets = { mid = 1.0 }
[partners.reseller]
count = 4
territory = "north"
markets = { mid = 1.0 }
opportunities_per_year = 60
[behavior]
elasticity = 0.0
[gaming]
opportunist_share = 0.0
[programs.baseline]
"""
"""Nobody responds and nobody games, so that programs differ in payout alone."""


def simulated(programs: str, head: str = STILL, level: str = "responsive", reps: int = 2) -> dict[str, RunOutcome]:
    """Outcomes of the programs of a text on a rung."""
    assert level in RESPONSE_LEVELS
    with quick_reference():
        scenario = parse(head + programs)
        names = tuple(scenario.programs)
        stage = prepare(scenario, fit_reference(scenario), names, 3, np.arange(reps))
        return {name: outcome for (name, at), outcome in vector_outcomes(stage, names) if at == level}


def share(name: str, more: str = "", rate: float = 0.05) -> str:
    """A program of one revenue share."""
    return f'[programs.{name}.components.c]\nkind = "revenue_share"\nrate = {rate}\n{more}\n'


def rows(outcome: RunOutcome, *columns: str) -> list[tuple[int, ...]]:
    """Ledger lines as tuples of the columns, in order."""
    return list(zip(*(outcome.ledger[c].tolist() for c in columns), strict=True))
