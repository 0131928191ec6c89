r"""Trust of partners in the program: hurt at quarter ends, slowly recovering, a factor on what payouts are worth.

    T <- clip(T + recovery (1 - T) - hurt, 0, 1)
    hurt = late * weeks of payment beyond the norm + clawback * share of the year's deals taken back
         + out_of_line * max(0, 1 - own pay per booking / that of all) + dispute * disputes
         + raised_targets * relative rise of targets at this review

What matters is trust against where it stood under the baseline before launch, which calibrated volumes contain, so the
factor is T / T0 from launch on and 1 before. Arrays are (R, P) and replaced, never written.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.core.arrays import Array
from simulator.world.setting import WEEKS_PER_YEAR, Setting

_LEAST = 0.05
"""Least trust that the baseline is taken to leave, so that the factor stays finite."""
_MICRO = 1e6


@dataclass(frozen=True)
class QuarterExperience:
    """What happened to partners in a quarter, (R, P). paid: cents accrued; late: cent-weeks of it beyond the norm;
    signed, lost: deals of the last year, and those of them whose payout was taken back in the quarter; booked: cents;
    disputes: number; raised: relative rise of targets."""

    paid: Array
    late: Array
    signed: Array
    lost: Array
    booked: Array
    disputes: Array
    raised: Array


class TrustState:
    """level: trust now. count, total: reviews since launch, and the sum of trust over partners in them, (R,)."""

    def __init__(self, setting: Setting, shape: tuple[int, int]) -> None:
        self._setting = setting
        self.level: Array = np.ones(shape)
        self._usual: tuple[Array, int] = (np.zeros(shape), 0)
        self._launched = False
        self.count, self.total = 0, np.zeros(shape[0], dtype=np.int64)
        self._past: tuple[tuple[int, Array], ...] = ()

    def copy(self) -> TrustState:
        """An independent continuation."""
        return copy.copy(self)

    def factor(self) -> Array | None:
        """What payouts are worth, of what they are under the baseline; None before launch."""
        if not self._launched:
            return None
        total, n = self._usual
        return np.asarray(self.level / np.maximum(total / n, _LEAST))

    def at(self, week: int) -> Array:
        """Trust as it stood in a week that is over."""
        known = [level for reviewed, level in self._past if reviewed <= week]
        return known[-1] if known else np.ones(self.level.shape)

    def review(self, week: int, facts: QuarterExperience) -> None:
        """Take a quarter in that ended at `week`."""
        lost = self._number("recovery") * (1.0 - self.level)
        self.level = np.clip(self.level + lost - self._hurt(facts), 0.0, 1.0)
        self._past = (*self._past, (week, self.level))
        if -WEEKS_PER_YEAR < week <= 0:
            total, n = self._usual
            self._usual = total + self.level, n + 1
        if week >= 0:
            self._launched = True
            self.count = self.count + 1
            self.total = self.total + np.rint(self.level * _MICRO).astype(np.int64).sum(axis=1)

    def totals(self) -> dict[str, NDArray[np.int64]]:
        """Mean trust over partners and quarters since launch, in millionths, (R,)."""
        return {"trust": np.rint(self.total / (self.level.shape[1] * max(self.count, 1))).astype(np.int64)}

    def _hurt(self, f: QuarterExperience) -> Array:
        late = np.where(f.paid > 0, f.late / np.where(f.paid > 0, f.paid, 1.0), 0.0)
        gone = f.lost / np.maximum(f.signed, 1.0)
        paid, booked = f.paid.sum(axis=1, keepdims=True), f.booked.sum(axis=1, keepdims=True)
        there = (f.booked > 0) & (paid > 0)
        per_booking = f.paid * booked / np.where(there, paid * f.booked, 1.0)
        short = np.where(there, np.maximum(1.0 - per_booking, 0.0), 0.0)
        parts = {
            "late": late, "clawback": gone, "out_of_line": short, "dispute": f.disputes, "raised_targets": f.raised,
        }  # fmt: skip
        hurt = np.zeros(self.level.shape)
        for name, value in parts.items():
            hurt = hurt + self._number(name) * value
        return hurt

    def _number(self, name: str) -> Array:
        return self._setting.number("trust", name)
