r"""Looks at a pilot before its end, and limits for harm: what they do to its errors, and when it ends.

A pilot ends at the first look at which |z| is at its bound, at the first period at whose end a limit for harm is
passed, or as planned; where a limit is passed at a look, the limit counts. z at a look is the normal score of the
estimate from what was seen until then. One look, at the end, is the plain test.

**Bounds.** At information times t_1 < ... < t_K = 1 the bound at look k is

    O'Brien and Fleming (1979)   c / sqrt(t_k)        hard to cross early
    Pocock (1977)                c                    the same at each look
    spending                     on each side 2 - 2 Phi(z_(1 - level / 4) / sqrt(t_k)) is used up by t_k, as by O'Brien
                                 and Fleming, whenever the looks are (Lan and DeMets 1983)
    none                         z_(1 - level / 2), as if each look were the only one

with c such that the chance of a false call keeps its level over all looks. Where the increments of S_k = z_k sqrt(t_k)
are independent, the chance of crossing follows from the density of S_k among those that have not crossed (Armitage,
McPherson and Rowe 1969),

    f_k(s) = integral over |u| < b_(k-1) sqrt(t_(k-1)) of f_(k-1)(u) phi((s - u) / sqrt(dt)) / sqrt(dt) du.

Looks at the same partners are more alike than that, as a partner's level stays. So the bounds of several looks are
calibrated on A/A pilots: the same worlds with nobody on the candidate and the assignment drawn anew. How often A/A
pilots cross them is counted on other assignments than they were calibrated on. Limits for harm are left out of that.

Had the effect been larger by s, a limit L of the interval that belongs to a look's bound would have been L + s. So the
largest lower limit over the looks that a pilot comes to is that of the test with all its looks.

**Limits for harm** are what a firm can see going wrong while a candidate runs, period by period:

    cost overrun    mean payout of those on the candidate, over that of those who are not, so far, less 1; where all are
                    on it, over what they were paid before launch
    gaming share    of what those on the candidate were paid so far, what they would not have been paid had nobody gamed
                    (as a perfect audit would find)
    lift            the estimated effect so far, of the level without the candidate
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.panel import PilotEstimate, PilotPanel, PilotReadings, pick_estimates
from simulator.pilots.plan import Boundary, Guardrails, Interim
from simulator.stats.estimate import Estimate, estimate, mean_of

AA_PILOTS = 4
"""A/A pilots per simulated world, each with an assignment of its own."""
EstimateEffect = Callable[[PilotPanel], PilotEstimate]


@dataclass(frozen=True)
class InterimResult:
    """K looks at R pilots of T periods, and how each ends.

    periods: (K,), after which the looks are; bounds: (K,), on |z|; table_bounds: (K,), by tables for independent
    increments; ends: (R,), periods after which each pilot ends; estimated: the estimate then; crossed: (R,), whether it
    calls an effect; lower: (R,), the lower limit of its test; stopped: (R,), whether a limit for harm stopped it, so
    that it calls none; false_positives: (R,), share of A/A pilots of each world that call an effect;
    naive_false_positives: (R,), the same with each look at the full level.
    """

    periods: Ints
    bounds: Array
    table_bounds: Array
    ends: Ints
    estimated: PilotEstimate
    crossed: Bools
    lower: Array
    stopped: Bools
    false_positives: Array
    naive_false_positives: Array

    @property
    def length(self) -> Estimate:
        """Periods until a pilot ends."""
        return estimate(mean_of(self.ends.astype(float)))

    def plain(self) -> dict[str, Any]:
        """The figures as plain values; a bound is None where nothing may be called yet."""
        return {
            "periods": self.periods.tolist(),
            "bounds": [float(b) if np.isfinite(b) else None for b in self.bounds],
            "bounds_of_tables": self.table_bounds.tolist(),
            "called": float(np.mean(self.crossed)),
            "mean_periods": self.length.mean,
            "stopped_for_harm": float(np.mean(self.stopped)),
            "false_positives": float(np.mean(self.false_positives)),
            "false_positives_naive": float(np.mean(self.naive_false_positives)),
        }


def interim_periods(looks: int, periods: int) -> Ints:
    """Periods after which looks are, as evenly as whole periods allow; the last at the end."""
    return np.ceil(np.arange(1, looks + 1) * periods / looks - 1e-9).astype(np.int64)


def run_interim_looks(
    interim: Interim, readings: PilotReadings, estimator: EstimateEffect, level: float, seed: int,
    aa_pilots: int = AA_PILOTS, harm: Ints | None = None,
) -> InterimResult:  # fmt: skip
    """Look at pilots by their plan. aa_pilots: A/A pilots per world; harm: (R,), period (from 0) at whose end limits
    stop each, T where none does."""
    pilots, _, last = readings.panel.shape
    periods = interim_periods(interim.looks, last)
    times, one = periods / last, len(periods) == 1
    kind = "none" if one else interim.boundary
    draws = range(aa_pilots if kind == "none" else max(aa_pilots, 2))
    null = [_scores([estimator(p.until(int(k))) for k in periods])
            for p in (readings.without_effect(seed, draw) for draw in draws)]  # fmt: skip
    half = 0 if kind == "none" else len(null) // 2
    single = boundary("none", times, level)
    bounds = calibrated(kind, np.concatenate(null[:half]), times, level) if half else single
    harm = np.full(pilots, last) if harm is None else harm
    every = np.unique(np.concatenate([periods, harm[harm < last] + 1]))
    found = [estimator(readings.panel.until(int(end))) for end in every]
    at_looks = [found[k] for k in np.searchsorted(every, periods)]
    reached: Bools = periods <= harm[:, None]
    first = first_crossing(np.where(reached, _scores(at_looks), 0.0), bounds)
    crossed: Bools = np.asarray(first < len(periods))
    ends = np.where(crossed, periods[np.minimum(first, len(periods) - 1)], np.minimum(harm + 1, last))
    return InterimResult(
        periods, bounds, single if one else boundary(kind, times, level), ends,
        pick_estimates(found, np.searchsorted(every, ends)), crossed, _lower(at_looks, bounds, reached),
        ~crossed & (harm < last), _called(null[half:], bounds), _called(null, single),
    )  # fmt: skip


def _scores(found: Sequence[PilotEstimate]) -> Array:
    """z at each look, (R, K)."""
    return np.stack([f.score() for f in found], axis=1)


def _lower(found: Sequence[PilotEstimate], bounds: Array, reached: Bools) -> Array:
    """Largest lower limit over the looks reached, (R,); -inf where none is."""
    limits = [f.limits(float(2.0 * ndtr(b) - 1.0))[0] if np.isfinite(b) else np.full(len(f.effect), -np.inf)
              for f, b in zip(found, bounds, strict=True)]  # fmt: skip
    known = np.nan_to_num(np.stack(limits, axis=1), nan=-np.inf, neginf=-np.inf)
    return np.asarray(np.where(reached, known, -np.inf).max(axis=1))


def _called(null: Sequence[Array], bounds: Array) -> Array:
    """Share of A/A pilots of each world that cross at any look, (R,)."""
    return np.asarray(np.mean([first_crossing(z, bounds) < len(bounds) for z in null], axis=0))


_NODES = 100
_REACH = 8.0
"""Standard deviations beyond which a density is taken for 0."""


def crossing(bounds: Array, times: Array, drift: float = 0.0) -> Array:
    """Chance of having crossed by each look, (K,); drift: expected z at time 1. For independent increments."""
    return np.cumsum(_passed(bounds, times, drift))


def boundary(kind: Boundary, times: Array, level: float = 0.05) -> Array:
    """Bounds on |z| at each look, (K,), for independent increments."""
    if kind == "spending":
        return _spent_by_density(times, level)
    if kind == "none":
        return np.full(len(times), -float(ndtri(level / 2)))
    shape = _shape(kind, times)

    def missing(c: float) -> float:
        return float(crossing(c * shape, times)[-1]) - level

    return np.asarray(float(brentq(missing, 0.5, 10.0, xtol=1e-10)) * shape)


def calibrated(kind: Boundary, z: Array, times: Array, level: float = 0.05) -> Array:
    """Bounds on |z| at each look, (K,), that at most a share `level` of pilots without an effect cross.

    z: (R, K), of simulated pilots without an effect. The share that others cross has a standard error of
    sqrt(level (1 - level) / R). Infinite where R is too small for a look to spend anything.
    """
    size = np.abs(np.nan_to_num(z))
    if kind == "none":
        return boundary(kind, times, level)
    if kind == "spending":
        return _spent_by_count(size, times, level)
    shape = _shape(kind, times)
    return np.asarray(_beyond((size / shape).max(axis=1), int(level * len(z) + 1e-9)) * shape)


def first_crossing(z: Array, bounds: Array) -> Ints:
    """First look (from 0) at which |z| (R, K) is at its bound or beyond, (R,); K where none is."""
    beyond = np.abs(np.nan_to_num(z)) >= bounds
    return np.asarray(np.where(beyond.any(axis=1), beyond.argmax(axis=1), len(bounds)))


def spent(times: Array, level: float) -> Array:
    """Level that may be used up by each information time, (K,), like O'Brien and Fleming's bounds."""
    return np.asarray(4.0 * ndtr(ndtri(level / 4) / np.sqrt(times)))


def _shape(kind: Boundary, times: Array) -> Array:
    return 1.0 / np.sqrt(times) if kind == "obrien_fleming" else np.ones(len(times))


def _beyond(size: Array, count: int) -> float:
    """The least bound that at most `count` of the sizes are at or beyond."""
    ordered = np.sort(size)[::-1]
    return float(np.nextafter(ordered[count], np.inf)) if count < len(size) else 0.0


def _spent_by_count(size: Array, times: Array, level: float) -> Array:
    going, bounds = np.ones(len(size), dtype=bool), []
    for k, share in enumerate(spent(times, level)):
        left = int(share * len(size) + 1e-9) - int((~going).sum())
        bounds.append(_beyond(size[going, k], left) if left > 0 else np.inf)
        going &= size[:, k] < bounds[-1]
    return np.array(bounds)


def _spent_by_density(times: Array, level: float) -> Array:
    bounds: list[float] = []
    for k, share in enumerate(spent(times, level)):
        before = float(crossing(np.array(bounds), times[:k])[-1]) if bounds else 0.0

        def missing(bound: float, k: int = k, left: float = share - before) -> float:
            return _passed(np.array([*bounds, bound]), times[: k + 1], 0.0)[-1] - left

        bounds.append(float(brentq(missing, 0.0, 2 * _REACH, xtol=1e-10)))
    return np.array(bounds)


def _passed(bounds: Array, times: Array, drift: float) -> list[float]:
    """Chance of crossing at each look and not before."""
    found: list[float] = []
    where, mass = np.zeros(1), np.ones(1)
    for step, edge, late in zip(np.diff(times, prepend=0.0), bounds * np.sqrt(times), times, strict=True):
        sd, centre = np.sqrt(step), where + drift * step
        found.append(float(mass @ (ndtr((centre - edge) / sd) + ndtr((-edge - centre) / sd))))
        middle, reach = drift * late, _REACH * np.sqrt(late)
        low, high = max(-edge, middle - reach), min(edge, middle + reach)
        nodes, weights = _rule()
        new = 0.5 * (high - low) * nodes + 0.5 * (high + low)
        density = np.exp(-0.5 * ((new[:, None] - centre) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        where, mass = new, density @ mass * weights * 0.5 * (high - low)
    return found


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array]:
    """Nodes and weights of Gauss and Legendre on (-1, 1)."""
    nodes, weights = leggauss(_NODES)
    return nodes, weights


REASONS = ("cost overrun", "gaming share", "lift")
"""What can stop a candidate, in the order in which it is reported where several do in the same period."""


def cost_overrun(payout: PilotPanel) -> Array:
    """Cost overrun so far at the end of each period, (R, T); nan where nothing was paid to compare with."""
    on, off = payout.observed & payout.treated, payout.observed & ~payout.treated
    here, there = (_so_far(payout.outcome, cells) for cells in (on, off))
    seen: Bools = np.asarray(payout.observed.any(axis=2))
    empty = np.full(len(seen), np.nan)
    usual = _mean(payout.before.sum(axis=2), seen) / payout.before.shape[2] if payout.before.shape[2] else empty
    there = np.where(np.isnan(there), usual[:, None], there)
    return np.divide(here, there, out=np.full_like(here, np.nan), where=there > 0) - 1.0


def gaming_share(payout: PilotPanel, without_gaming: Array) -> Array:
    """Gaming share so far at the end of each period, (R, T); without_gaming: (R, P, T), the payout had nobody gamed."""
    on = payout.observed & payout.treated
    paid, fair = _so_far(payout.outcome, on), _so_far(without_gaming, on)
    return 1.0 - np.divide(fair, paid, out=np.full_like(paid, np.nan), where=paid > 0)


def lift_so_far(panel: PilotPanel, estimator: EstimateEffect) -> Array:
    """Estimated lift at the end of each period, (R, T); nan where it is not known."""
    level = _so_far(panel.outcome, panel.observed & ~panel.treated)
    seen: Bools = np.asarray(panel.observed.any(axis=2))
    if panel.before.shape[2]:
        usual = _mean(panel.before.mean(axis=2), seen)
        level = np.where(np.isnan(level), usual[:, None], level)
    effect = np.stack([estimator(panel.until(t + 1)).effect for t in range(panel.shape[2])], axis=1)
    return np.divide(effect, level, out=np.full_like(effect, np.nan), where=level > 0)


def limit_values(
    guardrails: Guardrails,
    outcome: PilotPanel,
    payout: PilotPanel,
    without_gaming: Array | None,
    estimator: EstimateEffect,
) -> Array:
    """What the limits look at, (3, R, T) in the order of `REASONS`; nan where no limit asks for it.

    outcome: of the lift; without_gaming: (R, P, T), the payout had nobody gamed, None where it is not known.
    """
    found = np.full((3, payout.shape[0], payout.shape[2]), np.nan)
    if guardrails.max_cost_overrun is not None:
        found[0] = cost_overrun(payout)
    if guardrails.max_gaming_share is not None and without_gaming is not None:
        found[1] = gaming_share(payout, without_gaming)
    if guardrails.min_lift is not None:
        found[2] = lift_so_far(outcome, estimator)
    return found


def breaches(guardrails: Guardrails, seen: Array) -> Bools:
    """Which limit is passed at the end of which period, (3, R, T); seen: from `limit_values`, nan passes none."""
    limits = (guardrails.max_cost_overrun, guardrails.max_gaming_share, guardrails.min_lift)
    high, share, low = (np.nan if limit is None else limit for limit in limits)
    return np.stack([seen[0] > high, seen[1] > share, seen[2] < low])


def first_breach(passed: Bools) -> tuple[Ints, Ints]:
    """Period (from 0) at whose end each pilot stops, T where none does, and why, as a place in `REASONS`; (R,) each.

    passed: from `breaches`.
    """
    any_of: Bools = np.asarray(passed.any(axis=0))
    last = passed.shape[2]
    stop = np.where(any_of.any(axis=1), any_of.argmax(axis=1), last)
    why = passed[:, np.arange(len(stop)), np.minimum(stop, last - 1)].argmax(axis=0)
    return stop, why


def _so_far(value: Array, cells: Bools) -> Array:
    """Mean over cells (R, P, T) of all periods up to each, (R, T)."""
    total = np.where(cells, value, 0.0).sum(axis=1).cumsum(axis=1)
    count = cells.sum(axis=1).cumsum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


def _mean(value: Array, of: Bools) -> Array:
    """Mean over partners (R, P), (R,)."""
    count = of.sum(axis=1)
    total = np.where(of, value, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))
