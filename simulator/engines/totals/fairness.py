r"""How fairly pay falls on partners, reduced to whole numbers per replication.

With pay x_i, gross margin brought c_i, X and C their sums over P partners of a replication:

    fair.spread   = 1/2 sum_ij |x_i - x_j|,  fair.everyone = P X      so that their ratio is the Gini coefficient
    fair.moved    = 1/2 sum_i |x_i - c_i X / C|, fair.matched = X     pay that would change hands were it pro rata to c
    fair.game_moved: the same with the Shapley values s_i of partners in the same deals in place of c_i: the margin of
                    a deal of its own, and of a joint deal the share by the win-odds game
    fair.small... partners below the median volume of their segment: how many, paid anything, paid, bookings
    fair.waiting  = sum of pay times its weeks from the window's close to payment, holdbacks included
    fair.gap_median, fair.gap_p90: over partners with bookings, their waiting over bookings

Each engine brings its own ledger, bookings and margins. Order statistics and whole parts keep the sums exact in any
layout.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.core.arrays import Array, Ints, take
from simulator.engines.assignment import ProgramWithForecasts
from simulator.program.credit_splits import CompiledSplit, second_share
from simulator.world.world import World

MICRO = 1e6
_GAME = CompiledSplit("shapley", np.zeros((1, 1)), np.zeros((1, 1)), signed=False)


def fair_totals(
    ledger: dict[str, Ints],
    world: World,
    offers: Sequence[ProgramWithForecasts],
    booked: Array,
    margin: Array,
    worth: Array,
    late: Array,
) -> dict[str, Ints]:
    """Totals of an outcome, (R,).

    booked, margin: cents of the won deals that each partner worked on; worth: its Shapley values of
    them, see `shapley_margins`; late: cent-weeks by which disputes delay its
    payouts, before what is taken back; (R, P).
    """
    cell = np.searchsorted(world.ids, ledger["replication"]) * world.shape[1] + ledger["partner"]
    paid = _summed(world, cell, ledger["paid"])
    waiting = _summed(world, cell, _waiting(ledger, world, offers)) + late.astype(np.int64)
    small = world.volume_z < 0
    all_paid = paid.sum(axis=1)
    moved, total = _moved(paid, margin)
    return {
        "fair.spread": _spread(paid),
        "fair.everyone": all_paid * world.shape[1],
        "fair.moved": moved,
        "fair.game_moved": _moved(paid, worth)[0],
        "fair.matched": np.where(total > 0, all_paid, 0),
        "fair.small": small.sum(axis=1),
        "fair.small_reached": (small & (paid > 0)).sum(axis=1),
        "fair.small_paid": np.where(small, paid, 0).sum(axis=1),
        "fair.small_booked": np.where(small, booked, 0.0).sum(axis=1).astype(np.int64),
        "fair.booked": booked.sum(axis=1).astype(np.int64),
        "fair.waiting": waiting.sum(axis=1),
        "fair.gap_median": _ordered(waiting, booked, 0.5),
        "fair.gap_p90": _ordered(waiting, booked, 0.9),
    }


def shapley_margins(world: World, deal: Ints, cell: Ints, other: Ints, margin: Array) -> Array:
    """Shapley values of partners in the margins (n,) of deals, cents, (R, P).

    cell, other: cells of the first and second partner of each, other -1 where there is none.
    """
    joint = np.flatnonzero(other >= 0)
    second = np.zeros(len(deal))
    if len(joint):
        rep = cell[joint] // world.shape[1]
        share = second_share(_GAME, rep=rep, joint=world.joint_facts(deal[joint], rep))
        second[joint] = np.rint(margin[joint] * share)
    size = world.shape[0] * world.shape[1]
    own: Array = np.bincount(cell, weights=margin - second, minlength=size).astype(float)
    theirs: Array = np.bincount(other[joint], weights=second[joint], minlength=size).astype(float)
    return np.asarray((own + theirs).reshape(world.shape))


def _moved(paid: Ints, brought: Array) -> tuple[Ints, Array]:
    """Pay that would change hands were it pro rata to what partners brought, and the sum of that; (R,)."""
    brought = np.maximum(brought, 0.0)
    total = brought.sum(axis=1)
    pro_rata = brought * (paid.sum(axis=1) / np.where(total > 0, total, 1.0))[:, None]
    moved = np.abs(np.rint(paid - pro_rata)).astype(np.int64).sum(axis=1) // 2
    return np.where(total > 0, moved, 0), total


def _summed(world: World, cell: Ints, value: Ints) -> Ints:
    """Sums by replication and partner, (R, P)."""
    sums = np.bincount(cell, weights=value, minlength=world.shape[0] * world.shape[1])
    return np.rint(sums).astype(np.int64).reshape(world.shape)


def _waiting(ledger: dict[str, Ints], world: World, offers: Sequence[ProgramWithForecasts]) -> Ints:
    """Cents times weeks that each line of a ledger waits from its window's close, whole cent-weeks."""
    weeks = np.zeros(len(ledger["paid"]))
    rep = np.searchsorted(world.ids, ledger["replication"])
    for o, offer in enumerate(offers):
        for k, c in enumerate(offer.program.components):
            rows = (ledger["offer"] == o) & (ledger["component"] == k)
            t, here = c.terms, rep[rows]
            held = take(t.holdback_share, here) * take(t.holdback_weeks, here)
            weeks[rows] = take(t.payout_lag_weeks, here) + held
    return np.rint(ledger["paid"] * weeks).astype(np.int64)


def _spread(paid: Ints) -> Ints:
    """Half the sum of absolute differences of all pairs, from the order: sum of (2 i - P - 1) x_(i)."""
    count = paid.shape[1]
    return np.asarray(np.sort(paid, axis=1) @ (2 * np.arange(1, count + 1) - count - 1))


def _ordered(waiting: Ints, booked: Array, share: float) -> Ints:
    """The order statistic at `share` of waiting over bookings among partners with bookings, in millionths of a week."""
    with_bookings = booked > 0
    ratio = np.where(with_bookings, waiting / np.where(with_bookings, booked, 1.0), -1.0)
    count = with_bookings.sum(axis=1)
    place = booked.shape[1] - count + np.ceil(share * count).astype(np.int64) - 1
    found = np.take_along_axis(np.sort(ratio, axis=1), np.maximum(place, 0)[:, None], axis=1)[:, 0]
    return np.where(count > 0, np.rint(found * MICRO), 0.0).astype(np.int64)
