"""What a fit knows of single partners, how their volume, size and odds go together, and how levels drift.

Partner i's effects on ln rate, ln size and log-odds meet its own deals; each posterior is taken normal at its mode
(Laplace). Between partners they are N(0, D R D), D their fitted spreads. In units of the spread, what a partner's deals
say has precision w and mean b / w, and R has the likelihood

    prod_i |R|^-1/2 |R^-1 + W_i|^-1/2 exp(b_i' (R^-1 + W_i)^-1 b_i / 2)

and the prior |R| (Lewandowski, Kurowicka and Joe 2009, eta = 2), which keeps it off the edge where few partners tell.

Levels of volume, size and odds may drift from quarter to quarter: what the fit leaves unexplained in quarter q is
y_q = a_q + e_q with e_q ~ N(0, v_q) known, a_q = a_{q-1} + N(0, tau^2), a local level model; tau under a half-normal
prior, as a dozen quarters say little on it, averaged over a grid; a_q by the Kalman filter (Harvey 1989).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from simulator.calibration.fit import Fit
from simulator.calibration.likelihood import by_group, maximum
from simulator.calibration.remarks import CORRELATION, FittedNumber
from simulator.calibration.volume import YEAR_WEEKS, in_weeks
from simulator.core.arrays import Array, Ints

PAIRS = {"volume and size": (0, 1), "volume and odds": (0, 2), "size and odds": (1, 2)}
VAGUE = 1.2
"""An interval of a correlation wider than this leaves it open."""


@dataclass(frozen=True)
class EffectCorrelations:
    """correlations: by pair; root: of R, L L' = R; mean, cov: of partners' effects in units of the spread given R,
    (P, 3) and (P, 3, 3)."""

    correlations: dict[str, FittedNumber]
    root: Array
    mean: Array
    cov: Array

    def __str__(self) -> str:
        found = []
        for pair, estimate in self.correlations.items():
            low, high = estimate.interval() or (-1.0, 1.0)
            told = f"{estimate.value:.2f} ({low:.2f} to {high:.2f})" if high - low < VAGUE else "not identified"
            found.append(f"{pair} {told}")
        return ", ".join(found)


def fit_correlations(mean: Array, sd: Array, spread: Array) -> EffectCorrelations:
    """Fit to posteriors of effects that were taken as independent, of mean 0: means and sds (P, 3); spread (3,)."""
    ratio = (spread / sd) ** 2
    w, b = np.maximum(ratio - 1, 0.0), mean / spread * ratio

    def log_posterior(at: Array) -> float:
        root = _root(at)
        log_det = 2 * float(np.log(np.diag(root)).sum())
        precision, middle = _given(root, w, b)
        evidence = float((b * middle).sum() - np.linalg.slogdet(precision)[1].sum())
        return 0.5 * (evidence - len(w) * log_det) + log_det

    best = maximum(log_posterior, start=np.zeros(3))
    root = _root(best.at)
    precision, middle = _given(root, w, b)
    cov = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    return EffectCorrelations(_estimates(best.at, best.covariance, len(w)), root, middle, cov)


def _given(root: Array, w: Array, b: Array) -> tuple[Array, Array]:
    """Precisions (P, 3, 3) and means (P, 3) of the effects given the root of R."""
    precision: Array = np.linalg.inv(root @ root.T) + w[:, :, None] * np.eye(3)
    return precision, np.asarray(np.linalg.solve(precision, b[:, :, None])[:, :, 0])


def _root(at: Array) -> Array:
    """Lower root of the correlations whose partial ones are tanh(at)."""
    a, b, c = np.tanh(at)
    rest = np.sqrt(1 - b * b)
    rows = [[1, 0, 0], [a, np.sqrt(1 - a * a), 0], [b, c * rest, np.sqrt(1 - c * c) * rest]]
    return np.array(rows, dtype=np.float64)


def _estimates(at: Array, covariance: Array, partners: int) -> dict[str, FittedNumber]:
    """Correlations with errors by the delta method."""

    def values(x: Array) -> Array:
        r = _root(x) @ _root(x).T
        return np.array([r[pair] for pair in PAIRS.values()])

    step = 1e-5
    change = np.stack([(values(at + move) - values(at - move)) / (2 * step) for move in step * np.eye(3)], axis=1)
    error = np.sqrt(np.maximum(np.diag(change @ covariance @ change.T), 0.0))
    note = "between partners; spreads taken as known"
    return {
        pair: FittedNumber(float(value), float(se) if se > 0 else None, partners, CORRELATION, note)
        for pair, value, se in zip(PAIRS, values(at), error, strict=True)
    }


_TAUS = np.linspace(0.0, 1.0, 41)
USUAL_STEP = 0.2
"""Scale of the prior of tau: business seldom changes by more than two fifths from a quarter to the next; judgement."""


@dataclass(frozen=True)
class Level:
    """Where a level stands at the end of the past: mean, variance, and root mean square of a quarter's step."""

    mean: float = 0.0
    variance: float = 0.0
    step: float = 0.0


