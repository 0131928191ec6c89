"""Cycle times, which share of odds and time falls on each stage, and whether close dates may be believed.

Competing outcomes (Larson and Dinse 1985, Applied Statistics 34): a deal is never decided with probability c, else it
is won with probability p after a lognormal time, or lost after another lognormal time. A deal decided after t
contributes (1 - c) p f_won(t) or (1 - c) (1 - p) f_lost(t); one that is still open at age a

    c + (1 - c) (p S_won(a) + (1 - p) S_lost(a)).

c is 0 unless the likelihood ratio against it says otherwise.

Stages come from a stage history. A deal with odds p passes stage s with probability p^(w_s), sum w_s = 1: it is won
with p, and lost at s with p^(w_1 + .. + w_(s-1)) - p^(w_1 + .. + w_s). The weights are fitted by maximum likelihood, p
being each deal's own: of its market, size and partner. Shares of time are ratios of sums over won deals, sum_i (time
on s)_i / sum_i (cycle)_i. Both use cohorts old enough that nearly all deals are decided, as of young ones only early
losses and fast wins are there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, log_ndtr, ndtr, ndtri
from scipy.stats import chi2

from simulator.calibration import sales_cycle
from simulator.calibration.likelihood import LognormalFit, Maximum, lognormal_verdict, maximum
from simulator.calibration.profile import Profile
from simulator.calibration.remarks import FittedNumber
from simulator.calibration.volume import in_weeks
from simulator.core.arrays import Array, Ints

BULK_SHARE = 0.05
"""A day with more than this share of all close dates was set by a batch job, not by customers; judgement."""
BULK_ROWS = 20
"""In a small export a single day may well hold 5 % of the rows."""
MIN_ROWS, MIN_OF_EACH = 50, 10
MATURE_SHARE = 0.95
HALF_A_DAY = 0.5 / 7
"""Weeks that a deal closed on the day of its creation is taken to have lasted."""
YOUNG = 0.05
"""Deals at an age at which fewer of the won or of the lost ones are decided say nothing on odds."""
NEVER_DECIDED = 0.01
"""Level at which deals that are never decided are believed in."""


@dataclass(frozen=True)
class DecisionTimes:
    """Lognormal times to a win and to a loss, and shares; (5,) or (6,) parameters of `_log_likelihood`."""

    at: Array

    def decided(self, weeks: Array) -> tuple[Array, Array]:
        """Share of the won and of the lost deals that are decided at an age."""
        logs = np.log(weeks)
        won, lost = ((logs - self.at[k]) * np.exp(-self.at[k + 1]) for k in (1, 3))
        return np.asarray(ndtr(won)), np.asarray(ndtr(lost))

    def incidence(self, weeks: Array) -> tuple[Array, Array]:
        """Share of all deals that are won, and that are lost, by an age."""
        won, lost = self.decided(weeks)
        share, told = expit(self.at[0]), expit(-self.at[5]) if len(self.at) > 5 else 1.0
        return told * share * won, told * (1 - share) * lost


@dataclass(frozen=True)
class Cycle:
    """Fitted cycles by market. median, log_sd: of won deals; lost_median: of lost ones; stale: share of deals that are
    never decided; times: what odds need to know of them, empty where no lognormal fits."""

    median: dict[str, FittedNumber]
    log_sd: dict[str, FittedNumber]
    lost_median: dict[str, FittedNumber]
    stale: dict[str, FittedNumber]
    times: dict[str, DecisionTimes]
    verdict: LognormalFit


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
    dated = rows[rows["closed"].notna() & ~rows["direct"]]
    least = min(int(dated["outcome"].eq(name).groupby(dated["market"]).sum().min()) for name in ("won", "lost"))
    if least < MIN_OF_EACH:
        return f"a market has {least} won or lost deals with a close date, at least {MIN_OF_EACH} are needed"
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


def ages(rows: pd.DataFrame, end: pd.Timestamp) -> pd.Series:
    """Weeks from creation to the end of the export's last day, as a deal may be closed on it."""
    return in_weeks(end - rows["created"]) + 1 / 7


def maturity(rows: pd.DataFrame) -> float:
    """Weeks after which 95 % of the deals that were decided had been decided."""
    return float(weeks(rows).dropna().quantile(MATURE_SHARE))


