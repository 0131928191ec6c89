"""Made-up lives of pilots whose effect differs between worlds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from simulator.pilots.panel import PilotReadings
from simulator.pilots.simulate import PilotRuns
from tests.pilots.made import normals, readings


def runs(
    effect: float = 1.0, *, spread: float = 0.0, per_effect: float = 100.0, cost: float = 0.0, **given: Any
) -> PilotRuns:
    """Pilots whose effect varies between worlds with a standard deviation `spread`, and what a rollout is worth by it.

    value: per_effect times the effect, less cost, per quarter.
    """
    plain = readings(effect, **given)
    pilots, partners, _ = plain.panel.shape
    moved = spread * normals(3, "effects", pilots)
    own = np.where(plain.panel.treated, moved[:, None, None], 0.0)
    panel = replace(plain.panel, outcome=plain.panel.outcome + own)
    varied = PilotReadings(panel, plain.on + moved[:, None, None], plain.off)
    value = per_effect * (effect + moved) - cost
    unit = ndtr(moved / spread)[:, None] if spread else None
    by_outcome = dict.fromkeys(("qualified", "pipeline", "bookings"), varied)
    gained = np.zeros((pilots, plain.panel.shape[2]))
    return PilotRuns(by_outcome, value, gained, partners, (("behavior.elasticity",), unit))
