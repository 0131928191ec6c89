"""Whether numbers look lognormal enough to be simulated as such.

With thousands of rows any test rejects any model, so the verdict is about the size of the misfit: the
largest gap between the empirical and the fitted distribution function (Kolmogorov-Smirnov distance), and
only then about chance. Of several separate peaks, only a small gap is forgiven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.signal import find_peaks
from scipy.stats import gaussian_kde, kstest

from simulator.core.arrays import Array

ROUGH, POOR = 0.05, 0.10
"""A gap of .05 means that 5 % of deals lie on the wrong side of some size; judgement."""
LILLIEFORS = 1.035
"""1 % critical value of the distance times sqrt(n) where mean and sd are estimated (Lilliefors 1967)."""


@dataclass(frozen=True)
class LognormalFit:
    """fits: yes, roughly or no; distance: largest gap of distribution functions; modes: separate peaks."""

    fits: Literal["yes", "roughly", "no"]
    distance: float
    modes: int

    def __str__(self) -> str:
        words = {
            "yes": "fits a lognormal",
            "roughly": "fits a lognormal roughly",
            "no": "does not fit a lognormal",
        }
        peaks = f", {self.modes} separate peaks" if self.modes > 1 else ""
        return f"{words[self.fits]} (largest gap of the distribution functions {self.distance:.3f}{peaks})"


def lognormal_verdict(logs: Array) -> LognormalFit:
    """Judge logs of a quantity against a normal distribution with their mean and standard deviation."""
    sd = logs.std(ddof=1)
    if len(logs) < 3 or sd == 0:
        return LognormalFit("no", 1.0, 1)
    distance = float(kstest((logs - logs.mean()) / sd, "norm").statistic)
    modes = _modes(logs)
    beyond_chance = distance > LILLIEFORS / np.sqrt(len(logs))
    fits: Literal["yes", "roughly", "no"] = "yes"
    if beyond_chance and distance > ROUGH:
        fits = "no" if distance > POOR or modes > 1 else "roughly"
    return LognormalFit(fits, distance, modes)


def _modes(logs: Array) -> int:
    """Peaks of a kernel density with Silverman's bandwidth that stand out by 5 % of the highest."""
    grid = np.linspace(logs.min() - logs.std(), logs.max() + logs.std(), 400)
    density = gaussian_kde(logs, bw_method="silverman")(grid)
    peaks, _ = find_peaks(density, prominence=0.05 * density.max())
    return max(1, len(peaks))
