"""Odds of winning: logit P(win) = intercept + slope * ln(size / median) + partner effect N(0, between^2).

Intercept, slope and median size are those of the market. The partner effect is integrated out by adaptive quadrature,
so the intercept holds for a partner with effect 0, as the simulator's `win_probability` does; it is not the average win
rate. Whether partners differ at all is judged by the likelihood ratio against between = 0; at this bound of the
parameter space it follows an even mixture of 0 and chi2(1) (Self and Liang 1987, JASA 82).

For predictions the line may have a knee: slope * (ln(1 + size / knee) - ln(1 + median / knee)), odds that do not depend
on the size of deals far smaller than the knee and have the slope in log size above it.

Where there are very many deals, partners with many are thinned: which deals stay is drawn by a hash of the row, so it
goes with nothing that is fitted. Odds, sizes and cycles have the same distribution in what is left, and differences
between partners rest on as many partners.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import chi2

from simulator.calibration.likelihood import Maximum, by_group, log_integrals, maximum, normal_mean, standard_deviation
from simulator.calibration.remarks import FittedNumber
from simulator.core.arrays import Array

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Trials:
    """Decided deals, alike ones added up. design: regressors; wins of `deals` per row; owner: 0..owners-1; offset:
    added to the log-odds as it is."""

    design: Array
    wins: Array
    deals: Array
    owner: NDArray[np.intp]
    owners: int
    markets: tuple[str, ...]
    with_size: bool
    offset: Array | float = 0.0


@dataclass(frozen=True)
class Odds:
    """Fitted odds by market.

    probability: of a median deal with a partner of effect 0; between: sd of the partner effect in logits;
    p_value: of no differences between partners; upper: 95 % limit of `between` (one-sided) where p_value is
    above 5 %; rate_sd: sd between partners of the win rate of a median deal; slope: empty where it was not
    fitted; knee: log of the knee over the median size, None for a straight line.
    """

    probability: dict[str, FittedNumber]
    slope: dict[str, FittedNumber]
    between: FittedNumber
    p_value: float
    upper: float | None
    rate_sd: FittedNumber
    win_rate: FittedNumber
    log_likelihood: float
    knee: float | None = None

    def of_size(self, over_median: Array) -> Array:
        """What slopes multiply, by the log of size over the median."""
        return over_median if self.knee is None else knee_term(over_median, self.knee)

    def verdict(self) -> str:
        """Whether partners differ, in words."""
        spread = f"sd of the win rate between partners {self.rate_sd.value:.3f}"
        if self.p_value > SIGNIFICANT:
            limit = "" if self.upper is None else f", at most {self.upper:.2f} logits at 95 %"
            return f"no partner heterogeneity worth the name: {spread}, p = {self.p_value:.2f}{limit}"
        return f"partners differ: {spread}, p {'< 0.001' if self.p_value < 0.001 else f'= {self.p_value:.3f}'}"


def trials(rows: pd.DataFrame, *, medians: dict[str, float], with_size: bool) -> Trials:
    """Decided rows (columns `owner`, `market`, `outcome`, `amount`, perhaps `offset`) as regressors and counts.

    medians: where ln size is centred, by market; used with size only.
    """
    offset = rows["offset"].to_numpy(dtype=float) if "offset" in rows else np.zeros(len(rows))
    owner, owners = pd.factorize(rows["owner"], sort=True)
    market, names = pd.factorize(rows["market"], sort=True)
    won = np.asarray(rows["outcome"].eq("won"), dtype=np.float64)
    dummies = np.eye(len(names))[market]
    design, wins, deals = dummies, won, np.ones(len(won))
    if with_size:
        middle = np.array([medians[str(name)] for name in names])[market]
        x = np.log(rows["amount"].to_numpy(dtype=float) / middle)
        design = np.hstack([dummies, dummies * x[:, None]])
    elif not offset.any():
        cell = owner * len(names) + market
        cells, where = np.unique(cell, return_inverse=True)
        wins, deals = by_group(won, where, len(cells)), by_group(deals, where, len(cells))
        design, owner, offset = np.eye(len(names))[cells % len(names)], cells // len(names), np.zeros(len(cells))
    return Trials(design, wins, deals, owner, len(owners), tuple(str(name) for name in names), with_size, offset)


def fit_odds(data: Trials) -> Odds:
    """Maximum likelihood with partner effects, and the comparison with none."""
    plain = _plain_fit(data)
    best = maximum(lambda at: log_likelihood(data, at), start=np.append(plain.at, 0.5))
    p_value = 0.5 * float(chi2.sf(max(0.0, 2 * (best.log_likelihood - plain.log_likelihood)), 1))
    between, error = standard_deviation(best, data.owners)
    upper = _upper_limit(data, best) if p_value > SIGNIFICANT else None
    rows = int(data.deals.sum())
    return Odds(
        probability=_probabilities(data, best),
        slope=_slopes(data, best),
        between=FittedNumber(between, error, data.owners, "logits", "between partners", data.owners - 1),
        p_value=p_value,
        upper=upper,
        rate_sd=_rate_sd(data, best, between, error),
        win_rate=_share(float(data.wins.sum()), rows),
        log_likelihood=best.log_likelihood,
    )


def with_knee(data: Trials, straight: Odds) -> Odds:
    """The odds with a knee, one in units of the median for all markets, if it pays for itself: Schwarz's criterion."""
    count = len(data.markets)

    def with_size_knee(knee: float) -> Trials:
        # The other markets' sizes in a column are 0 and stay so.
        return replace(data, design=np.hstack([data.design[:, :count], knee_term(data.design[:, count:], knee)]))

    start = [float(logit(e.value)) for e in straight.probability.values()]
    start += [e.value for e in straight.slope.values()]
    best = maximum(
        lambda at: log_likelihood(with_size_knee(float(at[-2])), np.append(at[:-2], at[-1])),
        start=np.array([*start, -1.0, max(straight.between.value, 0.1)]),
    )
    if 2 * (best.log_likelihood - straight.log_likelihood) <= np.log(data.deals.sum()):
        return straight
    value, error = standard_deviation(best, data.owners)
    return replace(
        straight,
        probability=_probabilities(data, best),
        slope=_slopes(data, best),
        between=replace(straight.between, value=value, se=error),
        log_likelihood=best.log_likelihood,
        knee=float(best.at[-2]),
    )