def fit_cycle(rows: pd.DataFrame, *, end: pd.Timestamp) -> Cycle:
    """Fit rows of all outcomes (columns `created`, `closed`, `outcome`, `market`).

    Whether a lognormal fits is judged on Phi^-1(F_won(t) / F_won(a)), standard normal if it does: a won deal of age a
    is seen only if it took less than a. Where it does not, the moments of the logs of won deals are reported.
    """
    known = rows[rows["closed"].notna() | rows["outcome"].eq("open")]
    parts = {str(name): part for name, part in known.groupby("market")}
    fits = {name: _fit(part, end) for name, part in parts.items()}
    times = {name: DecisionTimes(best.at) for name, best in fits.items()}
    verdict = lognormal_verdict(np.concatenate([_scores(parts[name], times[name], end) for name in parts]))
    if verdict.fits == "no":
        moments = {name: _moments(part) for name, part in parts.items()}
        return Cycle(
            {n: m for n, (m, _) in moments.items()}, {n: s for n, (_, s) in moments.items()}, {}, {}, {}, verdict
        )
    counts = {name: int(part["outcome"].eq("won").sum()) for name, part in parts.items()}
    note = "lognormal time to a win; open deals censored, losses competing"
    return Cycle(
        {name: _exp(best, 1, counts[name], "weeks", note) for name, best in fits.items()},
        {name: _exp(best, 2, counts[name], "log units", note) for name, best in fits.items()},
        {
            name: _exp(best, 3, len(parts[name]) - counts[name], "weeks", "time to a loss")
            for name, best in fits.items()
        },
        {name: _stale(best, len(parts[name])) for name, best in fits.items()},
        times,
        verdict,
    )


def offsets(rows: pd.DataFrame, cycle: Cycle, *, end: pd.Timestamp) -> pd.Series:
    """What the age of a decided deal adds to its log-odds of being won: log(F_won(a) / F_lost(a)).

    Of a young cohort only fast deals are decided; where losses are faster than wins it would show too few wins. nan
    where the deal is too young to tell.
    """
    result = pd.Series(np.nan, index=rows.index)
    old = ages(rows, end)
    for name, part in old.groupby(rows["market"]):
        won, lost = cycle.times[str(name)].decided(part.to_numpy(dtype=float))
        with np.errstate(divide="ignore"):
            result[part.index] = np.where(np.minimum(won, lost) < YOUNG, np.nan, np.log(won) - np.log(lost))
    return result


def _fit(rows: pd.DataFrame, end: pd.Timestamp) -> Maximum:
    """The maximum with c = 0, or with c free where that is far better."""
    logs = {name: np.log(weeks(rows[rows["outcome"].eq(name)]).to_numpy(dtype=float)) for name in ("won", "lost")}
    open_ages = np.log(ages(rows[rows["outcome"].eq("open")], end).to_numpy(dtype=float))

    def log_likelihood(at: Array) -> float:
        return _log_likelihood(at, logs["won"], logs["lost"], open_ages)

    start = [math.log(len(logs["won"]) / len(logs["lost"]))]
    for name in ("won", "lost"):
        start += [float(logs[name].mean()), math.log(max(float(logs[name].std()), 1e-2))]
    best = maximum(log_likelihood, start=np.array(start))
    if not len(open_ages):
        return best
    more = maximum(log_likelihood, start=np.append(best.at, -3.0))
    gain = 2 * (more.log_likelihood - best.log_likelihood)
    # c = 0 is at the bound, hence half of chi2(1), as for the spread between partners.
    return more if 0.5 * float(chi2.sf(max(gain, 0.0), 1)) < NEVER_DECIDED else best


def _log_likelihood(at: Array, won: Array, lost: Array, open_ages: Array) -> float:
    """at: logit p; mean and log sd of the log time to a win, and to a loss; logit c, 0 if absent."""
    log_p, log_q = (-np.logaddexp(0.0, sign * at[0]) for sign in (-1, 1))
    total, still = 0.0, []
    for logs, share, k in ((won, log_p, 1), (lost, log_q, 3)):
        score = (logs - at[k]) * np.exp(-at[k + 1])
        total += float(np.sum(share - 0.5 * score**2 - at[k + 1]))
        still.append(share + log_ndtr(-(open_ages - at[k]) * np.exp(-at[k + 1])))
    waiting = np.logaddexp(*still)
    if len(at) > 5:
        log_c, log_rest = (-np.logaddexp(0.0, sign * at[5]) for sign in (-1, 1))
        total += float((len(won) + len(lost)) * log_rest)
        waiting = np.logaddexp(log_c, log_rest + waiting)
    return total + float(waiting.sum())


def _scores(rows: pd.DataFrame, times: DecisionTimes, end: pd.Timestamp) -> Array:
    won = rows[rows["outcome"].eq("won")]
    taken, _ = times.decided(weeks(won).to_numpy(dtype=float))
    possible, _ = times.decided(ages(won, end).to_numpy(dtype=float))
    return np.asarray(ndtri(np.clip(taken / possible, 1e-12, 1 - 1e-12)))


def _moments(rows: pd.DataFrame) -> tuple[FittedNumber, FittedNumber]:
    logs = np.log(weeks(rows[rows["outcome"].eq("won")]).to_numpy(dtype=float))
    n, sd, middle = len(logs), float(logs.std(ddof=1)), float(np.exp(logs.mean()))
    return (
        FittedNumber(middle, middle * sd / math.sqrt(n), n, "weeks", "moments of the logs of won deals"),
        FittedNumber(sd, sd / math.sqrt(2 * (n - 1)), n, "log units", "moments of the logs of won deals"),
    )


def _exp(best: Maximum, position: int, n: int, unit: str, note: str) -> FittedNumber:
    """exp of a parameter, with its standard error by the delta method."""
    value, error = float(np.exp(best.at[position])), best.se(position)
    return FittedNumber(value, None if error is None else value * error, n, unit, note)