@dataclass(frozen=True)
class SlopeDrift:
    """How the slope of odds in size drifts: by `level` * (x - centre) / spread in log-odds, x what it multiplies."""

    level: Level = Level()
    centre: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True)
class PartnerEffects:
    """Effects of partners on log opportunities per year, log size and log-odds; and how levels drift.

    owners: their names; active: whether they still bring opportunities; centre, spread: of effects over partners, (3,);
    effects: how they go together.
    """

    owners: tuple[str, ...]
    active: Array
    centre: Array
    spread: Array
    effects: EffectCorrelations
    volume_level: Level
    size_level: Level
    odds_level: Level
    slope_drift: SlopeDrift

    @property
    def mean(self) -> Array:
        """PartnerEffects means of partners' effects, (P, 3)."""
        return np.asarray(self.centre + self.spread * self.effects.mean)

    def drawn(self, z: Array) -> Array:
        """Effects of partners and of so many newcomers as there are more scores; z: normal scores (3, D, P + N)."""
        known = len(self.owners)
        own = self.effects.mean + np.einsum("pij,jdp->dpi", np.linalg.cholesky(self.effects.cov), z[..., :known])
        fresh = np.einsum("ij,jdn->dni", self.effects.root, z[..., known:])
        return np.asarray(self.centre + self.spread * np.concatenate([own, fresh], axis=1))


def fit_partner_effects(rows: pd.DataFrame, fit: Fit, *, end: pd.Timestamp) -> PartnerEffects:
    """PartnerEffects of a fit's partners, `rows` being those that it was fitted to (partner rows with a `market`)."""
    owners = fit.volume.activity.index
    owner = np.asarray(owners.get_indexer(pd.Index(rows["owner"])), dtype=np.int64)
    quarter = rows["created"].dt.to_period("Q").astype("int64").to_numpy(dtype=np.int64)
    spread = np.maximum([fit.volume.log_sd.value, fit.sizes.between.value, fit.odds.between.value], 1e-3)
    centre = np.array([np.log(fit.volume.per_year.value) - spread[0] ** 2 / 2, 0.0, 0.0])
    rate = _rates(fit, centre[0], spread[0])
    size, size_level = _sizes(rows, fit, owner, quarter, len(owners))
    odds, odds_level, slope_drift = _odds(rows, fit, owner, quarter, len(owners))
    mean, sd = (np.stack(parts, axis=1) for parts in zip(rate, size, odds, strict=True))
    return PartnerEffects(
        tuple(str(name) for name in owners),
        fit.volume.activity["active"].to_numpy(dtype=float),
        centre,
        spread,
        fit_correlations(mean - centre, sd, spread),
        _volume_level(rows, fit, rate[0], quarter, end),
        size_level,
        odds_level,
        slope_drift,
    )


