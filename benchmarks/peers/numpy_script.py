"""The cut-down model as a plain NumPy script: replication by replication, all deals of a week at once."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.model import Figures, Model


def _replication(m: Model, rng: np.random.Generator) -> Figures:
    rate = m.rate * np.exp(rng.normal(-(m.rate_log_sd**2) / 2, m.rate_log_sd, m.partners))
    quarters = np.zeros((m.horizon // 13, m.partners))
    won, bookings = 0, 0.0
    for week in range(-m.burn_in, m.horizon):
        who = np.repeat(np.arange(m.partners), rng.poisson(rate))
        who = who[rng.random(len(who)) < m.win]
        cycle = m.cycle * np.exp(rng.normal(0, m.cycle_log_sd, len(who)))
        signed = week + rng.random(len(who)) + cycle + rng.exponential(m.signature, len(who))
        amount = np.minimum(m.size * np.exp(rng.normal(0, m.size_log_sd, len(who))), m.size_max).round(2)
        inside = (signed >= 0) & (signed < m.horizon)
        np.add.at(quarters, ((signed[inside] // 13).astype(int), who[inside]), amount[inside])
        won += int(inside.sum())
        bookings += float(amount[inside].sum())
    paid = m.pay * quarters + (m.pay_above - m.pay) * np.maximum(0.0, quarters - m.threshold)
    return won, bookings, float(paid.round(2).sum())


def run(model: Model, replications: int, seed: int) -> list[Figures]:
    """Figures of independent replications."""
    return [_replication(model, np.random.default_rng((seed, r))) for r in range(replications)]
