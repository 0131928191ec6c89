"""Controls of a study: what each replication met, less what it would meet on average.

Ignorance: of each uncertain number with coordinate u in (0, 1), 2u - 1 and its square less 1/3. Luck, known from the
draws alone whatever the program: base volume of the partners; the same weighted by their deal sizes, by their odds, and
by who is an opportunist; demand before and after launch. Each has mean 0 given the uncertain numbers, since the draws
are independent of each other, so all have mean 0.
"""

from __future__ import annotations

import numpy as np

from simulator.model.setting import WEEKS_PER_QUARTER, compile_setting
from simulator.parameters import drawn_values
from simulator.program.compiled import Ints
from simulator.program.numbers import Array
from simulator.run import Simulated
from simulator.streams import Streams
from simulator.world import World

_CHUNK = 256


def controls_of(simulated: Simulated) -> Array:
    """Controls with known mean 0, (N, q)."""
    unit = simulated.unit()
    ids = simulated.ids
    parts = []
    for start in range(0, len(ids), _CHUNK):
        rows = slice(start, start + _CHUNK)
        parts.append(_luck(simulated, ids[rows], None if unit is None else unit[rows]))
    luck = np.concatenate(parts)
    return luck if unit is None else np.concatenate((_ignorance(unit), luck), axis=1)


def _ignorance(unit: Array) -> Array:
    v = 2.0 * unit - 1.0
    return np.concatenate((v, v * v - 1.0 / 3.0), axis=1)


def _luck(simulated: Simulated, ids: Ints, unit: Array | None) -> Array:
    scenario = simulated.scenario
    setting = compile_setting(scenario, drawn_values(scenario, unit))
    world = World(setting, Streams(simulated.seed), ids, luck=simulated.vectors.luck(ids))
    p = setting.partners
    share = world.rate / np.broadcast_to(p.mean_rate, world.shape).sum(axis=1, keepdims=True)
    larger = np.exp(world.size_effect - 0.5 * p.size_log_sd * p.size_log_sd)
    games = (scenario.gaming.timing, scenario.gaming.padding, scenario.gaming.credit_claiming)
    opportunists = (world.opportunist - setting.gaming("opportunist_share")) * any(games)
    people = [share.sum(axis=1) - 1.0, (share * larger).sum(axis=1) - 1.0]
    people += [(share * x).sum(axis=1) for x in (world.win_effect, opportunists)]
    weeks = np.arange(-setting.burn_in, setting.horizon)
    surplus = world.demand - setting.season[:, (weeks // WEEKS_PER_QUARTER) % 4]
    before = (weeks < 0) & (weeks >= -2 * WEEKS_PER_QUARTER)
    demand = [surplus[:, when].sum(axis=1) / len(weeks) for when in (before, weeks >= 0)]
    return np.stack([*people, *demand], axis=1)
