r"""A payout schedule: payout as a piecewise linear function of attainment, with jumps.

    S(x) = b_0 x + sum_j c_j max(0, x - T_j) + sum_j J_j 1[x >= T_j]

with thresholds T_j, slope changes c_j = b_j - b_{j-1} and jumps J_j. A retroactive rate is a slope change with the
jump c_j T_j, a lump bonus a jump alone. Against a normal outcome N(x, s^2) the expected payout is a sum of Bachelier
calls and digitals,

    G(x) = b_0 x + sum_j c_j s [z_j Phi(z_j) + phi(z_j)] + sum_j J_j Phi(z_j),   z_j = (x - T_j) / s,

and the price of one more claim of size d is [G(x + d) - G(x)] / d.

Attainment and payout are in hundredths (cents of money, hundredths of a claim), so slopes are payout per unit.
Every array broadcasts over (replications, partners).

From a ladder of rates to the knots of a schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from simulator.core.arrays import Array, Bools, column

T = TypeVar("T", bound=np.generic)

_INV_SQRT_2PI = 0.3989422804014327
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Knot:
    """One threshold: at `at` the slope changes by `change` and the payout jumps by `jump`."""

    at: Array
    change: Array
    jump: Array


@dataclass(frozen=True)
class Schedule:
    """Payout as a function of attainment.

    base: slope below the first threshold, at least 0. floor: payouts below it are not made. cap: payouts end there
    (inf: none). retroactive: every slope change also applies to the attainment below its threshold.
    """

    base: Array
    knots: tuple[Knot, ...] = ()
    floor: Array | None = None
    cap: Array | None = None
    retroactive: bool = False

    @property
    def linear(self) -> bool:
        """Whether payout is proportional to attainment everywhere."""
        return not self.knots and self.floor is None and self.cap is None

    def scaled(self, reference: Array) -> Schedule:
        """The schedule with its thresholds in units of `reference` (a quota, last year's result)."""
        return replace(self, knots=tuple(replace(k, at=k.at * reference) for k in self.knots))

    def payout(self, attainment: Array) -> Array:
        """S(attainment), limits applied, unrounded."""
        total = self.base * attainment
        for knot in self._explicit():
            reached = attainment >= knot.at
            total = total + np.where(reached, knot.change * (attainment - knot.at) + knot.jump, 0.0)
        if self.cap is not None:
            total = np.minimum(total, self.cap)
        if self.floor is not None:
            total = np.where(total >= self.floor, total, 0.0)
        return total

    def smooth(self) -> Schedule:
        """An equal schedule whose limits and retroactive rates are written out as knots, as prices need it."""
        plain = replace(self, knots=self._explicit(), retroactive=False)
        return plain if self.cap is None and self.floor is None else _limited(plain)

    def _explicit(self) -> tuple[Knot, ...]:
        if not self.retroactive:
            return self.knots
        return tuple(replace(k, jump=k.jump + k.change * k.at) for k in self.knots)


def expected_payout(schedule: Schedule, mean: Array, sd: Array) -> Array:
    """G(mean): expected payout of a smooth `schedule` when attainment is N(mean, sd^2)."""
    total = schedule.base * mean
    for knot in schedule.knots:
        z = (mean - knot.at) / sd
        cdf = ndtr(z)
        pdf = np.exp(-0.5 * z * z) * _INV_SQRT_2PI
        total = total + knot.change * sd * (z * cdf + pdf) + knot.jump * cdf
    return total


def claim_price(schedule: Schedule, mean: Array, sd: Array, claim: Array) -> Array:
    """[G(mean + claim) - G(mean)] / claim of a smooth `schedule`: what one more claim pays per unit of it."""
    gain = np.zeros(np.broadcast_shapes(mean.shape, sd.shape, claim.shape))
    for knot in schedule.knots:
        z0 = (mean - knot.at) / sd
        z1 = (mean + claim - knot.at) / sd
        c0 = ndtr(z0)
        c1 = ndtr(z1)
        p0 = np.exp(-0.5 * z0 * z0)
        p1 = np.exp(-0.5 * z1 * z1)
        call = (z1 * c1 - z0 * c0) + _INV_SQRT_2PI * (p1 - p0)
        gain = gain + knot.change * sd * call
        if knot.jump.any():
            gain = gain + knot.jump * (c1 - c0)
    return schedule.base + gain / claim


def payout_slope(schedule: Schedule, mean: Array, sd: Array) -> tuple[Array, Array]:
    """First and second derivative of `expected_payout` in the mean (delta and gamma)."""
    delta = schedule.base + 0.0 * mean
    gamma = 0.0 * mean
    for knot in schedule.knots:
        z = (mean - knot.at) / sd
        pdf = np.exp(-0.5 * z * z) * _INV_SQRT_2PI
        delta = delta + knot.change * ndtr(z) + knot.jump * pdf / sd
        gamma = gamma + knot.change * pdf / sd - knot.jump * z * pdf / (sd * sd)
    return delta, gamma


def expected_square(schedule: Schedule, mean: Array, sd: Array) -> Array:
    """E[S(X)^2] of a smooth `schedule` when attainment is N(mean, sd^2): the second moment of the payout.

    Summed over the pieces v + b (x - a) by the moments of a normal cut off at the ends of each piece.
    """
    pieces = segments(schedule)
    below, above = (pieces.start - mean) / sd, (pieces.end - mean) / sd
    at_mean = pieces.value + pieces.slope * (mean - pieces.anchor)
    rise = pieces.slope * sd
    low, high = (np.exp(-0.5 * z * z) * _INV_SQRT_2PI for z in (below, above))
    mass = ndtr(above) - ndtr(below)
    ends = [np.where(np.isfinite(z), z, 0.0) * pdf for z, pdf in ((below, low), (above, high))]
    parts = at_mean * at_mean * mass + 2 * at_mean * rise * (low - high) + rise * rise * (mass + ends[0] - ends[1])
    return np.asarray(np.cumsum(parts, axis=0)[-1])


@dataclass(frozen=True)
class Segments:
    """A schedule piece by piece: payout is value + slope (x - anchor) from `start` to the next start.

    Arrays (pieces, ...), starts rising along the first axis. The first piece starts at -inf and is anchored at 0; the
    others are anchored at their starts. Pieces may be empty.
    """

    start: Array
    anchor: Array
    value: Array
    slope: Array

    @property
    def end(self) -> Array:
        """Where each piece ends; the last at inf."""
        return np.concatenate((self.start[1:], np.full_like(self.start[:1], np.inf)))


def segments(schedule: Schedule) -> Segments:
    """The pieces of a smooth `schedule`."""
    parts = [a for k in schedule.knots for a in (k.at, k.change, k.jump)]
    base, *rest = np.broadcast_arrays(schedule.base, *parts)
    zero = np.zeros_like(base)
    if not rest:
        return Segments(np.full_like(base, -np.inf)[None], zero[None], zero[None], base[None])
    at, change, jump = (np.stack(rest[j::3]) for j in range(3))
    order = np.argsort(at, axis=0, kind="stable")
    at, change, jump = (np.take_along_axis(a, order, axis=0) for a in (at, change, jump))
    anchor = np.concatenate((zero[None], at))
    slope = np.cumsum(np.concatenate((base[None], change)), axis=0)
    rise = slope[:-1] * np.diff(anchor, axis=0) + jump
    value = np.cumsum(np.concatenate((zero[None], rise)), axis=0)
    return Segments(np.concatenate((np.full_like(base, -np.inf)[None], at)), anchor, value, slope)


def _cut(pieces: Segments, level: Array) -> tuple[Segments, Bools]:
    """The pieces, each cut in two where it crosses `level`, and whether each part is at or above it.

    A piece that does not cross it is cut at its anchor, so that one part is empty or both are alike.
    """
    slope, value = pieces.slope, pieces.value
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        crossing = pieces.anchor + (level - value) / slope
    inside = (slope != 0) & (crossing > pieces.start) & (crossing < pieces.end)
    at = np.where(inside, crossing, np.minimum(pieces.anchor, pieces.end))
    there = np.where(inside, level, value + slope * (at - pieces.anchor))
    whole = (value > level) | ((value == level) & (slope >= 0))
    above = _alternate(np.where(inside, slope < 0, whole), np.where(inside, slope > 0, whole))
    cut = Segments(
        _alternate(pieces.start, at),
        _alternate(pieces.anchor, at),
        _alternate(value, there),
        _alternate(slope, slope),
    )
    return cut, above


def _alternate(first: NDArray[T], second: NDArray[T]) -> NDArray[T]:
    """Rows of the two arrays in turn."""
    return np.stack((first, second), axis=1).reshape(-1, *first.shape[1:])


def _limited(schedule: Schedule) -> Schedule:
    """The schedule with its limits as knots, for payouts that rise or fall: cut where they cross a limit."""
    levels = [limit for limit in (schedule.cap, schedule.floor) if limit is not None]
    shape = np.broadcast_shapes(*(a.shape for a in levels), segments(schedule).slope.shape[1:])
    pieces = segments(replace(schedule, base=np.broadcast_to(schedule.base, shape)))
    if schedule.cap is not None:
        pieces, above = _cut(pieces, schedule.cap)
        pieces = _replaced(pieces, above, schedule.cap)
    if schedule.floor is not None:
        pieces, above = _cut(pieces, schedule.floor)
        pieces = _replaced(pieces, ~above, np.zeros(shape))
    return _joined(pieces)


def _replaced(pieces: Segments, where: Bools, level: Array) -> Segments:
    """The pieces, constant at `level` where asked."""
    return replace(pieces, value=np.where(where, level, pieces.value), slope=np.where(where, 0.0, pieces.slope))


def _joined(pieces: Segments) -> Schedule:
    """The schedule with these pieces, whose first passes through 0.

    A step below rounding is none; knots that do nothing anywhere are left out.
    """
    before = pieces.value[:-1] + pieces.slope[:-1] * np.diff(pieces.anchor, axis=0)
    jump = pieces.value[1:] - before
    jump = np.where(np.abs(jump) <= _ROUNDING * (np.abs(before) + np.abs(pieces.value[1:])), 0.0, jump)
    change = np.diff(pieces.slope, axis=0)
    kept = [j for j in range(len(jump)) if change[j].any() or jump[j].any()]
    return Schedule(pieces.slope[0], tuple(Knot(pieces.anchor[j + 1], change[j], jump[j]) for j in kept))


def knot(at: float | Array, *, change: float | Array = 0.0, jump: float | Array = 0.0) -> Knot:
    """A threshold of plain numbers, or of one per replication."""
    return Knot(column(at), column(change), column(jump))


def stepped_rates(
    base: float | Array, steps: Sequence[tuple[float | Array, float | Array]] = (), *, retroactive: bool = False
) -> Schedule:
    """A schedule with slope `base` that takes slope `rate` from each (threshold, rate) on."""
    slopes = [base, *(rate for _, rate in steps)]
    knots = (knot(at, change=column(rate) - column(old)) for (at, rate), old in zip(steps, slopes, strict=False))
    return Schedule(column(base), tuple(knots), retroactive=retroactive)