def local_level(y: Array, variance: Array) -> Level:
    """The level after the last of the residuals `y` (Q,) with known variances."""
    if not len(y):
        return Level(step=USUAL_STEP)
    found = [_filtered(y, variance, float(tau)) for tau in _TAUS]
    weight = np.exp(np.array([total for total, _ in found]) - max(total for total, _ in found))
    mean, spread, step = np.array([(at.mean, at.variance, at.step) for _, at in found]).T
    middle = float(np.average(mean, weights=weight))
    around = float(np.average(spread + (mean - middle) ** 2, weights=weight))
    return Level(middle, around, float(np.sqrt(np.average(step**2, weights=weight))))


def _filtered(y: Array, variance: Array, tau: float) -> tuple[float, Level]:
    """Log posterior of tau from the later residuals given the first, and where the level ends."""
    mean, spread, total = float(y[0]), float(variance[0]), -0.5 * (tau / USUAL_STEP) ** 2
    for value, noise in zip(y[1:], variance[1:], strict=True):
        spread += tau**2
        surprise, width = float(value) - mean, spread + float(noise)
        total -= 0.5 * (np.log(width) + surprise**2 / width)
        gain = spread / width
        mean, spread = mean + gain * surprise, spread * (1 - gain)
    return total, Level(mean, spread, tau)


def _mode(slope_and_curvature: Callable[[Array], tuple[Array, Array]], start: Array) -> tuple[Array, Array]:
    """Mode and sd of concave log posteriors by Newton steps, damped."""
    at = start
    for _ in range(60):
        slope, curvature = slope_and_curvature(at)
        move = np.clip(slope / curvature, -1.0, 1.0)
        at = at + move
        if np.abs(move).max(initial=0.0) < 1e-8:
            break
    return at, 1 / np.sqrt(slope_and_curvature(at)[1])


def _rates(fit: Fit, centre: float, spread: float) -> tuple[Array, Array]:
    activity = fit.volume.activity
    later = activity["count"].to_numpy(dtype=float) - 1
    years = activity["weeks"].to_numpy(dtype=float) / YEAR_WEEKS

    def derivatives(x: Array) -> tuple[Array, Array]:
        mean = years * np.exp(x)
        return later - mean - (x - centre) / spread**2, mean + 1 / spread**2

    return _mode(derivatives, np.full(len(later), centre))


def _sizes(rows: pd.DataFrame, fit: Fit, owner: Ints, quarter: Ints, owners: int) -> tuple[tuple[Array, Array], Level]:
    sizes, known = fit.sizes, rows.index.isin(fit.sized_rows.index)
    part, who, when = rows[known], owner[known].astype(np.intp), quarter[known]
    within = part["market"].map({name: e.value for name, e in sizes.within.items()}).to_numpy(dtype=float)
    residual = over_median(part, fit)
    weight = 1 / np.maximum(within, 1e-3) ** 2
    precision = by_group(weight, who, owners) + 1 / max(sizes.between.value, 1e-3) ** 2
    mean = by_group(weight * residual, who, owners) / precision
    left = residual - mean[who]
    return (mean, 1 / np.sqrt(precision)), _level(when, weight * left, weight)


def _odds(
    rows: pd.DataFrame, fit: Fit, owner: Ints, quarter: Ints, owners: int
) -> tuple[tuple[Array, Array], Level, SlopeDrift]:
    told = rows.index.isin(fit.odds_rows.index)
    part, who, when = fit.odds_rows.loc[rows.index[told]], owner[told].astype(np.intp), quarter[told]
    base = log_odds(part, fit)
    won, prior = part["outcome"].eq("won").to_numpy(dtype=float), 1 / max(fit.odds.between.value, 1e-3) ** 2

    def derivatives(x: Array) -> tuple[Array, Array]:
        p = expit(base + x[who])
        return by_group(won - p, who, owners) - prior * x, by_group(p * (1 - p), who, owners) + prior

    mean, sd = _mode(derivatives, np.zeros(owners))
    p = expit(base + mean[who])
    left, weight = won - p, p * (1 - p)
    return (mean, sd), _level(when, left, weight), _tilt(part, fit, when, left, weight)


