"""The red team's agents: who they are, and the strategies they search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from simulator.model.gaming import kinds_on
from simulator.program.compiled import Bools, Ints
from simulator.scenario.conduct import Gaming
from simulator.world import World

QUARTERS = 4
_EDGES = ndtri(np.arange(1, QUARTERS) / QUARTERS)
_NAMES = ("smallest quarter by volume", "second quarter", "third quarter", "largest quarter by volume")

LEVELS: dict[str, tuple[float, ...]] = {
    "timing": (0, 4, 12),
    "padding": (0.0, 0.5, 1.0),
    "credit_claiming": (0, 1),
    "splitting": (0, 4, 10),
    "discount_dumping": (0.0, 0.2, 0.4),
    "squatting": (0, 1),
}
"""Levels per kind, off to full: weeks a signature is moved; false claims per opportunity of its own; whether customers
of the vendor are claimed; claims a deal is filed as; largest concession; whether it
registers the customers of others."""


@dataclass(frozen=True)
class Strategy:
    """A level per kind of gaming, see `LEVELS`."""

    timing: float
    padding: float
    credit_claiming: float
    splitting: float
    discount_dumping: float
    squatting: float

    def kinds(self, gaming: Gaming) -> frozenset[str]:
        """The kinds that are played; discounts need price authority."""
        on = {kind: bool(getattr(self, kind)) for kind in LEVELS}
        return kinds_on(gaming.model_copy(update=on))

    def numbers(self) -> dict[str, Any]:
        """Gaming numbers of a scenario in which the agent's own costs are next to nothing."""
        return {
            "timing_cost": 0.0, "split_cost": 0.0, "discount_cost": 0.0,
            "max_shift_weeks": int(self.timing) or 1, "bundle_weeks": 12,
            "max_pieces": int(self.splitting) or 2, "max_discount": float(self.discount_dumping),
        }  # fmt: skip

    def words(self, gaming: Gaming) -> str:
        """What it does, as the end of a sentence."""
        said = {
            "timing": f"moves signatures by up to {self.timing:g} weeks",
            "padding": f"files up to {self.padding:g} false activity claims per opportunity of its own",
            "credit_claiming": "claims every customer of the vendor that it can",
            "splitting": f"files deals in up to {self.splitting:g} pieces, or bundled",
            "discount_dumping": f"concedes up to {self.discount_dumping:.0%} to win",
            "squatting": "registers every customer of others that it can",
        }
        done = [text for kind, text in said.items() if kind in self.kinds(gaming)]
        return ", ".join(done) if done else "plays no game"


FULL = Strategy(**{kind: levels[-1] for kind, levels in LEVELS.items()})


def quarter_name(quarter: int) -> str:
    return _NAMES[quarter]


def quarter_of(world: World) -> Ints:
    """Quarter of its segment's volume distribution that each partner is in, 0 the smallest; (R, P)."""
    return np.searchsorted(_EDGES, world.volume_z)


def agents_of(world: World) -> Bools:
    """One partner per segment and quarter in each replication, the first there is; (R, P)."""
    quarter, segment = quarter_of(world), world.setting.partners.segment
    out = np.zeros(world.shape, dtype=bool)
    for k in range(len(world.setting.partners.segments)):
        for q in range(QUARTERS):
            here = (segment == k)[None, :] & (quarter == q)
            first = here & (np.cumsum(here, axis=1) == 1)
            out |= first
    return out
