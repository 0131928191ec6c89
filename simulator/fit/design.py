"""A design over the uncertain numbers, and how what was fitted at its points is carried over to others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.program.numbers import Array


@dataclass(frozen=True)
class Design:
    """Points over the uncertain numbers. unit: (D, K) coordinates in (0, 1); drawn: path -> (D,) values."""

    unit: Array
    drawn: dict[str, Array]

    @cached_property
    def _inverse(self) -> Array:
        return np.asarray(np.linalg.pinv(_terms(self.unit), rcond=1e-8))

    def surface(self, statistic: Array, unit: Array) -> Array:
        """A statistic (D, ...) of the points at other coordinates (R, K), by the quadratic; (R, ...).

        Sums run term by term, so that a replication's figures do not depend on which others are computed with it.
        """
        flat = statistic.reshape(len(statistic), -1)
        coefficients = self._inverse @ flat
        terms = _terms(unit)
        total = np.zeros((len(unit), flat.shape[1]))
        for k in range(terms.shape[1]):
            total = total + terms[:, k : k + 1] * coefficients[k]
        return total.reshape(len(unit), *statistic.shape[1:])


def _terms(unit: Array) -> Array:
    """Regressors of the quadratic: 1, 2u - 1 and its square per coordinate."""
    v = 2.0 * unit - 1.0
    return np.concatenate((np.ones((len(unit), 1)), v, v * v), axis=1)