def _tilt(part: pd.DataFrame, fit: Fit, quarter: Ints, left: Array, weight: Array) -> SlopeDrift:
    """Drift of the slope, in standard deviations of log size: a step of it is then worth as much as one of the level.

    Around the centre where a shift and a turn of the line are told apart, so that each drifts alone.
    """
    if not fit.odds.slope:
        return SlopeDrift()
    x = fit.odds.of_size(over_median(part, fit))
    centre = float(np.average(x, weights=weight))
    spread = max(float(np.sqrt(np.average((x - centre) ** 2, weights=weight))), 1e-3)
    z = (x - centre) / spread
    return SlopeDrift(_level(quarter, left * z, weight * z**2), centre, spread)


def over_median(rows: pd.DataFrame, fit: Fit) -> Array:
    """Log of the amount over the market's median, (n,)."""
    middle = rows["market"].map({name: e.value for name, e in fit.sizes.median.items()}).to_numpy(dtype=float)
    return np.asarray(np.log(rows["amount"].to_numpy(dtype=float) / middle))


def log_odds(rows: pd.DataFrame, fit: Fit) -> Array:
    """Fitted log-odds of rows for a partner of effect 0, offsets of age included."""
    base = rows["market"].map({name: float(logit(e.value)) for name, e in fit.odds.probability.items()})
    result: Array = np.asarray(base.to_numpy(dtype=np.float64))
    if fit.odds.slope:
        slope = rows["market"].map({name: e.value for name, e in fit.odds.slope.items()}).to_numpy(dtype=float)
        result = np.asarray(result + slope * fit.odds.of_size(over_median(rows, fit)))
    return np.asarray(result + rows["offset"].to_numpy(dtype=float)) if "offset" in rows else result


def _level(quarter: Ints, score: Array, information: Array) -> Level:
    """Level from the score and information of a shift common to a quarter's deals (a Newton step from 0)."""
    if not len(quarter):
        return local_level(np.zeros(0), np.zeros(0))
    at = (quarter - quarter.min()).astype(np.intp)
    count = int(at.max()) + 1
    total = by_group(information, at, count)
    seen = total > 0
    return local_level(by_group(score, at, count)[seen] / total[seen], 1 / total[seen])


def _volume_level(rows: pd.DataFrame, fit: Fit, log_rate: Array, quarter: Ints, end: pd.Timestamp) -> Level:
    """Opportunities after each partner's first by quarter, over what their own rates give while they are active."""
    activity = fit.volume.activity
    first = rows.groupby("owner")["created"].min().reindex(activity.index)
    gone = first + pd.to_timedelta(activity["weeks"], unit="W")
    leave = gone.mask(activity["active"].astype(bool), end + pd.Timedelta(days=1))
    later = np.bincount(quarter.astype(np.intp) - int(quarter.min())).astype(float)
    starts = pd.period_range(rows["created"].min(), rows["created"].max(), freq="Q")
    expected = np.zeros(len(starts))
    for q, period in enumerate(starts):
        opening, closing = period.start_time, (period + 1).start_time
        there = leave.where(leave < closing, closing) - first.where(first > opening, opening)
        weeks = in_weeks(there).clip(lower=0).to_numpy(dtype=float)
        expected[q] = float(np.exp(log_rate) @ weeks) / YEAR_WEEKS
        later[q] -= int(((first >= opening) & (first < closing)).sum())
    # A first quarter that the export cuts is left out, and quarters with next to nothing in them.
    keep = expected[1:] >= 1
    return local_level(np.log((later[1:][keep] + 0.5) / expected[1:][keep]), 1 / (later[1:][keep] + 0.5))
