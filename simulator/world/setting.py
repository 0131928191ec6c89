"""A compiled scenario: who the partners are and what the markets look like, as arrays.

Every array broadcasts over (replications, partners) or (replications, markets), with a first axis of 1 where nothing
is uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.core.arrays import Array, Bools, Ints, column, columns
from simulator.core.streams import name_word
from simulator.program.base import with_drawn
from simulator.program.compile import ProgramSpec, compile_program
from simulator.program.compiled import CompiledProgram
from simulator.scenario.schema import Scenario
from simulator.world.after_sale import CompiledAfterSale

WEEKS_PER_QUARTER = 13
WEEKS_PER_YEAR = 52
ACTIVITIES = ("source", "cosell", "enable", "success")


@dataclass(frozen=True)
class Markets:
    """Market segments; arrays of shape (R or 1, markets), stage arrays of shape (R or 1, markets, 4)."""

    names: tuple[str, ...]
    log_median: Array
    size_log_sd: Array
    size_max: Array
    win_logit: Array
    direct_logit: Array
    win_slope: Array
    stage_weights: Array
    stage_ends: Array
    log_cycle: Array
    cycle_log_sd: Array
    signature_weeks: Array
    gross_margin: Array
    complex_share: Array
    complex_cycle: Array
    attach_share: Array
    new_share: Array
    named_share: Array
    churn_per_week: Array
    after_sale: CompiledAfterSale | None


@dataclass(frozen=True)
class Partners:
    """Partners in scenario order. segment, territory, word: (P,); the rest (R or 1, P); mix: (R or 1, P, markets).

    forecast: whether it is none yet but may join, (P,).
    volume_z: fixed standard normal scores of log volume, shape (P,), or None where they are drawn.
    """

    names: tuple[str, ...]
    segments: tuple[str, ...]
    segment: Ints
    territory: Ints
    word: Ints
    mix: Array
    mean_rate: Array
    volume_log_sd: Array
    size_log_sd: Array
    win_logit_sd: Array
    cost_of_capital: Array
    own_margin: Array
    own_success_margin: Array
    own_certification_value: Array
    certification_rate: Array
    second_share: Array
    forecast: Bools
    volume_z: Array | None = None

    @property
    def count(self) -> int:
        """Number of partners."""
        return len(self.segment)

    @property
    def known_as(self) -> tuple[tuple[str, str], ...]:
        """The names by which programs may call each partner: its own and its segment's."""
        return tuple((name, self.segments[s]) for name, s in zip(self.names, self.segment.tolist(), strict=True))


@dataclass(frozen=True)
class Territories:
    """Territories; word: (T,); rate: vendor opportunities per week, (R or 1, T); mix: (R or 1, T, markets)."""

    names: tuple[str, ...]
    word: Ints
    rate: Array
    mix: Array


