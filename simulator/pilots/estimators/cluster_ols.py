r"""Least squares in R panels at once, with errors that hold for few clusters.

With rows in clusters g, Z_g their regressors, e_g their residuals and H_gg = Z_g B Z_g', B = (Z'Z)^-1,

    V = B [ sum_g Z_g' A_g e_g e_g' A_g Z_g ] B,     A_g = (I - H_gg)^(-1/2),

which is unbiased where errors are independent and alike (CR2; Bell and McCaffrey 2002, "Bias reduction in standard
errors for linear regression with multi-stage samples", Survey Methodology 28). Where each row is a cluster of its own
this is HC2, for two groups Welch's standard error, and within pairs that of the paired t test. Degrees of freedom are
those of Satterthwaite under independent errors,

    nu = (sum_i M_ii)^2 / sum_ij M_ij^2,     M_ij = v_i' (I - H)_ij v_j,     v_g = A_g Z_g b,

b the column of B that belongs to the treatment. H_gg has low rank, so A_g = I + Z_g F_g Z_g' with F_g from the
eigenvalues of a matrix of the size of Z_g'Z_g, and sums over a cluster's rows are all that is needed.

Effects of strata are taken out by subtracting means (Frisch and Waugh 1933); what they do to H_gg is one more
regressor, the row's 1 / sqrt(rows in the stratum), which meets that of its own stratum alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.panel import PilotEstimate

_ELEMENTS = 4_000_000
"""Numbers in the largest array at a time."""
_NULL = 1e-10


@dataclass(frozen=True)
class Rows:
    """What is regressed: N rows in each of R panels; the first regressor is the treatment.

    y: (R, N); x: (R, N, k); used: (R, N); cluster: (R, N). stratum: (R, N), whose means are taken out, which is the
    constant too; None where x has all.
    """

    y: Array
    x: Array
    used: Bools
    cluster: Ints
    stratum: Ints | None

    def of(self, part: slice) -> Rows:
        """Some of the panels."""
        stratum = None if self.stratum is None else self.stratum[part]
        return Rows(self.y[part], self.x[part], self.used[part], self.cluster[part], stratum)


def regress(rows: Rows) -> PilotEstimate:
    """The treatment's coefficient, its CR2 standard error and degrees of freedom."""
    r, n, k = rows.x.shape
    step = max(1, _ELEMENTS // (n * (k + 1) ** 2))
    parts = [_regressed(rows.of(slice(start, start + step))) for start in range(0, r, step)]
    effect, se, degrees = (np.concatenate(column) for column in zip(*parts, strict=True))
    return PilotEstimate(effect, se, degrees)


def residuals(rows: Rows) -> Array:
    """Residuals of y on all regressors, (R, N), 0 in rows that are not used."""
    _, y, x, _ = _centred(rows)
    root, _ = _root(x)
    return np.asarray(y - _times(x @ root, _times(np.swapaxes(x @ root, 1, 2), y)))


def dense(label: Ints) -> Ints:
    """Labels (R, N) as numbers from 0 on that are the same only where panel and label are."""
    low = label.min()
    pairs = np.arange(len(label))[:, None] * (label.max() - low + 1) + (label - low)
    return np.asarray(np.unique(pairs, return_inverse=True)[1].reshape(label.shape))


def summed(values: Array, code: Ints, count: int) -> Array:
    """Sums of values (R, N, ...) over the rows of each code (R, N), (count, ...)."""
    flat = values.reshape(code.size, -1)
    sums = [np.bincount(code.reshape(-1), weights=column, minlength=count) for column in flat.T]
    return np.asarray(np.stack(sums, axis=1).reshape(count, *values.shape[2:]))


def _times(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("...ij,...j->...i", a, b))


def _centred(rows: Rows) -> tuple[Array, Array, Array, Ints]:
    """Rows in use less the means of their stratum, 0 elsewhere: the strata's own regressor, y, x, stratum."""
    used = rows.used.astype(float)
    y, x = np.where(rows.used, rows.y, 0.0), np.where(rows.used[..., None], rows.x, 0.0)
    if rows.stratum is None:
        return np.zeros_like(used), y, x, np.zeros(rows.used.shape, dtype=np.int64)
    code = dense(rows.stratum)
    count = int(code.max()) + 1
    size = np.maximum(summed(used, code, count), 1.0)
    y = y - used * (summed(y, code, count) / size)[code]
    x = x - used[..., None] * (summed(x, code, count) / size[:, None])[code]
    return used / np.sqrt(size)[code], y, x, code


def _root(x: Array) -> tuple[Array, Bools]:
    """L with L L' = (x'x)^-1, of its range where it is singular; whether the first coefficient is identified."""
    gram = np.swapaxes(x, 1, 2) @ x
    size = np.sqrt(np.einsum("rkk->rk", gram))
    scale = 1.0 / np.where(size > 0, size, 1.0)
    values, design = np.linalg.eigh(gram * scale[:, :, None] * scale[:, None, :])
    there = values > _NULL
    root = design * np.where(there, 1.0 / np.sqrt(np.where(there, values, 1.0)), 0.0)[:, None, :]
    known = (size[:, 0] > 0) & (np.sum(design[:, 0, :] ** 2 * there, axis=1) > 1 - 1e-8)
    return np.asarray(root * scale[:, :, None]), known


def _regressed(rows: Rows) -> tuple[Array, Array, Array]:
    own, y, x, stratum = _centred(rows)
    r, _, k = x.shape
    root, known = _root(x)
    z = np.concatenate([own[..., None], x], axis=2)
    wide = np.zeros((r, k + 1, k + 1))
    wide[:, 0, 0], wide[:, 1:, 1:] = 1.0, root
    beta = wide @ np.swapaxes(wide, 1, 2)
    b = beta[:, :, 1]
    coefficient = _times(beta[:, 1:, 1:], _times(np.swapaxes(x, 1, 2), y))
    residual = y - _times(x, coefficient)
    code = dense(rows.cluster)
    clusters = _Clusters.of(z, residual, code, stratum, wide, b)
    variance, degrees = clusters.variance(r), clusters.degrees(wide, r)
    unknown = ~(known & (degrees > 0))
    effect, se, degrees = (np.where(unknown, np.nan, part) for part in (coefficient[:, 0], np.sqrt(variance), degrees))
    return effect, se, degrees


@dataclass(frozen=True)
class _Clusters:
    """Sums over each of M clusters: v'v, Z'v and v'e of the docstring; the panel and the stratum each is in."""

    square: Array
    crossed: Array
    score: Array
    panel: Ints
    stratum: Ints

    @staticmethod
    def of(z: Array, residual: Array, code: Ints, stratum: Ints, wide: Array, b: Array) -> _Clusters:
        first = np.unique(code, return_index=True)[1]
        panel, count = first // code.shape[1], len(first)
        gram = summed(z[..., :, None] * z[..., None, :], code, count)
        scores = summed(z * residual[..., None], code, count)
        turn, b = wide[panel], b[panel]
        values, design = np.linalg.eigh(np.swapaxes(turn, 1, 2) @ gram @ turn)
        axes = turn @ design
        once, twice = ((axes * f[:, None, :]) @ np.swapaxes(axes, 1, 2) for f in _adjusted(values))
        plain = _times(gram, b)
        square = np.sum(b * (plain + _times(gram, _times(twice, plain))), axis=1)
        crossed = plain + _times(gram, _times(once, plain))
        score = np.sum(b * (scores + _times(gram, _times(once, scores))), axis=1)
        return _Clusters(square, crossed, score, panel, stratum.reshape(-1)[first])

    def variance(self, r: int) -> Array:
        """CR2 variance of the coefficient in each of r panels."""
        return np.asarray(np.bincount(self.panel, self.score**2, r))

    def degrees(self, wide: Array, r: int) -> Array:
        """Satterthwaite's degrees of freedom, 0 where there are none."""
        own, shared = self.crossed[:, 0], _times(np.swapaxes(wide, 1, 2)[self.panel], self.crossed)[:, 1:]
        length = own**2 + np.sum(shared**2, axis=1)
        trace = np.bincount(self.panel, self.square - length, r)
        squares = np.bincount(self.panel, self.square**2 - 2.0 * self.square * length, r)
        every = summed((shared[:, :, None] * shared[:, None, :])[None], self.panel[None], r)
        squares += np.sum(every**2, axis=(1, 2))
        count = int(self.stratum.max()) + 1
        home = np.zeros(count, dtype=np.int64)
        home[self.stratum] = self.panel
        within = summed((own[:, None] * shared)[None], self.stratum[None], count)
        pure = np.bincount(self.stratum, own**2, count)
        squares += np.bincount(home, 2.0 * np.sum(within**2, axis=1) + pure**2, r)
        real = squares > _NULL * np.bincount(self.panel, self.square, r) ** 2
        return np.divide(trace**2, squares, out=np.zeros(r), where=real)


def _adjusted(values: Array) -> tuple[Array, Array]:
    """f with (I - H)^(-1/2) = I + Z f Z', and with (I - H)^-1, from eigenvalues of H; 0 where I - H has none."""
    left = 1.0 - np.clip(values, 0.0, 1.0)
    lost = left < _NULL
    inverse = np.where(lost, 0.0, 1.0 / np.where(lost, 1.0, left))
    small = values < 1e-8
    safe = np.where(small, 1.0, values)
    once, twice = (np.where(small, limit, (g - 1.0) / safe) for g, limit in ((np.sqrt(inverse), 0.5), (inverse, 1.0)))
    return once, twice
