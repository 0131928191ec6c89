r"""Estimators that draw again who was on the candidate: the randomisation test and the synthetic control.

**The randomisation test** draws the labels again as they were drawn (Fisher 1935; Rosenbaum 2002, section 2).

If the candidate moves every partner by theta and nothing else, y - theta d is what would have been seen under any
labels. With z = L y and w = L d for a linear map L that takes out what is known without the labels (means of stratum
and period, and the mean before launch), labels k drawn again give

    T_k(theta) = sum d_k (z - theta w),

and theta is rejected where few |T_k(theta)| are as large as that of the labels in force. This needs neither a normal
distribution nor many clusters, only the labels' own lottery: whole courses of treatment are shuffled among the
clusters of a stratum. Each k is no further from the data than the labels in force for an interval of effects around
a0; its ends are (a0 -+ ak) / (1 -+ bk), with a = sum d_k z and b = sum d_k w in units of sum d_0 w. Their counts are
the p value of any theta, and the estimate is a0.

**The synthetic control** is for few partners with a longer past: each is compared with a mix of others that moved as it
did.

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

from functools import lru_cache

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.core.streams import Streams
from simulator.pilots.estimators.cluster_ols import Rows, residuals
from simulator.pilots.estimators.regression import outcomes
from simulator.pilots.panel import PilotEstimate, PilotPanel

_DRAWS = 499
"""Labels drawn again; with those in force p values are multiples of 1 / 500."""
_NULL = 1e-9


def randomisation(panel: PilotPanel) -> PilotEstimate:
    """The effect, the spread of what other labels would have shown without one, and the ends of their intervals."""
    crossing = bool((panel.treated != panel.treated[..., :1]).any())
    z = _left(panel, panel.outcome, panel.before, crossing)
    w = _left(panel, panel.treated.astype(float), np.zeros_like(panel.before), crossing)
    return redraw_labels(z, w, panel.treated, panel, np.asarray(panel.observed.any(axis=2)))


def redraw_labels(z: Array, w: Array, course: Bools, panel: PilotPanel, known: Bools) -> PilotEstimate:
    """What other labels of the clusters would have shown. z, w, course: (R, P, T); known: (R, P), who counts."""
    parts = zip(z, w, course, panel.cluster, panel.stratum, known, strict=True)
    each = [_tested(*(part[who] for part in of)) for *of, who in parts]
    effect, se, low, high = (np.array(column) for column in zip(*each, strict=True))
    return PilotEstimate(effect, se, np.full(len(effect), np.inf), (low, high))


def _left(panel: PilotPanel, y: Array, before: Array, crossing: bool) -> Array:
    """L y, (R, P, T), 0 where not observed. Where partners change sides their own mean is taken out, else the slope
    on the mean before launch."""
    r, p, t = panel.shape
    used, y = panel.observed, np.where(panel.observed, y, 0.0)
    covariate = np.zeros((r, p, t, 1))
    if crossing:
        cells = np.maximum(used.sum(axis=2) + before.shape[2], 1)
        y = y - ((y.sum(axis=2) + before.sum(axis=2)) / cells)[..., None]
    elif before.shape[2]:
        covariate = np.broadcast_to(panel.before.mean(axis=2)[..., None, None], covariate.shape)
    place = panel.stratum[..., None] * t + np.arange(t)
    flat = (r, p * t)
    rows = Rows(
        y.reshape(flat), covariate.reshape(*flat, 1), used.reshape(flat), place.reshape(flat), place.reshape(flat)
    )
    return residuals(rows).reshape(panel.shape)


def _tested(z: Array, w: Array, treated: Bools, cluster: Ints, stratum: Ints) -> tuple[float, float, Array, Array]:
    """Effect, error and ends, (K,) each, of one pilot."""
    first, code = np.unique(cluster, return_index=True, return_inverse=True)[1:]
    member = (np.arange(len(first))[:, None] == code).astype(float)
    course, z, w = treated[first].astype(float), member @ z, member @ w
    unit = float((course * w).sum())
    if unit <= _NULL * float(treated.sum()):
        whole = np.full(_DRAWS + 1, np.inf)
        return np.nan, np.nan, -whole, whole
    a0 = float((course * z).sum()) / unit
    order = np.lexsort(((z - a0 * w).sum(axis=1), stratum[first]))  # numbering partners otherwise changes nothing
    _, home = np.unique(stratum[first][order], return_inverse=True)
    drawn, place = np.argsort(home + _lots(len(order)), axis=1), np.arange(len(order))
    a, b = ((course[order] @ part[order].T)[drawn, place].sum(axis=1) / unit for part in (z, w))
    low, high = _ends(a0, a, b)
    return a0, float(np.sqrt(np.mean((a - a0 * b) ** 2))), np.append(low, -np.inf), np.append(high, np.inf)


def _ends(a0: float, a: Array, b: Array) -> tuple[Array, Array]:
    """Where labels are no further from the data than those in force; everywhere for those labels themselves."""
    inner = np.abs(b) < 1.0 - _NULL
    one = np.divide(a0 - a, 1.0 - b, out=np.full_like(a, -np.inf), where=inner)
    two = np.divide(a0 + a, 1.0 + b, out=np.full_like(a, np.inf), where=inner)
    return np.minimum(one, two), np.maximum(one, two)


@lru_cache(maxsize=64)
def _lots(clusters: int) -> Array:
    """A lot in (0, 1) of each cluster in each drawing, (draws, clusters)."""
    u = Streams(0).draw("pilot labels", np.arange(_DRAWS)[:, None], np.arange(clusters)[None, :])[0]
    return np.asarray(u.reshape(_DRAWS, clusters))


_STEPS = 100


def synthetic(panel: PilotPanel) -> PilotEstimate:
    """Mean gap of those on the candidate, per period, with placebo inference."""
    _, treated, used = outcomes(panel)
    donors = np.asarray(panel.observed.all(axis=2))
    allowed = donors[:, None, :] & (panel.cluster[:, :, None] != panel.cluster[:, None, :])
    level = panel.before.mean(axis=2, keepdims=True)
    weights = _weights(panel.before - level, donors, allowed)
    z, w = (_gaps(y, weights, panel.observed) for y in (panel.outcome - level, panel.treated.astype(float)))
    return redraw_labels(z[..., None], w[..., None], treated[..., None], panel, used & allowed.any(axis=2))


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
