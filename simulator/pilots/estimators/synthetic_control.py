r"""Synthetic control, for few partners with a longer past: each is compared with a mix of others that moved alike.

A partner's weights w on the others, not negative and of sum 1, minimise over the B periods before launch

    sum_b (y_ib - sum_j w_j y_jb)^2 + zeta^2 B sum_j w_j^2,

all y less their own mean before launch, so that levels may differ (Doudchenko and Imbens 2016); zeta^2 is the variance
of changes from period to period, which makes weights unique where partners outnumber periods (Arkhangelsky et al. 2021,
"Synthetic difference-in-differences", American Economic Review 111, section 2). A partner's gap is what it has beyond
its mix after launch. Those that are not on the candidate have gaps too, the placebos (Abadie, Diamond and Hainmueller
2010): the test draws again who was on it, by their gaps.

Weights are of the past alone and mixes may hold partners on the candidate, so gaps are alike whoever was drawn, which
makes the test exact. What mixes hold of the effect itself is known, as gaps are linear in y, and divided out.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools
from simulator.pilots.estimators.estimate import Estimated
from simulator.pilots.estimators.parallel import outcomes
from simulator.pilots.estimators.randomization import redrawn
from simulator.pilots.panel import PilotPanel

_STEPS = 100


def synthetic(panel: PilotPanel) -> Estimated:
    """Mean gap of those on the candidate, per period, with placebo inference."""
    _, treated, used = outcomes(panel)
    donors = np.asarray(panel.observed.all(axis=2))
    allowed = donors[:, None, :] & (panel.cluster[:, :, None] != panel.cluster[:, None, :])
    level = panel.before.mean(axis=2, keepdims=True)
    weights = _weights(panel.before - level, donors, allowed)
    z, w = (_gaps(y, weights, panel.observed) for y in (panel.outcome - level, panel.treated.astype(float)))
    return redrawn(z[..., None], w[..., None], treated[..., None], panel, used & allowed.any(axis=2))


def _gaps(y: Array, weights: Array, observed: Bools) -> Array:
    """What each partner has beyond its mix, mean over the periods in which it was observed, (R, P)."""
    y = np.where(observed, y, 0.0)
    beyond = np.where(observed, y - weights @ y, 0.0)
    return np.asarray(beyond.sum(axis=2) / np.maximum(observed.sum(axis=2), 1))


def _weights(past: Array, donors: Bools, allowed: Bools) -> Array:
    """Weights (R, P, P) by projected gradients with momentum (Nesterov 2004, section 2.2.4), from even ones."""
    changes = np.diff(past, axis=2)
    zeta2 = (changes**2 * donors[..., None]).sum(axis=(1, 2)) / np.maximum(donors.sum(axis=1) * changes.shape[2], 1)
    others = past * donors[..., None]
    gram, target = (part @ np.swapaxes(others, 1, 2) for part in (others, past))
    flat = past.shape[2] * zeta2
    steep = np.linalg.eigvalsh(np.swapaxes(others, 1, 2) @ others)[:, -1] + flat
    steep = np.where(steep > 0, steep, 1.0)
    pace, slowest = (part[:, None, None] for part in (1.0 / steep, np.sqrt(flat / steep)))
    momentum = (1.0 - slowest) / (1.0 + slowest)
    w = ahead = allowed / np.maximum(allowed.sum(axis=2, keepdims=True), 1)
    for _ in range(_STEPS):
        slope = ahead @ gram + flat[:, None, None] * ahead - target
        new = _onto_simplex(ahead - pace * slope, allowed)
        ahead, w = new + momentum * (new - w), new
    return np.asarray(w)


def _onto_simplex(w: Array, allowed: Bools) -> Array:
    """The nearest weights that are not negative, 0 where not allowed, and of sum 1."""
    ordered = -np.sort(np.where(allowed, -w, np.inf), axis=2)
    excess = (np.cumsum(np.where(np.isfinite(ordered), ordered, 0.0), axis=2) - 1.0) / np.arange(1, w.shape[2] + 1)
    last = np.maximum((ordered > excess).sum(axis=2, keepdims=True), 1)
    return np.where(allowed, np.maximum(w - np.take_along_axis(excess, last - 1, axis=2), 0.0), 0.0)