@dataclass(frozen=True)
class Setting:
    """A compiled scenario. scenario: with columns (R, 1) of drawn values in place of its uncertain numbers."""

    scenario: Scenario
    markets: Markets
    partners: Partners
    territories: Territories
    season: Array
    _known: dict[tuple[str, str], Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    def number(self, table: str, name: str) -> Array:
        """A number of one of the scenario's tables, shape (R or 1, 1), read-only."""
        key = table, name
        if key not in self._known:
            self._known[key] = column(getattr(getattr(self.scenario, table), name))
            self._known[key].setflags(write=False)
        return self._known[key]

    def behavior(self, name: str) -> Array:
        """A behavior number, shape (R or 1, 1)."""
        return self.number("behavior", name)

    def gaming(self, name: str) -> Array:
        """A gaming number, shape (R or 1, 1)."""
        return self.number("gaming", name)

    def without(self, path: str) -> Setting:
        """The setting with the number at `path` set to 0; those that are compiled already stay."""
        return replace(self, scenario=with_drawn(self.scenario, {path: np.zeros(1)}))

    def program(self, name: str) -> CompiledProgram:
        """A program of the scenario, or the built-in `none`, which pays nothing."""
        spec = ProgramSpec() if name == "none" else self.scenario.programs[name]
        return compile_program(name, spec, self.markets.names, self.partners.known_as)

    @property
    def sharing(self) -> bool:
        """Whether any program has a use for the second partners of deals."""
        return any(c.shares_deals for p in self.scenario.programs.values() for c in p.components.values())

    @property
    def horizon(self) -> int:
        """Weeks from launch to the end."""
        return self.scenario.time.horizon_weeks

    @property
    def burn_in(self) -> int:
        """Weeks before launch."""
        return self.scenario.time.burn_in_weeks


def compile_setting(scenario: Scenario, drawn: Mapping[str, Array] | None = None) -> Setting:
    """Compile a scenario. drawn: path -> (R,) values of uncertain numbers."""
    scenario = with_drawn(scenario, drawn or {})
    markets = _markets(scenario)
    return Setting(
        scenario=scenario,
        markets=markets,
        partners=_partners(scenario, markets.names),
        territories=_territories(scenario, markets.names),
        season=columns(scenario.economy.season),
    )


def _markets(scenario: Scenario) -> Markets:
    markets = scenario.markets.values()

    def every(name: str) -> Array:
        return columns(getattr(m, name) for m in markets)

    def stages(name: str) -> Array:
        return np.stack([columns(getattr(m, name)[s] for m in markets) for s in range(4)], axis=-1)

    win, direct = every("win_probability"), every("direct_win_probability")
    return Markets(
        names=tuple(scenario.markets),
        log_median=np.log(every("size_median") * 100),
        size_log_sd=every("size_log_sd"),
        size_max=every("size_max") * 100,
        win_logit=np.log(win / (1 - win)),
        direct_logit=np.log(direct / (1 - direct)),
        win_slope=every("win_slope"),
        stage_weights=stages("stage_weights"),
        stage_ends=stages("stage_durations"),
        log_cycle=np.log(every("cycle_weeks")),
        cycle_log_sd=every("cycle_log_sd"),
        signature_weeks=every("signature_weeks"),
        gross_margin=every("gross_margin"),
        complex_share=every("complex_share"),
        complex_cycle=every("complex_cycle"),
        attach_share=every("attach_share"),
        new_share=every("new_account_share"),
        named_share=every("named_account_share"),
        churn_per_week=every("churn_per_year") / WEEKS_PER_YEAR,
        after_sale=_after_sale(scenario),
    )


def _after_sale(scenario: Scenario) -> CompiledAfterSale | None:
    followed = [market.after_sale for market in scenario.markets.values()]
    if not any(followed):
        return None

    def every(name: str, absent: float) -> Array:
        return columns(absent if after is None else getattr(after, name) for after in followed)

    return CompiledAfterSale(
        log_live=np.log(every("live_weeks", np.inf)),
        live_log_sd=every("live_log_sd", 0.0),
        expansions=every("expansions_per_year", 0.0) / WEEKS_PER_YEAR,
        expansion_share=every("expansion_share", 1.0),
        references=every("references_per_year", 0.0) / WEEKS_PER_YEAR,
        renewal=every("renewal_weeks", np.inf),
    )


def _mixes(given: Sequence[Mapping[str, float]], markets: tuple[str, ...]) -> Array:
    """Cumulative market mixes, (1, mixes, markets), the last entry of each exactly 1."""
    shares = np.array([[mix.get(m, 0.0) for m in markets] for mix in given])
    cumulative = np.cumsum(shares, axis=1) / np.sum(shares, axis=1, keepdims=True)
    last = np.array([[max(j for j, m in enumerate(markets) if m in mix)] for mix in given])
    return np.where(np.arange(len(markets)) >= last, 1.0, cumulative)[None]


def _partners(scenario: Scenario, markets: tuple[str, ...]) -> Partners:
    segments = tuple(scenario.partners)
    rows = scenario.partners.values()
    counts = [row.count + row.prospects for row in rows]
    segment = np.repeat(np.arange(len(segments)), counts)
    territories = list(scenario.territories)
    home = np.array([territories.index(row.territory) for row in rows])
    words = [(name_word(s) + np.arange(n)) % 2**32 for s, n in zip(segments, counts, strict=True)]

    def every(name: str) -> Array:
        return np.ascontiguousarray(columns(getattr(row, name) for row in rows)[:, segment])

    forecast = [np.arange(n) >= row.count for row, n in zip(rows, counts, strict=True)]
    return Partners(
        names=tuple(f"{s}-{i + 1}" for s, n in zip(segments, counts, strict=True) for i in range(n)),
        segments=segments,
        segment=segment,
        territory=home[segment],
        word=np.concatenate(words).astype(np.int64),
        mix=_mixes([row.markets for row in rows], markets)[:, segment, :],
        mean_rate=every("opportunities_per_year") / WEEKS_PER_YEAR,
        volume_log_sd=every("volume_log_sd"),
        size_log_sd=every("size_log_sd_between"),
        win_logit_sd=every("win_logit_sd_between"),
        cost_of_capital=every("cost_of_capital"),
        own_margin=every("own_margin"),
        own_success_margin=every("own_success_margin"),
        own_certification_value=every("own_certification_value") * 100,
        certification_rate=every("certifications_per_year") / WEEKS_PER_YEAR,
        second_share=every("second_partner_share"),
        forecast=np.concatenate(forecast),
    )


def _territories(scenario: Scenario, markets: tuple[str, ...]) -> Territories:
    names, rows = tuple(scenario.territories), scenario.territories.values()
    return Territories(
        names=names,
        word=np.array([name_word(t) for t in names]),
        rate=columns(row.vendor_opportunities_per_year for row in rows) / WEEKS_PER_YEAR,
        mix=_mixes([row.markets for row in rows], markets),
    )
