"""How figures are written: one scale and one precision per row, taken from the size of the error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.stats.estimate import Difference, Estimate

UNDEFINED = "\u2013"
NOT_DISTINGUISHABLE = "no clear difference"
_MOST_DECIMALS = 4


@dataclass(frozen=True)
class NumberFormat:
    """A value is shown times `factor`, with `decimals`, in `unit`."""

    factor: float
    decimals: int
    unit: str

    def number(self, value: float | None, *, sign: bool = False) -> str:
        """A value; with its sign if asked for."""
        if value is None:
            return UNDEFINED
        text = f"{value * self.factor:{'+' if sign else ''},.{self.decimals}f}"
        return text.lstrip("+-") if not text.strip("+-0.,") else text

    def estimate(self, got: Estimate | None) -> str:
        """`1,234 ± 12`."""
        if got is None or got.mean is None:
            return UNDEFINED
        if got.mean == 0 and got.se == 0:
            return "0"
        return f"{self.number(got.mean)} \u00b1 {self.number(got.se)}"

    def difference(self, got: Difference | None) -> str:
        """`+120 [+100, +140]`, marked where the interval covers 0."""
        if got is None or got.mean is None:
            return UNDEFINED
        if got.mean == 0 and got.se == 0:
            return "0 exactly"
        mark = "" if got.distinguishable else f"{NOT_DISTINGUISHABLE}: "
        mean = self.number(got.mean, sign=True)
        low, high = got.limits
        return f"{mark}{mean} [{self.number(low, sign=True)}, {self.number(high, sign=True)}]"


def form_of(values: Iterable[float | None], errors: Iterable[float | None], unit: str, currency: str) -> NumberFormat:
    """The form for a row: money in thousands or millions, shares in percent, two digits of the error."""
    sizes = [abs(v) for v in values if v is not None and math.isfinite(v)]
    factor, label = _scale(max(sizes, default=0.0), unit, currency)
    noise = sorted(e * factor for e in errors if e is not None and math.isfinite(e) and e > 0)
    return NumberFormat(factor, _decimals(noise, max(sizes, default=0.0) * factor), label)


def form_of_estimates(found: Sequence[Estimate | None], unit: str, currency: str) -> NumberFormat:
    """The form for a row of estimates."""
    there = [got for got in found if got is not None]
    return form_of([got.mean for got in there], [got.se for got in there], unit, currency)


def form_of_differences(found: Sequence[Difference | None], unit: str, currency: str) -> NumberFormat:
    """The form for a row of differences; a difference of shares is in percentage points."""
    there = [got for got in found if got is not None]
    form = form_of([got.mean for got in there], [got.se for got in there], unit, currency)
    return NumberFormat(form.factor, form.decimals, "points" if form.unit == "%" else form.unit)


def _scale(largest: float, unit: str, currency: str) -> tuple[float, str]:
    if unit in ("share", "probability"):
        return 100.0, "%"
    if unit != currency:
        return 1.0, "" if unit in ("ratio", "count") else unit
    if largest >= 1e7:
        return 1e-6, f"M {currency}"
    if largest >= 1e4:
        return 1e-3, f"k {currency}"
    return 1.0, currency


def _decimals(noise: Sequence[float], largest: float) -> int:
    """So many that a typical error shows two digits; without errors three digits of the value."""
    if noise:
        wanted = 1 - math.floor(math.log10(noise[len(noise) // 2]))
    elif largest > 0:
        wanted = 2 - math.floor(math.log10(largest))
    else:
        wanted = 0
    return min(max(wanted, 0), _MOST_DECIMALS)
