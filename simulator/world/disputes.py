"""Disputes about whose deal it is: which claims of signed deals are disputed, and which of those are overturned.

A joint deal is disputed with probability p a, where a = 4 s (1 - s) is how ambiguous it is and s = d / (1 + d) the
second partner's share of what is documented: 1 where both gave as much, 0 where one gave all. A customer of the
vendor that a partner claims without working on it is disputed by the vendor's own sellers. Marks are per deal, from a
stream of their own, so a dispute and its outcome do not depend on the program.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools, Ints, take
from simulator.core.table import ColumnTable
from simulator.world.joint_deals import JointDraw
from simulator.world.setting import Setting

NONE, UPHELD, OVERTURNED = 0, 1, 2
"""States of a claim: not disputed, disputed and paid as filed, disputed and overturned."""


def ambiguity(documented: Array) -> Array:
    """How unclear it is who brought a joint deal: 4 s (1 - s), s the second partner's documented share; 0 to 1."""
    share = documented / (1.0 + documented)
    return 4.0 * share * (1.0 - share)


class DisputeMarks:
    """Marks of disputes about the deals of a world, row by row as its deals."""

    def __init__(self, setting: Setting, draw: JointDraw) -> None:
        self._setting, self._draw = setting, draw
        self.rows = ColumnTable({"arises": float, "overturned": float})

    def number(self, name: str, rep: Ints) -> Array:
        """A number of the scenario's `disputes` for replications `rep`."""
        return take(self._setting.number("disputes", name), rep)

    def add(self, kind: str, address: tuple[Ints, Ints, Ints, Ints]) -> None:
        """The next deals of a kind, by their addresses."""
        u = self._draw(f"{kind} dispute", *address)
        self.rows.append(len(address[0]), arises=u[0], overturned=u[1])

    def joint(self, deal: Ints, rep: Ints, documented: Array) -> Ints:
        """States of joint deals, by the second partner's documented contribution; (n,)."""
        return self._state(deal, rep, self.number("probability", rep) * ambiguity(documented))

    def claimed(self, deal: Ints, rep: Ints) -> Ints:
        """States of the vendor's customers that are claimed without joint work; (n,)."""
        return self._state(deal, rep, self.number("claimed_probability", rep))

    def _state(self, deal: Ints, rep: Ints, odds: Array) -> Ints:
        arises: Bools = self.rows["arises"][deal] < odds
        lost: Bools = self.rows["overturned"][deal] < self.number("overturned_share", rep)
        return np.where(arises, np.where(lost, OVERTURNED, UPHELD), NONE)
