"""What the calendar shows: closes that crowd around quarter ends, seasons of demand, and responses to past changes.

All three are Poisson regressions of counts.

*Closing days.* Closes per day are Poisson around exp(month + weekday + w), w being one of: last seven days of a
quarter, first seven of one, last seven of another month; won and lost deals apart. exp(w) is how many times as many
deals close then as on the same weekdays of the rest of that month, so neither a busy month nor a quiet weekend looks
like a game. Errors are scaled by Pearson's chi2 over its degrees of freedom (quasi-likelihood). A timing game moves
wins, not losses: what shows one is wins that crowd before a quarter's end, more than losses do.

*Seasons.* Opportunities per calendar quarter, quasi-Poisson around exp(a + b t + c t^2 + season): growth may bend, but
not with the seasons. Seasons are believed in if an F test rejects equal ones at 1 % (they are written into a scenario,
where chance would be simulated for good), and only with three degrees of freedom left; else they are not identified.

*Past changes.* The model's response is activity = (V / V0)^eps, V being what an opportunity brings a partner (own
margin and pay). A change that moved V by the factor r for some partners should move their opportunities by r^eps
against the others', an event study:

    log E[count_iq] = partner_i + quarter_q + eps * ln r * (i was changed and q is at or after the change)

with errors clustered by partner. Where everybody was changed there are no others, quarters give way to a straight
line, and whatever else happened then is counted in. Before the change the two groups must have moved alike: in the
quarters before it neither a drift of their own nor a jump in the last one may be seen (joint Wald test, 5 %). Else the
change tells nothing and the graded prior stays. Such tests miss slow drifts (Roth 2022, AER: Insights 4): an
elasticity is no better than the comparison it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, f as f_distribution

from simulator.calibration.profile import ProgramChange
from simulator.calibration.remarks import FittedNumber
from simulator.core.arrays import Array

DAYS = 7
MIN_QUARTERS, MIN_CLOSES = 3, 300
WINDOWS = ("quarter_end", "quarter_start", "month_end")


@dataclass(frozen=True)
class ClosingPattern:
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


def closing_pattern(rows: pd.DataFrame, *, end: pd.Timestamp) -> ClosingPattern | str:
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
    return ClosingPattern(
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


LEVEL = 0.01
MIN_DEGREES = 3


@dataclass(frozen=True)
class Season:
    """by_quarter: demand of the four calendar quarters as a multiple of their mean; p_value: of equal ones."""

    by_quarter: tuple[FittedNumber, FittedNumber, FittedNumber, FittedNumber]
    p_value: float


def fit_season(created: pd.Series, *, end: pd.Timestamp) -> Season | str:
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


MIN_BEFORE, MIN_AFTER, MIN_PARTNERS = 5, 2, 8
PRE_TREND = 0.05


@dataclass(frozen=True)
class PastResponse:
    """elasticity: None where nothing can be said; reason: why, or what it rests on; pre_trend: p-value of the test
    that both groups moved alike before, None where it was not made."""

    elasticity: FittedNumber | None
    reason: str
    pre_trend: float | None = None


def fit_response(rows: pd.DataFrame, changes: Sequence[ProgramChange], *, end: pd.Timestamp) -> PastResponse:
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
