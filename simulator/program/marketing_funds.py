r"""Co-marketing funds: what of a grant is spent and reimbursed, and what spending does for sourcing.

    odds that a unit stays unspent = u/(1 - u) exp(b lag/13) (v/v_mean)^-c
    sourcing is multiplied by 1 + a (1 - exp(-s/s0))

u is the share that a mean partner leaves when reimbursed at once; lag is in weeks; v is the partner's volume. The
stock s of past spending decays; s and s0 are in years of the partner's usual revenue, so that a unit of money does as
much at a small partner as at a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array

_QUARTER = 13.0


@dataclass(frozen=True)
class MarketingFund:
    """How a fund is used, numbers of shape (R or 1, 1). grant: cents per window on proposal; worth: of a unit spent."""

    grant: Array
    unspent: Array
    lag_effect: Array
    size_effect: Array
    worth: Array

    def spent_share(self, lag: Array, volume: Array) -> Array:
        """Share of a grant that is spent and proved. lag: weeks to reimbursement; volume: over the mean, (R, P)."""
        odds = self.unspent / (1.0 - self.unspent) * np.exp(self.lag_effect * lag / _QUARTER)
        return np.asarray(1.0 / (1.0 + odds * np.power(volume, -self.size_effect)))


def sourcing_lift(stock: Array, most: Array, scale: Array) -> Array:
    """1 + a (1 - exp(-s/s0)); stock and scale in the same unit."""
    return np.asarray(1.0 - most * np.expm1(-stock / scale))
