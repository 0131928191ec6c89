"""Made-up outcomes of a simulation, for tests of what is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.runs.simulate import RESPONSE_LEVELS, SimulationResult, Totals
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from tests.scenario.texts import SMALL

BUDGET = "\n[budget]\nper_year = 200_000.0\n"
PROGRAMS = ("baseline", "growth")
_PLAIN = (
    "accrued", "forfeited", "clawed_back", "paid", "penalty", "audit", "admin", "cost", "cost.core",
    "deadweight", "qualified", "pipeline", "bookings", "bookings_new", "bookings_named", "conceded", "margin",
    "won", "kept", "won_by_partners", "lost_by_partners", "cycle", "sourced", "registered_vendor",
    "claimed_vendor", "open", "certified", "false_claims", "split", "bundled", "pulled", "pushed", "activity.source",
    "tier.registered", "tier.gold", "partners",
    "fair.spread", "fair.everyone", "fair.moved", "fair.matched", "fair.small", "fair.small_reached", "fair.small_paid",
    "fair.small_booked", "fair.booked", "fair.waiting", "fair.gap_median", "fair.gap_p90",
    "fair.game_moved", "disputes", "disputes.cost",
)  # fmt: skip
Column = int | list[int] | NDArray[Any]


def scenario(budget: bool = True) -> Scenario:
    """Two programs, 26 weeks; a budget of 100,000 for the horizon if asked for."""
    return parse(SMALL + (BUDGET if budget else ""))


def totals(count: int, **given: Column) -> dict[str, NDArray[np.int64]]:
    """All totals of a program on a rung: 0 but for those given; `__` in a name stands for a dot."""
    zero = np.zeros(count, dtype=np.int64)
    made = {name.replace("__", "."): zero + np.asarray(value, dtype=np.int64) for name, value in given.items()}
    return {name: made.get(name, zero) for name in _PLAIN}


def lively(count: int, seed: int, rise: float = 1.0) -> dict[str, NDArray[np.int64]]:
    """Totals that vary over replications and hang together."""
    luck = np.random.default_rng(seed).gamma(4.0, size=(3, count)) * rise
    bookings, cost = np.rint(luck[0] * 2e8), np.rint(luck[1] * 2.2e6)
    won = 10 + np.rint(luck[2] * 3)
    return totals(
        count, accrued=cost, paid=cost, cost=cost, cost__core=cost, deadweight=np.rint(cost / 2),
        pipeline=3 * bookings, qualified=4 * won, bookings=bookings, margin=np.rint(bookings * 0.7),
        won=won, kept=np.rint(won * 0.9), won_by_partners=won, lost_by_partners=3 * won,
        cycle=won * 12_000_000, partners=9, tier__registered=7, tier__gold=2, activity__source=1_000_000,
    )  # fmt: skip


def simulated(count: int = 40, *, seed: int = 1, budget: bool = True, same: bool = False) -> SimulationResult:
    """Baseline and growth on all rungs; growth pays and sells more, and is gamed when strategic.

    same: growth has the very outcomes of the baseline.
    """
    made: Totals = {}
    for level in RESPONSE_LEVELS:
        baseline = lively(count, seed)
        growth = baseline if same else lively(count, seed, rise=1.25)
        if level == "strategic" and not same:
            growth = {**growth, "cost": growth["cost"] + 300_000 * (np.arange(count) % 3 == 0)}
            growth["cost.core"] = growth["cost"]
        made |= {
            ("none", level): totals(count, partners=9),
            ("baseline", level): baseline,
            ("growth", level): growth,
        }
    return SimulationResult(scenario(budget), PROGRAMS, seed, count, "vector", made)
