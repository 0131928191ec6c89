"""Figures of a calibration: what was seen as points with 95 % intervals, what the fit expects as lines.

Shares have Wilson's 95 % intervals (1927). Times to a decision are cumulative incidences of wins and losses with open
deals censored (Aalen and Johansen 1978). All of partner deals; figures of size are of the largest market.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import expit, ndtri

from simulator.calibration import sales_cycle
from simulator.calibration.clean import Export
from simulator.calibration.fit import Fit
from simulator.calibration.likelihood import normal_mean
from simulator.calibration.partner_effects import log_odds
from simulator.core.arrays import Array, Ints
from simulator.report.plots import QUIET, colour, line, marker, sample_note

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
class ClosingDays:
    """Closes by days to the end of a quarter (0: its last day, -1: the first of the next), as a multiple of the mean of
    the same weekdays; of wins and of losses."""

    days: Array
    won: Array
    lost: Array
    count: int


@dataclass(frozen=True)
class FitFigures:
    """Numbers behind the figures; None where the export does not tell. sizes: normal and seen quantiles of log size."""

    odds: Shares | None
    partners: Shares
    sizes: tuple[Array, Array]
    cycle: Curves | None
    closing: ClosingDays | None
    market: str
    closed: Mapping[str, int]


def fit_figures(export: Export, fit: Fit) -> FitFigures:
    """Work out the numbers behind the figures."""
    partner: pd.DataFrame = fit.rows
    largest = max(fit.mix, key=lambda name: fit.mix[name])
    decided = partner[partner["outcome"].ne("open")]
    of_largest = decided[decided["market"].eq(largest)]
    believed = fit.cycle is not None
    return FitFigures(
        odds=_by_size(fit.odds_rows[fit.odds_rows["market"].eq(largest)], fit) if largest in fit.odds.slope else None,
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
    times = np.where(is_open, sales_cycle.ages(rows, end), sales_cycle.weeks(rows)).astype(float)
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


def closing_days(rows: pd.DataFrame) -> ClosingDays | None:
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
    return ClosingDays(shown_days.astype(float), found[0], found[1], len(closed))


def _over_weekdays(rows: pd.DataFrame, outcome: str, days: pd.DatetimeIndex, place: Ints, shown_days: Ints) -> Array:
    """Closes on days at each place over the number that their weekdays have on average; nan where that is 0."""
    mine = rows.loc[rows["outcome"].eq(outcome), "closed"]
    count = mine.value_counts().reindex(days, fill_value=0).to_numpy(dtype=float)
    weekday = np.asarray(days.day_of_week)
    usual = np.bincount(weekday, weights=count, minlength=7) / np.maximum(np.bincount(weekday, minlength=7), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([count[place == k].sum() / usual[weekday[place == k]].sum() for k in shown_days])


Draw = Callable[[Axes], None]


def drawings(shown: FitFigures, currency: str) -> Mapping[str, tuple[str, Draw]]:
    """Name -> what the figure shows, in words, and what draws it."""
    found: dict[str, tuple[str, Draw]] = {}
    if shown.odds is not None:
        odds = shown.odds
        found["odds"] = (
            f"Share won by deal size, in tenths of the deals of {shown.market}, and what the fit expects of each size.",
            lambda ax: _odds(odds, currency, ax),
        )
    found["partners"] = (
        "Share won by partner, of those with most decided deals, from the least to the greatest. Where intervals miss "
        "the line more often than one in twenty, partners differ.",
        lambda ax: _partners(shown.partners, ax),
    )
    found["sizes"] = (
        f"Quantiles of log deal size in {shown.market} against those of a normal distribution: points on the line are "
        "lognormal sizes.",
        lambda ax: _sizes(shown, ax),
    )
    if shown.cycle is not None:
        found["cycle"] = (
            "Share of the deals that are won, and lost, within a time since creation. Open deals count for as long as "
            "they were watched.",
            lambda ax: _cycle(shown, ax),
        )
    if shown.closing is not None:
        found["closing"] = (
            f"Closes in the last and first {DAYS} days of calendar quarters, as a multiple of what their weekdays have "
            "on average. Wins that crowd before the end while losses do not speak for a timing game.",
            lambda ax: _closing(shown, ax),
        )
    return found


def _points(shares: Shares, ax: Axes) -> None:
    spread = np.clip([shares.share - shares.low, shares.high - shares.share], 0.0, None)
    ax.errorbar(shares.at, 100 * shares.share, yerr=100 * spread, fmt=marker(1), color=colour(1), markersize=4,
                elinewidth=1.0, label="seen, with 95 % interval")  # fmt: skip


def _odds(shares: Shares, currency: str, ax: Axes) -> None:
    _points(shares, ax)
    ax.plot(shares.at, 100 * shares.fitted, line(0), color=colour(0), label="fit")
    ax.set_xscale("log")
    ax.set_xlabel(f"Deal size [{currency}]")
    ax.set_ylabel("Share won [%]")
    ax.set_title("Odds of winning by size")
    ax.legend()
    sample_note(ax, f"{int(shares.count.sum()):,} decided deals with an amount")


def _partners(shares: Shares, ax: Axes) -> None:
    _points(shares, ax)
    ax.plot(shares.at, 100 * shares.fitted, line(0), color=colour(0), label="all partners")
    ax.set_xticks([])
    ax.set_xlabel("Partners, by share won")
    ax.set_ylabel("Share won [%]")
    ax.set_title("How partners differ")
    ax.legend(loc="upper left")
    sample_note(ax, f"{len(shares.at)} partners with {int(shares.count.sum()):,} decided deals")


def _sizes(shown: FitFigures, ax: Axes) -> None:
    expected, seen = shown.sizes
    ax.plot(expected, expected, line(0), color=colour(0), label="lognormal")
    ax.plot(expected, seen, marker(1), color=colour(1), markersize=4, linestyle="none", label="seen")
    ax.set_xlabel("Normal quantile [standard deviations]")
    ax.set_ylabel("Log size [standard deviations]")
    ax.set_title("Whether deal sizes are lognormal")
    ax.legend()
    sample_note(ax, "1st to 99th percentile")


def _cycle(shown: FitFigures, ax: Axes) -> None:
    curves = shown.cycle
    assert curves is not None
    for k, (name, seen) in enumerate((("won", curves.won), ("lost", curves.lost)), start=1):
        ax.step(curves.weeks, 100 * seen, where="post", color=colour(k), label=f"{name}, seen")
        if curves.fitted is not None:
            ax.plot(curves.weeks, 100 * curves.fitted[k - 1], line(1), color=colour(k), label=f"{name}, fit")
    ax.set_xlabel("Time since creation [weeks]")
    ax.set_ylabel("Share of all deals [%]")
    ax.set_title("How long deals take")
    ax.set_ylim(bottom=0.0)
    ax.legend()
    sample_note(ax, f"{shown.closed.get('won', 0):,} won, {shown.closed.get('lost', 0):,} lost; open deals censored")


def _closing(shown: FitFigures, ax: Axes) -> None:
    closing = shown.closing
    assert closing is not None
    for k, (name, times) in enumerate((("won", closing.won), ("lost", closing.lost)), start=1):
        ax.plot(-closing.days, times, line(k - 1), marker=marker(k), color=colour(k), markersize=4, label=name)
    ax.axhline(1.0, color=QUIET, linewidth=1.0)
    ax.axvline(0.5, color=QUIET, linewidth=1.0, linestyle=":")
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("Days from the last day of a quarter")
    ax.set_ylabel("Closes [multiple of the weekday's]")
    ax.set_title("Closing days around quarter ends")
    ax.legend()
    sample_note(ax, f"{closing.count:,} closes; days without closes of their weekday are left out")
