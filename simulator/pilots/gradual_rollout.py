"""Gradual rollouts: partners join by milestones, and a limit that is passed at a quarter's end takes all back.

Each world is simulated with nobody on the candidate, with everybody at once, with the milestones to the end, and with
the milestones until the first quarter at whose end a limit is passed, after which all are on the baseline again. A stop
is right where the candidate loses money in that world, everybody on it against nobody over the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.engines.assignment import ProgramAssignment
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.pilots.estimators import ESTIMATORS
from simulator.pilots.interim_analysis import breaches, first_breach, limit_values
from simulator.pilots.outcomes import OUTCOMES, Periods, payout
from simulator.pilots.panel import PilotEstimate, PilotPanel
from simulator.pilots.plan import Plan
from simulator.pilots.simulate import burn_in, periods_before, value_over
from simulator.runs.simulate import Replications
from simulator.scenario.schema import Goals
from simulator.world.setting import WEEKS_PER_QUARTER
from simulator.world.world import World

ESTIMATOR = "stepped_wedge"
"""Partners join one after another, and their periods before launch are a first step."""


@dataclass(frozen=True)
class RolloutRuns:
    """R rollouts. Money over the horizon, more than with nobody on the candidate, (R,).

    at_once: everybody on it from launch; without_limits: by the milestones, never stopped; with_limits: stopped where a
    limit is passed. stop: (R,), quarters after which it stops, 0 where never; why: (R,), a place in `REASONS`; seen:
    (R, 3, T), what limits look at, in that order, at each quarter's end, as if it were never stopped; on: (R, T), share
    of partners on the candidate.
    """

    at_once: Array
    without_limits: Array
    with_limits: Array
    stop: Ints
    why: Ints
    seen: Array
    on: Array


def simulate_rollouts(stage: Replications, plan: Plan, goals: Goals) -> RolloutRuns:
    """Simulate a plan's rollout in the replications of a stage."""
    world, setting = stage.world, stage.world.setting
    count = setting.horizon // WEEKS_PER_QUARTER
    joined = joining(world, plan, count)
    offers = (stage.offers["baseline"], stage.offers[plan.candidate])
    start = burn_in(stage, gaming=True)

    def simulated(rollout: ProgramAssignment, begin: VectorRun = start) -> VectorRun:
        return begin.branch(rollout).run(0, setting.horizon).finish()

    def by(on: Bools) -> ProgramAssignment:
        weeks = np.minimum(np.arange(setting.horizon) // WEEKS_PER_QUARTER, count - 1)
        return ProgramAssignment(offers, on[..., weeks].astype(np.int64))

    without_limits = simulated(by(joined))
    without_gaming = None
    if plan.guardrails.max_gaming_share is not None and stage.mode[True].gaming:
        without_gaming = simulated(by(joined), burn_in(stage, gaming=False))
    seen = _seen(without_limits, without_gaming, joined, plan)
    stop, why = first_breach(breaches(plan.guardrails, seen)[..., :-1])  # at the horizon there is nothing to stop
    stopped = stop < count - 1
    with_limits = simulated(by(joined & (np.arange(count) <= stop[:, None, None]))) if stopped.any() else without_limits
    nobody = settle(simulated(stage.rollout("baseline"))).totals
    at_once, plain, limited = (
        value_over(settle(run).totals, nobody, goals)
        for run in (simulated(stage.rollout(plan.candidate)), without_limits, with_limits)
    )
    return RolloutRuns(
        at_once, plain, limited, np.where(stopped, stop + 1, 0), why, np.moveaxis(seen, 0, 1), joined.mean(axis=1)
    )


def joining(world: World, plan: Plan, quarters: int) -> Bools:
    """Who is on the candidate by the milestones, (R, P, quarters); what joins as one does so in random order."""
    partners = world.setting.partners
    if plan.design.unit == "territory":
        unit, lots = partners.territory, world.territory_marks("rollout")[0]
    else:
        unit, lots = np.arange(partners.count), world.marks("rollout")[0]
    place = np.argsort(np.argsort(lots, axis=1), axis=1)[:, unit]
    return np.asarray(place[..., None] < np.ceil(plan.rollout.shares(quarters) * lots.shape[1] - 1e-9))


def _seen(run: VectorRun, without_gaming: VectorRun | None, on: Bools, plan: Plan) -> Array:
    """What limits look at, (3, R, T). without_gaming: the same rollout where nobody games, None where nobody does."""
    periods, before = Periods(0, WEEKS_PER_QUARTER, on.shape[2]), periods_before(run.setting, WEEKS_PER_QUARTER)
    there, unit = np.ones_like(on), np.broadcast_to(np.arange(on.shape[1]), on.shape[:2])
    if plan.design.unit == "territory":
        unit = np.broadcast_to(run.setting.partners.territory, on.shape[:2])

    def panel(outcome: str) -> PilotPanel:
        read = OUTCOMES[outcome].read
        return PilotPanel(read(run, periods, True), read(run, before, True), on, there, unit, np.zeros_like(unit))

    paid = panel("payout")
    fair = paid.outcome if without_gaming is None else payout(without_gaming, periods)
    return limit_values(plan.guardrails, panel(plan.measure.outcome), paid, fair, _by_step)


def _by_step(panel: PilotPanel) -> PilotEstimate:
    return ESTIMATORS[ESTIMATOR].estimate(with_periods_before(panel))


def with_periods_before(panel: PilotPanel) -> PilotPanel:
    """The panel with its periods before launch as a first step, in which nobody was on the candidate."""
    nobody = np.zeros(panel.before.shape, dtype=bool)
    outcome = np.concatenate([panel.before, panel.outcome], axis=2)
    treated = np.concatenate([nobody, panel.treated], axis=2)
    observed = np.concatenate([nobody | panel.observed.any(axis=2, keepdims=True), panel.observed], axis=2)
    return replace(panel, outcome=outcome, before=panel.before[..., :0], treated=treated, observed=observed)
