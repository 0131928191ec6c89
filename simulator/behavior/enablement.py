"""What enablement does for partners in a week.

Training lets skill follow activity + s. Content in use u = min(1, use q_cosell) makes stages (1 + b u) times as fast.
Log-odds rise by b for deals with named accounts where there is a sponsor, and for complex deals by b access, where
access = min(1, capacity / demand) and demand is the number of open complex deals of all partners on the program at the
week's start. Arrays (R, P); a product of the last state, so who asks first does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.program.support import Supports


@dataclass(frozen=True)
class SupportEffects:
    """skill: added training activity; speed: factor; named, complex: logits; use of content; access to specialists."""

    skill: Array
    speed: Array
    named: Array
    complex: Array
    use: Array
    access: Array


def access(capacity: Array, demand: Array) -> Array:
    """Share of their complex deals that partners get a specialist for: min(1, capacity / demand)."""
    return np.minimum(1.0, capacity / np.maximum(demand, 1e-9))


def help_of(
    given: Iterable[tuple[Supports | None, Bools]], cosell: Array, complex_open: Array
) -> SupportEffects | None:
    """The help that partners get. given: the supports of each program with the partners (R or 1, P) on it.

    cosell: co-sell activity; complex_open: open complex deals, whole numbers; (R, P). None where nobody gets any.
    """
    zero = np.zeros(cosell.shape)
    skill, speed, named, hard, use, eligibility = zero, np.ones(cosell.shape), zero, zero, zero, zero
    some = False
    for supports, members in given:
        if supports is None:
            continue
        some, mine = True, members
        if supports.skill is not None:
            skill = np.where(mine, supports.skill, skill)
        if supports.content is not None:
            faster, usual = supports.content
            use = np.where(mine, np.minimum(1.0, usual * cosell), use)
            speed = np.where(mine, 1.0 + faster * use, speed)
        if supports.sponsor is not None:
            named = np.where(mine, supports.sponsor, named)
        if supports.specialists is not None:
            capacity, win = supports.specialists
            share = access(capacity, np.where(mine, complex_open, 0.0).sum(axis=1, keepdims=True))
            eligibility, hard = np.where(mine, share, eligibility), np.where(mine, win * share, hard)
    return SupportEffects(skill, speed, named, hard, use, eligibility) if some else None


def helped_logit(logit: Array, *, complexity: Ints, account: Ints, hard: Array, named: Array) -> Array:
    """Log-odds with help: account 2 is a named account, complexity 1 a complex deal; shape (n,)."""
    return logit + np.where(complexity == 1, hard, 0.0) + np.where(account == 2, named, 0.0)


def support_cost(supports: Supports, name: str, weeks: Array, partner_weeks: Array) -> Array:
    """Cost of a support in cents, (R or 1,), for the weeks it is given and the weeks of partners that have it."""
    fixed, each = supports.costs[name]
    return np.asarray(np.rint((fixed * weeks + each * partner_weeks) / 52.0)[:, 0])
