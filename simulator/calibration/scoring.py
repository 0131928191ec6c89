"""How good a prediction was: interval coverage and CRPS, and the naive predictions that it must beat.

CRPS = E|X - y| - E|X - X'| / 2 for a prediction X and what came true y (Gneiting and Raftery 2007, JASA 102): the
absolute error of a point, less what an honest spread is worth; in the unit of y, less is better. A naive rule has the
spread of its own past errors at the same distance, taken normal; with fewer than three of those it is a point.

Predicted quarters held against what came true: intervals, coverage, and scores beside those of naive rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from simulator.calibration.forecast import PredictiveDraws
from simulator.core.arrays import Array, Bools

Rule = Callable[[Array, int], float]
_POINTS = ndtri((np.arange(200) + 0.5) / 200)
MIN_ERRORS = 3


def crps(sample: Array, truth: float) -> float:
    """Continuous ranked probability score of a sample (n,); the second term by its sorted form."""
    x = np.sort(sample)
    n = len(x)
    spread = float(np.sum((2 * np.arange(1, n + 1) - n - 1) * x)) / n**2
    return float(np.abs(x - truth).mean()) - spread


def last_year(past: Array, _ahead: int) -> float:
    """Mean of the last four quarters."""
    return float(past[-4:].mean())


def mean_of_quarters(past: Array, _ahead: int) -> float:
    """Mean of all quarters."""
    return float(past.mean())


def seasonal_naive(past: Array, ahead: int) -> float:
    """The same quarter of the last year that is known; the last quarter where the past is shorter."""
    back = 4 * -(-ahead // 4) - ahead + 1
    return float(past[-back] if back <= len(past) else past[-1])


RULES: Mapping[str, Rule] = {
    "last year": last_year,
    "mean of quarters": mean_of_quarters,
    "seasonal naive": seasonal_naive,
}


def naive(past: Array, ahead: int, rule: Rule) -> Array:
    """Prediction of a rule `ahead` quarters on, as a sample. past: (Q,) values of the quarters so far, oldest first."""
    known = past[np.isfinite(past)]
    point = rule(known, ahead)
    errors = np.array([known[t] - rule(known[: t - ahead + 1], ahead) for t in range(ahead + 3, len(known))])
    if len(errors) < MIN_ERRORS:
        return np.array([point])
    return np.asarray(point + float(np.sqrt((errors**2).mean())) * _POINTS)


QUANTITIES = {
    "created": "opportunities created",
    "value": "value of those",
    "won": "deals won",
    "bookings": "bookings",
    "share_won": "share won of decided deals",
    "payout": "payout of the baseline program",
}
LEVELS = (0.8, 0.95)


@dataclass(frozen=True)
class ScoredPrediction:
    """A quantity of a quarter, or of all quarters ahead together (`period` "all").

    quarters_ahead: 1 for the first; low, high: 95 % interval; inside: whether the 80 and the 95 % interval hold what
    was `observed`; crps, naive_crps: scores, the latter by rule.
    """

    start: str
    period: str
    quarters_ahead: int
    quantity: str
    observed: float
    median: float
    low: float
    high: float
    inside: tuple[bool, bool]
    crps: float
    naive_crps: Mapping[str, float]


def score_predictions(
    rows: pd.DataFrame,
    drawn: PredictiveDraws,
    period: pd.Period,
    quarters: int,
    draws: int,
    *,
    dated: bool,
    lost_sized: bool,
) -> list[ScoredPrediction]:
    """Every quantity of every quarter ahead, and of all together, against the partner rows of the whole export.

    lost_sized: whether lost deals carry an amount, without which the value of what was created is unknown.
    """
    first = rows["created"].min().to_period("Q")
    past = (period - first).n
    observed = _observed(rows, first, past + quarters, dated)
    samples = _sampled(drawn, quarters, draws, dated)
    found: list[ScoredPrediction] = []
    for name in ("created", "value", "won", "bookings", "share_won"):
        if name != "value" or lost_sized:
            truth = float(_values({k: v[past:].sum() for k, v in observed.items()}, name))
            whole = _values({k: v.sum(axis=1) for k, v in samples.items()}, name)
            found += _series(_values(observed, name), _values(samples, name), period, name, (truth, whole))
    return found


def score_payout(observed: Array, sample: Array, period: pd.Period) -> list[ScoredPrediction]:
    """The same of the payout. observed: (quarters so far + ahead,); sample: (draws, quarters ahead)."""
    whole = float(observed[-sample.shape[1] :].sum()), sample.sum(axis=1)
    return _series(observed, sample, period, "payout", whole)


def _series(
    observed: Array, sample: Array, period: pd.Period, name: str, whole: tuple[float, Array]
) -> list[ScoredPrediction]:
    """A quantity of each of the quarters ahead, and of the `whole` of them, observed and sampled."""
    quarters = sample.shape[1]
    past, found = observed[: len(observed) - quarters], []
    for q in range(quarters):
        rules = {rule: naive(past, q + 1, what) for rule, what in RULES.items()}
        found.append(_score(period, str(period + q), q + 1, name, float(observed[len(past) + q]), sample[:, q], rules))
    fold, known = np.mean if name == "share_won" else np.sum, past[np.isfinite(past)]
    points = {rule: np.array([fold([what(known, q + 1) for q in range(quarters)])]) for rule, what in RULES.items()}
    return [*found, _score(period, "all", quarters, name, *whole, points)]


def _score(
    start: pd.Period, period: str, ahead: int, name: str, truth: float, sample: Array, rules: Mapping[str, Array]
) -> ScoredPrediction:
    sample = sample[np.isfinite(sample)]
    inside = []
    for level in LEVELS:
        low, high = np.quantile(sample, [0.5 - level / 2, 0.5 + level / 2])
        inside.append(bool(low <= truth <= high))
    return ScoredPrediction(
        f"{start.start_time:%Y-%m-%d}", period, ahead, name, float(truth), float(np.median(sample)), float(low),
        float(high), (inside[0], inside[1]), crps(sample, truth), {rule: crps(x, truth) for rule, x in rules.items()},
    )  # fmt: skip


def _values(sums: Mapping[str, Any], name: str) -> Array:
    """A quantity from sums by quarter."""
    if name != "share_won":
        return np.asarray(sums[name])
    decided = sums["decided"]
    return np.asarray(np.where(decided > 0, sums["won"] / np.maximum(decided, 1), np.nan))


def _observed(rows: pd.DataFrame, first: pd.Period, quarters: int, dated: bool) -> dict[str, Array]:
    """Sums by quarter from `first` on, (quarters,)."""
    created = rows["created"].dt.to_period("Q").astype("int64") - first.ordinal
    counted = rows["closed"].dt.to_period("Q").astype("int64") - first.ordinal if dated else created
    known = rows["closed"].notna() if dated else rows["outcome"].ne("open")
    won = rows["outcome"].eq("won") & known

    def total(quarter: pd.Series, which: pd.Series | bool, weight: pd.Series | None = None) -> Array:
        pick = which & (quarter >= 0) & (quarter < quarters)
        weights = None if weight is None else weight[pick].fillna(0.0)
        return np.bincount(quarter[pick], weights=weights, minlength=quarters).astype(float)

    return {
        "created": total(created, rows["created"].notna()),
        "value": total(created, rows["created"].notna(), rows["amount"]),
        "won": total(counted, won),
        "decided": total(counted, known & rows["outcome"].ne("open")),
        "bookings": total(counted, won, rows["amount"]),
    }


def _sampled(drawn: PredictiveDraws, quarters: int, draws: int, dated: bool) -> dict[str, Array]:
    """Sums by draw and quarter ahead, (draws, quarters)."""
    counted = drawn.closed if dated else drawn.created

    def total(quarter: Array, which: Bools, weight: Array | None = None) -> Array:
        pick = which & (quarter >= 0) & (quarter < quarters)
        at = drawn.draw[pick] * quarters + np.floor(quarter[pick]).astype(np.int64)
        weights = None if weight is None else np.nan_to_num(weight[pick])
        return np.bincount(at, weights=weights, minlength=draws * quarters).astype(float).reshape(draws, quarters)

    every = np.ones(len(drawn.draw), dtype=bool)
    return {
        "created": total(drawn.created, every),
        "value": total(drawn.created, every, drawn.amount),
        "won": total(counted, drawn.won),
        "decided": total(counted, every),
        "bookings": total(counted, drawn.won, drawn.amount),
    }
