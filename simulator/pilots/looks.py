"""Looks at a pilot before its end: what they do to its errors, and when it would have ended.

z at a look is the normal score of the estimate from what was seen until then. The bounds are calibrated on A/A pilots,
which live in the same worlds with nobody on the candidate and the assignment drawn anew; how often A/A pilots cross
them is counted on other assignments than they were calibrated on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.pilots.diagnosis import AGAIN, Estimator
from simulator.pilots.panel import Panel
from simulator.pilots.plan import Interim
from simulator.pilots.sequential import boundary, calibrated, first_crossing
from simulator.pilots.trial import Trial
from simulator.program.compiled import Bools, Ints
from simulator.program.numbers import Array
from simulator.stats.estimate import Estimate, estimate, mean_of


@dataclass(frozen=True)
class Looked:
    """K looks at R pilots.

    periods: (K,), after which the looks are; bounds: (K,), on |z|, calibrated; tabled: (K,), by tables for independent
    increments; ends: (R,), the look, from 0, at which each pilot ends, the last where it crosses none; effect, z:
    (R,), at its end; crossed: (R,), whether it calls an effect; naive, kept: share of A/A pilots that call one at any
    look, with each look at the full level, and with the bounds; length: mean periods until a pilot ends.
    """

    periods: Ints
    bounds: Array
    tabled: Array
    ends: Ints
    effect: Array
    z: Array
    crossed: Bools
    naive: Estimate
    kept: Estimate
    length: Estimate

    def plain(self) -> dict[str, Any]:
        """The figures as plain values; a bound is None where nothing may be called yet."""
        return {
            "periods": self.periods.tolist(),
            "bounds": [float(b) if np.isfinite(b) else None for b in self.bounds],
            "bounds_of_tables": self.tabled.tolist(),
            "called": float(np.mean(self.crossed)),
            "mean_periods": self.length.mean,
            "false_positives": self.kept.mean,
            "false_positives_naive": self.naive.mean,
        }


def look_periods(looks: int, periods: int) -> Ints:
    """Periods after which looks are, as evenly as whole periods allow; the last at the end."""
    return np.ceil(np.arange(1, looks + 1) * periods / looks - 1e-9).astype(np.int64)


def looked(interim: Interim, trial: Trial, estimator: Estimator, level: float, seed: int, again: int = AGAIN) -> Looked:
    """Look at pilots as the plan says. again: A/A pilots per world, at least 2."""
    periods = look_periods(interim.looks, trial.panel.shape[2])
    times = periods / periods[-1]
    null = [_seen(trial.without_effect(seed, draw), estimator, periods)[1] for draw in range(max(again, 2))]
    half = len(null) // 2
    bounds = calibrated(interim.boundary, np.concatenate(null[:half]), times, level)
    effects, z = _seen(trial.panel, estimator, periods)
    first, last, pilots = first_crossing(z, bounds), len(periods) - 1, np.arange(len(z))
    ends = np.minimum(first, last)
    return Looked(
        periods, bounds, boundary(interim.boundary, times, level), ends, effects[pilots, ends], z[pilots, ends],
        first <= last,
        _called(null, boundary("none", times, level)), _called(null[half:], bounds),
        estimate(mean_of(periods[ends].astype(float))),
    )  # fmt: skip


def _seen(panel: Panel, estimator: Estimator, periods: Ints) -> tuple[Array, Array]:
    """Effect and z at each look, (R, K)."""
    found = [estimator(panel.until(int(end))) for end in periods]
    return np.stack([f.effect for f in found], axis=1), np.stack([f.score() for f in found], axis=1)


def _called(null: list[Array], bounds: Array) -> Estimate:
    """Share of A/A pilots that cross at any look; those of a world are alike, so worlds are what is averaged."""
    shares = np.mean([first_crossing(z, bounds) < len(bounds) for z in null], axis=0)
    return estimate(mean_of(shares))
