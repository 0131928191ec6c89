"""What the figures of a calibration show: what was seen, with intervals, beside what the fit says of it.

Shares have Wilson's 95 % intervals (1927). Times to a decision are cumulative incidences of wins and losses with open
deals censored (Aalen and Johansen 1978). All of partner deals; figures of size are of the largest market.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri

from simulator.calibrate import cycle
from simulator.calibrate.fit import Fit
from simulator.calibrate.likelihood import Array, normal_mean
from simulator.calibrate.posterior import log_odds
from simulator.calibrate.reading import Export
from simulator.program.compiled import Ints

Z = float(ndtri(0.975))
BINS, QUANTILES, CURVE = 10, 99, 60
MOST_PARTNERS = 60
DAYS = 14
"""Days before and after the end of a quarter that are shown."""


@dataclass(frozen=True)
class Shares:
    """Shares won and their intervals. at: middle size, or position of the partner; count: deals; fitted: what the fit
    expects; all (n,)."""

    at: Array
    share: Array
    low: Array
    high: Array
    count: Array
    fitted: Array


@dataclass(frozen=True)
class Curves:
    """Cumulative incidence of wins and losses by weeks since creation: seen, and fitted where a lognormal fits."""

    weeks: Array
    won: Array
    lost: Array
    fitted: tuple[Array, Array] | None


@dataclass(frozen=True)
class Closing:
    """Closes by days to the end of a quarter (0: its last day, -1: the first of the next), as a multiple of the mean of
    the same weekdays; of wins and of losses."""

    days: Array
    won: Array
    lost: Array
    count: int


@dataclass(frozen=True)
class Shown:
    """Numbers behind the figures; None where the export does not tell. sizes: normal and seen quantiles of log size."""

    odds: Shares | None
    partners: Shares
    sizes: tuple[Array, Array]
    cycle: Curves | None
    closing: Closing | None
    market: str
    closed: Mapping[str, int]


def shown(export: Export, fit: Fit) -> Shown:
    """Work out the numbers behind the figures."""
    partner: pd.DataFrame = fit.rows
    largest = max(fit.mix, key=lambda name: fit.mix[name])
    decided = partner[partner["outcome"].ne("open")]
    of_largest = decided[decided["market"].eq(largest)]
    believed = fit.cycle is not None
    return Shown(
        odds=_by_size(fit.told[fit.told["market"].eq(largest)], fit) if largest in fit.odds.slope else None,
        partners=_by_partner(decided, fit),
        sizes=_quantiles(of_largest),
        cycle=_curves(partner[partner["market"].eq(largest)], fit, largest, export.end) if believed else None,
        closing=closing_days(decided) if believed else None,
        market=largest,
        closed={name: int(decided["outcome"].eq(name).sum()) for name in ("won", "lost")},
    )


def wilson(won: Array, count: Array) -> tuple[Array, Array]:
    """Wilson's 95 % interval of a share."""
    p, spread = won / count, Z * Z / count
    middle = (p + spread / 2) / (1 + spread)
    half = Z * np.sqrt(p * (1 - p) / count + spread / (4 * count)) / (1 + spread)
    return middle - half, middle + half


def _shares(won: Array, count: Array, at: Array, fitted: Array) -> Shares:
    low, high = wilson(won, count)
    return Shares(at, won / count, low, high, count, fitted)


def expected(rows: pd.DataFrame, fit: Fit) -> Array:
    """Chance that a partner, any of them, wins deals like these, as a scenario has it, (n,)."""
    level, spread = log_odds(rows, fit), fit.odds.between.value
    return normal_mean(lambda z: expit(level + spread * z[:, None]))


def _by_size(rows: pd.DataFrame, fit: Fit) -> Shares:
    """Share won by tenths of size; fitted: for partners as they differ."""
    tenth = pd.qcut(rows["amount"], BINS, labels=False, duplicates="drop")
    marked = rows.assign(won=rows["outcome"].eq("won"), log=np.log(rows["amount"]), fitted=expected(rows, fit))
    groups = marked.groupby(tenth)
    at, won, fitted = (groups[name].mean().to_numpy(dtype=float) for name in ("log", "won", "fitted"))
    count = np.asarray(groups.size(), dtype=float)
    return _shares(won * count, count, np.exp(at), fitted)


