"""What an estimator says of each of R pilots: an effect, how sure, and whether chance alone would explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from simulator.core.arrays import Array, Bools, Ints


@dataclass(frozen=True)
class Estimated:
    """An effect per treated partner and period, in the outcome's unit, in each of R pilots.

    effect, se, degrees: (R,); NaN where the panel does not identify the effect. The p value and the limits are those
    of Student's t with these degrees of freedom (infinite: normal), unless `ends` is given: per pilot K relabellings,
    each with the lowest and the highest effect, (R, K), that it calls at least as far from the data as the labels that
    were drawn. Their counts are the p values of a randomisation test, and its limits by inversion.
    """

    effect: Array
    se: Array
    degrees: Array
    ends: tuple[Array, Array] | None = None

    def p_value(self, effect: float = 0.0) -> Array:
        """Two-sided p value, (R,), of the hypothesis that the effect is `effect`."""
        if self.ends is not None:
            low, high = self.ends
            p = np.mean((low <= effect) & (effect <= high), axis=1)
            return np.asarray(np.where(np.isnan(self.effect), np.nan, p))
        return np.asarray(2.0 * stdtr(self.degrees, -np.abs(self.z(effect))))

    def limits(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Ends of the interval of that confidence, (R,) each; infinite where relabellings are too few for one."""
        if self.ends is not None:
            return _inverted(*self.ends, 1.0 - confidence, self.effect)
        half = stdtrit(self.degrees, 0.5 + confidence / 2) * self.se
        return self.effect - half, self.effect + half

    def z(self, effect: float = 0.0) -> Array:
        """The estimate's distance from `effect` in standard errors, (R,)."""
        gap = self.effect - effect
        return np.divide(gap, self.se, out=np.where(gap == 0.0, 0.0, np.copysign(np.inf, gap)), where=self.se != 0.0)

    def score(self) -> Array:
        """The normal z with the same p value and the estimate's sign, (R,): few degrees of freedom count for less."""
        return np.asarray(np.copysign(-ndtri(self.p_value() / 2), self.effect))

    def rejects(self, level: float = 0.05, effect: float = 0.0) -> Bools:
        """Whether the effect is told apart from `effect` at a two-sided level, (R,); never where it is NaN."""
        return np.asarray(self.p_value(effect) <= level)


def picked(parts: Sequence[Estimated], at: Ints) -> Estimated:
    """Of each pilot the estimate by the part at place `at`, (R,)."""
    own = np.arange(len(at))

    def of(arrays: Sequence[Array]) -> Array:
        return np.asarray(np.stack(arrays)[at, own])

    labels = [part.ends for part in parts if part.ends is not None]
    ends = (of([low for low, _ in labels]), of([high for _, high in labels])) if labels else None
    effect, se, degrees = (of([getattr(p, n) for p in parts]) for n in ("effect", "se", "degrees"))
    return Estimated(effect, se, degrees, ends)


def _inverted(low: Array, high: Array, level: float, effect: Array) -> tuple[Array, Array]:
    """Effects whose p value is above the level: all between two order statistics of the ends."""
    skipped = int(np.floor(level * low.shape[1] + 1e-9))
    lower, upper = np.sort(low, axis=1)[:, skipped], np.sort(high, axis=1)[:, low.shape[1] - 1 - skipped]
    unknown = np.isnan(effect)
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)
