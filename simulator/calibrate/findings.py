"""What the calibration has to say besides numbers: counts of rows, and estimates with their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["dropped", "repaired", "set aside", "noted"]


@dataclass(frozen=True)
class Remark:
    """A count of rows. dropped: gone; repaired: changed; set aside: one field is not used; noted: kept."""

    kind: Kind
    reason: str
    count: int
    detail: str = ""


@dataclass(frozen=True)
class Estimate:
    """An estimated number. se: standard error, if it has one; n: what it rests on; note: how, or a caveat."""

    value: float
    se: float | None
    n: int
    unit: str
    note: str = ""

    def __str__(self) -> str:
        error = "" if self.se is None else f" +- {figure(self.se)}"
        return f"{figure(self.value)}{error} {self.unit} (n = {self.n})"


def figure(value: float) -> str:
    """Four significant digits without an exponent; from 1,000 on with thousands separators."""
    if abs(value) >= 1000:
        digits = len(f"{abs(value):.0f}")
        return f"{round(value, 4 - digits):,.0f}"
    if value == 0:
        return "0"
    return f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.1e}"
