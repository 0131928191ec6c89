"""The vector engine's contests: results of the running quarter, and who won, for all replications at once."""

from __future__ import annotations

import copy

import numpy as np

from simulator.core.arrays import Array, Bools, Ints, ranks
from simulator.core.table import Table
from simulator.program.credit_splits import SECOND
from simulator.program.measures import MEASURES
from simulator.program.support import Prize


class Contest:
    """scores: result of the quarter by prize, (R, P) in hundredths; won: (prize, week of the end, winners (R, P))."""

    def __init__(self, prizes: tuple[Prize, ...], shape: tuple[int, int]) -> None:
        self.prizes, self._shape = prizes, shape
        self.scores: list[Array] = [np.zeros(shape) for _ in prizes]
        self.won: list[tuple[int, int, Bools]] = []

    def copy(self) -> Contest:
        """An independent copy."""
        other = copy.copy(self)
        other.scores, other.won = list(self.scores), list(self.won)
        return other

    def post(self, rows: Ints, claims: Table, sign: float) -> None:
        """Count the claims `rows`, or take them back with sign -1."""
        for k, prize in enumerate(self.prizes):
            at = MEASURES[prize.measure]
            mine = rows[(claims["event"][rows] == at.event) & (claims["role"][rows] != SECOND)]
            if len(mine):
                value = claims["amount"][mine] if at.by_amount else np.full(len(mine), 100.0)
                more = np.bincount(claims["cell"][mine], weights=value, minlength=self._shape[0] * self._shape[1])
                self.scores[k] = self.scores[k] + sign * more.reshape(self._shape)

    def close(self, week: int, members: Bools, over: Bools) -> None:
        """Name the winners among the partners `members` (R, P) where the quarter is `over` (R, 1), and start anew."""
        for k, prize in enumerate(self.prizes):
            best = ranks(self.scores[k], members) < prize.winners
            self.won.append((k, week, best & (self.scores[k] > 0) & members & over))
            self.scores[k] = np.where(over, 0.0, self.scores[k])
