"""What errors rest on besides the replications: independent scrambles, and controls whose means are known.

**Scrambles.** Quasi-random points are not independent. Errors that treat them so are too large, never too small in the
large. With S independent scrambles the sums of the influences over each of them are independent, so

    se^2 = sum_s v_s^2 / (S (S - 1)),      v_s = (S / N) sum of u_i over the replications of scramble s

with S - 1 degrees of freedom (Owen 1997; L'Ecuyer and Lemieux 2002).

**Controls.** What is known to have mean 0 and goes with a result takes its share of luck out of it: with C the
controls, c their mean in the sample and b the regression of the influences on them,

    theta' = theta - b c,      u' = residuals,   scaled to the regression estimate's error
    se'^2 = (sum u'^2 / (N - 1 - q)) (1/N + c (C'C)^-1 c)        (Lavenberg and Welch 1981)

The same controls serve all metrics, so sums and differences of results stay sums and differences.

Controls of a study: what each replication met, less what it would meet on average.

Ignorance: of each uncertain number with coordinate u in (0, 1), 2u - 1 and its square less 1/3. Luck, known from the
draws alone whatever the program: base volume of the partners; the same weighted by their deal sizes, by their odds, and
by who is an opportunist; demand before and after launch. Each has mean 0 given the uncertain numbers, since the draws
are independent of each other, so all have mean 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulator.core.arrays import Array, Ints
from simulator.core.streams import Streams
from simulator.runs.designs import Sobol, drawn_values
from simulator.runs.simulate import SimulationResult
from simulator.stats.estimate import Statistic
from simulator.world.setting import WEEKS_PER_QUARTER, compile_setting
from simulator.world.world import World

LEAST_PER_CONTROL = 10
"""Replications that each control needs, so that what it takes out is more than what its slope adds."""
_RANK = 1e-9


@dataclass(frozen=True, eq=False)
class Sampling:
    """scrambles: how many, replication r belongs to r mod scrambles; controls: (N, q) with known mean 0, or None."""

    scrambles: int = 1
    controls: Array | None = None

    @property
    def text(self) -> str:
        """What errors rest on, in words."""
        if self.scrambles > 1:
            words = f"errors from {self.scrambles} independent scrambles"
        else:
            words = "errors as if points were independent, which is conservative"
        return words if self.controls is None else f"{words}; luck with known mean taken out"

    def refined(self, statistic: Statistic) -> Statistic:
        """The statistic with its luck of known mean taken out, and its influences by scramble."""
        if statistic.value is None or not len(statistic.influence):
            return statistic
        return self._by_scramble(self._controlled(statistic))

    def _controlled(self, statistic: Statistic) -> Statistic:
        if self.controls is None or not statistic.smooth:
            return statistic
        base, moved, scale = self._regression
        slope = base.T @ statistic.influence
        left = (statistic.influence - base @ slope) * scale
        return replace(statistic, value=(statistic.value or 0.0) - float(moved @ slope), influence=left)

    def _by_scramble(self, statistic: Statistic) -> Statistic:
        if self.scrambles == 1:
            return statistic
        u, s = statistic.influence, self.scrambles
        sums = np.bincount(np.arange(len(u)) % s, weights=u, minlength=s)
        return replace(statistic, influence=sums * s / len(u))

    @cached_property
    def _regression(self) -> tuple[Array, Array, float]:
        """Orthonormal base of the centred controls (N, q), their means in it (q,), and the scale of residuals."""
        assert self.controls is not None
        n, means = len(self.controls), self.controls.mean(axis=0)
        base, size, turned = np.linalg.svd(self.controls - means, full_matrices=False)
        kept = size > _RANK * max(float(size.max(initial=0.0)), 1e-300)
        base, moved = base[:, kept], (turned @ means)[kept] / size[kept]
        degrees = max(n - 1 - int(kept.sum()), 1)
        return base, moved, float(np.sqrt((n - 1) / degrees * (1.0 + n * float(moved @ moved))))


PLAIN = Sampling()


def sampling_of(simulated: SimulationResult) -> Sampling:
    """What the errors of a study rest on by its design."""
    design = simulated.design
    return Sampling(scrambles=design.scrambles if isinstance(design, Sobol) else 1)


_CHUNK = 256


def controls_of(simulated: SimulationResult) -> Array:
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


def _luck(simulated: SimulationResult, ids: Ints, unit: Array | None) -> Array:
    scenario = simulated.scenario
    setting = compile_setting(scenario, drawn_values(scenario, unit))
    world = World(setting, Streams(simulated.seed), ids, luck=simulated.design.luck(ids))
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