def _by_partner(rows: pd.DataFrame, fit: Fit) -> Shares:
    """Share won of the partners with most deals; fitted: of all partners."""
    counts = rows["outcome"].eq("won").groupby(rows["owner"]).agg(["sum", "size"])
    top = counts.sort_values("size", ascending=False, kind="stable").head(MOST_PARTNERS)
    top = top.assign(share=top["sum"] / top["size"]).sort_values("share", kind="stable")
    count = top["size"].to_numpy(dtype=float)
    fitted = np.full(len(top), fit.odds.win_rate.value)
    return _shares(top["sum"].to_numpy(dtype=float), count, np.arange(len(top), dtype=float), fitted)


def _quantiles(rows: pd.DataFrame) -> tuple[Array, Array]:
    logs = np.log(rows["amount"].dropna().to_numpy(dtype=float))
    levels = (np.arange(QUANTILES) + 1) / (QUANTILES + 1)
    scores = (logs - logs.mean()) / logs.std(ddof=1)
    return np.asarray(ndtri(levels)), np.quantile(scores, levels)


def _curves(rows: pd.DataFrame, fit: Fit, market: str, end: pd.Timestamp) -> Curves:
    """What was seen on a grid, and the fit's own curves."""
    is_open = rows["outcome"].eq("open").to_numpy()
    times = np.where(is_open, cycle.ages(rows, end), cycle.weeks(rows)).astype(float)
    known = np.isfinite(times)
    won, lost = (rows["outcome"].eq(name).to_numpy()[known] for name in ("won", "lost"))
    grid = np.linspace(0.0, float(np.quantile(times[known & ~is_open], 0.99)), CURVE)[1:]
    seen = incidence(times[known], won, lost, grid)
    fitted = fit.cycle.times.get(market) if fit.cycle else None
    return Curves(grid, seen[0], seen[1], None if fitted is None else fitted.incidence(grid))


def incidence(times: Array, won: Array, lost: Array, grid: Array) -> tuple[Array, Array]:
    """Aalen and Johansen's share of deals won and lost by the times of `grid`.

    times (n,): weeks until the decision, or until now where neither `won` nor `lost` (booleans) holds.
    """
    at, where = np.unique(times, return_inverse=True)
    wins, losses, everyone = (
        np.bincount(where, weights=x, minlength=len(at)) for x in (won, lost, np.ones(len(where)))
    )
    at_risk = np.cumsum(everyone[::-1])[::-1]
    still = np.concatenate(([1.0], np.cumprod(1 - (wins + losses) / at_risk)[:-1]))
    place = np.searchsorted(at, grid, side="right")
    of_won, of_lost = (np.concatenate(([0.0], np.cumsum(still * x / at_risk))) for x in (wins, losses))
    return of_won[place], of_lost[place]


def closing_days(rows: pd.DataFrame) -> Closing | None:
    """Closes around the ends of calendar quarters over those of the same weekdays."""
    closed = rows.loc[rows["closed"].notna(), "closed"]
    if closed.empty:
        return None
    days = pd.date_range(closed.min(), closed.max())
    to_end = ((days + pd.offsets.QuarterEnd(0)) - days).days.to_numpy()
    since = (days - days.to_period("Q").start_time).days.to_numpy()
    place = np.where(to_end < DAYS, to_end, np.where(since < DAYS, -1 - since, DAYS))
    shown_days = np.arange(DAYS - 1, -DAYS - 1, -1)
    found = [_over_weekdays(rows, name, days, place, shown_days) for name in ("won", "lost")]
    return Closing(shown_days.astype(float), found[0], found[1], len(closed))


def _over_weekdays(rows: pd.DataFrame, outcome: str, days: pd.DatetimeIndex, place: Ints, shown_days: Ints) -> Array:
    """Closes on days at each place over the number that their weekdays have on average; nan where that is 0."""
    mine = rows.loc[rows["outcome"].eq(outcome), "closed"]
    count = mine.value_counts().reindex(days, fill_value=0).to_numpy(dtype=float)
    weekday = np.asarray(days.day_of_week)
    usual = np.bincount(weekday, weights=count, minlength=7) / np.maximum(np.bincount(weekday, minlength=7), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([count[place == k].sum() / usual[weekday[place == k]].sum() for k in shown_days])
