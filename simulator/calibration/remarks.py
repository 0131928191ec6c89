"""What the calibration has to say besides numbers: counts of rows, and estimates with their errors.

Remarks on rows, in the order of reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri, stdtrit

Kind = Literal["dropped", "repaired", "set aside", "noted"]

PROBABILITIES, SLOPES = ("probability", "share", "win rate"), ("logit per log unit",)
CORRELATION = "correlation"


@dataclass(frozen=True)
class Remark:
    """A count of rows. dropped: gone; repaired: changed; set aside: one field is not used; noted: kept."""

    kind: Kind
    reason: str
    count: int
    detail: str = ""


@dataclass(frozen=True)
class FittedNumber:
    """An estimated number. se: standard error, if it has one; n: what it rests on; note: how, or a caveat; degrees: of
    freedom of the error, one less than the partners where it rests on how these differ; None: no matter."""

    value: float
    se: float | None
    n: int
    unit: str
    note: str = ""
    degrees: int | None = None

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Interval that holds the true number with probability `level`; None without a standard error.

        Symmetric in the logit of a probability, in Fisher's z of a correlation, in the log of other positive numbers,
        and as it is in a slope.
        """
        if self.se is None:
            return None
        upper = 0.5 + level / 2
        z = float(ndtri(upper) if self.degrees is None else stdtrit(self.degrees, upper)) * self.se
        if self.unit in PROBABILITIES and 0 < self.value < 1:
            step = z / (self.value * (1 - self.value))
            return float(expit(logit(self.value) - step)), float(expit(logit(self.value) + step))
        if self.unit == CORRELATION:
            middle, step = np.arctanh(self.value), z / (1 - self.value**2)
            return float(np.tanh(middle - step)), float(np.tanh(middle + step))
        if self.unit in SLOPES or self.value <= 0:
            return self.value - z, self.value + z
        return float(self.value * np.exp(-z / self.value)), float(self.value * np.exp(z / self.value))

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


class RemarkLog:
    """Collects remarks; a count of zero is not worth one unless asked for."""

    def __init__(self) -> None:
        self.remarks: list[Remark] = []

    def add(self, kind: Kind, reason: str, count: int, detail: str = "", *, always: bool = False) -> None:
        if count or always:
            self.remarks.append(Remark(kind, reason, int(count), detail))

    def drop(self, table: pd.DataFrame, bad: pd.Series, reason: str) -> pd.DataFrame:
        """`table` without the rows marked `bad`, counted under `reason`."""
        self.add("dropped", reason, int(bad.sum()))
        return table[~bad] if bad.any() else table
