"""What a pilot's estimate decides, and what deciding so is worth.

A rollout is worth V a quarter in a world: net value, by the scenario's goals, with everybody on the candidate less that
with nobody. Over the quarters that a decision counts for, weighted by the rollout's milestones, the choices are

    not at all        0
    now               V w(0)
    after the pilot   D + 1(go) V w(q) - C

D what the pilot itself gains while it runs, q its length, C what running it costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.pilots.diagnosis import AGAIN, Concluded, false_calls
from simulator.pilots.estimated import Estimated
from simulator.pilots.estimators.table import ESTIMATORS
from simulator.pilots.plan import Plan
from simulator.pilots.trial import Beside, Trial, over_cells
from simulator.program.compiled import Bools
from simulator.program.numbers import Array
from simulator.stats.sensitivity.factors import Factor, Figure, mean_figure
from simulator.stats.sensitivity.knowledge import Worth, value_of_knowing
from simulator.stats.sensitivity.smooth import best_fit, smooth


def conclude(
    plan: Plan, trial: Trial, value: Array, seed: int, again: int = AGAIN, beside: Beside | None = None
) -> Concluded:
    """What pilots conclude by the plan's estimator and rule. value: (R,), of a full rollout; again: A/A pilots per
    world; beside: what else is known of them."""
    estimator, level = ESTIMATORS[plan.measure.estimator], plan.measure.level
    estimate = estimator.estimate
    estimated = estimate(trial.panel)
    chance = estimate(replace(trial.panel, outcome=trial.off)).effect if estimator.compared else None
    lower, _ = estimated.limits(1 - level)
    false = false_calls(trial, estimate, level, seed, again)
    return Concluded(trial, level, estimated, lower, false, go(plan, trial, estimated, value), value, beside, chance)


def go(plan: Plan, trial: Trial, estimated: Estimated, value: Array) -> Bools:
    """Whether each pilot says go by the plan's rule, (R,). value: (R,), of a full rollout."""
    effect = estimated.effect
    known: Bools = np.asarray(np.isfinite(effect))
    if plan.decision.rule == "significant":
        return estimated.rejects(plan.measure.level) & (effect > 0)
    if plan.decision.rule == "above_threshold":
        assert plan.decision.threshold is not None
        return np.asarray(known & (effect > plan.decision.threshold * _seen_level(trial)))
    says: Bools = np.zeros(effect.shape, dtype=bool)
    if known.any():
        says[known] = expected(effect[known], value[known]) > 0
    return says


def expected(effect: Array, value: Array) -> Array:
    """Mean value given the estimate, (N,), by regression over simulated pilots."""
    return best_fit(effect[:, None], value).fitted(value)


def _seen_level(trial: Trial) -> Array:
    """Mean outcome of those not on the candidate, where there are any, else before launch; (R,)."""
    p = trial.panel
    beside = over_cells(p.outcome, p.observed & ~p.treated)
    seen: Bools = np.asarray(p.observed.any(axis=2))
    before = over_cells(p.before, np.broadcast_to(seen[..., None], p.before.shape))
    return np.asarray(np.where(np.isfinite(beside), beside, before))


@dataclass(frozen=True)
class Taught:
    """An uncertain number: share of its variance that the estimate explains, and the worth of knowing it exactly."""

    path: str
    explained: float
    worth: Worth


@dataclass(frozen=True)
class PilotWorth:
    """Money, over the quarters that the decision counts for.

    now: of a rollout at once; after: of the pilot and what it decides, its cost taken off; gain: of piloting over the
    better of a rollout now and none; sampled: the expected value of sample information, of deciding by the estimate as
    well as can be, without delay and cost; perfect: of perfect information; cost: of running the pilot; break_even:
    quarters that a decision must count for before the pilot pays, None where it never does; taught: by uncertain
    number.
    """

    now: Figure
    after: Figure
    gain: Figure
    sampled: Worth
    perfect: Worth | None
    cost: float
    break_even: float | None
    taught: tuple[Taught, ...]


def cost_of(plan: Plan, partners: float) -> float:
    """Money that running the pilot costs."""
    return plan.cost.fixed + plan.cost.per_partner_quarter * partners * plan.design.quarters


def gain_of(plan: Plan, says: Bools, value: Array, during: Array, partners: float) -> Figure:
    """What piloting gains over the better of a rollout at once and none."""
    return mean_figure(_after(plan, says, value, during, partners) - _best(value) * value * plan.rolled_out(0))


def _after(plan: Plan, says: Bools, value: Array, during: Array, partners: float) -> Array:
    return np.asarray(during + says * value * plan.rolled_out(plan.design.quarters) - cost_of(plan, partners))


def _best(value: Array) -> float:
    """1 where a rollout is worth something on average, else 0."""
    return float(np.mean(value) > 0)


def worth_of(
    plan: Plan,
    concluded: Concluded,
    during: Array,
    partners: float,
    inputs: tuple[tuple[str, ...], Array | None],
    seed: int,
) -> PilotWorth:
    """What a pilot is worth. during: (R,), what it gains while it runs; partners: who take part; inputs: paths and unit
    coordinates of the uncertain numbers."""
    says, value, effect = concluded.go, concluded.value, concluded.estimated.effect
    assert value is not None
    gain = gain_of(plan, says, value, during, partners)
    later = value * plan.rolled_out(plan.design.quarters)
    data = np.where(np.isfinite(effect), effect, 0.0)[:, None]
    both = np.column_stack([np.zeros_like(later), later])
    sampled = value_of_knowing(data, both, [Factor("the pilot", (0,))], seed)[0]
    paths, unit = inputs
    known: list[Worth] = []
    if unit is not None:
        factors = [Factor("all inputs", tuple(range(len(paths)))), *(Factor(p, (k,)) for k, p in enumerate(paths))]
        known = value_of_knowing(unit, both, factors, seed)
    taught = tuple(
        Taught(path, _explained(data[:, 0], unit[:, k]), known[k + 1])
        for k, path in enumerate(paths)
        if unit is not None
    )
    after = mean_figure(_after(plan, says, value, during, partners))
    break_even = _break_even(plan, gain.value, float(np.mean((says - _best(value)) * value)))
    return PilotWorth(
        mean_figure(value * plan.rolled_out(0)), after, gain, sampled, known[0] if known else None,
        cost_of(plan, partners), break_even, taught,
    )  # fmt: skip


def _explained(data: Array, x: Array) -> float:
    """Share of the variance of x that a smooth curve of the data explains, less what chance would, in [0, 1]."""
    fit = smooth(data)
    left = float(np.sum((x - fit.fitted(x)) ** 2)) / max(len(x) - fit.columns - 1, 1)
    return float(np.clip(1.0 - left / np.var(x, ddof=1), 0.0, 1.0))


def _break_even(plan: Plan, gain: float, per_quarter: float) -> float | None:
    """Quarters at which the gain is 0, each further one adding the same; not before the pilot ends."""
    if per_quarter <= 0:
        return None
    return max(float(plan.design.quarters), plan.rollout.quarters - gain / per_quarter)
