"""What a pilot's estimate decides, and what deciding so is worth.

A rollout is worth V a quarter in a world: net value, by the scenario's goals, with everybody on the candidate less that
with nobody. Over the quarters that a decision counts for, weighted by the rollout's milestones, the choices are

    not at all        0
    now               V w(0)
    after the pilot   D + 1(go) V w(q) - C

D what the pilot itself gains while it runs, q its length, C what running it costs. A pilot that looks or limits end
early gains less as it runs, costs less, and is followed by its decision sooner; one that a limit stops is no go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.diagnosands import PilotConclusions
from simulator.pilots.estimators import ESTIMATORS
from simulator.pilots.interim_analysis import AA_PILOTS, InterimResult, run_interim_looks
from simulator.pilots.panel import PilotContext, PilotReadings, over_cells
from simulator.pilots.plan import Plan
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, mean_figure
from simulator.stats.sensitivity.spline_regression import best_fit, smooth
from simulator.stats.sensitivity.value_of_information import LearningValue, value_of_knowing
from simulator.world.setting import WEEKS_PER_QUARTER


def conclude(
    plan: Plan, readings: PilotReadings, value: Array, seed: int, aa_pilots: int = AA_PILOTS,
    context: PilotContext | None = None, harm: Ints | None = None,
) -> PilotConclusions:  # fmt: skip
    """What pilots conclude by the plan's estimator and rule. value: (R,), of a full rollout; aa_pilots: A/A pilots per
    world; context: what else is known of them; harm: (R,), period at whose end limits stop each."""
    estimator, level = ESTIMATORS[plan.measure.estimator], plan.measure.level
    seen = run_interim_looks(plan.interim, readings, estimator.estimate, level, seed, aa_pilots, harm)
    chance = estimator.estimate(replace(readings.panel, outcome=readings.off)).effect if estimator.compared else None
    return PilotConclusions(readings, level, seen, go(plan, readings, seen, value), value, context, chance)


def go(plan: Plan, readings: PilotReadings, seen: InterimResult, value: Array) -> Bools:
    """Whether each pilot leads to a rollout by the plan's rule, (R,). value: (R,), of a full rollout."""
    effect = seen.estimated.effect
    known: Bools = np.isfinite(effect) & ~seen.stopped
    if plan.decision.rule == "significant":
        return np.asarray(seen.crossed & (effect > 0))
    if plan.decision.rule == "above_threshold":
        assert plan.decision.threshold is not None
        return np.asarray(known & (effect > plan.decision.threshold * _level_seen(readings, seen.ends)))
    go_ahead: Bools = np.zeros(effect.shape, dtype=bool)
    if known.any():
        go_ahead[known] = best_fit(evidence(seen)[known], value[known]).fitted(value[known]) > 0
    return go_ahead


def evidence(seen: InterimResult) -> Array:
    """What pilots show of the value of a rollout: the estimate, 0 where there is none, and when it came where that
    differs; (R, 1 or 2)."""
    effect = np.nan_to_num(seen.estimated.effect, posinf=0.0, neginf=0.0)
    same = bool((seen.ends == seen.ends[0]).all())
    return effect[:, None] if same else np.column_stack([effect, seen.ends])


def _level_seen(readings: PilotReadings, ends: Ints) -> Array:
    """Mean outcome until the end of those not on the candidate, where there are any, else before launch; (R,)."""
    p = readings.panel
    others = over_cells(p.outcome, p.observed & ~p.treated & (np.arange(p.shape[2]) < ends[:, None, None]))
    seen: Bools = np.asarray(p.observed.any(axis=2))
    before = over_cells(p.before, np.broadcast_to(seen[..., None], p.before.shape))
    return np.asarray(np.where(np.isfinite(others), others, before))


@dataclass(frozen=True)
class LearnedNumber:
    """An uncertain number: share of its variance that the estimate explains, and the worth of knowing it exactly."""

    path: str
    explained: float
    worth: LearningValue


