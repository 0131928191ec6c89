"""What a stage means: won, lost or open."""

from __future__ import annotations

import re
from collections.abc import Sequence

from simulator.calibrate.profile import Profile

OF_FUNNEL = 5
"""Open stages of the funnel: found, qualified, after the demo, after the pilot, agreed."""
_WON, _LOST, _CLOSED = re.compile(r"\bwon\b"), re.compile(r"\blost\b"), re.compile(r"\bclos|cancel|\bdead\b|disqualif")


def outcome_of(stage: str, profile: Profile) -> str | None:
    """Outcome of a stage by the profile; None where it does not say.

    Companies name their open stages themselves. So a profile of a CRM (`infer`) takes a stage that it does not know for
    open, unless its name speaks of an end; one that says won or lost is that.
    """
    stages = profile.stages
    for outcome, values in (("won", stages.won), ("lost", stages.lost), ("open", stages.open)):
        if stage in values:
            return outcome
    name = stage.casefold()
    if not profile.infer or not name:
        return None
    won, lost = bool(_WON.search(name)), bool(_LOST.search(name))
    if won != lost:
        return "won" if won else "lost"
    return None if won or _CLOSED.search(name) else "open"


def open_stage(passed: int, stages: Sequence[str]) -> str:
    """The open stage of a CRM, in their order, of a deal that passed so many stages of the funnel."""
    return stages[passed * len(stages) // OF_FUNNEL]


def milestone_of(stage: str, profile: Profile) -> int | None:
    """Stages of the funnel that a deal in a stage has passed, 0 to 3; None where the profile does not tell."""
    opens, named = profile.stages.open, profile.history.milestones
    if named:
        # Stages between two milestones belong to the earlier one.
        places = [opens.index(name) if name in opens else -1 for name in named]
        if stage in named:
            return named.index(stage) + 1
        return sum(0 <= place <= opens.index(stage) for place in places) if stage in opens else None
    if stage not in opens or len(opens) < OF_FUNNEL:
        return None
    return sum(opens.index(stage) >= passed * len(opens) // OF_FUNNEL for passed in (1, 2, 3))
