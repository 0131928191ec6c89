"""Factors: what a sensitivity method moves or looks at as one, and figures with an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from simulator.core.arrays import Array
from simulator.core.streams import Streams
from simulator.stats.intervals import CONFIDENCE


@dataclass(frozen=True)
class Factor:
    """A single input or a group of inputs. columns: where they are among the K inputs."""

    name: str
    columns: tuple[int, ...]

    @property
    def single(self) -> bool:
        """Whether this is one input."""
        return len(self.columns) == 1


@dataclass(frozen=True)
class EstimateWithCI:
    """An estimate with standard error and 95 % confidence limits."""

    value: float
    se: float
    low: float
    high: float

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    @property
    def exactly_zero(self) -> bool:
        """Whether there is nothing at all, in any replication."""
        return self.value == 0 and self.se == 0


def figure(value: float, se: float, degrees: float = np.inf) -> EstimateWithCI:
    """A figure with a Student t interval."""
    half = se * float(stdtrit(min(degrees, 1e9), 0.5 + CONFIDENCE / 2))
    return EstimateWithCI(value, se, value - half, value + half)


def mean_figure(x: Array) -> EstimateWithCI:
    """Mean of independent (N,) values."""
    se = float(np.std(x, ddof=1) / np.sqrt(len(x))) if len(x) > 1 else np.inf
    return figure(float(np.mean(x)), se, max(len(x) - 1, 1))


def factors_of(
    names: Sequence[str], groups: Mapping[str, Sequence[str]], *, together: bool, only: Sequence[str] | None = None
) -> tuple[Factor, ...]:
    """Factors of K inputs with `names`, of which `only` some, or all, are looked at one by one.

    together: groups stand in place of their members, else beside them.
    """
    column = {name: k for k, name in enumerate(names)}
    grouped = {member for members in groups.values() for member in members} if together else set()
    singles = [Factor(name, (column[name],)) for name in (names if only is None else only) if name not in grouped]
    return (*singles, *(Factor(name, tuple(column[m] for m in members)) for name, members in groups.items()))


def uniforms(seed: int, purpose: str, rows: int, columns: int) -> Array:
    """Addressed uniforms in (0, 1) of a named purpose, (rows, columns)."""
    drawn = Streams(seed).draw(purpose, np.arange(rows)[:, None], np.arange(columns)[None, :])
    return np.asarray(drawn[0].reshape(rows, columns))
