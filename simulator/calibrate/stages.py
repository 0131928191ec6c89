"""What a stage means: won, lost or open."""

from __future__ import annotations

import re

from simulator.calibrate.profile import Profile

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
