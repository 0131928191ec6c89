r"""Estimators by least squares with errors robust by cluster.

**Groups that stay as they are**: a partner's mean over the periods it was observed in is one outcome. A partner that
was ever on the candidate counts with the periods it was on it, any other with all its periods.

**Partners that change sides**: each partner and period is a row, and every period has an effect. The stepped wedge is
generalised least squares of Hussey and Hughes (2007), Contemporary Clinical Trials 28,

    y_it = period_t + theta d_it + u_i + e_it,     Var u = tau2,  Var e = sigma2,

by ordinary least squares on y_it - phi_i mean(y_i), phi_i = 1 - sqrt(sigma2 / (sigma2 + n_i tau2)). The components are
moments of the residuals of ordinary least squares: tau2 the mean product of two of the same partner, sigma2 the rest
of their variance. Errors are robust by cluster (CR2), so that they hold where outcomes of a partner are not as alike
as the model says. phi = 1 compares within partners alone.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.estimators.cluster_ols import Rows, regress, residuals
from simulator.pilots.panel import PilotEstimate, PilotPanel


def difference(panel: PilotPanel) -> PilotEstimate:
    """Difference in means within strata; for a single stratum Welch's (1947)."""
    return _partners(panel, [], singly(panel))


def cuped(panel: PilotPanel) -> PilotEstimate:
    """Regression on the treatment and a partner's mean before launch (Deng et al. 2013; analysis of covariance)."""
    return _partners(panel, [panel.before.mean(axis=2)], singly(panel))


def changes(panel: PilotPanel) -> PilotEstimate:
    """Difference in differences: of the changes from a partner's mean before launch."""
    y, treated, used = outcomes(panel)
    change = y - panel.before.mean(axis=2)
    return regress(Rows(change, treated.astype(float)[..., None], used, singly(panel), panel.stratum))


def clustered(panel: PilotPanel) -> PilotEstimate:
    """As `cuped`, or without periods before launch as `difference`, with errors that clusters share."""
    return _partners(panel, [panel.before.mean(axis=2)] if panel.before.shape[2] else [], panel.cluster)


def before_after(panel: PilotPanel) -> PilotEstimate:
    """The mean change of those on the candidate from before launch, with no comparison."""
    y, treated, used = outcomes(panel)
    change = y - panel.before.mean(axis=2)
    return regress(Rows(change, np.ones_like(y)[..., None], used & treated, singly(panel), None))


def outcomes(panel: PilotPanel) -> tuple[Array, Bools, Bools]:
    """Mean outcome of each partner, whether it was ever on the candidate, whether it was observed; (R, P) each."""
    ever = np.asarray((panel.treated & panel.observed).any(axis=2))
    cells = panel.observed & (panel.treated == ever[..., None])
    seen = cells.sum(axis=2)
    y = np.where(cells, panel.outcome, 0.0).sum(axis=2) / np.maximum(seen, 1)
    return y, ever, seen > 0


def singly(panel: PilotPanel) -> Ints:
    """Each partner a cluster of its own, (R, P)."""
    r, p, _ = panel.shape
    return np.broadcast_to(np.arange(p), (r, p))


def _partners(panel: PilotPanel, covariates: list[Array], cluster: Ints) -> PilotEstimate:
    y, treated, used = outcomes(panel)
    x = np.stack([treated.astype(float), *covariates], axis=2)
    return regress(Rows(y, x, used, cluster, panel.stratum))


def stepped_wedge(panel: PilotPanel) -> PilotEstimate:
    """Generalised least squares with a random effect of each partner, whose variance is estimated."""
    r, p, _ = panel.shape
    sigma2, tau2 = components(panel)
    seen = panel.observed.sum(axis=2)
    total = sigma2[:, None] + seen * tau2[:, None]
    phi = 1.0 - np.sqrt(np.divide(sigma2[:, None], total, out=np.ones((r, p)), where=total > 0))
    return regress(_rows(panel, panel.observed, phi))


def switchback(panel: PilotPanel) -> PilotEstimate:
    """Within partners and periods. The first period of a block is left out where blocks last longer than one, as what
    was started under the other program ends in it."""
    changed = panel.treated != np.concatenate([np.zeros_like(panel.treated[..., :1]), panel.treated[..., :-1]], axis=2)
    settled = panel.observed & ~changed
    enough = (settled & panel.treated).any(axis=(1, 2)) & (settled & ~panel.treated)[..., 1:].any(axis=(1, 2))
    used = np.where(enough[:, None, None], settled, panel.observed)
    return regress(_rows(panel, used, np.ones(panel.shape[:2])))


def _rows(panel: PilotPanel, used: Bools, phi: Array) -> Rows:
    """Treatment and periods in the cells in use, each less phi (R, P) of the partner's own mean."""
    r, p, t = panel.shape
    periods = np.broadcast_to(np.eye(t), (r, p, t, t))
    every = np.concatenate([panel.outcome[..., None], panel.treated[..., None], periods], axis=3)
    every = np.where(used[..., None], every, 0.0)
    mean = every.sum(axis=2) / np.maximum(used.sum(axis=2), 1)[..., None]
    every = np.where(used[..., None], every - (phi[..., None] * mean)[:, :, None, :], 0.0).reshape(r, p * t, t + 2)
    cluster = np.repeat(panel.cluster, t, axis=1)
    return Rows(every[..., 0], every[..., 1:], used.reshape(r, p * t), cluster, None)


def components(panel: PilotPanel) -> tuple[Array, Array]:
    """sigma2 and tau2 of each pilot, (R,)."""
    left = residuals(_rows(panel, panel.observed, np.zeros(panel.shape[:2]))).reshape(panel.shape)
    cells = panel.observed.sum(axis=2)
    pairs = np.maximum((cells * (cells - 1)).sum(axis=1), 1)
    squares = (left**2).sum(axis=(1, 2))
    tau2 = np.maximum(((left.sum(axis=2) ** 2).sum(axis=1) - squares) / pairs, 0.0)
    variance = squares / np.maximum(cells.sum(axis=1), 1)
    return np.maximum(variance - tau2, 0.0), np.minimum(tau2, variance)
