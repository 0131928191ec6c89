"""How many opportunities a partner creates per year, and how unequal partners are.

Model: given that partner i is seen, the opportunities after its first one are Poisson with mean rate_i *
exposure_i, ln rate_i ~ N(mu, sigma^2). Counting from the first on removes the bias that a partner is only
seen because it created one. The spread sigma is free of Poisson noise, unlike the spread of the counts.

Exposure runs from the first opportunity to the end of the export if the silence since the last one is
plausible for the partner's own pace (at most three of its mean gaps, a 5 % test for a Poisson process),
else to its last one. It is never below a minimum, as far as the export reaches: two opportunities in one
week and none since are no rate of a hundred per year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln

from simulator.calibrate.findings import Estimate
from simulator.calibrate.likelihood import Array, log_integrals, maximum

YEAR_WEEKS = 52.0
PLAUSIBLE_SILENCE = 3.0
"""Mean gaps; exp(-3) = 5 %."""
ACTIVE_WEEKS = 52.0
"""Partners with an opportunity in this last part of the export are the population of the scenario."""


@dataclass(frozen=True)
class Volume:
    """Fitted volumes. partners: active ones; seen: all ever seen; recent: opportunities of the last
    year, None where the export is shorter."""

    per_year: Estimate
    log_sd: Estimate
    log_sd_of_counts: float
    implied_mean: float
    partners: int
    seen: int
    recent: int | None


def fit_volume(rows: pd.DataFrame, *, min_activity_weeks: float) -> Volume:
    """Fit partner rows (columns `owner`, `created`) of all outcomes."""
    activity = _activity(rows, min_activity_weeks)
    later = activity["count"].to_numpy(dtype=float) - 1.0
    years = activity["weeks"].to_numpy(dtype=float) / YEAR_WEEKS
    mean = _mean_rate(later, years, min_activity_weeks / 2 / YEAR_WEEKS)
    centre, spread, log_sd = _poisson_lognormal(later, years)
    since = rows["created"].max() - pd.Timedelta(weeks=ACTIVE_WEEKS)
    recent = rows[rows["created"] > since]
    return Volume(
        per_year=mean,
        log_sd=log_sd,
        log_sd_of_counts=float(np.log(activity["count"]).std(ddof=1)),
        implied_mean=float(np.exp(centre + spread**2 / 2)),
        partners=int(recent["owner"].nunique()),
        seen=len(activity),
        recent=len(recent) if rows["created"].min() <= since else None,
    )


def in_weeks(spans: pd.Series) -> pd.Series:
    """Spans of time in weeks."""
    weeks: pd.Series = spans.dt.total_seconds() / (7 * 86400)
    return weeks


def _activity(rows: pd.DataFrame, minimum: float) -> pd.DataFrame:
    """Per owner the number of opportunities and the weeks of exposure after the first."""
    seen = rows.groupby("owner")["created"].agg(["count", "min", "max"])
    end = rows["created"].max()
    span, silence, reach = (
        in_weeks(seen["max"] - seen["min"]), in_weeks(end - seen["max"]), in_weeks(end - seen["min"])
    )  # fmt: skip
    gap = span / (seen["count"] - 1).clip(lower=1)
    going_on = silence <= PLAUSIBLE_SILENCE * gap
    exposure = span.mask(going_on, reach)
    # A partner first seen on the last day has no exposure at all; one day keeps its rate of zero defined.
    floor = reach.clip(upper=minimum).clip(lower=1 / 7)
    return pd.DataFrame({"count": seen["count"], "weeks": np.maximum(exposure, floor)})


def _mean_rate(later: Array, years: Array, shortest: float) -> Estimate:
    """Mean of the rates of partners with at least `shortest` years of exposure.

    One that has just started says little about its pace, and a single busy day would make it a giant.
    """
    settled = years >= min(shortest, float(years.max()))
    rates = later[settled] / years[settled]
    n = len(rates)
    error = float(rates.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    return Estimate(float(rates.mean()), error, n, "per partner and year", "mean of the partners' own rates")


def _poisson_lognormal(later: Array, years: Array) -> tuple[float, float, Estimate]:
    """Centre and spread of the log rates by maximum likelihood; the spread with its standard error."""
    groups = len(later)

    def log_likelihood(at: Array) -> float:
        centre, spread = at[0], at[1]

        def value(effect: Array) -> Array:
            log_mean = centre + spread * effect + np.log(years)[:, None]
            return np.asarray(later[:, None] * log_mean - np.exp(log_mean) - gammaln(later + 1)[:, None])

        def slope_and_curvature(effect: Array) -> tuple[Array, Array]:
            mean = np.exp(centre + spread * effect) * years
            return spread * (later - mean), spread**2 * mean

        return float(log_integrals(value, slope_and_curvature, groups).sum())

    start = np.array([np.log(max(later.sum(), 0.5) / years.sum()), 1.0])
    best = maximum(log_likelihood, start=start)
    spread = abs(float(best.at[1]))
    note = "Poisson-lognormal by maximum likelihood: without the Poisson noise of the counts"
    return float(best.at[0]), spread, Estimate(spread, best.se(1), groups, "log units", note)
