"""The quarters ahead as a fit sees them: draws of deals, partner by partner, from the posterior predictive.

In every draw the levels go on as random walks, partners have their own drawn rates, sizes and odds, some leave and new
ones come at the pace of the last year. A deal is won with its odds; where cycles are known it is decided after its
time, and deals that are open at the start are decided as late as their age allows. Parameters of the population are
drawn too, from their standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from simulator.calibration.fit import Fit
from simulator.calibration.partner_effects import PartnerEffects, log_odds
from simulator.calibration.remarks import FittedNumber
from simulator.calibration.sales_cycle import ages, weeks
from simulator.calibration.volume import YEAR_WEEKS, in_weeks
from simulator.core.arrays import Array, Bools, Ints
from simulator.core.streams import Streams, poisson

QUARTER = YEAR_WEEKS / 4
_POINTS = 2000
MOST_PER_QUARTER = 20_000.0
"""Most opportunities of a partner in a quarter that are drawn; a bound against overflow only."""


@dataclass(frozen=True)
class PredictiveDraws:
    """Drawn deals, arrays (n,). draw: number of the draw; partner: position among `owners`, then newcomers; created:
    quarters from the start, negative for deals that are open at it; closed: the same, inf for never or unknown; amount:
    nan where a CRM would have none."""

    owners: tuple[str, ...]
    draw: Ints
    partner: Ints
    market: Ints
    created: Array
    closed: Array
    amount: Array
    won: Bools


class _Uniforms:
    """Uniforms of the prediction, each at its own address."""

    def __init__(self, seed: int) -> None:
        self._streams = Streams(seed)

    def __call__(self, name: str, draw: Ints, who: Ints | int = 0, ordinal: Ints | int = 0) -> Array:
        return self._streams.draw(f"prediction {name}", draw, who, 0, ordinal)


def draw_ahead(
    fit: Fit, partners: PartnerEffects, *, end: pd.Timestamp, quarters: int, draws: int, seed: int
) -> PredictiveDraws:
    """Draw the `quarters` from the day after `end` on; partners: what the fit says of its partners."""
    uniforms = _Uniforms(seed)
    levels = _levels(partners, quarters, draws, uniforms)
    here, effects = _people(fit, partners, quarters, draws, uniforms, end)
    parts = [_new_deals(fit, partners, levels, here, effects, uniforms)]
    if fit.cycle is not None:
        parts.append(_open_deals(fit, partners, levels, effects, uniforms, end))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return PredictiveDraws(partners.owners, **joined)


def _drawn(estimate: FittedNumber, z: Array, *, of: str = "log") -> Array:
    """A parameter in every draw: normal in its log, its logit, or as it is."""
    se = estimate.se or 0.0
    if of == "logit":
        p = estimate.value
        return np.asarray(logit(p) + z * se / (p * (1 - p)))
    if of == "log":
        return np.asarray(estimate.value * np.exp(z * se / max(estimate.value, 1e-12)))
    return np.asarray(estimate.value + z * se)


def _levels(partners: PartnerEffects, quarters: int, draws: int, uniforms: _Uniforms) -> Array:
    """Levels of volume, size, odds and tilt at the start and in the quarters ahead, (4, draws, 1 + quarters)."""
    steps = np.repeat(np.arange(draws), quarters + 1), np.tile(np.arange(quarters + 1), draws)
    z = ndtri(uniforms("level", *steps)).reshape(4, draws, quarters + 1)
    walks = []
    for level, move in zip(
        (partners.volume_level, partners.size_level, partners.odds_level, partners.slope_drift.level), z, strict=True
    ):
        move[:, 0] = level.mean + np.sqrt(level.variance) * move[:, 0]
        move[:, 1:] *= level.step
        walks.append(np.cumsum(move, axis=1))
    return np.stack(walks)


def _drift(partners: PartnerEffects, levels: Array, x: Array) -> Array:
    """What drift adds to log-odds; x: what the slope of deals multiplies; levels: theirs, (4, n)."""
    return np.asarray(levels[2] + levels[3] * (x - partners.slope_drift.centre) / partners.slope_drift.spread)


def _new_deals(
    fit: Fit, partners: PartnerEffects, levels: Array, here: Array, effects: Array, uniforms: _Uniforms
) -> dict[str, Array | Ints]:
    """Deals that are created in the quarters ahead."""
    _, draws, quarters = levels[..., 1:].shape
    index = np.arange(draws)
    mean = np.minimum(np.exp(effects[..., :1]) * np.exp(levels[0, :, None, 1:]) * here / 4, MOST_PER_QUARTER)
    cell_draw, cell_who, cell_quarter = (axis.ravel() for axis in np.indices(mean.shape))
    count = _counts(uniforms("count", cell_draw, cell_who, cell_quarter)[0], mean.ravel())
    cell = np.repeat(np.arange(mean.size), count)
    order = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
    draw, who, quarter = cell_draw[cell], cell_who[cell], cell_quarter[cell]
    u = [uniforms(f"deal {k}", draw, who, order * quarters + quarter) for k in range(2)]
    markets = list(fit.mix)
    market = np.minimum(
        (_mixes(fit, partners)[who % len(partners.owners)] < u[0][0][:, None]).sum(axis=1), len(markets) - 1
    )
    parameters = ndtri(uniforms("parameters", np.repeat(index, len(markets)), np.tile(np.arange(len(markets)), draws)))
    p = parameters.reshape(4, draws, len(markets))
    base, slope, within, middle, most = _market_tables(fit, p)
    level = levels[:, draw, quarter + 1]
    log_size = effects[draw, who, 1] + level[1] + within[draw, market] * ndtri(u[0][1])
    log_size = np.minimum(log_size, (most - middle)[market])
    # What is uncertain of a known partner's odds is in its own effect.
    eta = np.where(who < len(partners.owners), np.array(_means(fit))[market], base[draw, market])
    x = fit.odds.of_size(log_size)
    eta = eta + slope[draw, market] * x + effects[draw, who, 2] + _drift(partners, level, x)
    won = u[0][2] < expit(eta)
    created = quarter + u[0][3]
    closed = np.full(len(created), np.inf)
    if fit.cycle is not None:
        spent = np.empty(len(created))
        for j, name in enumerate(markets):
            for outcome in (True, False):
                at = (market == j) & (won == outcome)
                spent[at] = _decision_times(fit, name, outcome).later(np.zeros(int(at.sum())), u[1][0][at])
        stale = np.array([_stale(fit, name) for name in markets])[market]
        closed = np.where(u[1][1] < stale, np.inf, created + spent / QUARTER)
    amount = np.exp(middle[market] + log_size)
    amount = np.where(u[1][2] < np.where(won, *_recorded(fit)), amount, np.nan)
    return {"draw": draw, "partner": who, "market": market, "created": created, "closed": closed, "amount": amount,
            "won": won}  # fmt: skip


def _people(
    fit: Fit, partners: PartnerEffects, quarters: int, draws: int, uniforms: _Uniforms, end: pd.Timestamp
) -> tuple[Array, Array]:
    """Share of each quarter in which partners are there, (draws, P + newcomers, quarters), and their effects,
    (draws, P + newcomers, 3)."""
    activity, old = fit.volume.activity, len(partners.owners)
    first = fit.rows.groupby("owner")["created"].min()
    year = pd.Timedelta(weeks=YEAR_WEEKS)
    long = end - first.min() > 2 * year
    entries = float((first > end - year).sum()) / 4 if long else 0.0
    leaving = float((1 - partners.active).sum() / (activity["weeks"].sum() / YEAR_WEEKS)) / 4
    fresh = int(np.ceil(quarters * entries + 6 * np.sqrt(quarters * entries)))
    index, who = np.repeat(np.arange(draws), old + fresh), np.tile(np.arange(old + fresh), draws)
    u, v = (uniforms(name, index, who).reshape(4, draws, old + fresh) for name in ("partner", "effects"))
    # Newcomers follow one another at exponential gaps; an old partner leaves at an exponential time.
    gaps = -np.log(u[0][:, old:]) / max(entries, 1e-12)
    arrival = np.concatenate([np.zeros((draws, old)), np.cumsum(gaps, axis=1)], axis=1)
    departure = arrival - np.log(u[1]) / max(leaving, 1e-12)
    departure[:, :old] *= np.where(partners.active > 0, 1.0, 0.0)
    q = np.arange(quarters)
    here = np.clip(np.minimum(departure[..., None], q + 1) - np.maximum(arrival[..., None], q), 0.0, 1.0)
    effects = partners.drawn(ndtri(v[:3]))
    population = _drawn(fit.volume.per_year, ndtri(uniforms("population", np.arange(draws))[0]))
    effects[:, old:, 0] += np.log(population / fit.volume.per_year.value)[:, None]
    return here, effects


def _counts(u: Array, mean: Array) -> Ints:
    """Poisson counts by inversion; the normal approximation, rounded, where the mean is large."""
    large = mean > 400
    count = np.rint(mean + np.sqrt(mean) * ndtri(u)).astype(np.int64)
    count[~large] = poisson(u[~large], mean[~large])
    return np.maximum(count, 0)


def _market_tables(fit: Fit, z: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Drawn intercept, slope, spread (draws, M), and log median and log largest size (M,)."""
    names = list(fit.mix)
    base = np.stack([_drawn(fit.odds.probability[n], z[0, :, j], of="logit") for j, n in enumerate(names)], axis=1)
    slope = np.zeros(base.shape)
    if fit.odds.slope:
        slope = np.stack([_drawn(fit.odds.slope[n], z[1, :, j], of="itself") for j, n in enumerate(names)], axis=1)
    within = np.stack([_drawn(fit.sizes.within[n], z[2, :, j]) for j, n in enumerate(names)], axis=1)
    middle = np.log([fit.sizes.median[n].value for n in names])
    return base, slope, within, middle, np.log([fit.sizes.largest[n] for n in names])


