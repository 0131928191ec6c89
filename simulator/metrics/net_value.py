"""Net value: what the outcome of a program is worth to the vendor, in money, by the scenario's goals.

    net value = margin weight x gross margin + bookings weight x bookings + pipeline weight x pipeline created
              + new_accounts weight x bookings with new customers + named_accounts weight x bookings in named accounts
              + velocity worth x weeks saved + retention worth x customers kept - program cost

With the default goals this is gross margin less program cost. Weeks saved: (baseline's mean cycle - own mean cycle)
x deals won with partners, so that a program that wins more deals is not punished for the weeks they take; 0 where
either won none. This is the one place where goals become money.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array
from simulator.metrics.base import MetricInputs, Totals
from simulator.scenario.schema import Goals

_CENTS = 100.0
_MICRO = 1e-6
_MONEY = {
    "margin": "margin",
    "bookings": "bookings",
    "pipeline": "pipeline",
    "new_accounts": "bookings_new",
    "named_accounts": "bookings_named",
}
"""Goal -> total in cents that it is a worth of."""


def net_value(runs: MetricInputs, goals: Goals) -> Array:
    """Net value of a program in each replication, (N,), in units of the currency."""
    cents = -runs.own["cost"].astype(float)
    for goal, total in _MONEY.items():
        weight = getattr(goals, goal)
        if weight:
            cents = cents + weight * runs.own[total]
    value = cents / _CENTS
    if goals.velocity:
        value = value + goals.velocity * _weeks_saved(runs.own, runs.baseline)
    if goals.retention:
        value = value + goals.retention * runs.own["kept"]
    return np.asarray(value)


def goals_text(goals: Goals) -> str:
    """The goals in words: `1 x gross margin - program cost`."""
    names = {
        "margin": "gross margin",
        "bookings": "bookings",
        "pipeline": "pipeline",
        "new_accounts": "bookings with new customers",
        "named_accounts": "bookings in named accounts",
        "velocity": "weeks saved",
        "retention": "customers kept",
    }
    parts = [(getattr(goals, goal), words) for goal, words in names.items()]
    return (" + ".join(f"{weight:g} x {words}" for weight, words in parts if weight) or "0") + " - program cost"


def _weeks_saved(own: Totals, baseline: Totals) -> Array:
    mine, theirs = (t["won_by_partners"].astype(float) for t in (own, baseline))
    both = (mine > 0) & (theirs > 0)
    before = np.divide(baseline["cycle"], theirs, out=np.zeros_like(theirs), where=both)
    saved = before * mine - own["cycle"]
    return np.asarray(np.where(both, saved, 0.0) * _MICRO)
