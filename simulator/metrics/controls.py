"""Controls of a study, whose means are known to be 0: what each replication met, less what it would meet on average.

What is not known: of each uncertain number with coordinate u in (0, 1), 2u - 1 and its square less 1/3. Chance, known
from the draws alone whatever the program: base volume of the partners; the same weighted by their deal sizes, by
their odds, and by who is an opportunist; demand before and after launch. Each has mean 0 given the uncertain numbers,
since the draws are independent of each other, so all have mean 0. `simulator.stats.variance_reduction` uses them.
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.core.streams import Streams
from simulator.runs.designs import Sobol, drawn_values
from simulator.runs.simulate import SimulationResult
from simulator.stats.variance_reduction import Sampling
from simulator.world.setting import WEEKS_PER_QUARTER, compile_setting
from simulator.world.world import World

_CHUNK = 256


def sampling_of(simulated: SimulationResult) -> Sampling:
    """What the errors of a study rest on by its design."""
    design = simulated.design
    return Sampling(scrambles=design.scrambles if isinstance(design, Sobol) else 1)


def controls_of(simulated: SimulationResult) -> Array:
    """Controls with known mean 0, (N, q)."""
    unit = simulated.unit()
    ids = simulated.ids
    parts = []
    for start in range(0, len(ids), _CHUNK):
        rows = slice(start, start + _CHUNK)
        parts.append(_chance(simulated, ids[rows], None if unit is None else unit[rows]))
    chance = np.concatenate(parts)
    return chance if unit is None else np.concatenate((_unknown(unit), chance), axis=1)


def _unknown(unit: Array) -> Array:
    v = 2.0 * unit - 1.0
    return np.concatenate((v, v * v - 1.0 / 3.0), axis=1)


def _chance(simulated: SimulationResult, ids: Ints, unit: Array | None) -> Array:
    scenario = simulated.scenario
    setting = compile_setting(scenario, drawn_values(scenario, unit))
    world = World(setting, Streams(simulated.seed), ids, world_ids=simulated.design.world_ids(ids))
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