def _mixes(fit: Fit, partners: PartnerEffects) -> Array:
    """Cumulated shares of the markets by known partner, (P, markets): those of its segment."""
    of = fit.rows.groupby("owner")["group"].first().reindex(partners.owners).astype("str")
    shares = {name: [group.mix.get(market, 0.0) for market in fit.mix] for name, group in fit.groups.items()}
    every = list(fit.mix.values())
    return np.cumsum([shares.get(name, every) for name in of], axis=1)


def _means(fit: Fit) -> list[float]:
    """Fitted intercepts by market."""
    return [float(logit(fit.odds.probability[name].value)) for name in fit.mix]


def _recorded(fit: Fit) -> tuple[float, float]:
    """Share of won and of lost deals with an amount."""
    return tuple(float(fit.rows.loc[fit.rows["outcome"].eq(name), "amount"].notna().mean()) for name in ("won", "lost"))  # type: ignore[return-value]


@dataclass(frozen=True)
class _TimeSample:
    """Times to a decision as a sorted sample (n,) of weeks."""

    sample: Array

    def still(self, age: Array) -> Array:
        """Share of deals that take longer than `age`."""
        return np.asarray(1 - np.searchsorted(self.sample, age, side="right") / len(self.sample))

    def later(self, age: Array, u: Array) -> Array:
        """Times drawn from those longer than `age`, inf where there are none."""
        first = np.searchsorted(self.sample, age, side="right")
        at = first + np.floor(u * (len(self.sample) - first)).astype(np.int64)
        return np.append(self.sample, np.inf)[at]


