"""The deals of a partner segment laid out on a grid: market, complexity, engagement, account and size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from simulator.behavior.gaming.false_claims import registration_share
from simulator.core.arrays import Array, Ints
from simulator.program.measures import Event, deal_code
from simulator.world import opportunities
from simulator.world.setting import Setting

_SIZES = 24
"""Even quantiles of size per market."""


@dataclass(frozen=True)
class TypicalDeals:
    """Rows of a grid, each standing for `weight` opportunities per opportunity that the partner finds itself.

    market, account: positions; code: what components filter on; amount: whole cents; win: probability of winning;
    reached: (5, n) probability that an event is reached, by event; those after the signature like the signature.
    """

    market: Ints
    account: Ints
    code: Ints
    amount: Array
    weight: Array
    win: Array
    reached: Array

    def until(self, event: int) -> Array:
        """Probability that `event` is reached, (n,)."""
        return np.asarray(self.reached[min(event, int(Event.SIGNED))])


def typical_deals(setting: Setting, segment: int) -> TypicalDeals:
    """The deals of a partner segment, by even quantiles of size in each market, won at usual intensity."""
    who = int(np.flatnonzero(setting.partners.segment == segment)[0])
    kinds, shares = _kinds(setting, who)
    columns: Ints = np.repeat(kinds, _SIZES, axis=0)
    market, complexity, engagement, account, attached = columns.T
    log_cents = _log_sizes(setting, who, market, np.tile((np.arange(_SIZES) + 0.5) / _SIZES, len(kinds)))
    m, rep = setting.markets, np.zeros_like(market)
    odds = m.win_logit[0, market] + opportunities.size_logit(m, rep=rep, market=market, log_cents=log_cents)
    reached = _reached(setting, who, market, odds)
    return TypicalDeals(
        market=market,
        account=account,
        code=deal_code(market, complexity, engagement, account, attached),
        amount=opportunities.amount(m, rep=rep, market=market, log_cents=log_cents),
        weight=np.repeat(shares, _SIZES) / _SIZES,
        win=reached[-1],
        reached=reached,
    )


def _kinds(setting: Setting, who: int) -> tuple[Ints, Array]:
    """Market, complexity, engagement, account and attachment, (n, 5), and how common each is per opportunity found."""
    m, mix, assisted = setting.markets, np.diff(setting.partners.mix[0, who], prepend=0.0), _assisted(setting, who)
    kinds, shares = [], []
    for market in np.flatnonzero(mix > 0):
        new, named, hard = m.new_share[0, market], m.named_share[0, market], m.complex_share[0, market]
        accounts = (new, (1 - new) * (1 - named), (1 - new) * named)
        with_services = m.attach_share[0, market]
        attachments = (0, 1) if with_services else (0,)
        for complexity, engagement, account, attached in itertools.product(range(2), range(2), range(3), attachments):
            share = mix[market] * (hard if complexity else 1 - hard) * (assisted if engagement else 1.0)
            share = share * (with_services if attached else 1 - with_services)
            kinds.append((int(market), complexity, engagement, account, attached))
            shares.append(float(share * accounts[account]))
    return np.array(kinds, dtype=np.int64), np.array(shares)


def _assisted(setting: Setting, who: int) -> float:
    """Registered customers of the vendor per opportunity that a partner finds itself."""
    p, t = setting.partners, setting.territories
    home = p.territory == p.territory[who]
    hazard = setting.behavior("registration_hazard")
    registered = float(registration_share(hazard, np.ones((1, 1)))[0, 0])
    return registered * float(t.rate[0, p.territory[who]] / p.mean_rate[0, home].sum())


def _log_sizes(setting: Setting, who: int, market: Ints, u: Array) -> Array:
    """Log sizes at quantiles u, within and between partners."""
    m = setting.markets
    spread = np.hypot(m.size_log_sd[0, market], setting.partners.size_log_sd[0, who])
    return np.asarray(m.log_median[0, market] + spread * ndtri(u))


def _reached(setting: Setting, who: int, market: Ints, odds: Array) -> Array:
    """Probability of passing the stages up to each of the four funnel events, over the spread between partners."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(9)
    logits = odds[:, None] + setting.partners.win_logit_sd[0, who] * nodes
    win = 1.0 / (1.0 + np.exp(-logits))
    passed = np.cumsum(setting.markets.stage_weights[0, market], axis=-1)
    powers = [win ** passed[:, stage, None] for stage in range(3)] + [win]
    return np.stack([(p * mass).sum(axis=1) / mass.sum() for p in powers])
