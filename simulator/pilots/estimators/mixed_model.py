"""Mixed model by restricted maximum likelihood: random effects of clusters and of the partners in them.

    y_it = period_t + theta d_it + gamma (mean before launch)_i + u_cluster(i) + v_i + e_it

Fitted one pilot at a time by statsmodels, some tens of milliseconds each. Errors are the model's own, with two degrees
of freedom fewer than clusters, and one fewer still for the level before launch (between-within; Schluchter and Elashoff
1990).
"""

from __future__ import annotations

import warnings

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.pilots.panel import PilotEstimate, PilotPanel


def mixed(panel: PilotPanel) -> PilotEstimate:
    """The treatment's coefficient with the model's error."""
    r, p, _ = panel.shape
    level = panel.before.mean(axis=2)[..., None] if panel.before.shape[2] else np.zeros((r, p, 0))
    found = []
    for pilot in range(r):
        partner, period = np.nonzero(panel.observed[pilot])
        y, d = (part[pilot][partner, period].astype(float) for part in (panel.outcome, panel.treated))
        periods = (period[:, None] == np.unique(period)).astype(float)
        x = np.column_stack([d, level[pilot][partner], periods])
        cluster = panel.cluster[pilot][partner]
        degrees = len(np.unique(cluster)) - 2 - level.shape[2]
        known = degrees > 0 and np.linalg.matrix_rank(x) == x.shape[1]
        found.append((*_fitted(y, x, cluster, partner), degrees) if known else (np.nan, np.nan, np.nan))
    effect, se, of_freedom = np.array(found).T
    return PilotEstimate(effect, se, of_freedom)


def _fitted(y: Array, x: Array, cluster: Ints, partner: Ints) -> tuple[float, float]:
    """Coefficient and error of the first regressor."""
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec  # a second to import

    order = np.lexsort((partner, cluster))
    y, x, cluster, partner = y[order], x[order], cluster[order], partner[order]
    several = len(np.unique(partner)) > len(np.unique(cluster))
    mats = [_dummies(partner[cluster == g]) for g in np.unique(cluster)]
    names = [[str(k) for k in range(mat.shape[1])] for mat in mats]
    scale = float(y.std()) or 1.0  # its tolerances are absolute
    model = MixedLM(
        y / scale,
        x,
        groups=cluster,
        exog_re=np.ones((len(y), 1)),
        exog_vc=VCSpec(["partner"], [names], [mats]) if several else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a component of 0 is on the edge of what it can be, and warned of each time
        fit = model.fit(reml=True)
        found = float(fit.fe_params[0]), float(fit.bse_fe[0])
    return found[0] * scale, found[1] * scale


def _dummies(label: Ints) -> Array:
    return np.asarray((label[:, None] == np.unique(label)).astype(float))
