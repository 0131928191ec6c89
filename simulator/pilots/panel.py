"""What a pilot sees: an outcome by partner and period, before and after launch, and who was on the candidate when.

Simulated pilots beside the truth that a real one never sees: the same worlds with everybody and nobody on it.

The estimand is the effect of a full rollout: the outcome with all partners on the candidate from launch on, less that
with none, in the same world, per partner and period, over the partners and periods that the pilot observes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.core.streams import Streams


@dataclass(frozen=True)
class PilotPanel:
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

    def until(self, period: int) -> PilotPanel:
        """What was seen after the first `period` periods."""
        return PilotPanel(
            self.outcome[..., :period],
            self.before,
            self.treated[..., :period],
            self.observed[..., :period],
            self.cluster,
            self.stratum,
        )

    def taken(self, replications: Ints) -> PilotPanel:
        """Some of the pilots."""
        return PilotPanel(*(np.asarray(part)[replications] for part in vars(self).values()))


CHANNELS = {
    "resentment": "resentment of better offers to others",
    "contamination": "leaks of the response",
    "rivalry": "rivals for the same customers",
}
"""What reaches partners who are not on the candidate, in the order in which it is switched off: the numbers of
`[pilot]`, then what is left."""


@dataclass(frozen=True)
class PilotReadings:
    """R pilots read in one outcome.

    panel: as the pilot sees it; on, off: (R, P, T), what the same partners do with everybody and nobody on the
    candidate. Every pilot has an assignment and a world of its own.
    """

    panel: PilotPanel
    on: Array
    off: Array

    @property
    def effect(self) -> Array:
        """The estimand of each pilot, (R,)."""
        return over_cells(self.on - self.off, self.panel.observed)

    @property
    def level(self) -> Array:
        """Mean outcome without the candidate, (R,)."""
        return over_cells(self.off, self.panel.observed)

    def until(self, period: int) -> PilotReadings:
        """What was seen after the first `period` periods."""
        return PilotReadings(self.panel.until(period), self.on[..., :period], self.off[..., :period])

    def of(self, partners: Ints) -> PilotReadings:
        """The same pilots with some of the partners only, as if the others had not been looked at."""
        p = self.panel
        three = {name: getattr(p, name)[:, partners] for name in vars(p)}
        return PilotReadings(PilotPanel(**three), self.on[:, partners], self.off[:, partners])

    def without_effect(self, seed: int, draw: int) -> PilotPanel:
        """A/A pilots: nobody on the candidate, and the assignment drawn anew among what was assigned as one."""
        return replace(self.panel, outcome=self.off, treated=_reassigned(self.panel, seed, draw))


@dataclass(frozen=True)
class PilotContext:
    """What is known of R pilots beside their panels, in one outcome; (R,) each.

    sourced: the effect that an attribution by source reports, all that partners on the candidate found themselves, per
    partner and period; nan where it is not counted in deals. moved: what dates that were moved by the timing game add
    to the change since before launch, the same life read by filed dates less by true ones, per treated partner and
    period. deals, shared: qualified deals of the observed partners, and those of them with a second partner on another
    program, which are under two programs at once. spilled: by channel of `CHANNELS`, what it
    does to those who are not on the candidate, in all, on true dates.
    """

    sourced: Array
    moved: Array
    deals: Array
    shared: Array
    spilled: Mapping[str, Array]


def spill(panel: PilotPanel, change: Array) -> Array:
    """A change (R, P, T) of those who are not on the candidate while others are, in all; (R,)."""
    others = panel.observed & ~panel.treated & (panel.treated & panel.observed).any(axis=1, keepdims=True)
    return np.asarray(np.where(others, change, 0.0).sum(axis=(1, 2)))


def over_cells(x: Array, cells: Bools) -> Array:
    """Mean of x (R, P, T) over some cells of each pilot, (R,); nan where there are none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(cells, x, 0.0).sum(axis=(1, 2)) / cells.sum(axis=(1, 2)))


def _reassigned(panel: PilotPanel, seed: int, draw: int) -> Bools:
    """Assignments swapped at random between the clusters of each stratum."""
    reps, partners, _ = panel.shape
    u = Streams(seed).draw("pilot.again", np.arange(reps)[:, None], np.arange(partners)[None, :], 0, draw)[0]
    u = u.reshape(reps, partners)
    treated = np.empty_like(panel.treated)
    seen: Bools = np.asarray(panel.observed.any(axis=2))
    outside = int(panel.stratum.min()) - 1  # who takes no part is never drawn
    for r in range(reps):
        keys = np.stack([np.where(seen[r], panel.stratum[r], outside), panel.cluster[r]])
        units, first, member = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        drawn = np.lexsort((u[r, first], units[0]))  # units are in order of strata; now those of each in random order
        treated[r] = panel.treated[r, first[drawn]][member.reshape(-1)]
    return treated
