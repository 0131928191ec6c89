"""Market shocks: what a scenario lets happen to demand, prices, partners' alternatives and single partners.

Shocks are part of the world: every program meets them alike, and nobody foresees them. Demand and prices are by market
segment; a competitor's offer multiplies the value V0 at which activity is usual, so that activity becomes
(V / (w V0))^eps; a partner that leaves is no longer present.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Bools, Ints, column, ranks
from simulator.scenario.market import CompetitorShock, DemandShock, PriceShock
from simulator.world.setting import Partners, Setting


@dataclass(frozen=True)
class CompiledSpell:
    """A factor that holds from week `start` to before `stop`, shape (R or 1, markets or partners)."""

    start: int
    stop: float
    factor: Array


@dataclass(frozen=True)
class PartnerDeparture:
    """Partners (R, P) that are gone from week `start` on; orphaned: their open deals are worked by nobody."""

    start: int
    who: Bools
    orphaned: bool


@dataclass(frozen=True)
class CompiledShocks:
    """The shocks of a world. Every method answers None where no shock holds in a week."""

    demand: tuple[CompiledSpell, ...]
    price: tuple[CompiledSpell, ...]
    competitor: tuple[CompiledSpell, ...]
    leaving: tuple[PartnerDeparture, ...]

    def demand_in(self, week: int) -> Array | None:
        """Demand by market in multiples of what it would be, (R or 1, markets)."""
        return _product(self.demand, week)

    def price_in(self, week: int) -> Array | None:
        """Sizes by market of opportunities found in a week, in multiples, (R or 1, markets)."""
        return _product(self.price, week)

    def wage_in(self, week: int) -> Array | None:
        """Worth of an hour elsewhere by partner, in multiples, (R or 1, P)."""
        return _product(self.competitor, week)

    def gone_in(self, week: int) -> Bools | None:
        """Partners that have left, (R, P)."""
        return _union([s.who for s in self.leaving if s.start <= week])

    def orphaned_in(self, week: int) -> Bools | None:
        """Partners that have left and on whose open deals nobody works, (R, P)."""
        return _union([s.who for s in self.leaving if s.start <= week and s.orphaned])


def compile_shocks(setting: Setting, rate: Array) -> CompiledShocks:
    """The shocks of a setting. rate: base volume of the partners, (R, P)."""
    shocks, partners = setting.scenario.shocks, setting.partners
    markets = setting.markets.names

    def spell(row: DemandShock | PriceShock | CompetitorShock, hit: Bools) -> CompiledSpell:
        stop = np.inf if row.until_week is None else row.until_week
        return CompiledSpell(row.from_week, stop, np.where(hit[None, :], column(row.factor), 1.0))

    return CompiledShocks(
        demand=tuple(spell(row, _named(row.markets, markets)) for row in shocks.demand),
        price=tuple(spell(row, _named(row.markets, markets)) for row in shocks.price),
        competitor=tuple(
            spell(row, _named(row.partners, partners.segments)[partners.segment]) for row in shocks.competitor
        ),
        leaving=tuple(
            PartnerDeparture(d.from_week, _leaver(d.partner, d.rank, partners, rate), d.open_deals == "orphaned")
            for d in shocks.departure
        ),
    )


def _named(names: tuple[str, ...], known: tuple[str, ...]) -> Bools:
    """Which of the known names are meant; all where none is given."""
    return np.array([not names or name in names for name in known])


def shocked_mix(mix: Array, factor: Array) -> tuple[Array, Array]:
    """Volume factor and market mix where demand of the markets is multiplied.

    mix: cumulative shares (R or 1, P, markets); factor: (R or 1, markets). A Poisson stream whose parts are multiplied
    by f_m is again one, sum_m mix_m f_m times as fast, with the mix mix_m f_m in proportion. Returns the factor
    (R or 1, P) and the new cumulative mix, whose last entry is exactly 1.
    """
    parts = np.diff(mix, axis=-1, prepend=0.0) * factor[:, None, :]
    cumulative = np.cumsum(parts, axis=-1)
    total = cumulative[..., -1:]
    return total[..., 0], np.where(total > 0, cumulative / np.where(total > 0, total, 1.0), 1.0)


def _leaver(name: str | None, rank: int | None, partners: Partners, rate: Array) -> Bools:
    if name is not None:
        return np.broadcast_to(np.array(partners.names) == name, rate.shape)
    place: Ints = ranks(rate, ~partners.forecast)
    return np.asarray(place == (rank or 1) - 1)


def _product(spells: tuple[CompiledSpell, ...], week: int) -> Array | None:
    found = None
    for s in spells:
        if s.start <= week < s.stop:
            found = s.factor if found is None else found * s.factor
    return found


def _union(masks: list[Bools]) -> Bools | None:
    return np.logical_or.reduce(masks) if masks else None
