"""Looks at a pilot until it ends: what they do to its errors, when it ends, and what it then says.

A pilot ends at the first look at which |z| is at its bound, at the first period at whose end a limit for harm is
passed, or as planned; where a limit is passed at a look, the limit counts. z at a look is the normal score of the
estimate from what was seen until then. One look, at the end, is the plain test. The bounds of several are calibrated on
A/A pilots, which live in the same worlds with nobody on the candidate and the assignment drawn anew; how often A/A
pilots cross them is counted on other assignments than they were calibrated on. Limits are left out of that.

Had the effect been larger by s, a limit L of the interval that belongs to a look's bound would have been L + s. So the
largest lower limit over the looks that a pilot lives to see is that of the test with all its looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.estimators.estimate import Estimated, picked
from simulator.pilots.panel import PilotPanel, PilotReadings
from simulator.pilots.plan import Interim
from simulator.pilots.sequential_bounds import boundary, calibrated, first_crossing
from simulator.stats.estimate import Estimate, estimate, mean_of

AGAIN = 4
"""A/A pilots per simulated world, each with an assignment of its own."""
Estimator = Callable[[PilotPanel], Estimated]


@dataclass(frozen=True)
class InterimResult:
    """K looks at R pilots of T periods, and how each ends.

    periods: (K,), after which the looks are; bounds: (K,), on |z|; tabled: (K,), by tables for independent increments;
    ends: (R,), periods after which each pilot ends; estimated: what it says then; crossed: (R,), whether it calls an
    effect; lower: (R,), the lower limit of its test; stopped: (R,), whether a limit for harm stopped it, so that it
    calls none; false, naive: (R,), share of A/A pilots of each world that call an effect, and with each look at the
    full level.
    """

    periods: Ints
    bounds: Array
    tabled: Array
    ends: Ints
    estimated: Estimated
    crossed: Bools
    lower: Array
    stopped: Bools
    false: Array
    naive: Array

    @property
    def length(self) -> Estimate:
        """Periods until a pilot ends."""
        return estimate(mean_of(self.ends.astype(float)))

    def plain(self) -> dict[str, Any]:
        """The figures as plain values; a bound is None where nothing may be called yet."""
        return {
            "periods": self.periods.tolist(),
            "bounds": [float(b) if np.isfinite(b) else None for b in self.bounds],
            "bounds_of_tables": self.tabled.tolist(),
            "called": float(np.mean(self.crossed)),
            "mean_periods": self.length.mean,
            "stopped_for_harm": float(np.mean(self.stopped)),
            "false_positives": float(np.mean(self.false)),
            "false_positives_naive": float(np.mean(self.naive)),
        }


def look_periods(looks: int, periods: int) -> Ints:
    """Periods after which looks are, as evenly as whole periods allow; the last at the end."""
    return np.ceil(np.arange(1, looks + 1) * periods / looks - 1e-9).astype(np.int64)


def looked(
    interim: Interim, trial: PilotReadings, estimator: Estimator, level: float, seed: int, again: int = AGAIN,
    harm: Ints | None = None,
) -> InterimResult:  # fmt: skip
    """Look at pilots as the plan says. again: A/A pilots per world; harm: (R,), period (from 0) at whose end limits
    stop each, T where none does."""
    pilots, _, last = trial.panel.shape
    periods = look_periods(interim.looks, last)
    times, one = periods / last, len(periods) == 1
    kind = "none" if one else interim.boundary
    draws = range(again if kind == "none" else max(again, 2))
    null = [_scores([estimator(p.until(int(k))) for k in periods])
            for p in (trial.without_effect(seed, draw) for draw in draws)]  # fmt: skip
    half = 0 if kind == "none" else len(null) // 2
    single = boundary("none", times, level)
    bounds = calibrated(kind, np.concatenate(null[:half]), times, level) if half else single
    harm = np.full(pilots, last) if harm is None else harm
    every = np.unique(np.concatenate([periods, harm[harm < last] + 1]))
    found = [estimator(trial.panel.until(int(end))) for end in every]
    at_looks = [found[k] for k in np.searchsorted(every, periods)]
    reached: Bools = periods <= harm[:, None]
    first = first_crossing(np.where(reached, _scores(at_looks), 0.0), bounds)
    crossed: Bools = np.asarray(first < len(periods))
    ends = np.where(crossed, periods[np.minimum(first, len(periods) - 1)], np.minimum(harm + 1, last))
    return InterimResult(
        periods, bounds, single if one else boundary(kind, times, level), ends,
        picked(found, np.searchsorted(every, ends)), crossed, _lower(at_looks, bounds, reached),
        ~crossed & (harm < last), _called(null[half:], bounds), _called(null, single),
    )  # fmt: skip


def _scores(found: Sequence[Estimated]) -> Array:
    """z at each look, (R, K)."""
    return np.stack([f.score() for f in found], axis=1)


def _lower(found: Sequence[Estimated], bounds: Array, reached: Bools) -> Array:
    """Largest lower limit over the looks reached, (R,); -inf where none is."""
    limits = [f.limits(float(2.0 * ndtr(b) - 1.0))[0] if np.isfinite(b) else np.full(len(f.effect), -np.inf)
              for f, b in zip(found, bounds, strict=True)]  # fmt: skip
    known = np.nan_to_num(np.stack(limits, axis=1), nan=-np.inf, neginf=-np.inf)
    return np.asarray(np.where(reached, known, -np.inf).max(axis=1))


def _called(null: Sequence[Array], bounds: Array) -> Array:
    """Share of A/A pilots of each world that cross at any look, (R,)."""
    return np.asarray(np.mean([first_crossing(z, bounds) < len(bounds) for z in null], axis=0))
