r"""Recognition: a prize for the top n of a quarter, a tournament (Lazear and Rosen 1981).

A partner wins when its result passes the cut-off, the n-th best result of its rivals. With both uncertain and normal,
the price of one more unit of result is the prize times the density at 0 of (own result - cut-off),

    price = W phi(gap / s) / s,   s^2 = s_own^2 + s_cutoff^2,

which is W / (2 sd sqrt(pi)) for two like rivals. Arrays (R, P); results in hundredths.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools, ranks

_INV_SQRT_2PI = 0.3989422804014327


def tournament_price(prize: Array, gap: Array, own_sd: Array, cutoff_sd: Array) -> Array:
    """Prize times the density at 0 of (own result - cut-off).

    prize: value of winning to the partner; gap: expected own result less expected cut-off; own_sd, cutoff_sd: their
    standard deviations, not both 0. Price in units of the prize per unit of result.
    """
    sd = np.sqrt(own_sd * own_sd + cutoff_sd * cutoff_sd)
    z = gap / sd
    return prize * (np.exp(-0.5 * z * z) * _INV_SQRT_2PI / sd)


def prize_price(value: Array, expected: Array, sd: Array, winners: int, rivals: Bools) -> Array:
    """Price of one more unit of result when the best `winners` of the `rivals` (R or 1, P) get `value`; (R, P).

    expected, sd: forecast of each partner's result. The cut-off of a partner is the forecast of the rival that it must
    beat: the last that would win without it, and for those who would win themselves the first that would not. The
    expected cut-off of many uneven rivals lies somewhat above it. Where all win there is nothing to strive for.
    """
    striving = rivals & (rivals.sum(axis=1, keepdims=True) > winners)
    if not striving.any():
        return np.zeros(expected.shape)
    place = ranks(expected, rivals)
    order = np.argsort(place, axis=1, kind="stable")
    to_beat = np.where(place < winners, order[:, winners, None], order[:, winners - 1, None])
    spread = np.broadcast_to(sd, expected.shape)
    gap = expected - np.take_along_axis(expected, to_beat, axis=1)
    price = tournament_price(value, gap, spread, np.take_along_axis(spread, to_beat, axis=1))
    return np.where(striving, price, 0.0)
