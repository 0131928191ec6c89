"""What happens after the sale, and what a partner's post-sale work does to it.

A customer goes live `live / q^e` weeks after signing, where q is the partner's post-sale activity at the signature (1
where the vendor works alone) and e an elasticity. From then on it expands for the first time, and becomes a reference,
after exponential waits that are shortened by the same factor. It counts as retained when it is still a customer after
the market's renewal time. Nothing of this happens once the customer is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Array, Ints, take
from simulator.program.measures import Event

OUTCOMES = (Event.LIVE, Event.RETAINED, Event.EXPANDED, Event.REFERRED)


@dataclass(frozen=True)
class CompiledAfterSale:
    """By market, (R or 1, markets): log of median weeks to go live and its spread, first expansions and references per
    week, money of an expansion as a share of the deal, weeks to renewal. Infinite where a market has none of it."""

    log_live: Array
    live_log_sd: Array
    expansions: Array
    expansion_share: Array
    references: Array
    renewal: Array

    def waits(self, *, rep: Ints, market: Ints, u: Array) -> Array:
        """Weeks at usual activity until live, and from then to expansion and reference, from uniforms (4, n).

        Shape (n, 3).
        """
        with np.errstate(divide="ignore"):
            live = np.exp(take(self.log_live, rep, market) + take(self.live_log_sd, rep, market) * ndtri(u[0]))
            grow = -np.log(u[1]) / take(self.expansions, rep, market)
            refer = -np.log(u[2]) / take(self.references, rep, market)
        return np.stack((live, grow, refer), axis=1)


def outcome_times(
    *, waits: Array, renewal: Array, signed: Array, ends: Array, active: Array, elasticity: Array
) -> Array:
    """When each of `OUTCOMES` happens, in weeks, infinite where it never does; (n, 4). All arguments of length n."""
    with np.errstate(divide="ignore"):
        pace = np.power(active, elasticity)
        live = signed + waits[:, 0] / pace
        times = np.stack((live, signed + renewal, live + waits[:, 1] / pace, live + waits[:, 2] / pace), axis=1)
    return np.where(times < ends[:, None], times, np.inf)


def expansion_amount(amount: Array, share: Array) -> Array:
    """Cents of an expansion of a deal of `amount` cents, at least one."""
    return np.maximum(np.rint(amount * share), 1.0)