def _stale(best: Maximum, n: int) -> FittedNumber:
    if len(best.at) < 6:
        return FittedNumber(0.0, None, n, "share", "no more open deals than cycles explain")
    share, error = float(expit(best.at[5])), best.se(5)
    return FittedNumber(share, None if error is None else error * share * (1 - share), n, "share", "never decided")


STAGES = ("qualification", "demo", "pilot", "decision")
MILESTONES = ("qualified", "demo", "pilot")
"""Columns with the day on which a deal passed a stage; the last is passed where it is won."""
LEAST = 100
"""Lost deals, and won ones with all days, that a fit needs."""
KEPT = 0.5
"""With under this share of the won deals in all stages, stages are not kept, but set when a deal is closed; judgement.
"""


@dataclass(frozen=True)
class Funnel:
    """By stage, (4,): share of the log of p (weights), and of the time to a win, signature included (durations)."""

    weights: tuple[FittedNumber, ...]
    durations: tuple[FittedNumber, ...]


def fit_funnel(rows: pd.DataFrame, p: Array, *, end: pd.Timestamp) -> Funnel | str:
    """Fit partner rows (columns `created`, `closed`, `outcome`, `MILESTONES`) with odds p (n,); or why it cannot be."""
    if rows["closed"].isna().all():
        return "without valid close dates"
    old = rows["created"] <= end - pd.Timedelta(weeks=sales_cycle.maturity(rows))
    mature = (rows["outcome"].ne("open") & old).to_numpy() & np.isfinite(p)
    rows, p = rows[mature], p[mature]
    won = rows["outcome"].eq("won").to_numpy()
    days = rows[list(MILESTONES)]
    whole = won & days.notna().all(axis=1).to_numpy()
    if whole.sum() < LEAST or (~won).sum() < LEAST:
        least = f"at least {LEAST} of each are needed in cohorts of which nearly all is decided"
        return f"{int(whole.sum())} won deals with the days of all stages and {int((~won).sum())} lost ones: {least}"
    if whole.sum() < KEPT * won.sum():
        return f"{whole.sum() / won.sum():.0%} of the won deals went through all stages: stages are not kept"
    # A later stage that was entered means that the earlier ones were passed.
    passed = np.where(days.notna().to_numpy(), np.arange(1, 4), 0).max(axis=1)
    if not passed[~won].any():
        return "no lost deal passed a stage: at which one deals are lost is not kept"
    durations = _durations(rows[whole])
    if isinstance(durations, str):
        return durations
    return Funnel(_weights(np.where(won, 4, passed), p), durations)


def _weights(passed: Ints, p: Array) -> tuple[FittedNumber, ...]:
    """Weights by maximum likelihood; of a stage at which nobody fails it is 0. passed: (n,) stages passed, 0 to 4."""
    some = np.flatnonzero([(passed == s).any() for s in range(4)])
    log_p, counts = np.log(p), [int((passed >= s).sum()) for s in range(4)]

    def weights(at: Array) -> Array:
        free = np.exp(np.append(at, 0.0) - max(at.max(initial=0.0), 0.0))
        found = np.zeros(4)
        found[some] = free / free.sum()
        return found

    def log_likelihood(at: Array) -> float:
        w, total = weights(at), 0.0
        for s in some:
            total += w[s] * float(log_p[passed > s].sum())
            total += float(np.log(-np.expm1(w[s] * log_p[passed == s])).sum())
        return total

    best = maximum(log_likelihood, start=np.zeros(len(some) - 1))
    found = weights(best.at)
    step = 1e-5
    moves = [(weights(best.at + step * e) - weights(best.at - step * e)) / (2 * step) for e in np.eye(len(best.at))]
    change = np.array(moves).reshape(len(best.at), 4)
    variance = np.einsum("ks,kl,ls->s", change, best.covariance, change)
    note = "share of the log of the odds; the deals' own odds taken as known"
    return tuple(
        FittedNumber(
            float(found[s]), float(np.sqrt(variance[s])) if variance[s] > 0 else None, counts[s], "share", note
        )
        for s in range(4)
    )


def _durations(rows: pd.DataFrame) -> tuple[FittedNumber, ...] | str:
    """Shares of the cycle, with the error of a ratio."""
    days = rows[["created", *MILESTONES, "closed"]].to_numpy(dtype="datetime64[s]").astype(np.float64)
    spent = np.diff(days, axis=1)
    sound = (spent >= 0).all(axis=1) & (spent.sum(axis=1) > 0)
    if sound.sum() < LEAST:
        return f"{int(sound.sum())} won deals with stages in their order, at least {LEAST} are needed"
    spent = spent[sound]
    total = spent.sum(axis=1)
    share = spent.sum(axis=0) / total.sum()
    error = np.sqrt(((spent - total[:, None] * share) ** 2).sum(axis=0)) / total.sum()
    note = "share of the time to a win; the last with the signature"
    return tuple(FittedNumber(float(x), float(e), len(spent), "share", note) for x, e in zip(share, error, strict=True))
