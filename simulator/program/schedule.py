r"""A payout schedule: payout as a piecewise linear function of attainment, with jumps.

    S(x) = b_0 x + sum_j c_j max(0, x - T_j) + sum_j J_j 1[x >= T_j]

with thresholds T_j, slope changes c_j = b_j - b_{j-1} and jumps J_j. A retroactive rate is a slope change with the
jump c_j T_j, a lump bonus a jump alone. Against a normal outcome N(x, s^2) the expected payout is a sum of Bachelier
calls and digitals,

    G(x) = b_0 x + sum_j c_j s [z_j Phi(z_j) + phi(z_j)] + sum_j J_j Phi(z_j),   z_j = (x - T_j) / s,

and the price of one more claim of size d is [G(x + d) - G(x)] / d.

Attainment and payout are in hundredths (cents of money, hundredths of a claim), so slopes are payout per unit.
Every array broadcasts over (replications, partners).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from simulator.program.numbers import Array

_INV_SQRT_2PI = 0.3989422804014327


@dataclass(frozen=True)
class Knot:
    """One threshold: at `at` the slope changes by `change` and the payout jumps by `jump`."""

    at: Array
    change: Array
    jump: Array


@dataclass(frozen=True)
class Schedule:
    """Payout as a function of attainment.

    base: slope below the first threshold. floor: payouts below it are not made. cap: payouts end there (inf: none).
    retroactive: every slope change also applies to the attainment below its threshold.
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
        plain = Schedule(self.base, self._explicit())
        if self.cap is not None:
            plain = _capped(plain, self.cap)
        if self.floor is not None:
            plain = _floored(plain, self.floor)
        return plain

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
        gain = gain + knot.change * sd * call + knot.jump * (c1 - c0)
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


def _crossing(schedule: Schedule, level: Array) -> tuple[Array, Array, Array]:
    """Where a non-decreasing schedule first reaches `level`: (attainment, payout just below it, slope there).

    The attainment is inf where the level is never reached.
    """
    slope = schedule.base
    start = np.zeros_like(level)
    value = np.zeros_like(level)
    found = np.full_like(level, np.inf)
    below = np.zeros_like(level)
    local = np.zeros_like(level)
    ends = [k.at for k in schedule.knots] + [np.full_like(level, np.inf)]
    for index, end in enumerate(ends):
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = start + (level - value) / slope
            last = np.where(np.isinf(end), np.inf, value + slope * (end - start))
        here = np.isinf(found) & (slope > 0) & (reach < end)
        found, below, local = (
            np.where(here, reach, found),
            np.where(here, level, below),
            np.where(here, slope, local),
        )
        if index == len(schedule.knots):
            break
        knot = schedule.knots[index]
        after = last + knot.jump
        here = np.isinf(found) & (after >= level)
        found, below, local = (
            np.where(here, knot.at, found),
            np.where(here, last, below),
            np.where(here, slope, local),
        )
        slope = slope + knot.change
        start, value = knot.at + 0.0 * level, after
    return found, below, local


def _capped(schedule: Schedule, cap: Array) -> Schedule:
    shape = _shape(schedule, cap)
    at, below, slope = _crossing(_broadcast(schedule, shape), np.broadcast_to(cap, shape).copy())
    kept = []
    for knot in _broadcast(schedule, shape).knots:
        live = knot.at < at
        kept.append(Knot(knot.at, np.where(live, knot.change, 0.0), np.where(live, knot.jump, 0.0)))
    reached = np.isfinite(at)
    end = Knot(
        np.where(reached, at, 0.0),
        np.where(reached, -slope, 0.0),
        np.where(reached, cap - below, 0.0),
    )
    return _ordered(Schedule(schedule.base, (*kept, end)), shape)


def _ordered(schedule: Schedule, shape: tuple[int, ...]) -> Schedule:
    """The same schedule with its thresholds rising everywhere, as `_crossing` needs it."""
    wide = _broadcast(schedule, shape)
    at, change, jump = (np.stack([getattr(k, name) for k in wide.knots]) for name in ("at", "change", "jump"))
    order = np.argsort(at, axis=0, kind="stable")
    parts = [np.take_along_axis(a, order, axis=0) for a in (at, change, jump)]
    return Schedule(schedule.base, tuple(Knot(*(p[j] for p in parts)) for j in range(len(at))))


def _floored(schedule: Schedule, floor: Array) -> Schedule:
    shape = _shape(schedule, floor)
    wide = _broadcast(schedule, shape)
    at, _, _ = _crossing(wide, np.broadcast_to(floor, shape).copy())
    reached = np.isfinite(at)
    at = np.where(reached, at, 0.0)
    value = wide.base * at
    slope = wide.base + 0.0 * at
    later = []
    for knot in wide.knots:
        passed = knot.at <= at
        value = value + np.where(passed, knot.change * (at - knot.at) + knot.jump, 0.0)
        slope = slope + np.where(passed, knot.change, 0.0)
        live = reached & ~passed
        later.append(Knot(knot.at, np.where(live, knot.change, 0.0), np.where(live, knot.jump, 0.0)))
    first = Knot(at, np.where(reached, slope, 0.0), np.where(reached, value, 0.0))
    return Schedule(np.zeros_like(at), (first, *later))


def _shape(schedule: Schedule, limit: Array) -> tuple[int, ...]:
    parts = [schedule.base.shape, limit.shape]
    parts += [a.shape for k in schedule.knots for a in (k.at, k.change, k.jump)]
    return np.broadcast_shapes(*parts)


def _broadcast(schedule: Schedule, shape: tuple[int, ...]) -> Schedule:
    def wide(a: Array) -> Array:
        return np.broadcast_to(a, shape).copy()

    knots = tuple(Knot(wide(k.at), wide(k.change), wide(k.jump)) for k in schedule.knots)
    return Schedule(wide(schedule.base), knots)
