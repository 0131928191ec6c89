"""A compiled scenario: who the partners are and what the markets look like, as arrays.

Every array broadcasts over (replications, partners) or (replications, markets), with a first axis of 1 where nothing
is uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.core.streams import name_word
from simulator.program.values import Numbers
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
    """Everything of a scenario but its programs. `number` reads behavior and gaming values, shape (R or 1, 1)."""

    scenario: Scenario
    numbers: Numbers
    markets: Markets
    partners: Partners
    territories: Territories
    season: Array

    def behavior(self, name: str) -> Array:
        """A behavior number, shape (R or 1, 1)."""
        return self.numbers(f"behavior.{name}")

    def gaming(self, name: str) -> Array:
        """A gaming number, shape (R or 1, 1)."""
        return self.numbers(f"gaming.{name}")

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
    numbers = Numbers(scenario.tree(), drawn)
    markets = tuple(scenario.markets)
    return Setting(
        scenario=scenario,
        numbers=numbers,
        markets=_markets(scenario, numbers),
        partners=_partners(scenario, numbers, markets),
        territories=_territories(scenario, numbers, markets),
        season=np.concatenate(np.broadcast_arrays(*[numbers(f"economy.season[{q}]") for q in range(4)]), axis=1),
    )


def _columns(parts: list[Array]) -> Array:
    """(R or 1, 1) arrays side by side."""
    return np.concatenate(np.broadcast_arrays(*parts), axis=1)


def _markets(scenario: Scenario, numbers: Numbers) -> Markets:
    names = tuple(scenario.markets)

    def every(field: str) -> Array:
        return _columns([numbers(f"markets.{m}.{field}") for m in names])

    def stages(field: str) -> Array:
        return np.stack([every(f"{field}[{s}]") for s in range(4)], axis=-1)

    win, direct = every("win_probability"), every("direct_win_probability")
    return Markets(
        names=names,
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
        after_sale=_after_sale(scenario, numbers),
    )


def _after_sale(scenario: Scenario, numbers: Numbers) -> CompiledAfterSale | None:
    followed = {name: market.after_sale is not None for name, market in scenario.markets.items()}
    if not any(followed.values()):
        return None

    def every(field: str, absent: float) -> Array:
        none = np.full((1, 1), absent)
        return _columns([numbers(f"markets.{m}.after_sale.{field}") if on else none for m, on in followed.items()])

    return CompiledAfterSale(
        log_live=np.log(every("live_weeks", np.inf)),
        live_log_sd=every("live_log_sd", 0.0),
        expansions=every("expansions_per_year", 0.0) / WEEKS_PER_YEAR,
        expansion_share=every("expansion_share", 1.0),
        references=every("references_per_year", 0.0) / WEEKS_PER_YEAR,
        renewal=every("renewal_weeks", np.inf),
    )


def _mix(numbers: Numbers, prefix: str, given: Mapping[str, float], markets: tuple[str, ...]) -> Array:
    """Cumulative market mix, shape (R or 1, 1, markets), last entry exactly 1."""
    zero = np.zeros((1, 1))
    shares = _columns([numbers(f"{prefix}.markets.{m}") if m in given else zero for m in markets])
    cumulative = np.cumsum(shares, axis=1) / np.sum(shares, axis=1, keepdims=True)
    last = max(j for j, m in enumerate(markets) if m in given)
    cumulative[:, last:] = 1.0
    return np.asarray(cumulative[:, None, :])


def _partners(scenario: Scenario, numbers: Numbers, markets: tuple[str, ...]) -> Partners:
    segments = tuple(scenario.partners)
    counts = [scenario.partners[s].count + scenario.partners[s].prospects for s in segments]
    segment = np.repeat(np.arange(len(segments)), counts)
    territories = list(scenario.territories)
    home = np.array([territories.index(scenario.partners[s].territory) for s in segments])
    words = [(name_word(s) + np.arange(n)) % 2**32 for s, n in zip(segments, counts, strict=True)]

    def every(field: str) -> Array:
        return np.ascontiguousarray(_columns([numbers(f"partners.{s}.{field}") for s in segments])[:, segment])

    forecast = [np.arange(n) >= scenario.partners[s].count for s, n in zip(segments, counts, strict=True)]
    mixes = [_mix(numbers, f"partners.{s}", scenario.partners[s].markets, markets) for s in segments]
    return Partners(
        names=tuple(f"{s}-{i + 1}" for s, n in zip(segments, counts, strict=True) for i in range(n)),
        segments=segments,
        segment=segment,
        territory=home[segment],
        word=np.concatenate(words).astype(np.int64),
        mix=np.concatenate(np.broadcast_arrays(*mixes), axis=1)[:, segment, :],
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


def _territories(scenario: Scenario, numbers: Numbers, markets: tuple[str, ...]) -> Territories:
    names = tuple(scenario.territories)
    mixes = [_mix(numbers, f"territories.{t}", scenario.territories[t].markets, markets) for t in names]
    rates = [numbers(f"territories.{t}.vendor_opportunities_per_year") for t in names]
    return Territories(
        names=names,
        word=np.array([name_word(t) for t in names]),
        rate=_columns(rates) / WEEKS_PER_YEAR,
        mix=np.concatenate(np.broadcast_arrays(*mixes), axis=1),
    )
