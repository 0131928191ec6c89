r"""Estimators for partners that change sides: each partner and period is a row, and every period has an effect.

Stepped wedge: generalised least squares of Hussey and Hughes (2007), Contemporary Clinical Trials 28,

    y_it = period_t + theta d_it + u_i + e_it,     Var u = tau2,  Var e = sigma2,

by ordinary least squares on y_it - phi_i mean(y_i), phi_i = 1 - sqrt(sigma2 / (sigma2 + n_i tau2)). The components are
moments of the residuals of ordinary least squares: tau2 the mean product of two of the same partner, sigma2 the rest
of their variance. Errors are robust by cluster (CR2), so that they hold where outcomes of a partner are not as alike
as the model says. phi = 1 compares within partners alone.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools
from simulator.pilots.estimators.cluster_ols import Rows, regressed, residuals
from simulator.pilots.estimators.estimate import Estimated
from simulator.pilots.panel import PilotPanel


def stepped_wedge(panel: PilotPanel) -> Estimated:
    """Generalised least squares with a random effect of each partner, whose variance is estimated."""
    r, p, _ = panel.shape
    sigma2, tau2 = components(panel)
    seen = panel.observed.sum(axis=2)
    total = sigma2[:, None] + seen * tau2[:, None]
    phi = 1.0 - np.sqrt(np.divide(sigma2[:, None], total, out=np.ones((r, p)), where=total > 0))
    return regressed(_rows(panel, panel.observed, phi))


def switchback(panel: PilotPanel) -> Estimated:
    """Within partners and periods. The first period of a block is left out where blocks last longer than one, as what
    was started under the other program ends in it."""
    changed = panel.treated != np.concatenate([np.zeros_like(panel.treated[..., :1]), panel.treated[..., :-1]], axis=2)
    settled = panel.observed & ~changed
    enough = (settled & panel.treated).any(axis=(1, 2)) & (settled & ~panel.treated)[..., 1:].any(axis=(1, 2))
    used = np.where(enough[:, None, None], settled, panel.observed)
    return regressed(_rows(panel, used, np.ones(panel.shape[:2])))


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
