r"""Power by closed forms, for normal outcomes and an effect that is the same for all.

Two groups of n1 and n0 partners, t test with equal variances: t has a noncentral distribution with parameter
effect / (sd sqrt(1/n1 + 1/n0)). A level before launch that correlates by rho with the outcome leaves 1 - rho^2 of its
variance (Deng et al. 2013, section 3.1).

Clusters in rows, periods in columns, X_it = 1 where on the candidate (Hussey and Hughes 2007, equation 8 and after),
sigma2 the variance of a cluster's mean in a period around its own level, tau2 that of levels:

    Var = I sigma2 (sigma2 + T tau2) / [(I U - W) sigma2 + (U^2 + I T U - T W - I V) tau2],
    U = sum X,  W = sum_t (sum_i X)^2,  V = sum_i (sum_t X)^2;     power = Phi(|effect| / sqrt(Var) - z).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import nct, t

from simulator.core.arrays import Array, Bools
from simulator.pilots.estimators.parallel import outcomes
from simulator.pilots.estimators.stepped_wedge import components
from simulator.pilots.panel import PilotReadings


def two_sample_power(effect: float, sd: float, on: int, off: int, *, level: float = 0.05, rho: float = 0.0) -> float:
    """Power of a two-sided comparison of two groups; rho: correlation with a covariate that is regressed on."""
    degrees = on + off - 2 - (rho != 0.0)
    shift = abs(effect) / (sd * np.sqrt(variance_left(rho) * (1 / on + 1 / off)))
    critical = t.ppf(1 - level / 2, degrees)
    return float(nct.sf(critical, degrees, shift) + nct.cdf(-critical, degrees, shift))


def detectable(power: float, sd: float, on: int, off: int, *, level: float = 0.05, rho: float = 0.0) -> float:
    """Least effect that two groups find with a power between the level and 1."""

    def missing(effect: float) -> float:
        return two_sample_power(effect, sd, on, off, level=level, rho=rho) - power

    high = sd
    while missing(high) < 0:
        high *= 2.0
    return float(brentq(missing, 0.0, high, xtol=1e-10 * sd))


def variance_left(rho: float) -> float:
    """Share of the variance of an estimate that regression on a covariate leaves."""
    return 1.0 - rho**2


def wedge_variance(course: Bools, sigma2: float, tau2: float) -> float:
    """Variance of the effect by generalised least squares; course: (clusters, periods), whether on the candidate."""
    x = np.asarray(course, dtype=float)
    i, periods = x.shape
    u, w, v = x.sum(), np.sum(x.sum(axis=0) ** 2), np.sum(x.sum(axis=1) ** 2)
    seen = (i * u - w) * sigma2 + (u**2 + i * periods * u - periods * w - i * v) * tau2
    return float(i * sigma2 * (sigma2 + periods * tau2) / seen)


def wedge_power(course: Bools, effect: float, sigma2: float, tau2: float, *, level: float = 0.05) -> float:
    """Power of a two-sided test with known components of variance, for any course of treatment by cluster."""
    return float(ndtr(abs(effect) / np.sqrt(wedge_variance(course, sigma2, tau2)) + ndtri(level / 2)))


def textbook_power(trial: PilotReadings, level: float = 0.05) -> float | None:
    """Power at the mean effect of a full rollout by these forms, from how outcomes vary with nobody on the candidate.

    Regression on the level before launch is taken for granted where there is one. None where partners were assigned as
    one: there the forms say nothing without what clusters have in common.
    """
    p, effect = trial.panel, float(np.mean(trial.effect))
    seen: Bools = np.asarray(p.observed.any(axis=2))
    if any(len(np.unique(own[who])) < who.sum() for own, who in zip(p.cluster, seen, strict=True)):
        return None
    off = replace(p, outcome=trial.off, treated=np.zeros_like(p.treated))
    if (p.treated != p.treated[..., :1]).any():
        sigma2, tau2 = (float(part.mean()) for part in components(off))
        return wedge_power(p.treated[0][seen[0]], effect, sigma2, tau2, level=level)
    y, _, used = outcomes(off)
    spread = _spread(y, used)
    rho = 0.0
    if p.before.shape[2]:
        past = _spread(p.before.mean(axis=2), used)
        rho = float(np.sum(spread * past) / np.sqrt(np.sum(spread**2) * np.sum(past**2)))
    sd = float(np.sqrt(np.sum(spread**2) / np.sum(used.sum(axis=1) - 1)))
    on = round(float((p.treated[..., 0] & used).sum(axis=1).mean()))
    return two_sample_power(effect, sd, on, round(float(used.sum(axis=1).mean())) - on, level=level, rho=rho)


def _spread(y: Array, used: Bools) -> Array:
    """Differences from the mean of each pilot, (R, P), 0 where not in use."""
    mean = np.where(used, y, 0.0).sum(axis=1) / used.sum(axis=1)
    return np.asarray(np.where(used, y - mean[:, None], 0.0))
