"""Whom a component counts for, and when: named partners, weeks from launch, and how long a claim may take.

A claim counts if its partner is named, if it is made in [from_week, until_week), and if it is made at most
`within_weeks` after its start (the opportunity was found; for what happens after the sale, the contract was signed).
Partners know all of it: the price of a claim outside is 0, and forecasts end with the component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.arrays import Array, Bools, Ints, take
from simulator.program.values import Numbers

if TYPE_CHECKING:
    from simulator.program.base import ComponentSpec


@dataclass(frozen=True)
class Eligibility:
    """partners: 1 where a partner is eligible, (1, P), None for all; first, last: active weeks [first, last);
    within: most weeks from start to claim, (R or 1, 1), None for any."""

    partners: Array | None
    first: float
    last: float
    within: Array | None

    @property
    def dated(self) -> bool:
        """Whether the component is not always active."""
        return self.first > -inf or self.last < inf

    def active(self, week: int) -> bool:
        """Whether claims of a week count."""
        return self.first <= week < self.last

    def ahead(self, week: float) -> tuple[float, float]:
        """Weeks from `week` on until the component starts and until it ends, both at least 0."""
        return max(0.0, self.first - week), max(0.0, self.last - week)

    def active_weeks(self, start: float, weeks: float) -> float:
        """How many of the `weeks` from `start` on are active."""
        return max(0.0, min(start + weeks, self.last) - max(start, self.first))

    def counts(self, *, rep: Ints, who: Ints, week: Ints, waited: Array, dated: bool = True) -> Bools:
        """Which claims count, by partner, week of the claim and weeks since its start; (n,). dated: mind the week."""
        good = np.ones(who.shape, dtype=bool)
        if dated:
            good = (week >= self.first) & (week < self.last)
        if self.partners is not None:
            good = good & (self.partners[0, who] > 0)
        if self.within is not None:
            good = good & (waited <= take(self.within, rep))
        return good


def reach_of(spec: ComponentSpec, number: Numbers, partners: Sequence[tuple[str, ...]]) -> Eligibility | None:
    """The reach of a component, None where it has no such term. partners: the names that each partner goes by."""
    named = bool(spec.only_partners or spec.not_partners)
    if not named and spec.from_week is None and spec.until_week is None and spec.within_weeks is None:
        return None
    return Eligibility(
        partners=np.array([[float(_eligible(spec, names)) for names in partners]]) if named else None,
        first=-inf if spec.from_week is None else float(spec.from_week),
        last=inf if spec.until_week is None else float(spec.until_week),
        within=None if spec.within_weeks is None else number("within_weeks"),
    )


def _eligible(spec: ComponentSpec, names: tuple[str, ...]) -> bool:
    asked = not spec.only_partners or any(n in spec.only_partners for n in names)
    return asked and not any(n in spec.not_partners for n in names)
