"""Seasons of demand, where an export can tell them from growth.

Opportunities per calendar quarter, quasi-Poisson around exp(a + b t + c t^2 + season): growth may bend, but not with
the seasons. Seasons are believed in if an F test rejects equal ones at 1 % (they are written into a scenario, where
chance would be simulated for good), and only with three degrees of freedom left; else they are not identified.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from simulator.calibration.remarks import FittedNumber

LEVEL = 0.01
MIN_DEGREES = 3


@dataclass(frozen=True)
class Season:
    """by_quarter: demand of the four calendar quarters as a multiple of their mean; p_value: of equal ones."""

    by_quarter: tuple[FittedNumber, FittedNumber, FittedNumber, FittedNumber]
    p_value: float


def season(created: pd.Series, *, end: pd.Timestamp) -> Season | str:
    """Seasons of the creation dates, or why they are not identified."""
    import statsmodels.api as sm

    count = _per_quarter(created, end)
    quarter = pd.PeriodIndex(count.index).quarter.to_numpy()
    t = (np.arange(len(count)) - len(count) / 2) / 4
    base = np.column_stack([np.ones(len(t)), t, t**2])
    effects = np.column_stack([(quarter == q).astype(float) - (quarter == 4) for q in (1, 2, 3)])
    full = np.column_stack([base, effects])
    degrees = len(count) - full.shape[1]
    if degrees < MIN_DEGREES:
        return (
            f"{len(count)} whole quarters cannot tell seasons from growth: at least {full.shape[1] + MIN_DEGREES} can"
        )
    values = count.to_numpy(dtype=float)
    fits = [sm.GLM(values, design, family=sm.families.Poisson()).fit(scale="X2") for design in (base, full)]
    spread = max(float(fits[1].scale), 1.0)
    ratio = (float(fits[0].deviance) - float(fits[1].deviance)) / 3 / spread
    p_value = float(f_distribution.sf(ratio, 3, degrees))
    if p_value > LEVEL:
        return f"equal seasons are not rejected over {len(count)} quarters (F test, p = {p_value:.2f})"
    at, cov = np.asarray(fits[1].params)[-3:], np.asarray(fits[1].cov_params())[-3:, -3:]
    spin = np.vstack([np.eye(3), -np.ones(3)])
    logs, errors = spin @ at, np.sqrt(np.diag(spin @ cov @ spin.T))
    level = np.exp(logs) / np.exp(logs).mean()
    found = [
        FittedNumber(float(v), float(v * e), int(values.sum()), "times", "demand of the calendar quarter over the mean")
        for v, e in zip(level, errors, strict=True)
    ]
    return Season((found[0], found[1], found[2], found[3]), p_value)


def _per_quarter(created: pd.Series, end: pd.Timestamp) -> pd.Series:
    """Opportunities of the whole quarters."""
    first, last = created.min(), min(end, created.max() + pd.Timedelta(days=7))
    start = first.to_period("Q") + (0 if first - first.to_period("Q").start_time <= pd.Timedelta(days=7) else 1)
    stop = last.to_period("Q") - (0 if last >= last.to_period("Q").end_time.normalize() else 1)
    whole = pd.period_range(start, stop, freq="Q")
    count: pd.Series = created.dt.to_period("Q").value_counts().reindex(whole, fill_value=0)
    return count
