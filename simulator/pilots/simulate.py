"""Pilots lived: as each plan says, and the same worlds with nobody and with everybody on the candidate.

One burn-in under the baseline is lived and forked: once with nobody on the candidate, once with everybody, and once
per plan. All meet the same customers and the same luck, so that

    estimand = outcome with everybody on it - outcome with nobody on it,

per partner and period, is the effect of a full rollout without sampling error, and a candidate equal to the baseline
gives exactly 0.

What a pilot does to those who are not on the candidate has channels. Where partners talk, the pilot is lived again with
their talk off, channel by channel: what goes is what the channel did. What is left without any talk comes of rivalry.

Lives of simulated pilots: as the pilot goes, and the same worlds with everybody and nobody on the candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.behavior.word_of_mouth import partners_talk
from simulator.core.arrays import Array, Ints
from simulator.engines.assignment import ProgramAssignment
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.metrics.base import MetricInputs
from simulator.metrics.net_value import net_value
from simulator.pilots.assignment import PartnerHistory, PilotAssignment, assign
from simulator.pilots.outcomes import OUTCOMES, Periods, payout, shared_deals, sourced
from simulator.pilots.panel import CHANNELS, PilotContext, PilotPanel, PilotReadings, over_cells, spill
from simulator.pilots.plan import Plan
from simulator.reference.fit import Reference
from simulator.runs.designs import SOBOL, unit_points
from simulator.runs.simulate import Replications, chunk_size, fit_reference, prepare
from simulator.runs.workers import share
from simulator.scenario.schema import Scenario
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR, Setting

WARM_UP = 39
"""Weeks of the burn-in in which the pipeline is not mature, so that no period before launch reaches into them."""


@dataclass(frozen=True)
class SimulatedPilots:
    """R pilots of one plan, and the truth beside them. Money of panels in the scenario's currency.

    panels: by outcome, as the pilot sees it, signatures on the dates on which they were filed; off, on: by outcome,
    (R, P, T), the same partners with nobody and with everybody on the candidate, signatures on their true dates;
    totals: "off", "on", "pilot" -> total of `simulator.engines.settle` -> (R,), money in cents, of all partners and of
    the vendor's own deals up to the horizon. contexts: by outcome. without_gaming: (R, P, T), payout in the same pilot
    had nobody gamed, None where no limit asks for it.
    """

    assigned: PilotAssignment
    panels: Mapping[str, PilotPanel]
    off: Mapping[str, Array]
    on: Mapping[str, Array]
    totals: Mapping[str, Mapping[str, Ints]]
    contexts: Mapping[str, PilotContext]
    without_gaming: Array | None = None

    def estimand(self, outcome: str) -> Array:
        """Effect of a full rollout by partner and period, (R, P, T)."""
        return self.on[outcome] - self.off[outcome]


def periods_before(setting: Setting, weeks: int) -> Periods:
    """Whole periods of `weeks` weeks before launch: those of a year, or what a shorter burn-in has of mature ones."""
    count = count_before(setting.burn_in, weeks)
    return Periods(-count * weeks, weeks, count)


def count_before(burn_in: int, weeks: int) -> int:
    """How many periods of `weeks` weeks a pilot sees before launch."""
    return max(0, min(WEEKS_PER_YEAR, burn_in - WARM_UP)) // weeks


def simulate_pilots(
    stage: Replications, plans: Sequence[Plan], *, outcomes: Sequence[str] = tuple(OUTCOMES), gaming: bool = True
) -> list[SimulatedPilots]:
    """Live the replications of a stage under every plan; all plans must be of one candidate.

    stage: from `simulator.runs.simulate.prepare`, with the candidate among its programs; a horizon as long as the
    longest plan
    takes the least time. outcomes: names in `OUTCOMES`; gaming: whether opportunists game. Every replication has an
    assignment of its own, so replications are independent pilots.
    """
    candidate, world, horizon = plans[0].candidate, stage.world, stage.world.setting.horizon
    start = VectorRun(world, stage.rollout("baseline"), stage.mode[gaming]).run(-stage.world.setting.burn_in, 0)
    history = history_of(start)
    off, on = (start.branch(stage.rollout(n)).run(0, horizon).finish() for n in ("baseline", candidate))
    totals = {"off": settle(off).totals, "on": settle(on).totals}
    found, without_gaming = [], None
    for plan in plans:
        assigned = assign(world, plan, history)
        rollout = ProgramAssignment(
            tuple(stage.offers[n] for n in ("baseline", candidate, *plan.other_arms)), assigned.schedule
        )
        pilots = _read(plan, assigned, (_by_channel(start, rollout), off, on), totals, outcomes)
        if plan.guardrails.max_gaming_share is not None and gaming:
            if without_gaming is None:
                without_gaming = VectorRun(world, stage.rollout("baseline"), stage.mode[False]).run(
                    -world.setting.burn_in, 0
                )
            fair = payout(without_gaming.branch(rollout).run(0, horizon).finish(), _periods(plan))
            pilots = replace(pilots, without_gaming=fair)
        found.append(pilots)
    return found


def _periods(plan: Plan) -> Periods:
    return Periods(0, plan.design.period_weeks, plan.periods)


def _by_channel(start: VectorRun, rollout: ProgramAssignment) -> dict[str, VectorRun]:
    """The pilot with ever less talk between partners, by the channel that is next to go: the first as it is."""
    found: dict[str, VectorRun] = {}
    run, horizon = start.branch(rollout), start.setting.horizon
    for channel in CHANNELS:
        path = f"pilot.{channel}"
        if channel == "rivalry":
            found[channel] = run.run(0, horizon).finish()
        elif run.setting.numbers(path).any():
            found[channel] = run.run(0, horizon).finish()
            setting = replace(run.setting, numbers=run.setting.numbers.zero(path))
            run = start.branch(rollout)
            run.setting, run.talking = setting, partners_talk(setting)
    return found


def history_of(run: VectorRun) -> PartnerHistory:
    """What is known of partners at launch."""
    year = Periods(-WEEKS_PER_YEAR, WEEKS_PER_YEAR, 1)
    o, size = run.opps, run.shape[0] * run.shape[1]
    since = np.full(size, np.inf)
    mine = o["attached"][:]
    np.minimum.at(since, o["cell"][mine], o["start"][mine])
    return PartnerHistory(OUTCOMES["bookings"].read(run, year, True)[..., 0], since.reshape(run.shape))


def _read(
    plan: Plan,
    assigned: PilotAssignment,
    runs: tuple[Mapping[str, VectorRun], VectorRun, VectorRun],
    totals: Mapping[str, Mapping[str, Ints]],
    outcomes: Sequence[str],
) -> SimulatedPilots:
    pilots, off, on = runs
    pilot = next(iter(pilots.values()))
    periods = _periods(plan)
    before = periods_before(pilot.setting, periods.weeks)
    a = assigned

    def panel(name: str) -> PilotPanel:
        after, past = (OUTCOMES[name].read(pilot, span, True) for span in (periods, before))
        return PilotPanel(after, past, a.treated, a.observed, a.cluster, a.stratum)

    deals, shared = shared_deals(pilot, a.observed, periods)
    panels = {name: panel(name) for name in outcomes}
    nobody = {name: OUTCOMES[name].read(off, periods, False) for name in outcomes}

    def context(name: str) -> PilotContext:
        read, seen, on_it = OUTCOMES[name].read, panels[name], a.treated & a.observed
        true = [*(read(run, periods, False) for run in pilots.values()), nobody[name]]
        shift = seen.outcome - true[0]
        if before.count:
            shift = shift - (seen.before - read(pilot, before, False)).mean(axis=2)[..., None]
        credited = sourced(pilot, OUTCOMES[name], periods, on_it) / np.maximum(on_it.sum(axis=(1, 2)), 1)
        spilled = {c: spill(seen, one - two) for c, one, two in zip(pilots, true[:-1], true[1:], strict=True)}
        return PilotContext(credited, over_cells(shift, on_it), deals, shared, spilled)

    return SimulatedPilots(
        a,
        panels,
        nobody,
        {name: OUTCOMES[name].read(on, periods, False) for name in outcomes},
        {**totals, "pilot": settle(pilot).totals},
        {name: context(name) for name in outcomes},
    )


_VALUED = {"gross_margin": "margin", "bookings": "bookings", "pipeline": "pipeline"}
"""Outcomes by period that goals speak of, by the name of the goal."""
_PAYOUT = "payout"


@dataclass(frozen=True)
class PilotRuns:
    """R simulated pilots.

    by_outcome: readings of each outcome, in the plan's periods; value: (R,), net value of a full rollout over none,
    money per quarter; gained: (R, T), what the pilot gains over no pilot in each period, of everyone; partners: mean
    number who take part; inputs: paths of the uncertain numbers and their coordinates (R, K), None without any;
    contexts: by outcome, what else is known of them; without_gaming: (R, P, T), payout had nobody gamed, None where no
    limit asks for it.
    """

    by_outcome: Mapping[str, PilotReadings]
    value: Array
    gained: Array
    partners: float
    inputs: tuple[tuple[str, ...], Array | None] = ((), None)
    contexts: Mapping[str, PilotContext] | None = None
    without_gaming: Array | None = None

    def until(self, period: int) -> PilotRuns:
        """The same pilots, ended after the first `period` periods."""
        by_outcome = {name: t.until(period) for name, t in self.by_outcome.items()}
        return replace(self, by_outcome=by_outcome, gained=self.gained[:, :period], contexts=None, without_gaming=None)


@dataclass(frozen=True)
class _Work:
    """What every chunk has in common."""

    scenario: Scenario
    reference: Reference
    plans: tuple[Plan, ...]
    outcomes: tuple[str, ...]
    seed: int

    def chunk(self, first: int, count: int) -> list[PilotRuns]:
        """Pilots first to first + count - 1 of each plan."""
        ids = np.arange(first, first + count)
        programs = list(dict.fromkeys(name for plan in self.plans for name in (plan.candidate, *plan.other_arms)))
        stage = prepare(self.scenario, self.reference, programs, self.seed, ids)
        unit = unit_points(self.scenario, SOBOL, self.seed, ids)
        pilots = simulate_pilots(stage, self.plans, outcomes=tuple(dict.fromkeys((*self.outcomes, *_VALUED, _PAYOUT))))
        return [self._lives(one, unit) for one in pilots]

    def _lives(self, pilots: SimulatedPilots, unit: Array | None) -> PilotRuns:
        by_outcome = {
            name: PilotReadings(pilots.panels[name], pilots.on[name], pilots.off[name]) for name in self.outcomes
        }
        without = pilots.totals["off"]
        on, off = (
            net_value(MetricInputs(pilots.totals[k], without, {}, {}, None, False), self.scenario.goals)
            for k in ("on", "off")
        )
        quarters = self.scenario.time.horizon_weeks / WEEKS_PER_QUARTER
        joined = float(pilots.assigned.takes_part.sum(axis=1).mean())
        inputs = (tuple(self.scenario.uncertainty), unit)
        contexts = {name: pilots.contexts[name] for name in self.outcomes}
        return PilotRuns(
            by_outcome, (on - off) / quarters, self._gained(pilots), joined, inputs, contexts, pilots.without_gaming
        )

    def _gained(self, pilots: SimulatedPilots) -> Array:
        """Margin, bookings and pipeline at their worth, less payout, beyond those without a pilot; (R, T). Other goals
        and fixed cost are left out: they are not known by period."""
        moved = {name: (pilots.panels[name].outcome - pilots.off[name]).sum(axis=1) for name in (*_VALUED, _PAYOUT)}
        worth = (getattr(self.scenario.goals, goal) * moved[name] for name, goal in _VALUED.items())
        return np.asarray(sum(worth) - moved[_PAYOUT])


def run_pilots(
    scenario: Scenario,
    plans: Sequence[Plan],
    outcomes: Sequence[str],
    *,
    replications: int,
    seed: int,
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PilotRuns]:
    """Simulate pilots of each plan in the same worlds, read in `outcomes`; all plans must be of one candidate."""
    work = _Work(scenario, fit_reference(scenario), tuple(plans), tuple(outcomes), seed)
    size = chunk_size(scenario, replications, workers, chunk)
    jobs = [(at, min(size, replications - at)) for at in range(0, replications, size)]
    parts: dict[int, list[PilotRuns]] = {}
    done = 0

    def add(first: int, count: int, found: list[PilotRuns]) -> None:
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


def _joined(parts: Sequence[PilotRuns]) -> PilotRuns:
    """Pilots of several chunks as one."""
    first = parts[0]
    by_outcome = {name: _one([part.by_outcome[name] for part in parts]) for name in first.by_outcome}
    value, gained = (np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "gained"))
    counts = [len(part.value) for part in parts]
    partners = float(np.average([part.partners for part in parts], weights=counts))
    units = [part.inputs[1] for part in parts]
    unit = None if units[0] is None else np.concatenate([u for u in units if u is not None])
    without_gaming = (
        None
        if first.without_gaming is None
        else np.concatenate([p.without_gaming for p in parts if p.without_gaming is not None])
    )
    contexts = {name: _joined_context([(part.contexts or {})[name] for part in parts]) for name in first.contexts or {}}
    return PilotRuns(by_outcome, value, gained, partners, (first.inputs[0], unit), contexts, without_gaming)


def _one(by_outcome: Sequence[PilotReadings]) -> PilotReadings:
    panel = PilotPanel(
        **{name: np.concatenate([getattr(t.panel, name) for t in by_outcome]) for name in vars(by_outcome[0].panel)}
    )
    return PilotReadings(panel, np.concatenate([t.on for t in by_outcome]), np.concatenate([t.off for t in by_outcome]))


def _joined_context(parts: Sequence[PilotContext]) -> PilotContext:
    spilled = {c: np.concatenate([p.spilled[c] for p in parts]) for c in parts[0].spilled}
    plain = {n: np.concatenate([getattr(p, n) for p in parts]) for n in ("sourced", "moved", "deals", "shared")}
    return PilotContext(**plain, spilled=spilled)
