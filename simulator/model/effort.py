"""Effort: how activity follows value.

With output proportional to hours^gamma and hours priced at the outside option the best choice of activity a is

    q_a* = (V_a / V0_a)^eps,   eps = gamma / (1 - gamma)
    hours_a = hours0_a q_a^((1 + eps) / eps) = hours0_a q_a V_a / V0_a

where V0_a is the value at which activity is 1. Above the partner's capacity all hours shrink by one factor, which is
the constrained optimum where V0 is proportional to the baseline hours (one wage for all of them).
Activity moves to its target by partial adjustment.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.program.compiled import Ints
from simulator.program.numbers import Array, partner_sum


def target_activity(
    values: Sequence[Array],
    usual: Sequence[Array],
    elasticity: Array,
    shares: Sequence[Array],
    capacity: Array,
) -> tuple[Array, ...]:
    """Chosen activity levels, 1 being what the partner does under the baseline.

    values, usual: V_a and V0_a per activity, same units; elasticity: eps, 0 for a partner that never re-optimises;
    shares: baseline hours by activity; capacity: most hours in multiples of baseline hours.
    """
    ratios = [np.maximum(v, 0.0) / u for v, u in zip(values, usual, strict=True)]
    chosen = [np.power(r, elasticity) for r in ratios]
    hours = np.zeros(chosen[0].shape)
    for share, q, r in zip(shares, chosen, ratios, strict=True):
        hours = hours + share * (q * r)
    over = (hours > capacity) & (elasticity > 0)
    if over.any():
        factor = np.where(over, capacity / np.where(over, hours, 1.0), 1.0)
        cut = np.power(factor, elasticity / (1.0 + elasticity))
        chosen = [q * cut for q in chosen]
    return tuple(chosen)


def adjust(current: Array, target: Array, weeks: Array) -> Array:
    """Partial adjustment of activity over a week, with time constant `weeks`."""
    return current + (target - current) / weeks


def sourcing_multiple(skill: Array, source: Array, rivalrous: Array, territory_mean: Array) -> Array:
    """m = skill q ((1 - rho) + rho / qbar): what a partner's base rate is multiplied by."""
    return skill * source * ((1.0 - rivalrous) + rivalrous / np.maximum(territory_mean, 1e-6))


def territory_means(weight: Array, activity: Array, territory: Ints, count: int, usual: Array | None = None) -> Array:
    """Weighted mean of `activity` by territory, laid out per partner; (R, P). Sums run in partner order.

    usual: the share of each partner's activity that is there under the baseline, where not everyone is.
    """
    present = weight if usual is None else weight * usual
    out = np.ones(activity.shape)
    for t in range(count):
        members = np.flatnonzero(territory == t)
        if len(members):
            mean = partner_sum(weight[:, members] * activity[:, members]) / partner_sum(present[:, members])
            out[:, members] = mean[:, None]
    return out


def intensity(cosell: Array, usual_open: Array, open_deals: Array) -> Array:
    """Co-sell work per open deal; 1 is usual."""
    return cosell * usual_open / np.maximum(1.0, open_deals)


def pace(recent: Array, expected: Array, prior_deals: Array, weeks: Array) -> Array:
    """Recent closings over expected ones, shrunk to 1 by `prior_deals`; recent and expected in deals per week."""
    return (recent * weeks + prior_deals) / (expected * weeks + prior_deals)
