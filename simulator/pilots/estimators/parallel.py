"""Estimators for groups that stay as they are: a partner's mean over the periods it was observed in is one outcome.

A partner that was ever on the candidate counts with the periods it was on it, any other with all its periods.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.estimators.cluster_ols import Rows, regressed
from simulator.pilots.estimators.estimate import Estimated
from simulator.pilots.panel import PilotPanel


def difference(panel: PilotPanel) -> Estimated:
    """Difference in means within strata; for a single stratum Welch's (1947)."""
    return _partners(panel, [], singly(panel))


def cuped(panel: PilotPanel) -> Estimated:
    """Regression on the treatment and a partner's mean before launch (Deng et al. 2013; analysis of covariance)."""
    return _partners(panel, [panel.before.mean(axis=2)], singly(panel))


def changes(panel: PilotPanel) -> Estimated:
    """Difference in differences: of the changes from a partner's mean before launch."""
    y, treated, used = outcomes(panel)
    change = y - panel.before.mean(axis=2)
    return regressed(Rows(change, treated.astype(float)[..., None], used, singly(panel), panel.stratum))


def clustered(panel: PilotPanel) -> Estimated:
    """As `cuped`, or without periods before launch as `difference`, with errors that clusters share."""
    return _partners(panel, [panel.before.mean(axis=2)] if panel.before.shape[2] else [], panel.cluster)


def before_after(panel: PilotPanel) -> Estimated:
    """The mean change of those on the candidate from before launch, with no comparison."""
    y, treated, used = outcomes(panel)
    change = y - panel.before.mean(axis=2)
    return regressed(Rows(change, np.ones_like(y)[..., None], used & treated, singly(panel), None))


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


def _partners(panel: PilotPanel, covariates: list[Array], cluster: Ints) -> Estimated:
    y, treated, used = outcomes(panel)
    x = np.stack([treated.astype(float), *covariates], axis=2)
    return regressed(Rows(y, x, used, cluster, panel.stratum))
