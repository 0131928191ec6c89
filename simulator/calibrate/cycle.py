"""Cycle times: weeks from creation to decision, lognormal; and whether close dates may be believed at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from simulator.calibrate.findings import Estimate
from simulator.calibrate.likelihood import Array, maximum
from simulator.calibrate.profile import Profile
from simulator.calibrate.verdict import Verdict, lognormal_verdict
from simulator.calibrate.volume import in_weeks

BULK_SHARE = 0.05
"""A day with more than this share of all close dates was set by a batch job, not by customers; judgement."""
BULK_ROWS = 20
"""In a small export a single day may well hold 5 % of the rows."""
MIN_ROWS = 50
MATURE_SHARE = 0.95
HALF_A_DAY = 0.5 / 7
"""Weeks that a deal closed on the day of its creation is taken to have lasted."""


@dataclass(frozen=True)
class Cycle:
    """Fitted cycles by market."""

    median: dict[str, Estimate]
    log_sd: dict[str, Estimate]
    verdict: Verdict


def refusal(rows: pd.DataFrame, profile: Profile) -> str | None:
    """Why close dates cannot be used; None where they can."""
    if profile.columns.closed is None:
        return "the profile names no column with close dates"
    if not profile.dates.closed_date_valid:
        reason = profile.dates.closed_date_reason
        return "the profile says that the close dates are not valid" + (f": {reason}" if reason else "")
    closed = rows["closed"].dropna()
    if len(closed) < MIN_ROWS:
        return f"only {len(closed)} usable close dates, at least {MIN_ROWS} are needed"
    day, count = busiest_day(closed)
    if count > max(BULK_SHARE * len(closed), BULK_ROWS):
        return f"{count / len(closed):.1%} of the close dates are {day}: edited in bulk"
    return None


def busiest_day(closed: pd.Series) -> tuple[str, int]:
    """The day with most closes and their number."""
    counts = closed.value_counts()
    return f"{counts.index[0]:%Y-%m-%d}", int(counts.iloc[0])


def weekend_share(days: pd.Series) -> float:
    """Share of dates on a Saturday or Sunday; 2/7 = 29 % means that the dates ignore the working week."""
    return float((days.dt.day_of_week >= 5).mean())


def weeks(rows: pd.DataFrame) -> pd.Series:
    """Weeks from creation to decision, nan without a usable close date."""
    return in_weeks(rows["closed"] - rows["created"]).clip(lower=HALF_A_DAY)


def maturity(rows: pd.DataFrame) -> float:
    """Weeks after which 95 % of the deals that were decided had been decided."""
    return float(weeks(rows).dropna().quantile(MATURE_SHARE))


def fit_cycle(rows: pd.DataFrame, *, end: pd.Timestamp) -> Cycle:
    """Lognormal by market from decided rows with usable close dates (columns `created`, `closed`, `market`).

    A deal of age a is seen decided only if it took less than a, so its density is f(t) / F(a); else
    slow deals would be missed. Where no lognormal fits, F would be wrong too: then the moments of the logs
    are reported.
    """
    usable = rows[rows["closed"].notna()]
    logs = np.log(weeks(usable))
    # Ages are counted to the end of the export's last day, as a deal may be closed on it.
    ages = np.log(in_weeks(end - usable["created"]) + 1 / 7)
    residual = logs - logs.groupby(usable["market"]).transform("mean")
    verdict = lognormal_verdict(residual.to_numpy(dtype=float))
    medians, sds = {}, {}
    for name, part in logs.groupby(usable["market"]):
        times, limits = part.to_numpy(dtype=float), ages[part.index].to_numpy(dtype=float)
        best = _moments(times) if verdict.fits == "no" else _truncated(times, limits)
        medians[str(name)], sds[str(name)] = best
    return Cycle(medians, sds, verdict)


def _moments(logs: Array) -> tuple[Estimate, Estimate]:
    n, sd, middle = len(logs), float(logs.std(ddof=1)), float(np.exp(logs.mean()))
    return (
        Estimate(middle, middle * sd / math.sqrt(n), n, "weeks", "moments of the logs"),
        Estimate(sd, sd / math.sqrt(2 * (n - 1)), n, "log units", "moments of the logs"),
    )


def _truncated(logs: Array, limits: Array) -> tuple[Estimate, Estimate]:
    """Maximum likelihood of a normal of the logs, each known to lie below its limit."""

    def log_likelihood(at: Array) -> float:
        scaled, log_sd = (logs - at[0]) * np.exp(-at[1]), at[1]
        seen = log_ndtr((limits - at[0]) * np.exp(-at[1]))
        return float(np.sum(-0.5 * scaled**2 - log_sd - seen))

    best = maximum(log_likelihood, start=np.array([logs.mean(), np.log(logs.std())]))
    middle, sd, n = float(np.exp(best.at[0])), float(np.exp(best.at[1])), len(logs)
    note = "lognormal, right truncation by age allowed for"
    errors = [None if (error := best.se(j)) is None else value * error for j, value in enumerate((middle, sd))]
    return Estimate(middle, errors[0], n, "weeks", note), Estimate(sd, errors[1], n, "log units", note)
