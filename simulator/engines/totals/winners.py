"""Who wins and who loses: what every partner is paid and its tier, against the baseline in the same world.

Partners are drawn anew in every replication, so what can be followed is a partner's segment and how large it is within
it: its quarter of the segment's volume distribution, 1 the smallest. Each replication is reduced to whole numbers per
segment and quarter before it leaves the engine, so that memory does not grow with partners.

    standing.SEGMENT.QUARTER.partners, .paid, .change, .gained, .lost     cents, and partners paid more, or less
    move.FROM.TO                                                          partners by tier

FROM is the tier at the horizon's end under the baseline where the baseline has tiers, otherwise the tier at launch
under the program itself; TO is the tier at the horizon's end under the program. Pay is net of penalties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Ints
from simulator.engines.ledger import RunOutcome
from simulator.engines.records import TierRecords
from simulator.world.world import World

QUARTERS = 4
_EDGES = ndtri(np.arange(1, QUARTERS) / QUARTERS)


@dataclass(frozen=True)
class TierStatusAtEnd:
    """Tier names, and the tier of each partner at launch and at the end, (R, P); names are empty without tiers."""

    names: tuple[str, ...]
    launch: Ints
    end: Ints


@dataclass(frozen=True)
class PartnerResult:
    """What each partner is paid, net of penalties, (R, P) cents; and its tier."""

    paid: Ints
    tiering: TierStatusAtEnd


class PartnerResults:
    """Adds to the outcomes of a chunk who wins and loses; leaves them as they are when off."""

    def __init__(self, world: World, *, on: bool) -> None:
        self._world, self._on = world, on
        self._baseline: dict[str, PartnerResult] = {}

    def add(self, program: str, level: str, outcome: RunOutcome, tiers: Sequence[TierRecords]) -> RunOutcome:
        """The outcome with its standings. Of each behavior level the baseline must come before the candidates."""
        if not self._on or program == "none":
            return outcome
        own = PartnerResult(_paid(outcome, self._world), _at_end(tiers, self._world.shape))
        if program == "baseline":
            self._baseline[level] = own
        return replace(outcome, totals={**outcome.totals, **_totals(own, self._baseline[level], self._world)})


def _at_end(tiers: Sequence[TierRecords], shape: tuple[int, int]) -> TierStatusAtEnd:
    """Tiers of all partners at the end of a run, from those of each program."""
    first, now = np.zeros((2, *shape), dtype=np.int64)
    for t in tiers:
        first, now = np.where(t.members, t.first, first), np.where(t.members, t.now, now)
    return TierStatusAtEnd(tiers[-1].names if tiers else (), first, now)


def _paid(outcome: RunOutcome, world: World) -> Ints:
    rows, (count, partners) = outcome.ledger, world.shape
    cell = np.searchsorted(world.ids, rows["replication"]) * partners + rows["partner"]
    sums = np.bincount(cell, weights=rows["paid"] - rows["penalty"], minlength=count * partners)
    return np.rint(sums).astype(np.int64).reshape(count, partners)


def _totals(own: PartnerResult, baseline: PartnerResult, world: World) -> dict[str, Ints]:
    partners = world.setting.partners
    quarter = np.searchsorted(_EDGES, world.volume_z)
    change = own.paid - baseline.paid
    counted = {
        "partners": np.ones_like(change), "paid": own.paid, "change": change, "gained": change > 0, "lost": change < 0,
    }  # fmt: skip
    found: dict[str, Ints] = {}
    for k, segment in enumerate(partners.segments):
        for q in range(QUARTERS):
            here = (partners.segment == k) & (quarter == q)
            for name, value in counted.items():
                found[f"standing.{segment}.{q + 1}.{name}"] = np.where(here, value, 0).sum(axis=1, dtype=np.int64)
    return found | _moves(own.tiering, baseline.tiering)


def _moves(own: TierStatusAtEnd, baseline: TierStatusAtEnd) -> dict[str, Ints]:
    names, start = (baseline.names, baseline.end) if baseline.names else (own.names, own.launch)
    return {
        f"move.{a}.{b}": ((start == i) & (own.end == j)).sum(axis=1, dtype=np.int64)
        for i, a in enumerate(names)
        for j, b in enumerate(own.names)
    }
