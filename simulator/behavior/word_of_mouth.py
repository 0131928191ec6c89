"""What partners of a territory tell each other about a program that not all of them are on.

With s the share of the other partners of its territory that are on a program, V_a the value of activity a to a partner
that is not, and W_a what it would be under that program,

    V_a <- [V_a + leak s (W_a - V_a)] max(0, 1 - resentment s max(0, sum W / sum V - 1))

contamination: a share of the response leaks, as partners copy what works for others; resentment: who sees others
offered more puts less into it ("resentful demoralization", Cook and Campbell 1979). Where W = V both leave V exactly as
it is. Arrays (R, P).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.world.setting import Setting

HeardProgram = tuple[int, Sequence[Array], Bools]
"""A program by its place in the rollout, values of activities under it, and the partners (R, P) that hear of it."""


def partners_talk(setting: Setting) -> bool:
    """Whether what partners hear of other programs does anything."""
    return any(bool(setting.number("pilot", name).any()) for name in ("contamination", "resentment"))


def others_on(on: Bools, territory: Ints) -> Array:
    """Share of the other partners of its territory that are `on` (R or 1, P), for each partner; (R or 1, P)."""
    out = np.zeros(on.shape)
    for t in np.unique(territory):
        members = np.flatnonzero(territory == t)
        count = on[:, members].sum(axis=1, keepdims=True) - on[:, members]
        out[:, members] = count / max(len(members) - 1, 1)
    return out


def blended_values(setting: Setting, now: Ints, values: Sequence[Array], heard: Iterable[HeardProgram]) -> list[Array]:
    """Values of activities once partners have talked. now: program that each partner is on, (R or 1, P)."""
    leak, hurt = (setting.number("pilot", name) for name in ("contamination", "resentment"))
    out = list(values)
    for index, theirs, listening in heard:
        share = np.where(listening, others_on(now == index, setting.partners.territory), 0.0)
        own = sum(out)
        gap = np.where(own > 0, sum(theirs) / np.where(own > 0, own, 1.0) - 1.0, 0.0)
        bitter = np.maximum(1.0 - hurt * share * np.maximum(gap, 0.0), 0.0)
        out = [(v + leak * share * (w - v)) * bitter for v, w in zip(out, theirs, strict=True)]
    return out
