"""Discount dumping: buying the win with the vendor's price where pay does not fall with the price.

A partner that holds price authority may concede a share delta of the price when it makes its proposal. With W(delta)
what the signed deal is then worth to it (pay and own margin) and p(delta) its chance, p = logistic(L + b delta)^w over
what is left of the odds, the concession gains

    p(delta) W(delta) - W(0) max(p(0), p(delta) (1 - delta)).

The usual price is taken to be the best one for whom all value falls with the price; the second term is what such a
partner could have. So pay that is linear in net revenue never leads to a concession.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from simulator.core.arrays import Array

LEVELS = 4
"""Concessions that are weighed: equal steps up to the largest."""


def concessions(amount: Array, largest: Array) -> Array:
    """Cents conceded by option on deals of `amount` (n,), none first; (n, LEVELS + 1)."""
    steps = np.arange(LEVELS + 1) / LEVELS
    return np.rint(amount[:, None] * (largest[:, None] * steps))


def chances(logit: Array, discount: Array, sensitivity: Array, weight: Array) -> Array:
    """Chance of winning by option. logit, sensitivity, weight (n,): log-odds now, their rise per unit of discount, and
    the share of them that is still undecided; discount (n, options)."""
    return np.power(expit(logit[:, None] + sensitivity[:, None] * discount), weight[:, None] + np.zeros(discount.shape))


def concession_gains(chance: Array, worth: Array, discount: Array, cost: Array) -> Array:
    """Expected gain of each option against the usual price (n, options); cost (n,): own cost of a concession.

    A concession costs at least ten cents, so that the rounding of claims to cents never decides.
    """
    usual = worth[:, :1] * np.maximum(chance[:, :1], chance * (1.0 - discount))
    return np.where(discount > 0, chance * worth - usual - np.maximum(cost, 10.0)[:, None], 0.0)
