"""False claims: of activities that did not happen, and of customers that the partner did not work on.

Padding files claims of activities, credit claiming registers customers whom the vendor found, and squatting registers
those whom another partner would work, for what a registration protects. With the price m of a claim, odds d of being
found out and a penalty of F times the price, a false claim gains (1 - d) m - d F m.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.behavior.perceived_value import PerceivedValue
from simulator.core.arrays import Array, Bools
from simulator.program.measures import MEASURES, Event
from simulator.world.setting import WEEKS_PER_QUARTER, Setting


def false_claim_gain(price: Array, detection: Array, penalty_multiple: Array) -> Array:
    """(1 - d) m - d F per false claim, where the penalty F is a multiple of the claim's price m."""
    return (1.0 - detection) * price - detection * (penalty_multiple * price)


def false_claim_rate(gain: Array, cost: Array) -> Array:
    """Claims per week that maximise gain n - cost n^2 / 2: none where detection d > m / (m + F) (Becker 1968)."""
    return np.maximum(0.0, gain) / cost


def registration_share(hazard: Array, source: Array) -> Array:
    """Share of the vendor's own customers that a partner registers: 1 - exp(-h q)."""
    return -np.expm1(-hazard * source)


class FalseClaimGains:
    """What false claims would gain, over the components that pay on them; arrays (R, P) of cents."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.activity: dict[Event, Array] = {}
        self.registration = np.zeros(shape)
        self.protected = np.zeros(shape)

    def only(self, presence: Array | None) -> None:
        """Who is not there gains nothing."""
        if presence is not None:
            self.activity = {event: gain * presence for event, gain in self.activity.items()}
            self.registration = self.registration * presence
            self.protected = self.protected * presence

    def add_prizes(self, view: PerceivedValue, prices: Sequence[Array], members: Bools) -> None:
        """Add the prizes of one program: nobody audits what a rank rests on."""
        for prize, price in zip(view.program.prizes, prices, strict=True):
            measure, gain = MEASURES[prize.measure], np.where(members, price, 0.0)
            if measure.padded:
                self.activity[measure.event] = self.activity.get(measure.event, 0.0) + gain * 100.0
            if measure.event != Event.CERTIFIED:
                self.registration = self.registration + gain * view.tier_forecasts[prize.measure].credit

    def add(self, view: PerceivedValue, prices: Sequence[Array], members: Bools) -> None:
        """Add the components of one program for the partners `members` (R or 1, P) on it."""
        for k, c in enumerate(view.program.components):
            gain = false_claim_gain(prices[k], c.terms.audit_rate, c.terms.penalty_multiple)
            gain = np.where(members, gain, 0.0)
            if c.measure.padded:
                self.activity[c.measure.event] = self.activity.get(c.measure.event, 0.0) + gain * 100.0
            if c.measure.event != Event.CERTIFIED:
                self.registration = self.registration + gain * view.forecasts[k].credit
            if c.registration is not None:
                room = np.clip(1.0 - view.rate * WEEKS_PER_QUARTER / c.registration.per_quarter, 0.0, 1.0)
                self.protected = self.protected + gain * view.forecasts[k].credit * room


def registration_shares(
    setting: Setting,
    source: Array,
    false_claim_gains: FalseClaimGains,
    cost: Array,
    opportunist: Bools,
    *,
    claiming: bool,
) -> tuple[Array, Array]:
    """Shares of the vendor's customers registered with joint work, and registered at all; arrays (R, P)."""
    hazard = setting.behavior("registration_hazard") + np.zeros(source.shape)
    without_gaming = registration_share(hazard, source)
    if not claiming:
        return without_gaming, without_gaming
    more = np.where(opportunist, false_claim_rate(_upheld(setting, false_claim_gains.registration), cost), 0.0)
    return without_gaming, registration_share(hazard + more, source)


def squatting_shares(setting: Setting, false_claim_gains: FalseClaimGains, cost: Array, opportunist: Bools) -> Array:
    """Share of the other partners' customers from the vendor that each opportunist registers first, (R, P).

    Its gain is what protected claims pay, net of audits, in the room that its own deals leave of the registration cap.
    """
    rate = np.where(opportunist, false_claim_rate(_upheld(setting, false_claim_gains.protected), cost), 0.0)
    return registration_share(rate, np.ones(rate.shape))


def _upheld(setting: Setting, gain: Array) -> Array:
    """What a claim of a customer that nobody works on gains, in expectation over disputes about it."""
    if setting.scenario.disputes is None:
        return gain
    lost = setting.number("disputes", "claimed_probability") * setting.number("disputes", "overturned_share")
    return gain * (1.0 - lost)
