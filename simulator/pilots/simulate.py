"""Simulated pilots: as each plan goes, and the same worlds with nobody and with everybody on the candidate.

The burn-in under the baseline is simulated once, and branches: nobody on the candidate, everybody on it, and once per
plan. All meet the same customers and the same chance, so that

    estimand = outcome with everybody on it - outcome with nobody on it,

per partner and period, is the effect of a full rollout without sampling error, and a candidate equal to the baseline
gives exactly 0.

What a pilot does to those who are not on the candidate has channels. Where partners talk, the pilot is simulated again
with their talk off, channel by channel: what goes is what the channel did. What is left without any talk comes of
rivalry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import partial
from typing import Any

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
from simulator.runs.designs import SOBOL, unit_points
from simulator.runs.simulate import Replications, read_chunks
from simulator.scenario.schema import Goals, Scenario
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR, Setting

WARM_UP = 39
"""Weeks of the burn-in in which the pipeline is not mature, so that no period before launch reaches into them."""


@dataclass(frozen=True)
class SimulatedPilots:
    """R pilots of one plan, and the truth about them. Money of readings in the scenario's currency.

    by_outcome: its readings; contexts: by outcome, what else is known of it; totals: "off", "on" -> total of
    `simulator.engines.totals.settlement` -> (R,), money in cents, of all partners and of the vendor's own deals up to
    the horizon. without_gaming: (R, P, T), payout in the same pilot had nobody gamed, None where no limit asks for it.
    """

    assigned: PilotAssignment
    by_outcome: Mapping[str, PilotReadings]
    contexts: Mapping[str, PilotContext]
    totals: Mapping[str, Mapping[str, Ints]]
    without_gaming: Array | None = None


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
    """Simulate the replications of a stage under every plan; all plans must be of one candidate.

    stage: from `simulator.runs.simulate.prepare`, with the candidate among its programs; a horizon as long as the
    longest plan takes the least time. outcomes: names in `OUTCOMES`; gaming: whether opportunists game. Every
    replication has an assignment of its own, so replications are independent pilots.
    """
    candidate, world, horizon = plans[0].candidate, stage.world, stage.world.setting.horizon
    start = burn_in(stage, gaming)
    history = history_of(start)
    off, on = (start.branch(stage.rollout(n)).run(0, horizon).finish() for n in ("baseline", candidate))
    totals = {"off": settle(off).totals, "on": settle(on).totals}
    found, start_without_gaming = [], None
    for plan in plans:
        assigned = assign(world, plan, history)
        rollout = ProgramAssignment(
            tuple(stage.offers[n] for n in ("baseline", candidate, *plan.other_arms)), assigned.schedule
        )
        by_outcome, contexts = _read(plan, assigned, (_by_channel(start, rollout), off, on), outcomes)
        without_gaming = None
        if plan.guardrails.max_gaming_share is not None and gaming:
            if start_without_gaming is None:
                start_without_gaming = burn_in(stage, False)
            without_gaming = payout(start_without_gaming.branch(rollout).run(0, horizon).finish(), _periods(plan))
        found.append(SimulatedPilots(assigned, by_outcome, contexts, totals, without_gaming))
    return found


def burn_in(stage: Replications, gaming: bool) -> VectorRun:
    """The run under the baseline up to launch, with all its history."""
    return VectorRun(stage.world, stage.rollout("baseline"), stage.mode[gaming]).run(-stage.world.setting.burn_in, 0)


def _periods(plan: Plan) -> Periods:
    return Periods(0, plan.design.period_weeks, plan.periods)


def _by_channel(start: VectorRun, rollout: ProgramAssignment) -> dict[str, VectorRun]:
    """The pilot with ever less talk between partners, by the channel that is next to go: the first as it is."""
    found: dict[str, VectorRun] = {}
    run, horizon = start.branch(rollout), start.setting.horizon
    for channel in CHANNELS:
        if channel == "rivalry":
            found[channel] = run.run(0, horizon).finish()
        elif run.setting.number("pilot", channel).any():
            found[channel] = run.run(0, horizon).finish()
            setting = run.setting.without(f"pilot.{channel}")
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
    outcomes: Sequence[str],
) -> tuple[dict[str, PilotReadings], dict[str, PilotContext]]:
    """Readings and context of each outcome, from the pilot by channel and the runs with nobody and everybody on it."""
    by_channel, off, on = runs
    pilot, a = next(iter(by_channel.values())), assigned
    periods = _periods(plan)
    before = periods_before(pilot.setting, periods.weeks)
    deals, shared = shared_deals(pilot, a.observed, periods)
    on_it = a.treated & a.observed
    by_outcome, contexts = {}, {}
    for name in outcomes:
        read = OUTCOMES[name].read
        panel = PilotPanel(
            read(pilot, periods, True), read(pilot, before, True), a.treated, a.observed, a.cluster, a.stratum
        )
        nobody = read(off, periods, False)
        by_outcome[name] = PilotReadings(panel, read(on, periods, False), nobody)
        true = [*(read(run, periods, False) for run in by_channel.values()), nobody]
        shift = panel.outcome - true[0]
        if before.count:
            shift = shift - (panel.before - read(pilot, before, False)).mean(axis=2)[..., None]
        credited = sourced(pilot, OUTCOMES[name], periods, on_it) / np.maximum(on_it.sum(axis=(1, 2)), 1)
        spilled = {c: spill(panel, one - two) for c, one, two in zip(by_channel, true[:-1], true[1:], strict=True)}
        contexts[name] = PilotContext(credited, over_cells(shift, on_it), deals, shared, spilled)
    return by_outcome, contexts


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
    programs = list(dict.fromkeys(name for plan in plans for name in (plan.candidate, *plan.other_arms)))
    parts = read_chunks(
        scenario,
        programs,
        partial(_read_pilots, scenario=scenario, plans=tuple(plans), outcomes=tuple(outcomes), seed=seed),
        replications=replications,
        seed=seed,
        workers=workers,
        chunk=chunk,
        progress=progress,
    )
    return [_joined([part[k] for part in parts]) for k in range(len(plans))]


def _read_pilots(
    stage: Replications, *, scenario: Scenario, plans: Sequence[Plan], outcomes: Sequence[str], seed: int
) -> list[PilotRuns]:
    """The pilots of each plan in the worlds of a chunk."""
    unit = unit_points(scenario, SOBOL, seed, stage.world.ids)
    needed = tuple(dict.fromkeys((*outcomes, *_VALUED, _PAYOUT)))
    return [_runs(one, scenario, outcomes, unit) for one in simulate_pilots(stage, plans, outcomes=needed)]


def _runs(pilots: SimulatedPilots, scenario: Scenario, outcomes: Sequence[str], unit: Array | None) -> PilotRuns:
    value = value_over(pilots.totals["on"], pilots.totals["off"], scenario.goals)
    return PilotRuns(
        {name: pilots.by_outcome[name] for name in outcomes},
        value / (scenario.time.horizon_weeks / WEEKS_PER_QUARTER),
        _gained(pilots, scenario.goals),
        float(pilots.assigned.takes_part.sum(axis=1).mean()),
        (tuple(scenario.uncertainty), unit),
        {name: pilots.contexts[name] for name in outcomes},
        pilots.without_gaming,
    )


def _gained(pilots: SimulatedPilots, goals: Goals) -> Array:
    """Margin, bookings and pipeline at their worth, less payout, beyond those without a pilot; (R, T). Other goals
    and fixed cost are left out: they are not known by period."""
    moved = {}
    for name in (*_VALUED, _PAYOUT):
        readings = pilots.by_outcome[name]
        moved[name] = (readings.panel.outcome - readings.off).sum(axis=1)
    worth = (getattr(goals, goal) * moved[name] for name, goal in _VALUED.items())
    return np.asarray(sum(worth) - moved[_PAYOUT])


def value_over(totals: Mapping[str, Ints], nobody: Mapping[str, Ints], goals: Goals) -> Array:
    """Net value of a run over that with nobody on the candidate in the same worlds, (R,), money over the horizon."""
    own, other = (net_value(MetricInputs(t, nobody, {}, {}, None, False), goals) for t in (totals, nobody))
    return np.asarray(own - other)


def _joined(parts: Sequence[PilotRuns]) -> PilotRuns:
    """Pilots of several chunks as one."""
    fields = ("by_outcome", "value", "gained", "contexts", "without_gaming")
    whole = {name: concatenate([getattr(part, name) for part in parts]) for name in fields}
    partners = float(np.average([part.partners for part in parts], weights=[len(part.value) for part in parts]))
    unit = concatenate([part.inputs[1] for part in parts])
    return PilotRuns(**whole, partners=partners, inputs=(parts[0].inputs[0], unit))


def concatenate(parts: Sequence[Any]) -> Any:
    """Arrays along their first axis, whatever holds them: dataclasses and mappings alike, None where they are None."""
    first = parts[0]
    if first is None:
        return None
    if isinstance(first, Mapping):
        return {key: concatenate([part[key] for part in parts]) for key in first}
    if is_dataclass(first) and not isinstance(first, type):
        return type(first)(**{name: concatenate([getattr(p, name) for p in parts]) for name in vars(first)})
    return np.concatenate(parts)
