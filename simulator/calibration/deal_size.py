"""Deal sizes: ln amount = mu_market + partner effect N(0, between^2) + N(0, within_market^2).

Maximum likelihood of a one-way random-effects model; the covariance of a partner's deals is diagonal plus
rank one, so its determinant and inverse are closed forms (Sherman-Morrison).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.calibration.likelihood import (
    LognormalFit,
    Maximum,
    by_group,
    lognormal_verdict,
    maximum,
    standard_deviation,
)
from simulator.calibration.remarks import FittedNumber
from simulator.core.arrays import Array

LIST_PRICE_SHARE = 0.9
"""A product that explains more of the variance of log size than this has a list price, not a lognormal."""


@dataclass(frozen=True)
class Sizes:
    """Fitted sizes by market. total_log_sd: plain standard deviation of the log of all amounts."""

    median: dict[str, FittedNumber]
    within: dict[str, FittedNumber]
    between: FittedNumber
    largest: dict[str, float]
    total_log_sd: float
    raw_median: dict[str, float]
    verdict: LognormalFit
    product_share: float | None


def fit_sizes(rows: pd.DataFrame) -> Sizes:
    """Fit rows with positive `amount` and columns `owner`, `market`, `product`."""
    logs = np.log(rows["amount"].to_numpy(dtype=float))
    owner, owners = pd.factorize(rows["owner"])
    market, names = pd.factorize(rows["market"], sort=True)
    best = _random_effects(logs, owner, market, len(names))
    between, between_error = standard_deviation(best, len(owners))
    count = len(names)
    medians, withins = {}, {}
    for j, name in enumerate(names):
        n = int((market == j).sum())
        middle = float(np.exp(best.at[j]))
        note = "median of a partner with effect 0"
        medians[name] = FittedNumber(middle, _times(middle, best.se(j)), n, "money", note, len(owners) - 1)
        sd = float(np.exp(best.at[count + j]))
        withins[name] = FittedNumber(sd, _times(sd, best.se(count + j)), n, "log units", "within a partner")
    amounts = rows.groupby("market")["amount"]
    residual = logs - np.array([logs[market == j].mean() for j in range(count)])[market]
    return Sizes(
        median=medians,
        within=withins,
        between=FittedNumber(between, between_error, len(owners), "log units", "between partners", len(owners) - 1),
        largest={str(name): float(value) for name, value in amounts.max().items()},
        total_log_sd=float(logs.std(ddof=1)),
        raw_median={str(name): float(value) for name, value in amounts.median().items()},
        verdict=lognormal_verdict(residual),
        product_share=_product_share(rows["product"], logs),
    )


def _times(value: float, log_error: float | None) -> float | None:
    """Standard error of exp(x) = `value` from that of x (delta method)."""
    return None if log_error is None else value * log_error


def _random_effects(logs: Array, owner: NDArray[np.intp], market: NDArray[np.intp], markets: int) -> Maximum:
    """Means, log within sds (both by market) and the between sd that maximise the likelihood."""
    owners = int(owner.max()) + 1

    def log_likelihood(at: Array) -> float:
        residual = logs - at[market]
        log_sd = at[markets + market]
        weight = np.exp(-2 * log_sd)
        total, pull = by_group(weight, owner, owners), by_group(weight * residual, owner, owners)
        between = at[-1] ** 2
        shared = np.log1p(between * total) - between * pull**2 / (1 + between * total)
        return float(-0.5 * (np.sum(2 * log_sd + weight * residual**2) + shared.sum() + len(logs) * np.log(2 * np.pi)))

    means = np.array([logs[market == j].mean() for j in range(markets)])
    sds = np.array([max(logs[market == j].std(), 1e-3) for j in range(markets)])
    return maximum(log_likelihood, start=np.concatenate([means, np.log(sds), [0.3]]))


def _product_share(product: pd.Series, logs: Array) -> float | None:
    """Share of the variance of log size that lies between products; None with fewer than two products."""
    if product.nunique() < 2 or logs.var() == 0:
        return None
    means = pd.Series(logs, index=product.index).groupby(product).transform("mean").to_numpy(dtype=float)
    return float(means.var() / logs.var())
