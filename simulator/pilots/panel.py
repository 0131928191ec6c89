"""What a pilot sees: an outcome by partner and period, before and after launch, and who was on the candidate when.

A simulated pilot also has the truth that a real one never sees: the same worlds with everybody and with nobody on the
candidate. The estimand is the effect of a full rollout: the outcome with all partners on the candidate from launch on,
less that with none, in the same world, per partner and period, over the partners and periods that the pilot observes.

An estimator makes of each pilot an effect, its error, and whether chance alone would explain it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

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
        seen = (..., slice(period))
        return replace(self, outcome=self.outcome[seen], treated=self.treated[seen], observed=self.observed[seen])


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

    def without_effect(self, seed: int, draw: int) -> PilotPanel:
        """A/A pilots: nobody on the candidate, and the assignment drawn anew among what was assigned as one."""
        return replace(self.panel, outcome=self.off, treated=_reassigned(self.panel, seed, draw))


@dataclass(frozen=True)
class PilotContext:
    """What else is known of R pilots than their panels, in one outcome; (R,) each.

    sourced: the effect that an attribution by source reports, all that partners on the candidate found themselves, per
    partner and period; nan where it is not counted in deals. moved: what dates that were moved by the timing game add
    to the change since before launch, the same run read by filed dates less by true ones, per treated partner and
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


@dataclass(frozen=True)
class PilotEstimate:
    """An effect per treated partner and period, in the outcome's unit, in each of R pilots.

    effect, se, degrees: (R,); NaN where the panel does not identify the effect. The p value and the limits are those
    of Student's t with these degrees of freedom (infinite: normal), unless `ends` is given: per pilot K relabellings,
    each with the lowest and the highest effect, (R, K), that it calls at least as far from the data as the labels that
    were drawn. Their counts are the p values of a randomisation test, and its limits by inversion.
    """

    effect: Array
    se: Array
    degrees: Array
    ends: tuple[Array, Array] | None = None

    def p_value(self, effect: float = 0.0) -> Array:
        """Two-sided p value, (R,), of the hypothesis that the effect is `effect`."""
        if self.ends is not None:
            low, high = self.ends
            p = np.mean((low <= effect) & (effect <= high), axis=1)
            return np.asarray(np.where(np.isnan(self.effect), np.nan, p))
        return np.asarray(2.0 * stdtr(self.degrees, -np.abs(self.z(effect))))

    def limits(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Ends of the interval of that confidence, (R,) each; infinite where relabellings are too few for one."""
        if self.ends is not None:
            return _inverted(*self.ends, 1.0 - confidence, self.effect)
        half = stdtrit(self.degrees, 0.5 + confidence / 2) * self.se
        return self.effect - half, self.effect + half

    def z(self, effect: float = 0.0) -> Array:
        """The estimate's distance from `effect` in standard errors, (R,)."""
        gap = self.effect - effect
        return np.divide(gap, self.se, out=np.where(gap == 0.0, 0.0, np.copysign(np.inf, gap)), where=self.se != 0.0)

    def score(self) -> Array:
        """The normal z with the same p value and the estimate's sign, (R,): few degrees of freedom count for less."""
        return np.asarray(np.copysign(-ndtri(self.p_value() / 2), self.effect))

    def rejects(self, level: float = 0.05, effect: float = 0.0) -> Bools:
        """Whether the effect is distinguishable from `effect` at a two-sided level, (R,); never where it is NaN."""
        return np.asarray(self.p_value(effect) <= level)


def pick_estimates(parts: Sequence[PilotEstimate], at: Ints) -> PilotEstimate:
    """Of each pilot the estimate by the part at place `at`, (R,)."""
    own = np.arange(len(at))

    def of(arrays: Sequence[Array]) -> Array:
        return np.asarray(np.stack(arrays)[at, own])

    labels = [part.ends for part in parts if part.ends is not None]
    ends = (of([low for low, _ in labels]), of([high for _, high in labels])) if labels else None
    effect, se, degrees = (of([getattr(p, n) for p in parts]) for n in ("effect", "se", "degrees"))
    return PilotEstimate(effect, se, degrees, ends)


def _inverted(low: Array, high: Array, level: float, effect: Array) -> tuple[Array, Array]:
    """Effects whose p value is above the level: all between two order statistics of the ends."""
    skipped = int(np.floor(level * low.shape[1] + 1e-9))
    lower, upper = np.sort(low, axis=1)[:, skipped], np.sort(high, axis=1)[:, low.shape[1] - 1 - skipped]
    unknown = np.isnan(effect)
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)
