"""How many opportunities a partner creates per year, and how unequal partners are.

Model: given that partner i is seen, the opportunities after its first one are Poisson with mean rate_i *
exposure_i, ln rate_i ~ N(mu, sigma^2). Counting from the first on removes the bias that a partner is only
seen because it created one. The spread sigma is free of Poisson noise, unlike the spread of the counts.

Exposure runs from the first opportunity to the end of the export if the silence since the last one is
plausible, else to its last one: of k later opportunities that fall anywhere in a reach, the last falls within
the first part s of it with probability (s / reach)^k, a test at 1 %. Exposure is never below a minimum, as far
as the export reaches: two opportunities in one week and none since are no rate of a hundred per year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from simulator.calibration.likelihood import by_group, log_integrals, maximum, standard_deviation
from simulator.calibration.remarks import FittedNumber
from simulator.core.arrays import Array

YEAR_WEEKS = 52.0
GONE = 0.01
"""A partner whose silence is less likely than this has left."""
ACTIVE_WEEKS = 52.0
"""Partners with an opportunity in this last part of the export are the population of the scenario."""


@dataclass(frozen=True)
class Volume:
    """Fitted volumes.

    per_year: mean of the lognormal rates; mean_of_rates: plain mean of the partners' own; partners: active ones; seen:
    all ever seen; recent: opportunities of the last year, None where the export is shorter; activity: by partner
    opportunities (`count`), weeks of exposure (`weeks`) and whether it is still `active`.
    """

    per_year: FittedNumber
    log_sd: FittedNumber
    log_sd_of_counts: float
    mean_of_rates: float
    partners: int
    seen: int
    recent: int | None
    activity: pd.DataFrame


def fit_volume(rows: pd.DataFrame, *, min_activity_weeks: float) -> Volume:
    """Fit partner rows (columns `owner`, `created`) of all outcomes."""
    activity = _activity(rows, min_activity_weeks)
    later = activity["count"].to_numpy(dtype=float) - 1.0
    years = activity["weeks"].to_numpy(dtype=float) / YEAR_WEEKS
    (mean,), log_sd = poisson_lognormal(later, years)
    since = rows["created"].max() - pd.Timedelta(weeks=ACTIVE_WEEKS)
    recent = rows[rows["created"] > since]
    return Volume(
        per_year=mean,
        log_sd=log_sd,
        log_sd_of_counts=float(np.log(activity["count"]).std(ddof=1)),
        mean_of_rates=_mean_rate(later, years, min_activity_weeks / 2 / YEAR_WEEKS),
        partners=int(recent["owner"].nunique()),
        seen=len(activity),
        recent=len(recent) if rows["created"].min() <= since else None,
        activity=activity,
    )


def in_weeks(spans: pd.Series) -> pd.Series:
    """Spans of time in weeks."""
    weeks: pd.Series = spans.dt.total_seconds() / (7 * 86400)
    return weeks


def _activity(rows: pd.DataFrame, minimum: float) -> pd.DataFrame:
    """Per owner the number of opportunities and the weeks of exposure after the first."""
    seen = rows.groupby("owner")["created"].agg(["count", "min", "max"])
    end = rows["created"].max()
    span, reach = in_weeks(seen["max"] - seen["min"]), in_weeks(end - seen["min"])
    later = seen["count"] - 1
    # The day is the unit of dates: a last opportunity on the day of the first may still be a day later.
    within = ((span + 1 / 7) / (reach + 1 / 7)).to_numpy(dtype=float)
    here = np.log(within) * later >= np.log(GONE)
    exposure = span.mask(here, reach)
    # A partner first seen on the last day has no exposure at all; one day keeps its rate of zero defined.
    floor = reach.clip(upper=minimum).clip(lower=1 / 7)
    return pd.DataFrame({"count": seen["count"], "weeks": np.maximum(exposure, floor), "active": here})


def _mean_rate(later: Array, years: Array, shortest: float) -> float:
    """Mean of the rates of partners with at least `shortest` years of exposure.

    One that has just started says little about its pace, and a single busy day would make it a giant.
    """
    settled = years >= min(shortest, float(years.max()))
    return float((later[settled] / years[settled]).mean())


def poisson_lognormal(
    later: Array, years: Array, segment: NDArray[np.intp] | None = None
) -> tuple[list[FittedNumber], FittedNumber]:
    """Means exp(mu_s + sigma^2 / 2) by segment (0..S-1; None: one) and the common spread sigma of the partners' rates,
    by maximum likelihood; errors by the delta method. later, years: (P,)."""
    of, groups = np.zeros(len(later), dtype=np.intp) if segment is None else segment, len(later)
    count = int(of.max()) + 1

    def log_likelihood(at: Array) -> float:
        centre, spread = at[of], at[-1]

        def value(effect: Array) -> Array:
            log_mean = centre[:, None] + spread * effect + np.log(years)[:, None]
            return np.asarray(later[:, None] * log_mean - np.exp(log_mean) - gammaln(later + 1)[:, None])

        def slope_and_curvature(effect: Array) -> tuple[Array, Array]:
            mean = np.exp(centre + spread * effect) * years
            return spread * (later - mean), spread**2 * mean

        return float(log_integrals(value, slope_and_curvature, groups).sum())

    rate = np.maximum(by_group(later, of, count), 0.5) / by_group(years, of, count)
    best = maximum(log_likelihood, start=np.append(np.log(rate), 1.0))
    spread, spread_error = standard_deviation(best, groups)
    note = "Poisson-lognormal by maximum likelihood: without the Poisson noise of the counts"
    means = []
    for j in range(count):
        mean = float(np.exp(best.at[j] + best.at[-1] ** 2 / 2))
        change = np.zeros(count + 1)
        change[[j, count]] = 1.0, best.at[-1]
        variance = float(change @ best.covariance @ change)
        error = mean * float(np.sqrt(variance)) if np.isfinite(variance) and variance > 0 else None
        means.append(
            FittedNumber(mean, error, int((of == j).sum()), "per partner and year", note, max(groups - count, 1))
        )
    return means, FittedNumber(spread, spread_error, groups, "log units", note, max(groups - count, 1))
