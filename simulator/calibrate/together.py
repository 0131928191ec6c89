"""How partners' volume, size and odds go together: correlations of their effects, and a partner's effects given them.

The effects of a partner on ln rate, ln size and log-odds are N(0, D R D), D their fitted spreads. What its own deals
say of each is taken normal: in units of the spread, of precision w and mean b / w. R has the likelihood

    prod_i |R|^-1/2 |R^-1 + W_i|^-1/2 exp(b_i' (R^-1 + W_i)^-1 b_i / 2)

and the prior |R| (Lewandowski, Kurowicka and Joe 2009, eta = 2), which keeps it off the edge where few partners tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.calibrate.findings import CORRELATION, Estimate
from simulator.calibrate.likelihood import Array, maximum

PAIRS = {"volume and size": (0, 1), "volume and odds": (0, 2), "size and odds": (1, 2)}
VAGUE = 1.2
"""An interval of a correlation wider than this leaves it open."""


@dataclass(frozen=True)
class Together:
    """correlations: by pair; root: of R, L L' = R; mean, cov: of partners' effects in units of the spread given R,
    (P, 3) and (P, 3, 3)."""

    correlations: dict[str, Estimate]
    root: Array
    mean: Array
    cov: Array

    def __str__(self) -> str:
        found = []
        for pair, estimate in self.correlations.items():
            low, high = estimate.interval() or (-1.0, 1.0)
            told = f"{estimate.value:.2f} ({low:.2f} to {high:.2f})" if high - low < VAGUE else "not identified"
            found.append(f"{pair} {told}")
        return ", ".join(found)


def together(mean: Array, sd: Array, spread: Array) -> Together:
    """Fit to posteriors of effects that were taken as independent, of mean 0: means and sds (P, 3); spread (3,)."""
    ratio = (spread / sd) ** 2
    w, b = np.maximum(ratio - 1, 0.0), mean / spread * ratio

    def log_posterior(at: Array) -> float:
        root = _root(at)
        log_det = 2 * float(np.log(np.diag(root)).sum())
        precision, middle = _given(root, w, b)
        evidence = float((b * middle).sum() - np.linalg.slogdet(precision)[1].sum())
        return 0.5 * (evidence - len(w) * log_det) + log_det

    best = maximum(log_posterior, start=np.zeros(3))
    root = _root(best.at)
    precision, middle = _given(root, w, b)
    cov = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    return Together(_estimates(best.at, best.covariance, len(w)), root, middle, cov)


def _given(root: Array, w: Array, b: Array) -> tuple[Array, Array]:
    """Precisions (P, 3, 3) and means (P, 3) of the effects given the root of R."""
    precision: Array = np.linalg.inv(root @ root.T) + w[:, :, None] * np.eye(3)
    return precision, np.asarray(np.linalg.solve(precision, b[:, :, None])[:, :, 0])


def _root(at: Array) -> Array:
    """Lower root of the correlations whose partial ones are tanh(at)."""
    a, b, c = np.tanh(at)
    rest = np.sqrt(1 - b * b)
    rows = [[1, 0, 0], [a, np.sqrt(1 - a * a), 0], [b, c * rest, np.sqrt(1 - c * c) * rest]]
    return np.array(rows, dtype=np.float64)


def _estimates(at: Array, covariance: Array, partners: int) -> dict[str, Estimate]:
    """Correlations with errors by the delta method."""

    def values(x: Array) -> Array:
        r = _root(x) @ _root(x).T
        return np.array([r[pair] for pair in PAIRS.values()])

    step = 1e-5
    change = np.stack([(values(at + move) - values(at - move)) / (2 * step) for move in step * np.eye(3)], axis=1)
    error = np.sqrt(np.maximum(np.diag(change @ covariance @ change.T), 0.0))
    note = "between partners; spreads taken as known"
    return {
        pair: Estimate(float(value), float(se) if se > 0 else None, partners, CORRELATION, note)
        for pair, value, se in zip(PAIRS, values(at), error, strict=True)
    }
