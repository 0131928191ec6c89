"""When deals close within months and quarters, against what weekdays lead one to expect: timing games, or none.

Closes per day are Poisson around exp(month + weekday + w), w being one of: last seven days of a quarter, first seven of
one, last seven of another month; won and lost deals apart. exp(w) is how many times as many deals close then as on the
same weekdays of the rest of that month, so neither a busy month nor a quiet weekend looks like a game. Errors are
scaled by Pearson's chi2 over its degrees of freedom (quasi-likelihood). A game moves wins, not losses: what tells one
is wins that crowd before a quarter's end, more than losses do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.calibration.remarks import FittedNumber
from simulator.core.arrays import Array

DAYS = 7
MIN_QUARTERS, MIN_CLOSES = 3, 300
WINDOWS = ("quarter_end", "quarter_start", "month_end")


@dataclass(frozen=True)
class Pattern:
    """won, lost: by window, times as many closes as expected; contrast: wins over losses in a quarter's last days;
    by_month: share won of the deals closed in the first, second and third month of quarters."""

    won: Mapping[str, FittedNumber]
    lost: Mapping[str, FittedNumber]
    contrast: FittedNumber
    by_month: tuple[float, float, float]

    @property
    def crowds(self) -> bool:
        """Whether wins crowd before quarters end, and more than losses do, beyond chance (5 %, two-sided)."""
        return all((e.interval() or (0.0, 0.0))[0] > 1 for e in (self.won["quarter_end"], self.contrast))

    def __str__(self) -> str:
        def times(estimate: FittedNumber) -> str:
            low, high = estimate.interval() or (float("nan"),) * 2
            return f"{estimate.value:.2f} ({low:.2f} to {high:.2f})"

        end, start = self.won["quarter_end"], self.won["quarter_start"]
        facts = (
            f"wins in a quarter's last {DAYS} days {times(end)} times those expected from weekdays and month, losses "
            f"{times(self.lost['quarter_end'])}, wins over losses {times(self.contrast)}; wins in its first {DAYS} "
            f"days {times(start)}; share won by month of the quarter "
            + ", ".join(f"{share:.0%}" for share in self.by_month)
        )
        verdict = "wins crowd before quarters end, as with a timing game" if self.crowds else "no sign of a timing game"
        return f"{verdict}: {facts}"


def closing_pattern(rows: pd.DataFrame, *, end: pd.Timestamp) -> Pattern | str:
    """The pattern of decided rows (columns `closed`, `outcome`), or why there is none."""
    dated = rows[rows["closed"].notna() & rows["outcome"].ne("open")]
    days = _whole_months(dated, end)
    quarters = days.to_period("Q").nunique() if len(days) else 0
    counts = {name: _daily(dated[dated["outcome"].eq(name)], days) for name in ("won", "lost")}
    least = min((int(count.sum()) for count in counts.values()), default=0)
    if quarters < MIN_QUARTERS or least < MIN_CLOSES:
        return (
            f"whole months of {quarters} quarters with {least} wins or losses: at least {MIN_QUARTERS} quarters and "
            f"{MIN_CLOSES} of each are needed"
        )
    design = _design(days)
    fits = {name: _fitted(count, design) for name, count in counts.items()}
    (won, won_error), (lost, lost_error) = fits["won"], fits["lost"]
    contrast = float(np.exp(won[0] - lost[0]))
    error = contrast * float(np.hypot(won_error[0], lost_error[0]))
    total = sum(int(count.sum()) for count in counts.values())
    return Pattern(
        _estimates(won, won_error, int(counts["won"].sum())),
        _estimates(lost, lost_error, int(counts["lost"].sum())),
        FittedNumber(contrast, error, total, "times", "wins over losses in a quarter's last days"),
        _by_month(counts, days),
    )


def _whole_months(rows: pd.DataFrame, end: pd.Timestamp) -> pd.DatetimeIndex:
    """Days of the months that the closes cover as a whole."""
    if rows.empty:
        return pd.DatetimeIndex([])
    first, last = rows["closed"].min(), min(end, rows["closed"].max())
    start = first.to_period("M").start_time if first.day <= DAYS else (first.to_period("M") + 1).start_time
    month = last.to_period("M")
    whole = last >= month.end_time.normalize() - pd.Timedelta(days=2)
    stop = month.end_time.normalize() if whole else (month - 1).end_time.normalize()
    return pd.date_range(start, stop)


def _daily(rows: pd.DataFrame, days: pd.DatetimeIndex) -> Array:
    return np.asarray(rows["closed"].value_counts().reindex(days, fill_value=0).to_numpy(dtype=float))


def _design(days: pd.DatetimeIndex) -> Array:
    """Windows first, then months and weekdays as dummies."""
    to_end = (days + pd.offsets.MonthEnd(0) - days).days
    ends_quarter, starts_quarter = days.month % 3 == 0, days.month % 3 == 1
    windows = [
        (to_end < DAYS) & ends_quarter,
        (days.day <= DAYS) & starts_quarter,
        (to_end < DAYS) & ~ends_quarter,
    ]
    months = pd.get_dummies(pd.Series(days.to_period("M").astype(str))).to_numpy(dtype=float)
    weekdays = pd.get_dummies(pd.Series(days.day_of_week)).to_numpy(dtype=float)[:, 1:]
    return np.asarray(np.column_stack([np.column_stack(windows).astype(float), months, weekdays]), dtype=np.float64)


def _fitted(count: Array, design: Array) -> tuple[Array, Array]:
    """Coefficients of the windows and their standard errors. Months and weekdays without a close say nothing."""
    import statsmodels.api as sm

    told = np.ones(len(count), dtype=bool)
    for column in design[:, len(WINDOWS) :].T:
        told &= (column == 0) | (count[column > 0].sum() > 0)
    used = design[told][:, [j < len(WINDOWS) or bool(design[told, j].any()) for j in range(design.shape[1])]]
    found = sm.GLM(count[told], used, family=sm.families.Poisson()).fit(scale="X2")
    return np.asarray(found.params)[: len(WINDOWS)], np.asarray(found.bse)[: len(WINDOWS)]


def _estimates(at: Array, error: Array, n: int) -> dict[str, FittedNumber]:
    note = "closes over those expected from weekday and month"
    return {
        name: FittedNumber(float(np.exp(at[j])), float(np.exp(at[j]) * error[j]), n, "times", note)
        for j, name in enumerate(WINDOWS)
    }


def _by_month(counts: Mapping[str, Array], days: pd.DatetimeIndex) -> tuple[float, float, float]:
    place = (days.month - 1) % 3
    won, lost = (np.array([count[place == k].sum() for k in range(3)]) for count in (counts["won"], counts["lost"]))
    shares = won / np.maximum(won + lost, 1)
    return float(shares[0]), float(shares[1]), float(shares[2])
