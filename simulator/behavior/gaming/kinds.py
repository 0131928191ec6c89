"""Kinds of gaming: transforms of claims, chosen because the payout pays for them and for no other reason.

No rule here knows a component. A partner compares payout differences under the transform with its own costs, and
with all kinds switched off files what happened. A kind is one row of `KINDS`; its gain is a pure function of a module
beside this one, and each engine lets it act at its moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.scenario.behavior import Gaming


class Moment(Enum):
    """When a kind of gaming acts."""

    VENDOR_FINDS_CUSTOMER = "the vendor finds a customer"
    WEEK = "partners file the week's activity claims"
    PROPOSAL = "a partner makes a proposal"
    SIGNATURE = "a signed deal is filed"
    WINDOW_END = "a payout window ends"


@dataclass(frozen=True)
class GamingKind:
    """A kind of gaming.

    name: of its switch in a scenario's `gaming`; moment: when it acts; label: what opportunists do, as in "an
    opportunist ..."; sets_prices: whether it needs price authority.
    """

    name: str
    moment: Moment
    label: str
    sets_prices: bool = False

    def on(self, switches: Gaming) -> bool:
        """Whether a scenario lets opportunists do it."""
        allowed = not self.sets_prices or switches.price_authority == "partner"
        return allowed and bool(getattr(switches, self.name))


KINDS: dict[str, GamingKind] = {
    kind.name: kind
    for kind in (
        GamingKind("timing", Moment.WINDOW_END, "moves signatures across the end of a window"),
        GamingKind("padding", Moment.WEEK, "files claims of activities that did not happen"),
        GamingKind("credit_claiming", Moment.VENDOR_FINDS_CUSTOMER, "registers customers whom the vendor found"),
        GamingKind("splitting", Moment.SIGNATURE, "files one deal as several claims, or two deals as one"),
        GamingKind("discount_dumping", Moment.PROPOSAL, "buys wins with the vendor's price", sets_prices=True),
        GamingKind("squatting", Moment.VENDOR_FINDS_CUSTOMER, "registers customers whom other partners would work"),
    )
}
"""Every kind of gaming by name."""

TIE = 1e-9
"""A choice must gain more than this share of its value, so that rounding never decides."""


def kinds_on(switches: Gaming) -> frozenset[str]:
    """Names of the kinds of gaming that a scenario switches on."""
    return frozenset(name for name, kind in KINDS.items() if kind.on(switches))


def kept(clawed: Array, detection: Array, penalty_multiple: Array) -> Array:
    """Share of a payout that a partner expects to keep: (1 - clawed) (1 - d (1 + F)), d the odds of being found out."""
    return (1.0 - clawed) * (1.0 - detection * (1.0 + penalty_multiple))


def audit_mark(mark: Array, seen: Array) -> Array:
    """The mark of a claim that only the share `seen` of audits sees through: found out where below the audit rate."""
    return np.where(seen > 0, mark / np.where(seen > 0, seen, 1.0), 2.0)


def best_option(gains: Array, value: Array) -> Ints:
    """The best option per row of `gains` (n, options), option 0 being to leave things as they are.

    An option is taken only if it gains more than the tie slack on the payout `value` (n,) at stake; of equals the
    first.
    """
    best = np.argmax(gains, axis=1)
    gain = np.take_along_axis(gains, best[:, None], axis=1)[:, 0]
    return np.where(gain > TIE * (1.0 + np.abs(value)), best, 0)
