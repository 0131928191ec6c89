"""Who is on which program from when, and how a life is lived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.model.outlook import Outlook, Prospect
from simulator.program.compiled import Ints, Program


@dataclass(frozen=True)
class Offer:
    """A program with what partners expect of it: one prospect per component, and one per tier measure."""

    program: Program
    prospects: tuple[Prospect, ...]
    tier_prospects: dict[str, Prospect]


@dataclass(frozen=True)
class Rollout:
    """offers[0] is the baseline, which holds before launch; schedule (P, horizon) says which offer holds in a week."""

    offers: tuple[Offer, ...]
    schedule: Ints

    def at(self, week: int) -> Ints:
        """Offer of each partner in a week; the baseline before launch, the last week's from the horizon on."""
        if week < 0:
            return np.zeros(len(self.schedule), dtype=np.int64)
        return np.asarray(self.schedule[:, min(week, self.schedule.shape[1] - 1)])


def everyone(offers: tuple[Offer, ...], choice: int, partners: int, horizon: int) -> Rollout:
    """All partners on `offers[choice]` from launch on."""
    return Rollout(offers, np.full((partners, horizon), choice, dtype=np.int64))


@dataclass(frozen=True)
class Conduct:
    """How partners behave: the kinds of gaming that opportunists play; whether anyone responds at all."""

    gaming: frozenset[str]
    outlook: Outlook
    responding: bool = True
