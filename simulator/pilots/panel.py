"""What a pilot sees: an outcome by partner and period, before and after launch, and who was on the candidate when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.program.compiled import Bools, Ints
from simulator.program.numbers import Array


@dataclass(frozen=True)
class Panel:
    """R pilots of P partners over T periods after launch, and B periods before it.

    outcome: (R, P, T) in the outcome's unit per period. before: (R, P, B), the same before launch, oldest first.
    treated: (R, P, T), on the candidate in that period. observed: (R, P, T), has not dropped out; what is not observed
    must not be used. cluster: (R, P), what was assigned as one, as a territory; each partner its own where partners
    were assigned singly. stratum: (R, P), within which it was assigned, as a segment or a matched pair; all 0 without.
    """

    outcome: Array
    before: Array
    treated: Bools
    observed: Bools
    cluster: Ints
    stratum: Ints

    @property
    def shape(self) -> tuple[int, int, int]:
        """R, P, T."""
        r, p, t = self.outcome.shape
        return r, p, t

    def until(self, period: int) -> Panel:
        """What was seen after the first `period` periods."""
        return Panel(
            self.outcome[..., :period],
            self.before,
            self.treated[..., :period],
            self.observed[..., :period],
            self.cluster,
            self.stratum,
        )

    def taken(self, replications: Ints) -> Panel:
        """Some of the pilots."""
        return Panel(*(np.asarray(part)[replications] for part in vars(self).values()))
