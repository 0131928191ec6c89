"""Participation: whether a partner takes part at all.

At a quarter's end a partner looks at its certainty equivalent,

    CE = own margin + expected pay - cost of effort - (r / 2) variance of pay / income - paperwork,

smoothed over some quarters. The share of partners that reconsider is fixed; one that does is active with

    logit p = logit(a) + k [(CE - CE0) / income0 - (w - 1)],

a the share that is active under the baseline, CE0 and income0 the partner's own means over the last year before launch
(so its outside option is what makes the baseline neutral), w the worth of an hour elsewhere in a competitor's offer.
Before launch the bracket is 0. Prospective partners join from launch on by the same rule with a share of their own,
and ramp up. At its best choice effort costs gamma = eps / (1 + eps) of what it brings, so CE counts that share of
income as its cost: income and the effort behind it are then of the same weeks. All arrays are (R, P).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from simulator.core.arrays import Array, Bools, Ints
from simulator.world.setting import WEEKS_PER_YEAR, Setting
from simulator.world.world import World

_COUNTED = ("active", "weeks", "joined", "left", "returned")


@dataclass(frozen=True)
class ParticipationValue:
    """What taking part is worth to partners per quarter, cents: certainty equivalent, and income before effort."""

    certain: Array
    income: Array


def certainty_equivalent(
    *, own: Array, pay: Array, variance: Array, paperwork: Array, risk_aversion: Array, elasticity: Array
) -> ParticipationValue:
    """The certainty equivalent of a quarter. own: own margin; pay, variance: of the program's payout; cents."""
    income = own + pay
    premium = 0.5 * risk_aversion * variance / np.maximum(income, 1.0)
    return ParticipationValue(income / (1.0 + elasticity) - premium - paperwork, income)


def odds(share: Array, response: Array, gain: Array) -> Array:
    """Probability from the one under the baseline and the gain over it in usual incomes."""
    return np.asarray(expit(logit(share) + response * gain))


class ParticipationState:
    """Who takes part, and what partners remember of it. Arrays are replaced, never written.

    active: takes part; joined: is a partner at all; since: week of joining. marks of a review are addressed uniforms.
    """

    def __init__(self, setting: Setting, first: Array, start: int) -> None:
        """first: (R, P) marks of the start; start: first week of the burn-in."""
        self.setting = setting
        forecast = setting.partners.forecast[None, :]
        self.joined: Bools = np.broadcast_to(~forecast, first.shape)
        self.active: Bools = self.joined & (first < self._number("active_share"))
        self.since: Ints = np.full(first.shape, start - 10_000)
        self.usual = np.where(forecast, 0.0, self._number("active_share") + np.zeros(first.shape))
        self._smooth: Array | None = None
        self._base: tuple[Array, Array, int] = (np.zeros(first.shape), np.zeros(first.shape), 0)
        self.counts: dict[str, Ints] = {
            n: np.zeros(len(first), dtype=np.int64) for n in ("active", "weeks", "joined", "left", "returned")
        }

    def _number(self, name: str) -> Array:
        return self.setting.number("participation", name)

    def copy(self) -> ParticipationState:
        """An independent continuation."""
        other = copy.copy(self)
        other.counts = dict(self.counts)
        return other

    def totals(self) -> dict[str, Ints]:
        """What was counted from launch on, by replication."""
        return {"partner_weeks" if n == "weeks" else f"participation.{n}": v for n, v in self.counts.items()}

    def share(self, week: int) -> Array:
        """Share of its sourcing that each partner brings: 0 if dormant, below 1 while a new one ramps up."""
        ramp = np.minimum((week - self.since + 1) / self._number("ramp_weeks"), 1.0)
        return np.where(self.active, ramp, 0.0)

    def count(self, present: Array) -> None:
        """Count the partner-weeks in which somebody is there, and all those of partners."""
        self.counts["active"] = self.counts["active"] + (present > 0).sum(axis=1)
        self.counts["weeks"] = self.counts["weeks"] + self.joined.sum(axis=1)

    def review(self, week: int, worth: ParticipationValue, wage: Array | None, marks: tuple[Array, Array]) -> None:
        """Partners reconsider at the end of a quarter. marks: who does, and how it turns out."""
        keep = 1.0 / self._number("memory_quarters")
        self._smooth = worth.certain if self._smooth is None else self._smooth + (worth.certain - self._smooth) * keep
        if -WEEKS_PER_YEAR <= week < 0:
            certain, income, n = self._base
            self._base = certain + worth.certain, income + worth.income, n + 1
        gain = np.zeros(self.active.shape) if week < 0 else self._gain(wage)
        asked = marks[0] < self._number("review_share")
        stays = marks[1] < odds(self._number("active_share"), self._number("response"), gain)
        joins = marks[1] < odds(self._number("join_share"), self._number("response"), gain)
        joins = joins & ~self.joined & (week >= 0)
        before = self.active
        self.active = np.where(self.joined & asked, stays, before) | joins
        self.since = np.where(joins, week, self.since)
        self.joined = self.joined | joins
        if week >= 0:
            moves = {"joined": joins, "left": before & ~self.active, "returned": ~before & self.active & ~joins}
            for name, which in moves.items():
                self.counts[name] = self.counts[name] + which.sum(axis=1)

    def _gain(self, wage: Array | None) -> Array:
        """Gain over the outside option in usual incomes."""
        certain, income, n = self._base
        assert self._smooth is not None
        gain = (self._smooth - certain / n) / np.maximum(income / n, 1.0)
        return gain if wage is None else gain - (wage - 1.0)


def participation_at_start(world: World) -> ParticipationState | None:
    """Who takes part at the start of the burn-in; None where all do."""
    if world.setting.scenario.participation is None:
        return None
    start = -world.setting.burn_in
    return ParticipationState(world.setting, world.participation(start)[0], start)
