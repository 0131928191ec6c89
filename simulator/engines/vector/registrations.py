"""The vector engine's deal registrations of one program: which are accepted, in the order of filing."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from simulator.core.arrays import Array, Bools, Ints, take
from simulator.core.table import ColumnTable
from simulator.program.compiled import CompiledComponent, CompiledProgram
from simulator.program.credit_splits import SECOND
from simulator.world.setting import WEEKS_PER_QUARTER


class DealRegistrations:
    """Registrations of opportunities by component, and how many each partner filed in the running quarter, (R, P)."""

    def __init__(self, program: CompiledProgram, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._on = {k: c for k, c in enumerate(program.components) if c.registration}
        self._filed: dict[int, Ints] = {k: np.zeros(shape, dtype=np.int64) for k in self._on}
        self._accepted = ColumnTable({name: bool for k in self._on for name in (f"k{k}", f"second{k}")})

    def copy(self) -> DealRegistrations:
        """An independent copy."""
        other = copy.copy(self)
        other._filed, other._accepted = dict(self._filed), self._accepted.copy()
        return other

    def keep(self, opps: Ints) -> None:
        """Forget all opportunities but the rows `opps`."""
        self._accepted = self._accepted.take(opps)

    def know(self, opps: int) -> None:
        """Take note of opportunities up to row `opps`, whose registration is not accepted so far."""
        count = opps - self._accepted.rows
        self._accepted.append(count, **{name: np.zeros(count, dtype=bool) for name in self._accepted.names})

    def take_over(self, before: Sequence[tuple[DealRegistrations, Bools]], opps: ColumnTable) -> None:
        """Keep what was accepted under components of the same name, by the partners (R, P) that each came with."""
        places = {c.name: k for k, c in self._on.items()}
        for old, were in before if places else ():
            known = old._accepted.rows
            for role, cell in (("k", opps["cell"][:known]), ("second", opps["other"][:known])):
                theirs = were.reshape(-1)[cell] & (cell >= 0)
                for j, c in old._on.items():
                    if c.name in places:
                        self._accepted[f"{role}{places[c.name]}"][:known] |= old._accepted[f"{role}{j}"] & theirs

    def file(self, week: int, rows: Ints, opps: ColumnTable, member: Bools) -> None:
        """Accept registrations of the opportunities `rows` that the partners `member` (R, P) found this week."""
        self.know(opps.rows)
        for k, c in self._on.items():
            assert c.registration is not None
            if week % WEEKS_PER_QUARTER == 0:
                self._filed[k] = np.zeros(self._shape, dtype=np.int64)
            second = np.zeros(len(rows), dtype=bool)
            filed, cell = rows, opps["cell"][rows]
            if c.registration.second is not None:
                joint = rows[opps["other"][rows] >= 0]
                second = np.concatenate((second, np.ones(len(joint), dtype=bool)))
                filed, cell = np.concatenate((rows, joint)), np.concatenate((cell, opps["other"][joint]))
            pick = np.flatnonzero(self._may(c, week, filed, cell, opps) & member.reshape(-1)[cell])
            pick = pick[np.lexsort((opps["start"][filed[pick]], cell[pick]))]
            filed, cell, second = filed[pick], cell[pick], second[pick]
            first = np.searchsorted(cell, cell)
            rank = np.arange(len(filed)) - first + self._filed[k].reshape(-1)[cell]
            taken = rank < c.registration.per_quarter
            self._accepted[f"k{k}"][filed[taken & ~second]] = True
            self._accepted[f"second{k}"][filed[taken & second]] = True
            count = np.bincount(cell, minlength=self._filed[k].size).reshape(self._shape)
            self._filed[k] = self._filed[k] + count

    def _may(self, c: CompiledComponent, week: int, rows: Ints, cell: Ints, opps: ColumnTable) -> Bools:
        """Which registrations of the opportunities `rows` by the partners `cell` the component has a credit for."""
        rep = cell // self._shape[1]
        credit = c.credit(rep=rep, code=opps["code"][rows], amount=opps["amount"][rows])
        if c.eligibility is not None:
            when, at_once = np.full(len(rows), week), np.zeros(len(rows))
            credit = credit * c.eligibility.counts(rep=rep, who=cell % self._shape[1], week=when, waited=at_once)
        return np.asarray((credit > 0) & opps["attached"][rows])

    def protected(self, k: int, component: CompiledComponent, rows: Ints, claims: ColumnTable) -> Bools:
        """Which of the claims `rows` are on deals registered with component k and still protected."""
        assert component.registration is not None
        opp, rep = claims["opp"][rows], claims["cell"][rows] // self._shape[1]
        accepted = np.zeros(len(rows), dtype=bool)
        known = opp < self._accepted.rows
        accepted[known] = self._accepted[f"k{k}"][opp[known]]
        theirs = known & (claims["role"][rows] == SECOND)
        accepted[theirs] = self._accepted[f"second{k}"][opp[theirs]]
        until: Array = claims["start"][rows] + take(component.registration.protection_weeks, rep)
        return np.asarray(accepted & (claims["time"][rows] <= until))
