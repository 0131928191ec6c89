"""Figures of a calibration: what was seen as points with 95 % intervals, what the fit says as lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes

from simulator.calibrate.shown import DAYS, Shares, Shown
from simulator.report.style import QUIET, colour, line, marker, sampled

Draw = Callable[[Axes], None]


def drawings(shown: Shown, currency: str) -> Mapping[str, tuple[str, Draw]]:
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
    sampled(ax, f"{int(shares.count.sum()):,} decided deals with an amount")


def _partners(shares: Shares, ax: Axes) -> None:
    _points(shares, ax)
    ax.plot(shares.at, 100 * shares.fitted, line(0), color=colour(0), label="all partners")
    ax.set_xticks([])
    ax.set_xlabel("Partners, by share won")
    ax.set_ylabel("Share won [%]")
    ax.set_title("How partners differ")
    ax.legend(loc="upper left")
    sampled(ax, f"{len(shares.at)} partners with {int(shares.count.sum()):,} decided deals")


def _sizes(shown: Shown, ax: Axes) -> None:
    expected, seen = shown.sizes
    ax.plot(expected, expected, line(0), color=colour(0), label="lognormal")
    ax.plot(expected, seen, marker(1), color=colour(1), markersize=4, linestyle="none", label="seen")
    ax.set_xlabel("Normal quantile [standard deviations]")
    ax.set_ylabel("Log size [standard deviations]")
    ax.set_title("Whether deal sizes are lognormal")
    ax.legend()
    sampled(ax, "1st to 99th percentile")


def _cycle(shown: Shown, ax: Axes) -> None:
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
    sampled(ax, f"{shown.closed.get('won', 0):,} won, {shown.closed.get('lost', 0):,} lost; open deals censored")


def _closing(shown: Shown, ax: Axes) -> None:
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
    sampled(ax, f"{closing.count:,} closes; days without closes of their weekday are left out")
