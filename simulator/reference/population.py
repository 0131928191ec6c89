"""The reference population: partners at even quantiles of volume, and results interpolated between their strata."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Array, Ints
from simulator.core.streams import name_word
from simulator.scenario.market import Shocks
from simulator.world.setting import Setting


def interpolate(table: Array, centres: Array, z: Array, segment: Ints) -> Array:
    """Linear in z between stratum centres, extended beyond them; table (R or 1, S, strata, n) -> (R, P, n)."""
    low = np.clip(np.searchsorted(centres, z) - 1, 0, len(centres) - 2)
    weight = ((z - centres[low]) / (centres[low + 1] - centres[low]))[..., None]
    rep = (np.arange(len(z)) % len(table))[:, None]
    a, b = table[rep, segment[None, :], low], table[rep, segment[None, :], low + 1]
    return np.ascontiguousarray(a + weight * (b - a))


def reference_setting(setting: Setting, size: int) -> Setting:
    """The setting with even-quantile partners, a year measured, and a burn-in of four typical cycles."""
    p, t = setting.partners, setting.territories
    first = np.array([int(np.flatnonzero(p.segment == k)[0]) for k in range(len(p.segments))])
    pick = np.repeat(first, size)

    def rows(a: Array) -> Array:
        return np.ascontiguousarray(a[:, pick])

    words = [(name_word(s) + np.arange(size)) % 2**32 for s in p.segments]
    partners = replace(
        p,
        names=tuple(f"{s}, like {i}" for s in p.segments for i in range(size)),
        segment=np.repeat(np.arange(len(p.segments)), size),
        territory=p.territory[pick],
        word=np.concatenate(words).astype(np.int64),
        mix=p.mix[:, pick],
        mean_rate=rows(p.mean_rate),
        volume_log_sd=rows(p.volume_log_sd),
        size_log_sd=rows(p.size_log_sd),
        win_logit_sd=rows(p.win_logit_sd),
        cost_of_capital=rows(p.cost_of_capital),
        own_margin=rows(p.own_margin),
        own_success_margin=rows(p.own_success_margin),
        own_certification_value=rows(p.own_certification_value),
        certification_rate=rows(p.certification_rate),
        second_share=rows(p.second_share),
        forecast=np.zeros(size * len(p.segments), dtype=bool),
        volume_z=np.tile(ndtri((np.arange(size) + 0.5) / size), len(p.segments)),
    )
    rate = t.rate.copy()
    for k in range(len(t.names)):
        real, here = (
            p.mean_rate[:, (p.territory == k) & ~p.forecast].sum(),
            partners.mean_rate[:, partners.territory == k].sum(),
        )
        rate = np.concatenate(
            (rate[:, :k], rate[:, k : k + 1] * (here / real if real > 0 else 1.0), rate[:, k + 1 :]), axis=1
        )
    weeks = float(np.exp(setting.markets.log_cycle).max())
    burn_in = int(min(max(39, 13 * np.ceil(4 * weeks / 13)), 208))
    time = setting.scenario.time.model_copy(update={"burn_in_weeks": max(burn_in, 52), "horizon_weeks": 52})
    scenario = setting.scenario.model_copy(update={"time": time, "shocks": Shocks(), "participation": None})
    return replace(setting, scenario=scenario, partners=partners, territories=replace(t, rate=rate))
