"""Who is on which program from when, and how partners behave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.behavior.expectations import ComponentForecast, Expectations
from simulator.core.arrays import Ints
from simulator.program.compiled import CompiledProgram
from simulator.program.measures import TALLIES, Event


@dataclass(frozen=True)
class ProgramWithForecasts:
    """A program with what partners expect of it: one prospect per component, and one per tier measure."""

    program: CompiledProgram
    forecasts: tuple[ComponentForecast, ...]
    tier_forecasts: dict[str, ComponentForecast]

    @cached_property
    def events(self) -> frozenset[Event]:
        """The events whose claims the program's components, tiers and prizes look at."""
        tallied = (TALLIES[name].measure for name in self.program.measures)
        return frozenset(m.event for m in (*(c.measure for c in self.program.components), *tallied))


@dataclass(frozen=True)
class ProgramAssignment:
    """Which program each partner is on, week by week.

    offers[0] is the baseline, which holds before launch; schedule (R or 1, P, horizon) says which offer holds in a
    week, with a first axis of 1 where it is the same in all replications.
    """

    offers: tuple[ProgramWithForecasts, ...]
    schedule: Ints

    def at(self, week: int) -> Ints:
        """Offer of each partner in a week, (R or 1, P); the baseline before launch, the last week's from the horizon
        on."""
        if week < 0:
            return np.zeros(self.schedule.shape[:2], dtype=np.int64)
        return np.asarray(self.schedule[..., min(week, self.schedule.shape[2] - 1)])

    @property
    def events(self) -> frozenset[Event]:
        """The events whose claims some offer looks at."""
        return frozenset().union(*(offer.events for offer in self.offers))

    @cached_property
    def _only(self) -> int | None:
        """The offer that everybody is on from launch to the horizon, None where there are several."""
        first = int(self.schedule.flat[0])
        return first if (self.schedule == first).all() else None

    def held(self, cell: Ints, week: Ints) -> Ints:
        """Offer that the partners at the places `cell` of (R, P) are on in `week`, 0 the first; (n,)."""
        if self._only is not None:
            return np.where(week < 0, 0, self._only)
        rep, who = np.divmod(cell, self.schedule.shape[1])
        at = np.clip(week, 0, self.schedule.shape[2] - 1)
        return np.where(week < 0, 0, self.schedule[rep % len(self.schedule), who, at])


def everyone(offers: tuple[ProgramWithForecasts, ...], choice: int, partners: int, horizon: int) -> ProgramAssignment:
    """All partners on `offers[choice]` from launch on."""
    return ProgramAssignment(offers, np.full((1, partners, horizon), choice, dtype=np.int64))


@dataclass(frozen=True)
class BehaviorMode:
    """How partners behave: the kinds of gaming that opportunists play; whether anyone responds at all."""

    gaming: frozenset[str]
    expectations: Expectations
    responding: bool = True
