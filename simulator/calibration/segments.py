"""Partner segments: those that a roster tells, each with its own number of partners, volume and spreads.

Segment s: ln rate_i ~ N(mu_s, sigma_s^2), ln size and log-odds spread around its markets'. A segment of fewer than
`FEW` partners has a mu of its own, but the sigma that such small segments have in common. Spreads of size and odds are
a segment's own where it has enough deals, else those of all partners. What a segment's usual deals are like stands in
its markets: a segment that can stand alone gets markets of its own, the others share theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration.deal_size import Sizes
from simulator.calibration.likelihood import by_group
from simulator.calibration.remarks import FittedNumber
from simulator.calibration.volume import ACTIVE_WEEKS, YEAR_WEEKS, Volume, poisson_lognormal
from simulator.calibration.win_odds import Odds

PARTNERS, TERRITORY, OTHER = "partners", "all", "other"
FEW = 8
"""Fewer partners than these say little on how unequal they are; judgement."""
MOST = 6
ENOUGH_OF_EACH = 10
"""Won and lost deals in each of its markets that a segment's own spreads need."""


@dataclass(frozen=True)
class FittedSegment:
    """A partner segment. partners: those with an opportunity in the last 52 weeks, of `seen`; recent: opportunities in
    them, None where the export is shorter; per_year, log_sd: of volume; size_between, win_between:
    spreads between partners; mix: share of its opportunities by market."""

    territory: str
    partners: int
    seen: int
    recent: int | None
    per_year: FittedNumber
    log_sd: FittedNumber
    size_between: FittedNumber
    win_between: FittedNumber
    mix: Mapping[str, float]


def names(levels: Iterable[str], taken: Iterable[str] = (OTHER,)) -> dict[str, str]:
    """Names that a scenario accepts (a letter, then letters, digits and _; at most 40), all different."""
    found: dict[str, str] = {}
    for level in levels:
        stem = re.sub(r"[^a-z0-9]+", "_", level.lower()).strip("_")[:32].rstrip("_")
        stem = stem if stem[:1].isalpha() else f"segment_{stem}".rstrip("_")
        name = stem
        while name in (*found.values(), *taken):
            name = f"{stem}_{len(found) + 1}"
        found[level] = name
    return found


def split_markets(rows: pd.DataFrame, alone: Callable[[pd.Series], list[Any]]) -> pd.Series:
    """Markets of `rows` (columns `market`, `group`, `direct`), those of partner segments that can stand alone apart.

    alone: which levels of a column can be fitted to, largest first. What is left of a market must stand alone too, so
    the smallest segments join it until it does. At most `MOST` segments have a market of their own.
    """
    market = rows["market"].copy()
    partner = rows[~rows["direct"]]
    for base in list(market.unique()):
        group = partner.loc[partner["market"].eq(base), "group"]
        own, rest = alone(group)[:MOST], ""
        while own and (left := ~group.isin(own)).any() and True not in alone(left):
            rest = own.pop()
        if len(own) < 2 and not (own and rest):
            continue
        called = names([f"{base} {name}" for name in own], taken=market.unique())
        for name in own:
            market[group.index[group.eq(name)]] = called[f"{base} {name}"]
    return market


def fit_segments(
    rows: pd.DataFrame, volume: Volume, sizes: Mapping[str, Sizes], odds: Mapping[str, Odds],
    territories: Mapping[str, str],
) -> dict[str, FittedSegment]:  # fmt: skip
    """Segments with an opportunity in the last 52 weeks, of partner rows (`owner`, `group`, `market`, `created`).

    sizes, odds: fits by segment, "" of all; territories: by segment.
    """
    of = rows.groupby("owner")["group"].first().reindex(volume.activity.index)
    rates = {str(of.iloc[0]): (volume.per_year, volume.log_sd)} if of.nunique() == 1 else _rates(volume, of)
    since = rows["created"].max() - pd.Timedelta(weeks=ACTIVE_WEEKS)
    found = {}
    for name, (per_year, log_sd) in rates.items():
        mine = rows[rows["group"].eq(name)]
        recent = mine[mine["created"] > since]
        if len(recent):
            found[name] = FittedSegment(
                territories.get(name, TERRITORY), int(recent["owner"].nunique()), int(of.eq(name).sum()),
                len(recent) if volume.recent is not None else None, per_year, log_sd,
                sizes.get(name, sizes[""]).between, odds.get(name, odds[""]).between, shares(mine["market"]),
            )  # fmt: skip
    return found


