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

How a component shares the credit of a joint deal between its first partner and a second one.

The first partner found the deal or registered the vendor's customer; its contribution is the unit. The second one's is
documented, with error. Credit is divided in whole hundredths, so that the two credits sum to the deal's. Without a
split the first partner has all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.special import expit

from simulator.core.arrays import Array, Bools, Ints, column, take
from simulator.program.base import CreditSplit, SplitRule


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


ALONE, FIRST, SECOND = 0, 1, 2
"""Roles of a claim: of a deal with one partner, of the first partner of a joint deal, of the second."""


@dataclass(frozen=True)
class CompiledSplit:
    """A rule with its numbers, shape (R or 1, 1). signed: whether it is of claims of signed deals, not of stages."""

    rule: SplitRule
    second: Array
    risk_weight: Array
    signed: bool


@dataclass(frozen=True)
class Joint:
    """What is known of joint deals; arrays (n,).

    documented: the second partner's contribution as documented, in units of the first's; at_risk: share of it that was
    given at its own risk (all of the first's is); logits of winning with neither, the first, the second, and both;
    equal: whether a dispute ended in equal shares of the signed deal, None where nothing is disputed.
    """

    documented: Array
    at_risk: Array
    neither: Array
    first: Array
    second: Array
    both: Array
    equal: Bools | None = None

    def take(self, rows: Ints) -> Joint:
        """The facts of some of the deals."""
        parts: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        taken: dict[str, Any] = {name: None if part is None else part[rows] for name, part in parts.items()}
        return Joint(**taken)


def compile_split(split: CreditSplit | None, *, signed: bool) -> CompiledSplit | None:
    """A compiled split; signed: whether it is of claims of signed deals."""
    if split is None:
        return None
    return CompiledSplit(split.rule, column(split.second), column(split.risk_weight), signed)


def second_share(split: CompiledSplit, *, rep: Ints, joint: Joint) -> Array:
    """The second partner's share of each joint deal, (n,); a half where a dispute ended so."""
    share = _by_rule(split, rep, joint)
    return share if joint.equal is None or not split.signed else np.where(joint.equal, 0.5, share)


def _by_rule(split: CompiledSplit, rep: Ints, joint: Joint) -> Array:
    one = np.ones(rep.shape)
    contribution = np.stack((one, joint.documented), axis=-1)
    if split.rule == "fixed":
        return take(split.second, rep)
    if split.rule == "equal":
        return 0.5 * one
    if split.rule == "contribution":
        return by_contribution(contribution)[:, 1]
    if split.rule == "contribution_and_risk":
        at_risk = np.stack((one, joint.documented * joint.at_risk), axis=-1)
        return by_contribution_and_risk(contribution, at_risk, take(split.risk_weight, rep))[:, 1]
    logits = np.stack((joint.neither, joint.first, joint.second, joint.both), axis=-1)
    worth = win_odds_worth(logits, one)
    values = shapley_of_two(worth[:, 1], worth[:, 2], worth[:, 3])
    return as_shares(np.stack(values, axis=-1))[:, 1]
