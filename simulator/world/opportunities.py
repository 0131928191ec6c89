"""Opportunities from uniforms: size, odds, stages, cycle and what happens after the sale.

Pure functions of uniforms; who draws them is `simulator.world.world`. A deal passes stage s if u_s < p^(w_s), which
is the same as logit(u_s^(1/w_s)) < logit(p); the left side is drawn once per deal and called its hurdle at stage s.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Array, Ints, take
from simulator.world.setting import Markets

LN2 = 0.6931471805599453


def choose(u: Array, cumulative: Array) -> Ints:
    """Index of the first entry of each row of `cumulative` (n, k) above u (n,)."""
    return np.asarray((u[:, None] >= cumulative[:, :-1]).sum(axis=1), dtype=np.int64)


def log_size(markets: Markets, *, rep: Ints, market: Ints, u: Array, effect: Array) -> Array:
    """Log of deal size in cents, before the upper bound."""
    return take(markets.log_median, rep, market) + effect + take(markets.size_log_sd, rep, market) * ndtri(u)


def amount(markets: Markets, *, rep: Ints, market: Ints, log_cents: Array) -> Array:
    """Deal size in whole cents, at least one cent and at most the segment's largest deal."""
    return np.maximum(np.rint(np.minimum(np.exp(log_cents), take(markets.size_max, rep, market))), 1.0)


def size_logit(markets: Markets, *, rep: Ints, market: Ints, log_cents: Array) -> Array:
    """Change of the log-odds of winning by size, from the slope in log size and the segment's median."""
    capped = np.minimum(log_cents, np.log(take(markets.size_max, rep, market)))
    return take(markets.win_slope, rep, market) * (capped - take(markets.log_median, rep, market))


def hurdles(weights: Array, u: Array) -> Array:
    """logit(u^(1/w)) by stage; weights and u of shape (n, 4). A stage of weight 0 is always passed (-inf)."""
    with np.errstate(divide="ignore"):
        log_power = np.log(u) / weights
        return log_power - np.log(-np.expm1(log_power))


def cycle(markets: Markets, *, rep: Ints, market: Ints, complexity: Ints, u: Array) -> Array:
    """Weeks from opportunity to decision at usual co-sell intensity."""
    weeks = np.exp(take(markets.log_cycle, rep, market) + take(markets.cycle_log_sd, rep, market) * ndtri(u))
    return np.where(complexity == 1, weeks * take(markets.complex_cycle, rep, market), weeks)


def mean_intensity(*, work: Array, since: Array, now: Array, start: Array) -> Array:
    """Average co-sell intensity of a deal since it was found.

    work: integral of the partner's intensity up to time `now`; since: the same at the deal's start; times in weeks.
    A deal found just now has usual intensity, 1.
    """
    simulated = now - start
    if (simulated > 0).all():
        return (work - since) / simulated
    return np.where(simulated > 0, (work - since) / np.where(simulated > 0, simulated, 1.0), 1.0)


def win_logit(*, base: Array, cosell_win: Array, intensity: Array) -> Array:
    """Log-odds of winning with co-sell work; intensity 1 is usual and leaves the base as it is."""
    return base + cosell_win * (np.log1p(intensity) - LN2)


def speed(intensity: Array, elasticity: Array) -> Array:
    """Factor by which stages are faster than usual; 1 at intensity 1, at least 1/4."""
    return np.maximum(np.power(0.5 * (1.0 + intensity), elasticity + 0.0 * intensity), 0.25)
