"""What errors rest on besides the replications: independent scrambles, and controls whose means are known.

**Scrambles.** Quasi-random points are not independent. Errors that treat them so are too large, never too small in the
large. With S independent scrambles the sums of the influences over each of them are independent, so

    se^2 = sum_s v_s^2 / (S (S - 1)),      v_s = (S / N) sum of u_i over the replications of scramble s

with S - 1 degrees of freedom (Owen 1997; L'Ecuyer and Lemieux 2002).

**Controls.** What is known to have mean 0 and goes with a result takes its share of chance out of it: with C the
controls, c their mean in the sample and b the regression of the influences on them,

    theta' = theta - b c,      u' = residuals,   scaled to the regression estimate's error
    se'^2 = (sum u'^2 / (N - 1 - q)) (1/N + c (C'C)^-1 c)        (Lavenberg and Welch 1981)

The same controls serve all metrics, so sums and differences of results stay sums and differences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulator.core.arrays import Array
from simulator.stats.estimate import Statistic

LEAST_PER_CONTROL = 10
"""Replications that each control needs, so that what it takes out is more than what its slope adds."""
_RANK = 1e-9


@dataclass(frozen=True, eq=False)
class Sampling:
    """scrambles: how many, replication r belongs to r mod scrambles; controls: (N, q) with known mean 0, or None."""

    scrambles: int = 1
    controls: Array | None = None

    @property
    def text(self) -> str:
        """What errors rest on, in words."""
        if self.scrambles > 1:
            words = f"errors from {self.scrambles} independent scrambles"
        else:
            words = "errors as if points were independent, which is conservative"
        return words if self.controls is None else f"{words}; chance with known mean taken out"

    def refined(self, statistic: Statistic) -> Statistic:
        """The statistic with its chance of known mean taken out, and its influences by scramble."""
        if statistic.value is None or not len(statistic.influence):
            return statistic
        return self._by_scramble(self._controlled(statistic))

    def _controlled(self, statistic: Statistic) -> Statistic:
        if self.controls is None or not statistic.smooth:
            return statistic
        base, moved, scale = self._regression
        slope = base.T @ statistic.influence
        left = (statistic.influence - base @ slope) * scale
        return replace(statistic, value=(statistic.value or 0.0) - float(moved @ slope), influence=left)

    def _by_scramble(self, statistic: Statistic) -> Statistic:
        if self.scrambles == 1:
            return statistic
        u, s = statistic.influence, self.scrambles
        sums = np.bincount(np.arange(len(u)) % s, weights=u, minlength=s)
        return replace(statistic, influence=sums * s / len(u))

    @cached_property
    def _regression(self) -> tuple[Array, Array, float]:
        """Orthonormal base of the centred controls (N, q), their means in it (q,), and the scale of residuals."""
        assert self.controls is not None
        n, means = len(self.controls), self.controls.mean(axis=0)
        base, size, turned = np.linalg.svd(self.controls - means, full_matrices=False)
        kept = size > _RANK * max(float(size.max(initial=0.0)), 1e-300)
        base, moved = base[:, kept], (turned @ means)[kept] / size[kept]
        degrees = max(n - 1 - int(kept.sum()), 1)
        return base, moved, float(np.sqrt((n - 1) / degrees * (1.0 + n * float(moved @ moved))))


PLAIN = Sampling()
