"""Gaming: transforms of claims, chosen because the payout pays for them and for no other reason.

No rule here knows a component. A partner compares payout differences under the transform with its own costs; with all
kinds switched off it is its own honest twin.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.scenario.behavior import Gaming

KINDS = ("timing", "padding", "credit_claiming", "splitting", "discount_dumping", "squatting")
"""Kinds of gaming, each with a switch of its name in a scenario's `gaming`."""

TIE = 1e-9
"""A choice must gain more than this share of its value, so that rounding never decides."""


def kinds_on(switches: Gaming) -> frozenset[str]:
    """The kinds of gaming that a scenario switches on; who cannot set prices cannot dump them."""
    on = {kind for kind in KINDS if getattr(switches, kind)}
    return frozenset(on if switches.price_authority == "partner" else on - {"discount_dumping"})


def false_claim_gain(price: Array, detection: Array, penalty_multiple: Array) -> Array:
    """(1 - d) m - d F per false claim, where the penalty F is a multiple of the claim's price m."""
    return (1.0 - detection) * price - detection * (penalty_multiple * price)


def false_claim_rate(gain: Array, cost: Array) -> Array:
    """Claims per week that maximise gain n - cost n^2 / 2: none where detection d > m / (m + F) (Becker 1968)."""
    return np.maximum(0.0, gain) / cost


def kept(clawed: Array, detection: Array, penalty_multiple: Array) -> Array:
    """Share of a payout that a partner expects to keep: (1 - clawed) (1 - d (1 + F)), d the odds of being found out."""
    return (1.0 - clawed) * (1.0 - detection * (1.0 + penalty_multiple))


def audit_mark(mark: Array, seen: Array) -> Array:
    """The mark of a claim that only the share `seen` of audits sees through: found out where below the audit rate."""
    return np.where(seen > 0, mark / np.where(seen > 0, seen, 1.0), 2.0)


def registration_share(hazard: Array, source: Array) -> Array:
    """Share of the vendor's own customers that a partner registers: 1 - exp(-h q)."""
    return -np.expm1(-hazard * source)


def best_option(gains: Array, value: Array) -> Ints:
    """The best option per row of `gains` (n, options), option 0 being to leave things as they are.

    An option is taken only if it gains more than the tie slack on the payout `value` (n,) at stake; of equals the
    first.
    """
    best = np.argmax(gains, axis=1)
    gain = np.take_along_axis(gains, best[:, None], axis=1)[:, 0]
    return np.where(gain > TIE * (1.0 + np.abs(value)), best, 0)


def push_lost(mark: Array, weeks: Array, risk_per_week: Array) -> Bools:
    """Whether a deal delayed by `weeks` is lost, by its own mark."""
    return np.asarray(mark < -np.expm1(weeks * np.log1p(-risk_per_week)), dtype=bool)


def push_risk(weeks: Array, risk_per_week: Array) -> Array:
    """Probability that a deal delayed by `weeks` is lost."""
    return -np.expm1(weeks * np.log1p(-risk_per_week))


def conceded(amount: Array, weeks: Array, concession_per_week: Array) -> Array:
    """Cents given to the customer for signing `weeks` early, at most half of the deal."""
    return np.rint(amount * np.minimum(weeks * concession_per_week, 0.5))