def knee_term(over_median: Array, knee: float) -> Array:
    """ln(1 + size / knee) - ln(1 + median / knee)."""
    return np.asarray(np.logaddexp(0.0, over_median - knee) - np.logaddexp(0.0, -knee))


def log_likelihood(data: Trials, at: Array) -> float:
    """Log-likelihood at (coefficients, between sd); even in the sd, so that no bound is needed."""
    linear, spread = data.design @ at[:-1] + data.offset, at[-1]

    def value(effect: Array) -> Array:
        eta = linear[:, None] + spread * effect[data.owner]
        terms = data.wins[:, None] * eta - data.deals[:, None] * np.logaddexp(0.0, eta)
        return np.stack([by_group(terms[:, k], data.owner, data.owners) for k in range(terms.shape[1])], axis=1)

    def slope_and_curvature(effect: Array) -> tuple[Array, Array]:
        p = expit(linear + spread * effect[data.owner])
        slope = spread * by_group(data.wins - data.deals * p, data.owner, data.owners)
        return slope, spread**2 * by_group(data.deals * p * (1 - p), data.owner, data.owners)

    return float(log_integrals(value, slope_and_curvature, data.owners).sum())


def direct_odds(rows: pd.DataFrame) -> FittedNumber:
    """Share won of decided deals that the vendor worked alone."""
    return _share(float(rows["outcome"].eq("won").sum()), len(rows))


SELECTION = (
    "Who works a deal is not drawn by lot: partners may get, or pick, the deals that are easier to win. It is an "
    "association, no effect of having a partner, and the scenario does not take it as one."
)


@dataclass(frozen=True)
class DirectContrast:
    """Business with partners against direct business: share won of each, and the odds ratio of winning."""

    with_partner: FittedNumber
    direct: FittedNumber
    ratio: FittedNumber

    def __str__(self) -> str:
        low, high = self.ratio.interval() or (float("nan"),) * 2
        return (
            f"won {self.with_partner.value:.1%} of {self.with_partner.n:,} deals with partners and "
            f"{self.direct.value:.1%} of {self.direct.n:,} direct ones, odds ratio {self.ratio.value:.2f} "
            f"[{low:.2f}, {high:.2f}]. {SELECTION}"
        )