@dataclass(frozen=True)
class PilotWorth:
    """Money, over the quarters that the decision counts for.

    now: of a rollout at once; after: of the pilot and what it decides, its cost taken off; gain: of piloting over the
    better of a rollout now and none; sampled: the expected value of sample information, of deciding by the estimate as
    well as can be, without cost; perfect: of perfect information; cost: of running the pilot, on average; most: of
    running it to its end; break_even: quarters that a decision must count for before the pilot pays, None where it
    never does; learned: by uncertain number; early: what looks and limits gain over the same pilot run to its end, None
    without any.
    """

    now: EstimateWithCI
    after: EstimateWithCI
    gain: EstimateWithCI
    sampled: LearningValue
    perfect: LearningValue | None
    cost: float
    most: float
    break_even: float | None
    learned: tuple[LearnedNumber, ...]
    early: EstimateWithCI | None = None


def cost_of(plan: Plan, partners: float, quarters: Array | float) -> Array:
    """Money that running the pilot for so many quarters costs."""
    return np.asarray(plan.cost.fixed + plan.cost.per_partner_quarter * partners * quarters)


def gain_of(plan: Plan, concluded: PilotConclusions, gained: Array, partners: float) -> EstimateWithCI:
    """What piloting gains over the better of a rollout at once and none. gained: (R, T), by the pilot as it runs."""
    value = _value(concluded)
    return mean_figure(_after(plan, concluded, gained, partners) - _best(value) * value * plan.rolled_out(0))


def _after(plan: Plan, concluded: PilotConclusions, gained: Array, partners: float) -> Array:
    """What the pilot and what it decides come to in each world, (R,)."""
    during = np.where(np.arange(gained.shape[1]) < concluded.seen.ends[:, None], gained, 0.0).sum(axis=1)
    quarters = _quarters(plan, concluded)
    return np.asarray(
        during + concluded.go * _value(concluded) * plan.rolled_out(quarters) - cost_of(plan, partners, quarters)
    )


def _quarters(plan: Plan, concluded: PilotConclusions) -> Array:
    """Length of each pilot, (R,)."""
    return concluded.seen.ends * plan.design.period_weeks / WEEKS_PER_QUARTER


def _value(concluded: PilotConclusions) -> Array:
    assert concluded.value is not None
    return concluded.value


def _best(value: Array) -> float:
    """1 where a rollout is worth something on average, else 0."""
    return float(np.mean(value) > 0)


def worth_of(
    plan: Plan,
    concluded: PilotConclusions,
    gained: Array,
    partners: float,
    inputs: tuple[tuple[str, ...], Array | None],
    seed: int,
    whole: PilotConclusions | None = None,
) -> PilotWorth:
    """What a pilot is worth. gained: (R, T), by it as it runs; partners: who take part; inputs: paths and unit
    coordinates of the uncertain numbers; whole: the same pilots run to their end."""
    go_ahead, value, quarters = concluded.go, _value(concluded), _quarters(plan, concluded)
    gain, after = gain_of(plan, concluded, gained, partners), _after(plan, concluded, gained, partners)
    later = value * plan.rolled_out(quarters)
    data, both = evidence(concluded.seen), np.column_stack([np.zeros_like(later), later])
    sampled = value_of_knowing(data, both, [Factor("the pilot", tuple(range(data.shape[1])))], seed)[0]
    paths, unit = inputs
    known: list[LearningValue] = []
    if unit is not None:
        factors = [Factor("all inputs", tuple(range(len(paths)))), *(Factor(p, (k,)) for k, p in enumerate(paths))]
        known = value_of_knowing(unit, both, factors, seed)
    learned = tuple(
        LearnedNumber(path, _explained(data[:, 0], unit[:, k]), known[k + 1])
        for k, path in enumerate(paths)
        if unit is not None
    )
    early = None if whole is None else mean_figure(after - _after(plan, whole, gained, partners))
    break_even = _break_even(plan, gain.value, float(np.mean((go_ahead - _best(value)) * value)))
    return PilotWorth(
        mean_figure(value * plan.rolled_out(0)), mean_figure(after), gain, sampled, known[0] if known else None,
        float(np.mean(cost_of(plan, partners, quarters))), float(cost_of(plan, partners, plan.design.quarters)),
        break_even, learned, early,
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
