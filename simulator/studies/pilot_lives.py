"""Lives of simulated pilots: as the pilot goes, and the same worlds with everybody and nobody on the candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.fit import Reference
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.parameters import unit_points
from simulator.pilots.lives import Tried, live
from simulator.pilots.panel import Panel
from simulator.pilots.plan import Plan
from simulator.pilots.trial import Beside, Trial
from simulator.program.numbers import Array
from simulator.run import chunk_size, fit_reference, prepare
from simulator.scenario.schema import Scenario
from simulator.stats.metric import Lives
from simulator.stats.value import net_value
from simulator.vectors import SOBOL
from simulator.workers import share

_VALUED = {"gross_margin": "margin", "bookings": "bookings", "pipeline": "pipeline"}
"""Outcomes by period that goals speak of, by the name of the goal."""
_PAYOUT = "payout"


@dataclass(frozen=True)
class PilotLives:
    """R simulated pilots.

    trials: by outcome, in periods of the plan; value: (R,), net value of a full rollout over none, money per quarter;
    gained: (R, T), what the pilot gains over no pilot in each period, of everyone; partners: mean number who take part;
    inputs: paths of the uncertain numbers and their coordinates (R, K), None without any; beside: by outcome, what else
    is known of them; honest: (R, P, T), payout had nobody gamed, None where no limit asks for it.
    """

    trials: Mapping[str, Trial]
    value: Array
    gained: Array
    partners: float
    inputs: tuple[tuple[str, ...], Array | None] = ((), None)
    beside: Mapping[str, Beside] | None = None
    honest: Array | None = None

    def until(self, period: int) -> PilotLives:
        """The same pilots, ended after the first `period` periods."""
        trials = {name: t.until(period) for name, t in self.trials.items()}
        return replace(self, trials=trials, gained=self.gained[:, :period], beside=None, honest=None)


@dataclass(frozen=True)
class _Work:
    """What every chunk has in common."""

    scenario: Scenario
    reference: Reference
    plans: tuple[Plan, ...]
    outcomes: tuple[str, ...]
    seed: int

    def chunk(self, first: int, count: int) -> list[PilotLives]:
        """Pilots first to first + count - 1 of each plan."""
        ids = np.arange(first, first + count)
        programs = list(dict.fromkeys(name for plan in self.plans for name in (plan.candidate, *plan.beside)))
        stage = prepare(self.scenario, self.reference, programs, self.seed, ids)
        unit = unit_points(self.scenario, SOBOL, self.seed, ids)
        tried = live(stage, self.plans, outcomes=tuple(dict.fromkeys((*self.outcomes, *_VALUED, _PAYOUT))))
        return [self._lives(one, unit) for one in tried]

    def _lives(self, tried: Tried, unit: Array | None) -> PilotLives:
        trials = {name: Trial(tried.panels[name], tried.on[name], tried.off[name]) for name in self.outcomes}
        on, off = (net_value(Lives(tried.totals[k], tried.totals["off"], {}, {}, None, False), self.scenario.goals)
                   for k in ("on", "off"))  # fmt: skip
        quarters = self.scenario.time.horizon_weeks / WEEKS_PER_QUARTER
        joined = float(tried.assigned.takes_part.sum(axis=1).mean())
        inputs = (tuple(self.scenario.uncertainty), unit)
        beside = {name: tried.beside[name] for name in self.outcomes}
        return PilotLives(trials, (on - off) / quarters, self._gained(tried), joined, inputs, beside, tried.honest)

    def _gained(self, tried: Tried) -> Array:
        """Margin, bookings and pipeline at their worth, less payout, beyond those without a pilot; (R, T). Other goals
        and fixed cost are left out: they are not known by period."""
        moved = {name: (tried.panels[name].outcome - tried.off[name]).sum(axis=1) for name in (*_VALUED, _PAYOUT)}
        worth = (getattr(self.scenario.goals, goal) * moved[name] for name, goal in _VALUED.items())
        return np.asarray(sum(worth) - moved[_PAYOUT])


def pilot_lives(
    scenario: Scenario,
    plans: Sequence[Plan],
    outcomes: Sequence[str],
    *,
    replications: int,
    seed: int,
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PilotLives]:
    """Simulate pilots of each plan in the same worlds, read in `outcomes`; all plans must be of one candidate."""
    work = _Work(scenario, fit_reference(scenario), tuple(plans), tuple(outcomes), seed)
    size = chunk_size(scenario, replications, workers, chunk)
    jobs = [(at, min(size, replications - at)) for at in range(0, replications, size)]
    parts: dict[int, list[PilotLives]] = {}
    done = 0

    def add(first: int, count: int, found: list[PilotLives]) -> None:
        nonlocal done
        parts[first], done = found, done + count
        if progress is not None:
            progress(done, replications)

    if progress is not None:
        progress(0, replications)
    if workers <= 1 or len(jobs) <= 1:
        for at, count in jobs:
            add(at, count, work.chunk(at, count))
    else:
        share(work.chunk, jobs, add, workers)
    ordered = [parts[at] for at in sorted(parts)]
    return [_joined([part[k] for part in ordered]) for k in range(len(plans))]


def _joined(parts: Sequence[PilotLives]) -> PilotLives:
    """Pilots of several chunks as one."""
    first = parts[0]
    trials = {name: _one([part.trials[name] for part in parts]) for name in first.trials}
    value, gained = (np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "gained"))
    counts = [len(part.value) for part in parts]
    partners = float(np.average([part.partners for part in parts], weights=counts))
    units = [part.inputs[1] for part in parts]
    unit = None if units[0] is None else np.concatenate([u for u in units if u is not None])
    honest = None if first.honest is None else np.concatenate([p.honest for p in parts if p.honest is not None])
    beside = {name: _beside([(part.beside or {})[name] for part in parts]) for name in first.beside or {}}
    return PilotLives(trials, value, gained, partners, (first.inputs[0], unit), beside, honest)


def _one(trials: Sequence[Trial]) -> Trial:
    panel = Panel(**{name: np.concatenate([getattr(t.panel, name) for t in trials]) for name in vars(trials[0].panel)})
    return Trial(panel, np.concatenate([t.on for t in trials]), np.concatenate([t.off for t in trials]))


def _beside(parts: Sequence[Beside]) -> Beside:
    spilled = {c: np.concatenate([p.spilled[c] for p in parts]) for c in parts[0].spilled}
    plain = {n: np.concatenate([getattr(p, n) for p in parts]) for n in ("sourced", "moved", "deals", "shared")}
    return Beside(**plain, spilled=spilled)
