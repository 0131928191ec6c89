"""Joint deals: who the second partner is, what is documented of its part, and the marks of a dispute about it.

The second partner is drawn among the other partners of the first one's territory by base rate. It is drawn where a
second partner takes part; in a territory of one partner it is a firm outside the program. Its contribution is
documented with a lognormal error, and a part of it, uniform on (0, 1), was given at its own risk.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Array, Bools, Ints, take
from simulator.core.table import ColumnTable
from simulator.program.credit_splits import Joint
from simulator.world.setting import Setting

OUTSIDE = -1

_JOINT = {
    "other": np.int32, "documented": float, "at_risk": float, "vendor": bool,
}  # fmt: skip


class JointDraw(Protocol):
    """Four uniforms for each address, by stream."""

    def __call__(self, stream: str, rep: Ints, who: Ints, week: Ints, ordinal: Ints) -> Array: ...


class JointDeals:
    """Second partners of the deals of a world, row by row as its deals. rate (R, P): base opportunities per week."""

    def __init__(self, setting: Setting, rate: Array, draw: JointDraw) -> None:
        self._setting, self._rate, self._draw = setting, rate, draw
        self._members = [np.flatnonzero(setting.partners.territory == t) for t in range(len(setting.territories.names))]
        self.rows = ColumnTable(_JOINT)

    def add(self, kind: str, address: tuple[Ints, Ints, Ints, Ints], who: Ints, second: Array) -> None:
        """The next deals of a kind: address of their draws, first partner (-1: none), second's part (0: none)."""
        rep, vendor = address[0], kind.startswith("vendor")
        u = self._draw(f"{kind} 5", *address)
        noise = np.exp(take(self._setting.behavior("documentation_log_sd"), rep) * ndtri(u[1]))
        self.rows.append(
            len(rep), other=self._other(rep, who, second > 0, u[0]), documented=second * noise, at_risk=u[2],
            vendor=vendor,
        )  # fmt: skip

    def _other(self, rep: Ints, who: Ints, there: Bools, u: Array) -> Ints:
        """A further partner of the first one's territory, drawn by base rate."""
        chosen = np.full(len(rep), OUTSIDE)
        territory = np.where(who >= 0, self._setting.partners.territory[who], -1)
        for t, members in enumerate(self._members):
            rows = np.flatnonzero(there & (territory == t))
            if not len(rows) or len(members) < 2:
                continue
            weight = self._rate[rep[rows][:, None], members[None, :]]
            cumulative = np.cumsum(np.where(members[None, :] == who[rows, None], 0.0, weight), axis=1)
            position = (u[rows] * cumulative[:, -1])[:, None] >= cumulative
            last = np.where(who[rows] == members[-1], len(members) - 2, len(members) - 1)
            chosen[rows] = members[np.minimum(position.sum(axis=1), last)]
        return chosen

    def facts(self, deals: ColumnTable, rows: Ints, rep: Ints) -> Joint:
        """What splits may look at of the joint deals `rows`; log-odds at usual co-sell work."""
        own = self.rows
        documented = own["documented"][rows]
        worth = take(self._setting.behavior("second_partner_win"), rep)
        first = deals["with_logit"][rows] - worth * deals["second"][rows]
        neither = np.where(own["vendor"][rows], deals["direct_logit"][rows], -np.inf)
        return Joint(
            documented=documented,
            at_risk=own["at_risk"][rows],
            neither=neither,
            first=first,
            second=neither + worth * documented,
            both=first + worth * documented,
        )
