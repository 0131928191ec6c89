"""What partners take for granted: statistics of the reference population under the baseline."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.core.arrays import Array


@dataclass(frozen=True)
class ComponentForecast:
    """What claims a component or measure sees under the baseline, per partner; arrays (R or 1, P).

    credit: mean per sourced opportunity (per certification for certifications); square: mean of the squared credits
    per opportunity; claim: size of a typical claim; price: mean payout per unit of credit where paid by claim;
    clawed: share of credit whose customer is lost within the clawback window; own: share of credit that comes from
    deals of its own, not from those on which it is the second partner; passing: share of windows in which the
    component's gate is met, None without one; success: credit per opportunity that a unit of post-sale activity adds,
    None for what happens before the sale; disputed: share of credit that is disputed, None without disputes.
    """

    credit: Array
    square: Array
    claim: Array
    price: Array
    clawed: Array
    own: Array
    passing: Array | None = None
    success: Array | None = None
    disputed: Array | None = None

    @property
    def brought(self) -> Array:
        """What an own opportunity brings."""
        return self.credit * self.own


@dataclass(frozen=True)
class Expectations:
    """What the baseline teaches partners, fitted on a reference population; arrays (R or 1, P) unless stated.

    value: (R or 1, P, 4) value of each activity at which it is 1, per unit of base rate; open_deals: usual number
    of open deals per unit of base rate, scaled so that mean intensity is 1; wins: signed deals per sourced
    opportunity; loss: share of opportunities lost; stage_share: (R or 1, P, events) share of the log-odds decided up to
    each event; revenue: cents signed per sourced opportunity; source_lands, cosell_lands, success_lands: (R or 1, P,
    events, weeks + 1) probability that what sourcing, co-selling or post-sale work brings is claimed within so many
    weeks, by event; lift: what co-marketing funds multiply sourcing by under the baseline, None without funds.
    """

    value: Array
    open_deals: Array
    wins: Array
    loss: Array
    stage_share: Array
    revenue: Array
    source_lands: Array
    cosell_lands: Array
    success_lands: Array
    lift: Array | None = None