def direct_contrast(won: pd.Series, direct: pd.Series) -> DirectContrast | None:
    """Contrast of decided deals, booleans of one index; None where either side has not both won and lost deals.

    Woolf's interval (1955): the log of the odds ratio ad/bc has variance 1/a + 1/b + 1/c + 1/d.
    """
    a, b, c, d = (int((side & result).sum()) for side in (~direct, direct) for result in (won, ~won))
    if min(a, b, c, d) == 0:
        return None
    value = a * d / (b * c)
    error = value * float(np.sqrt(1 / a + 1 / b + 1 / c + 1 / d))
    ratio = FittedNumber(value, error, len(won), "odds ratio", "partner over direct; association")
    return DirectContrast(_share(a, a + b), _share(c, c + d), ratio)


def _share(wins: float, deals: int) -> FittedNumber:
    share = wins / deals
    return FittedNumber(
        share, float(np.sqrt(share * (1 - share) / deals)), deals, "share", "share won of decided deals"
    )


def _plain_fit(data: Trials) -> Maximum:
    """Logistic regression without partner effects."""

    def plain(at: Array) -> float:
        eta = data.design @ at + data.offset
        return float(np.sum(data.wins * eta - data.deals * np.logaddexp(0.0, eta)))

    return maximum(plain, start=np.zeros(data.design.shape[1]))


def _probabilities(data: Trials, best: Maximum) -> dict[str, FittedNumber]:
    result = {}
    for j, name in enumerate(data.markets):
        p, error = float(expit(best.at[j])), best.se(j)
        n = int(data.deals @ data.design[:, j])
        error = None if error is None else error * p * (1 - p)
        result[name] = FittedNumber(p, error, n, "probability", "partner effect 0", data.owners - 1)
    return result


def _slopes(data: Trials, best: Maximum) -> dict[str, FittedNumber]:
    if not data.with_size:
        return {}
    count = len(data.markets)
    return {
        name: FittedNumber(
            float(best.at[count + j]),
            best.se(count + j),
            int(data.deals @ data.design[:, j]),
            "logit per log unit",
        )
        for j, name in enumerate(data.markets)
    }


def _rate_sd(data: Trials, best: Maximum, between: float, error: float | None) -> FittedNumber:
    """Sd over partners of the win rate of a median deal in the largest market; error by the delta method."""
    middle = float(best.at[int(np.argmax(data.deals @ data.design[:, : len(data.markets)]))])

    def rate_sd(spread: float) -> float:
        mean = normal_mean(lambda z: expit(middle + spread * z))
        return float(np.sqrt(np.maximum(0.0, normal_mean(lambda z: expit(middle + spread * z) ** 2) - mean**2)))

    step = 1e-4
    change = (rate_sd(between + step) - rate_sd(max(between - step, 0.0))) / (between + step - max(between - step, 0.0))
    se = None if error is None else abs(change) * error
    return FittedNumber(rate_sd(between), se, data.owners, "win rate", "between partners, at the median deal")


def _upper_limit(data: Trials, best: Maximum) -> float | None:
    """One-sided 95 % limit of the between sd: where the profile likelihood has fallen by chi2_.90(1) / 2."""
    target = best.log_likelihood - float(chi2.ppf(0.90, 1)) / 2

    def gap(spread: float) -> float:
        profile = maximum(lambda at: log_likelihood(data, np.append(at, spread)), start=best.at[:-1])
        return profile.log_likelihood - target

    low, high = abs(float(best.at[-1])), abs(float(best.at[-1])) + 3.0
    return float(brentq(gap, low, high, xtol=1e-3)) if gap(high) < 0 else None


MOST_ROWS, LEAST_PER_PARTNER = 100_000, 20
"""Rows that a fit uses about at most, and deals that a partner keeps at least."""


def thinned_rows(rows: pd.DataFrame, *, most: int = MOST_ROWS) -> pd.DataFrame:
    """`rows` (column `owner`) with as many per owner as leave about `most`; `rows` themselves where they are few."""
    if len(rows) <= most:
        return rows
    count = rows["owner"].value_counts().to_numpy()
    low, cap = LEAST_PER_PARTNER, int(count.max())
    while low < cap:
        middle = (low + cap + 1) // 2
        low, cap = (middle, cap) if np.minimum(count, middle).sum() <= most else (low, middle - 1)
    order = np.argsort(pd.util.hash_array(np.arange(len(rows))), kind="stable")
    rank = rows["owner"].iloc[order].groupby(rows["owner"].iloc[order]).cumcount()
    return rows[(rank < low).reindex(rows.index).to_numpy()]