def _decision_times(fit: Fit, market: str, won: bool) -> _TimeSample:
    """Points of the lognormal, or where none fits, the times seen in the market."""
    assert fit.cycle is not None
    if market in fit.cycle.times:
        at, k = fit.cycle.times[market].at, 1 if won else 3
        return _TimeSample(np.exp(at[k] + np.exp(at[k + 1]) * ndtri((np.arange(_POINTS) + 0.5) / _POINTS)))
    rows = fit.odds_rows[fit.odds_rows["market"].eq(market) & fit.odds_rows["outcome"].eq("won" if won else "lost")]
    return _TimeSample(np.sort(weeks(rows).dropna().to_numpy(dtype=float)))


def _stale(fit: Fit, market: str) -> float:
    assert fit.cycle is not None
    return fit.cycle.stale[market].value if market in fit.cycle.stale else 0.0


def _open_deals(
    fit: Fit, partners: PartnerEffects, levels: Array, effects: Array, uniforms: _Uniforms, end: pd.Timestamp
) -> dict[str, Array | Ints]:
    """What becomes of the deals that are open at the start: won, lost or left lying, given that they still wait."""
    rows = fit.rows[fit.rows["outcome"].eq("open")].reset_index(drop=True)
    count, draws, markets = len(rows), levels.shape[1], list(fit.mix)
    owner = np.array(pd.Index(partners.owners).get_indexer(pd.Index(rows["owner"])), dtype=np.int64)
    market = np.array([markets.index(name) for name in rows["market"]], dtype=np.int64)
    age = ages(rows, end).to_numpy(dtype=float)
    middle = np.log([fit.sizes.median[name].value for name in markets])[market]
    draw, row = np.repeat(np.arange(draws), count), np.tile(np.arange(count), draws)
    u = [uniforms(f"open {k}", draw, row) for k in range(2)]
    who, place = owner[row], market[row]
    within = np.array([fit.sizes.within[name].value for name in markets])[place]
    amount = np.exp(middle[row] + effects[draw, who, 1] + within * ndtri(u[0][1]))
    amount = np.minimum(amount, np.array([fit.sizes.largest[name] for name in markets])[place])
    written = rows["amount"].to_numpy(dtype=float)[row]
    amount = np.where(np.isnan(written), amount, written)
    deals = pd.DataFrame({"market": np.array(markets)[place], "amount": amount})
    drift = _drift(partners, levels[:, draw, 0], fit.odds.of_size(np.log(amount) - middle[row]))
    p = expit(log_odds(deals, fit) + effects[draw, who, 2] + drift)
    won, spent = np.zeros(len(draw), dtype=bool), np.full(len(draw), np.inf)
    for j, name in enumerate(markets):
        at = np.flatnonzero(place == j)
        clocks = _decision_times(fit, name, True), _decision_times(fit, name, False)
        alive = [share * clock.still(age[row[at]]) for share, clock in zip((p[at], 1 - p[at]), clocks, strict=True)]
        stale = _stale(fit, name)
        total = (1 - stale) * (alive[0] + alive[1]) + stale
        mark = u[0][2][at] * total
        wins = mark < (1 - stale) * alive[0]
        losses = ~wins & (mark < (1 - stale) * (alive[0] + alive[1]))
        won[at] = wins
        for chosen, clock in ((wins, clocks[0]), (losses, clocks[1])):
            spent[at[chosen]] = clock.later(age[row[at[chosen]]], u[0][3][at[chosen]])
    recorded = np.where(won, *_recorded(fit))
    amount = np.where((u[1][1] < recorded) | ~np.isnan(written), amount, np.nan)
    created = -in_weeks(end + pd.Timedelta(days=1) - rows["created"]).to_numpy(dtype=float)[row] / QUARTER
    return {"draw": draw, "partner": who, "market": place, "created": created, "closed": created + spent / QUARTER,
            "amount": amount, "won": won}  # fmt: skip
