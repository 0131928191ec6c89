"""How a component shares the credit of a joint deal between its first partner and a second one.

The first partner found the deal or registered the vendor's customer; its contribution is the unit. The second one's is
documented, with error. Credit is divided in whole hundredths, so that the two credits sum to the deal's. Without a
split the first partner has all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.program import splits
from simulator.program.numbers import Array, Numbers
from simulator.program.spec import Split, SplitRule

if TYPE_CHECKING:
    from simulator.program.compiled import Component

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

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


def compile_split(split: Split | None, number: Numbers, *, signed: bool) -> CompiledSplit | None:
    """A split's numbers, read below `split`."""
    if split is None:
        return None
    return CompiledSplit(split.rule, number("split.second"), number("split.risk_weight"), signed)


def second_share(split: CompiledSplit, *, rep: Ints, joint: Joint) -> Array:
    """The second partner's share of each joint deal, (n,); a half where a dispute ended so."""
    share = _by_rule(split, rep, joint)
    return share if joint.equal is None or not split.signed else np.where(joint.equal, 0.5, share)


def _by_rule(split: CompiledSplit, rep: Ints, joint: Joint) -> Array:
    one = np.ones(rep.shape)
    contribution = np.stack((one, joint.documented), axis=-1)
    if split.rule == "fixed":
        return _of(split.second, rep)
    if split.rule == "equal":
        return 0.5 * one
    if split.rule == "contribution":
        return splits.by_contribution(contribution)[:, 1]
    if split.rule == "contribution_and_risk":
        at_risk = np.stack((one, joint.documented * joint.at_risk), axis=-1)
        return splits.by_contribution_and_risk(contribution, at_risk, _of(split.risk_weight, rep))[:, 1]
    logits = np.stack((joint.neither, joint.first, joint.second, joint.both), axis=-1)
    worth = splits.win_odds_worth(logits, one)
    values = splits.shapley_of_two(worth[:, 1], worth[:, 2], worth[:, 3])
    return splits.as_shares(np.stack(values, axis=-1))[:, 1]


def own_credit(component: Component, *, rep: Ints, credit: Array, role: Ints, joint: Callable[[Ints], Joint]) -> Array:
    """What is left to the claim's own partner of the credit (n,) of its deal. joint: facts of the claims at places."""
    split, registration = component.split, component.registration
    if split is None:
        second = None if registration is None else registration.second
        theirs = np.zeros(credit.shape) if second is None else np.rint(credit * _of(second, rep))
        return np.where(role == SECOND, theirs, credit)
    at = np.flatnonzero((role != ALONE) & (credit > 0))
    if not len(at):
        return credit
    share = second_share(split, rep=rep[at], joint=joint(at))
    parts = splits.divided(credit[at], np.stack((1.0 - share, share), axis=-1))
    out = credit.copy()
    out[at] = np.where(role[at] == SECOND, parts[:, 1], parts[:, 0])
    return out


def _of(value: Array, rep: Ints) -> Array:
    return np.full(rep.shape, value[0, 0]) if value.shape[0] == 1 else value[rep, 0]
