"""Our vector engine against peers on the cut-down model: the same distribution first, then time per replication.

Two questions. "A life": CPU time of one program per replication. "The difference": CPU time until the 95 % interval of
what one program costs more than the other is as narrow as a tenth of a percent of the cost: peers draw every program
independently, as a plain study does; ours lives both in the same worlds. Replications for that come from the variances.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmarks.peers.model import Figures, Model, cut_down, model_of
from benchmarks.timing import timed
from simulator.core.arrays import Array
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.schema import Scenario

PROGRAMS = ("baseline", "steps")
PEERS = ("simpy", "mesa", "numpy")
_RARE = 1e-4
"""Odds below which a peer is taken to simulate something else; three figures and two programs are tested."""
_WIDTH = 0.001


class Lived(NamedTuple):
    """Figures (N, 3) by program, and CPU seconds per replication of one program and of both."""

    figures: dict[str, Array]
    one: float
    both: float


def ours(scenario: Scenario, replications: int) -> Lived:
    """Both programs in the same worlds, honest lives."""
    reference, ids, horizon = fit_reference(scenario), np.arange(replications), scenario.time.horizon_weeks

    def simulated(programs: tuple[str, ...]) -> dict[str, Array]:
        stage = prepare(scenario, reference, programs, 7, ids)
        start = VectorRun(stage.world, stage.rollout("baseline"), stage.mode[False])
        start.run(-scenario.time.burn_in_weeks, 0).compact(0)
        out = {}
        for name in programs:
            totals = settle(start.branch(stage.rollout(name)).run(0, horizon).finish()).totals
            cents = [totals[key] / 100 for key in ("bookings", "cost")]
            out[name] = np.stack([totals["won"], *cents], axis=1)
        return out

    simulated(PROGRAMS[1:])  # what is made at the first use belongs to no replication
    one, _ = timed(lambda: simulated(PROGRAMS[1:]))
    both, figures = timed(lambda: simulated(PROGRAMS))
    return Lived(figures, one / replications, both / replications)


def peer(run: Callable[[Model, int, int], list[Figures]], scenario: Scenario, replications: int) -> Lived:
    """Each program in luck of its own."""
    figures, seconds = {}, 0.0
    for seed, name in enumerate(PROGRAMS):
        took, found = timed(lambda s=seed, n=name: run(model_of(scenario, n), replications, s))  # type: ignore[misc]
        figures[name], seconds = np.array(found, dtype=float), seconds + took
    return Lived(figures, seconds / (2 * replications), seconds / replications)


def alike(a: Lived, b: Lived) -> bool:
    """Whether won deals, bookings and cost have the same distribution under both programs (Kolmogorov-Smirnov)."""
    pairs = [(a.figures[p][:, k], b.figures[p][:, k]) for p in PROGRAMS for k in range(3)]
    return min(stats.ks_2samp(x, y).pvalue for x, y in pairs) > _RARE


def seconds_to_width(simulated: Lived, *, paired: bool) -> tuple[float, float]:
    """Replications and CPU seconds until the interval of the difference in cost is narrow enough."""
    base, other = (simulated.figures[p][:, 2] for p in PROGRAMS)
    variance = np.var(other - base, ddof=1) if paired else np.var(base, ddof=1) + np.var(other, ddof=1)
    needed = float(1.96**2 * variance / (_WIDTH * base.mean()) ** 2)
    return needed, needed * simulated.both


def table(long: bool) -> Iterator[str]:
    """Lines of the table; raises `SystemExit` where a peer simulates something else."""
    scenario, (replications, of_peers) = cut_down(), (800, 200) if long else (200, 20)
    mine = ours(scenario, replications)
    needed, own = seconds_to_width(mine, paired=True)
    time = scenario.time
    yield f"{scenario.partners['all'].count} partners, {time.burn_in_weeks} + {time.horizon_weeks} weeks"
    yield f"{'':<10}{'ms a run':>10}{'slower':>8}{'replications':>14}{'s to width':>12}{'slower':>10}"
    yield f"{'vector':<10}{1000 * mine.one:>10.2f}{1:>8}{needed:>14,.0f}{own:>12,.2f}{1:>10}"
    for name in PEERS:
        try:
            run = importlib.import_module(f"benchmarks.peers.{name}_script").run
        except ImportError:
            yield f"{name:<10}not installed"
            continue
        found = peer(run, scenario, of_peers if name != "numpy" else replications)
        if not alike(mine, found):
            raise SystemExit(f"{name} has another distribution")
        needed, seconds = seconds_to_width(found, paired=False)
        yield (
            f"{name:<10}{1000 * found.one:>10.2f}{found.one / mine.one:>8.1f}{needed:>14,.0f}{seconds:>12,.2f}"
            f"{seconds / own:>10,.0f}"
        )
