r"""Recognition: a prize for the top n of a quarter, a tournament (Lazear and Rosen 1981).

A partner wins when its result passes the cut-off, the n-th best result of its rivals. With both uncertain and normal,
the price of one more unit of result is the prize times the density at 0 of (own result - cut-off),

    price = W phi(gap / s) / s,   s^2 = s_own^2 + s_cutoff^2,

which is W / (2 sd sqrt(pi)) for two like rivals. Arrays (R, P); results in hundredths.
"""

from __future__ import annotations

import numpy as np

from simulator.program.compiled import Bools, Ints
from simulator.program.numbers import Array

_INV_SQRT_2PI = 0.3989422804014327


def tournament_price(prize: Array, gap: Array, own_sd: Array, cutoff_sd: Array) -> Array:
    """Prize times the density at 0 of (own result - cut-off).

    prize: value of winning to the partner; gap: expected own result less expected cut-off; own_sd, cutoff_sd: their
    standard deviations, not both 0. Price in units of the prize per unit of result.
    """
    sd = np.sqrt(own_sd * own_sd + cutoff_sd * cutoff_sd)
    z = gap / sd
    return prize * (np.exp(-0.5 * z * z) * _INV_SQRT_2PI / sd)


def ranks(result: Array, members: Bools) -> Ints:
    """Rank of each partner by `result` (R, P), best first from 0; ties go by partner number.

    Partners that are no `members` (P,) come after all others.
    """
    order = np.argsort(-np.where(members, result, -np.inf), axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable")
