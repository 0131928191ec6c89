"""Business with partners against direct business: the odds ratio of winning, an association and not an effect.

Odds ratio with Woolf's interval (1955): the log of ad/bc has variance 1/a + 1/b + 1/c + 1/d. Exact duplicates of rows
may be copies of one deal: the ratio is given without them, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.calibration.remarks import FittedNumber, figure

SELECTION = (
    "Who works a deal is not drawn by lot: partners may get, or pick, the deals that are easier to win. It is an "
    "association, no effect of having a partner, and the scenario does not take it as one."
)


@dataclass(frozen=True)
class Contrast:
    """shares: share won with partners and direct; ratio: odds ratio; distinct: without exact duplicates, None where
    there are none or they cannot be told; duplicates: how many those are."""

    shares: tuple[FittedNumber, FittedNumber]
    ratio: FittedNumber
    distinct: FittedNumber | None
    duplicates: int

    def __str__(self) -> str:
        def held(estimate: FittedNumber) -> str:
            low, high = estimate.interval() or (float("nan"),) * 2
            return f"{estimate.value:.2f} [{low:.2f}, {high:.2f}]"

        with_partner, direct = self.shares
        text = (
            f"won {with_partner.value:.1%} of {with_partner.n:,} deals with partners and {direct.value:.1%} of "
            f"{direct.n:,} direct ones, odds ratio {held(self.ratio)}"
        )
        if self.distinct is not None:
            text += f"; {held(self.distinct)} without {figure(self.duplicates)} exact duplicates"
        return f"{text}. {SELECTION}"


def contrast(won: pd.Series, direct: pd.Series, copies: pd.Series | None = None) -> Contrast | None:
    """Contrast of decided deals, booleans of one index. copies: which rows repeat an earlier one exactly.

    None where either side has not both won and lost deals.
    """
    ratio, shares = _ratio(won, direct)
    if ratio is None:
        return None
    distinct = None
    if copies is not None and copies.any():
        distinct, _ = _ratio(won[~copies], direct[~copies])
    return Contrast(shares, ratio, distinct, 0 if copies is None else int(copies.sum()))


def _ratio(won: pd.Series, direct: pd.Series) -> tuple[FittedNumber | None, tuple[FittedNumber, FittedNumber]]:
    cells = [[int((side & won).sum()), int((side & ~won).sum())] for side in (~direct, direct)]
    shares = tuple(_share(wins, losses) for wins, losses in cells)
    if min(min(row) for row in cells) == 0:
        return None, (shares[0], shares[1])
    (a, b), (c, d) = cells
    value = a * d / (b * c)
    error = value * float(np.sqrt(1 / a + 1 / b + 1 / c + 1 / d))
    return FittedNumber(value, error, len(won), "odds ratio", "partner over direct; association"), (
        shares[0],
        shares[1],
    )


def _share(wins: int, losses: int) -> FittedNumber:
    n = wins + losses
    p = wins / n if n else float("nan")
    return FittedNumber(p, float(np.sqrt(p * (1 - p) / n)) if n else None, n, "share", "share won of decided deals")
