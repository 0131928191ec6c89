r"""Looks at the data before the end: bounds on |z| that keep the chance of a false call at its level over all looks.

At information times t_1 < ... < t_K = 1 the bound at look k is

    O'Brien and Fleming (1979)   c / sqrt(t_k)        hard to cross early
    Pocock (1977)                c                    the same at each look
    spending                     on each side 2 - 2 Phi(z_(1 - level / 4) / sqrt(t_k)) is used up by t_k, as by O'Brien
                                 and Fleming, whenever the looks are (Lan and DeMets 1983)
    none                         z_(1 - level / 2), as if each look were the only one

with c such that the level is kept. Where the increments of S_k = z_k sqrt(t_k) are independent, the chance of crossing
follows from the density of S_k among those that have not crossed (Armitage, McPherson and Rowe 1969),

    f_k(s) = integral over |u| < b_(k-1) sqrt(t_(k-1)) of f_(k-1)(u) phi((s - u) / sqrt(dt)) / sqrt(dt) du.

Looks at the same partners are more alike than that, as a partner's level stays; their bounds are calibrated on z of
simulated pilots without an effect.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from simulator.core.arrays import Array, Ints

Boundary = Literal["none", "obrien_fleming", "pocock", "spending"]
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