def _rates(volume: Volume, of: pd.Series) -> dict[str, tuple[FittedNumber, FittedNumber]]:
    """Mean and spread of volume by segment. of: segment by owner."""
    later = volume.activity["count"].to_numpy(dtype=float) - 1.0
    years = volume.activity["weeks"].to_numpy(dtype=float) / YEAR_WEEKS
    code, levels = pd.factorize(of.astype("str"), sort=True)
    called = [str(level) for level in levels]
    partners = np.bincount(code)
    # Half an opportunity where a segment has none after the first of each, as the log of a rate of 0 has no end.
    none = by_group(later, code, len(partners)) == 0
    later[np.unique(code, return_index=True)[1][none]] = 0.5
    found = {}
    for k in np.flatnonzero(partners >= FEW):
        (mean,), spread = poisson_lognormal(later[code == k], years[code == k])
        found[called[k]] = mean, spread
    small = np.flatnonzero(partners < FEW)
    pool = small if partners[small].sum() >= FEW else np.arange(len(partners))
    if len(small):
        pick = np.isin(code, pool)
        means, spread = poisson_lognormal(later[pick], years[pick], np.searchsorted(pool, code[pick]))
        note = f"{spread.note}; common to segments of few partners"
        for k in small:
            found[called[k]] = means[int(np.searchsorted(pool, k))], replace(spread, note=note)
    return found


def own_spreads(rows: pd.DataFrame) -> list[str]:
    """Segments of decided rows (`group`, `market`, `owner`, `outcome`) that can have spreads of their own: partners
    enough, and wins and losses enough in each of their markets; none where there is one segment only."""
    found = []
    for name, part in rows.groupby("group"):
        counts = part.groupby("market")["outcome"].value_counts().unstack(fill_value=0)
        least = int(counts.to_numpy().min()) if {"won", "lost"} <= set(counts.columns) else 0
        if part["owner"].nunique() >= FEW and least >= ENOUGH_OF_EACH and len(part) < len(rows):
            found.append(str(name))
    return found


def own_markets(rows: pd.DataFrame, group: str) -> list[str]:
    """Markets that only this segment has."""
    mine, others = (set(rows.loc[rows["group"].eq(group) == own, "market"]) for own in (True, False))
    return sorted(mine - others)


def shares(market: pd.Series) -> dict[str, float]:
    """Share of rows by market, in order of name."""
    return {str(name): float(share) for name, share in sorted(market.value_counts(normalize=True).items())}


def with_own_sizes(sizes: Sizes, own: Iterable[tuple[list[str], Sizes]]) -> Sizes:
    """Sizes in which the markets that belong to one segment are those of its own fit. own: such markets and fits."""
    for markets, fit in own:
        median, within = ({name: getattr(fit, field)[name] for name in markets} for field in ("median", "within"))
        sizes = replace(sizes, median=sizes.median | median, within=sizes.within | within)
    return sizes


def with_own_odds(odds: Odds, own: Iterable[tuple[list[str], Odds]]) -> Odds:
    """The same of odds."""
    for markets, fit in own:
        probability = {name: fit.probability[name] for name in markets}
        slope = {name: fit.slope[name] for name in markets if name in fit.slope}
        odds = replace(odds, probability=odds.probability | probability, slope=odds.slope | slope)
    return odds
