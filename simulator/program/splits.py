r"""Sharing the credit of a deal, or any worth, among partners.

Shares by rule: equal, by contribution, by contribution and risk borne, or the Shapley
value of a game. A game of n partners is given by its worth v(S) per coalition; with the Harsanyi dividends
d(S) = sum_{T in S} (-1)^(|S|-|T|) v(T) the (weighted) Shapley value is

    phi_i = sum_{S with i} d(S) w_i / sum_{j in S} w_j                  (Shapley 1953; Kalai and Samet 1987)

In the win-odds game a coalition is worth the deal's value times its odds of being won with those partners, beyond its
odds without any of them.

Shares (..., n) sum to 1. Amounts in whole cents are divided by largest remainder (Hamilton): everyone gets the whole
cents of its quota, the cents left go to the largest fractions, of equals to the first partner; so parts sum to the
whole exactly.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from simulator.program.numbers import Array


def equal(count: int) -> Array:
    """Equal shares, (n,)."""
    return np.full(count, 1.0 / count)


def by_contribution(contribution: Array) -> Array:
    """Shares in proportion to documented contributions (..., n), none negative; all to the first where all are 0."""
    total = contribution.sum(axis=-1, keepdims=True)
    first = np.arange(contribution.shape[-1]) == 0
    return np.where(total > 0, contribution / np.where(total > 0, total, 1.0), first)


def by_contribution_and_risk(contribution: Array, at_risk: Array, risk_weight: Array) -> Array:
    """Shares by contribution, and with weight `risk_weight` (...,) by what each partner put at risk; both (..., n)."""
    w = risk_weight[..., None]
    return (1.0 - w) * by_contribution(contribution) + w * by_contribution(at_risk)


def dividends(worth: Array) -> Array:
    """Harsanyi dividends of games (..., 2^n), coalition S at index sum of 2^i over its members i; v(empty) = 0."""
    out = np.array(worth, dtype=float)
    bit = 1
    while bit < out.shape[-1]:
        has = (np.arange(out.shape[-1]) & bit) > 0
        out[..., has] -= out[..., ~has]
        bit *= 2
    return out


def shapley(worth: Array, weights: Array | None = None) -> Array:
    """Shapley value of games (..., 2^n), laid out as in `dividends`; weights (n,) above 0 for the weighted value.

    The values (..., n) sum to the worth of all.
    """
    gains = dividends(worth)
    n = gains.shape[-1].bit_length() - 1
    w = np.ones(n) if weights is None else weights
    members = (np.arange(gains.shape[-1])[:, None] >> np.arange(n)) & 1
    total = members @ w
    parts = members * w / np.where(total > 0, total, 1.0)[:, None]
    return np.asarray(gains @ parts)


def shapley_of_two(first: Array, second: Array, together: Array) -> tuple[Array, Array]:
    """Shapley value of two partners from the worth of each alone and of both: half the surplus each."""
    surplus = 0.5 * (together - first - second)
    return first + surplus, second + surplus


def win_odds_worth(logit: Array, value: Array) -> Array:
    """The win-odds game from log-odds of winning per coalition (..., 2^n) and the deal's value (...,).

    -inf for a coalition that cannot win, such as the empty one for a deal that a partner found.
    """
    odds = expit(logit)
    return np.asarray((odds - odds[..., :1]) * value[..., None])


def as_shares(values: Array) -> Array:
    """Values of a game (..., n) as shares of their sum; negative ones count 0, all to the first where none is above."""
    return by_contribution(np.maximum(values, 0.0))


def divided(amount: Array, shares: Array) -> Array:
    """Whole amounts (...,) in whole parts (..., n) by largest remainder, ties to the first; parts sum to the amount."""
    quota = amount[..., None] * shares
    parts = np.floor(quota)
    left = amount - parts.sum(axis=-1)
    order = np.argsort(-(quota - parts), axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1, kind="stable")
    return np.asarray(parts + (rank < left[..., None]))
