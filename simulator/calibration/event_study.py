"""How partners answered to past changes of their program: an event study, and what it says of the elasticity.

The model's response is activity = (V / V0)^eps, V being what an opportunity brings a partner (own margin and pay). A
change that moved V by the factor r for some partners should move their opportunities by r^eps against the others':

    log E[count_iq] = partner_i + quarter_q + eps * ln r * (i was changed and q is at or after the change)

Poisson, errors clustered by partner. Where everybody was changed there are no others, quarters give way to a straight
line, and whatever else happened then is counted in. Before the change the two groups must have moved alike: in the
quarters before it neither a drift of their own nor a jump in the last one, ahead of the change, may be seen (joint Wald
test, 5 %). Else the change tells nothing and the graded prior stays. Such tests miss slow drifts (Roth 2022, AER:
Insights 4): an elasticity is no better than the comparison it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from simulator.calibration.profile import ProgramChange
from simulator.calibration.remarks import FittedNumber
from simulator.core.arrays import Array

MIN_BEFORE, MIN_AFTER, MIN_PARTNERS = 5, 2, 8
PRE_TREND = 0.05


@dataclass(frozen=True)
class PastResponse:
    """elasticity: None where nothing can be said; reason: why, or what it rests on; pre_trend: p-value of the test
    that both groups moved alike before, None where it was not made."""

    elasticity: FittedNumber | None
    reason: str
    pre_trend: float | None = None


def response(rows: pd.DataFrame, changes: Sequence[ProgramChange], *, end: pd.Timestamp) -> PastResponse:
    """Elasticity from partner rows (columns `owner`, `created`) and past changes; the first usable one counts."""
    if not changes:
        return PastResponse(None, "no past change of the program is given: the elasticity is the graded prior")
    found = [_study(rows, change, end) for change in changes]
    return next((study for study in found if study.elasticity is not None), found[0])


def _study(rows: pd.DataFrame, change: ProgramChange, end: pd.Timestamp) -> PastResponse:
    counts = _counts(rows, end)
    at = pd.Timestamp(change.day).to_period("Q")
    after = np.asarray(pd.PeriodIndex(counts.columns) >= at)
    changed = np.array([not change.owners or owner in change.owners for owner in counts.index])
    name = f"the change of {change.day}"
    if (~after).sum() < MIN_BEFORE or after.sum() < MIN_AFTER or changed.sum() < MIN_PARTNERS:
        needed = f"{MIN_BEFORE} quarters before, {MIN_AFTER} after and {MIN_PARTNERS} partners are needed"
        return PastResponse(None, f"{name} leaves too little to compare: {needed}")
    others = int((~changed).sum())
    if 0 < others < MIN_PARTNERS:
        return PastResponse(
            None, f"{name} left {others} partners unchanged, at least {MIN_PARTNERS} are needed, or none"
        )
    count, before = counts.to_numpy(dtype=float), np.arange(int((~after).sum()))
    drift = [np.outer(changed, before / 4), np.outer(changed, before == before[-1])]
    # With nobody to compare with, the drift is that of the line: only the jump can be tested.
    lead, spread = _poisson(count[:, ~after], drift[0 if others else 1 :], alone=not others)
    p_value = float(chi2.sf(float(lead @ np.linalg.solve(spread, lead)), len(lead)))
    if p_value < PRE_TREND:
        return PastResponse(None, f"{name}: partners moved apart already before it (p = {p_value:.3f})", p_value)
    params, cov = _poisson(count, [np.outer(changed, after)], alone=not others)
    scale = float(np.log(change.value_ratio))
    note = f"event study of {change.day}, pre-trend p = {p_value:.2f}"
    if not others:
        note += "; all partners were changed, so all else that happened then is counted in"
    estimate = FittedNumber(
        float(params[0]) / scale,
        float(np.sqrt(cov[0, 0])) / abs(scale),
        len(counts),
        "elasticity",
        note,
        len(counts) - 1,
    )
    return PastResponse(estimate, note, p_value)


def _counts(rows: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """Opportunities by partner and whole quarter, of partners that were there from start to end of what is compared."""
    quarter = rows["created"].dt.to_period("Q")
    last = end.to_period("Q") - (0 if end >= end.to_period("Q").end_time.normalize() else 1)
    whole = pd.period_range(rows["created"].min().to_period("Q") + 1, last, freq="Q")
    table = pd.crosstab(rows["owner"].astype(str), quarter).reindex(columns=whole, fill_value=0)
    return table[table.sum(axis=1) > 0]


def _poisson(counts: Array, effects: list[Array], *, alone: bool) -> tuple[Array, Array]:
    """Coefficients of `effects` (each partners x quarters) and their covariance, clustered by partner."""
    import statsmodels.api as sm

    partners, quarters = counts.shape
    who, when = (axis.ravel() for axis in np.indices(counts.shape))
    nuisance = np.eye(partners)[who]
    line = (when[:, None] - quarters / 2) / 4
    nuisance = np.column_stack([nuisance, line if alone else np.eye(quarters)[when][:, 1:]])
    design = np.column_stack([*(effect.ravel().astype(float) for effect in effects), nuisance])
    model = sm.GLM(counts.ravel(), design, family=sm.families.Poisson())
    found = model.fit(cov_type="cluster", cov_kwds={"groups": who})
    first = len(effects)
    return np.asarray(found.params)[:first], np.asarray(found.cov_params())[:first, :first]
