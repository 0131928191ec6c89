r"""What a pilot can and cannot conclude: diagnosands of many simulated pilots, each with its Monte Carlo error.

The words are those of Blair, Coppock and Humphreys (2023, "Research Design in the Social Sciences"): a design is run
many times where the truth is known, and what its answers do is counted. A two-sided test at level a calls a positive
effect where the lower limit L of the 1 - a interval is above 0. Had the true effect theta been theta + s, all else
alike, that limit would have been L + s: so theta - L is the least effect that a pilot would have called, the share of
pilots in which it is below d is the power at the effect d, and its 80 % quantile is the minimum detectable effect.

**Power by closed forms**, for normal outcomes and an effect that is the same for all.

Two groups of n1 and n0 partners, t test with equal variances: t has a noncentral distribution with parameter
effect / (sd sqrt(1/n1 + 1/n0)). A level before launch that correlates by rho with the outcome leaves 1 - rho^2 of its
variance (Deng et al. 2013, section 3.1).

Clusters in rows, periods in columns, X_it = 1 where on the candidate (Hussey and Hughes 2007, equation 8 and after),
sigma2 the variance of a cluster's mean in a period around its own level, tau2 that of levels:

    Var = I sigma2 (sigma2 + T tau2) / [(I U - W) sigma2 + (U^2 + I T U - T W - I V) tau2],
    U = sum X,  W = sum_t (sum_i X)^2,  V = sum_i (sum_t X)^2;     power = Phi(|effect| / sqrt(Var) - z).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import nct, t

from simulator.core.arrays import Array, Bools
from simulator.pilots.estimators.regression import components, outcomes
from simulator.pilots.interim_analysis import AA_PILOTS, InterimResult
from simulator.pilots.panel import CHANNELS, PilotContext, PilotEstimate, PilotReadings, over_cells, spill
from simulator.stats.estimate import Estimate, Statistic, estimate, mean_of, probability_of, quantile, ratio_of
from simulator.stats.intervals import CONFIDENCE, quantile_limits, t_quantile

POWER = 0.8
"""The power that a minimum detectable effect is for."""
_NOTHING_BEFORE = "there is no period before launch"
_SURE = 3.0
"""Standard errors by which a false-positive rate must pass the level to be called too high."""


@dataclass(frozen=True)
class PilotConclusions:
    """What R pilots conclude, and the truth.

    seen: what the estimator gives at each pilot's end; go: (R,), what the decision rule gives; value: (R,), what a full
    rollout is worth per quarter, in money, None where it is not known; context: what else is known of the pilots, None
    where it was not asked for; chance: (R,), the estimate from the same assignment with nobody on the candidate, which
    is 0 on average where groups are drawn and compared; None for an estimator that does not compare.
    """

    readings: PilotReadings
    level: float
    seen: InterimResult
    go: Bools
    value: Array | None = None
    context: PilotContext | None = None
    chance: Array | None = None

    @property
    def estimated(self) -> PilotEstimate:
        """The estimate at each pilot's end."""
        return self.seen.estimated

    @property
    def called(self) -> Bools:
        """Whether an effect is distinguishable from 0, either way, (R,)."""
        return self.seen.crossed

    @property
    def least_called(self) -> Array:
        """The least effect that each pilot would have called positive, (R,); infinite where it calls none."""
        lower = self.seen.lower
        return np.where(np.isfinite(lower), self.readings.effect - lower, np.inf)

    def power_at(self, effect: float) -> Estimate:
        """Share of pilots that call an effect of that size, in the outcome's unit."""
        return estimate(probability_of(self.least_called < effect))


def sees_plausible(c: PilotConclusions, detectable: Estimate) -> bool:
    """Whether the high end of the plausible lifts (P90 over worlds) would be seen with 80 % power."""
    lifts = np.abs(c.readings.effect) / float(np.mean(c.readings.level))
    return detectable.mean is not None and detectable.mean <= float(np.quantile(lifts, 0.9))


def _power(c: PilotConclusions) -> Estimate:
    return c.power_at(float(np.mean(c.readings.effect)))


def _assurance(c: PilotConclusions) -> Estimate:
    return estimate(probability_of(c.called & (c.estimated.effect > 0)))


def _least(c: PilotConclusions) -> Estimate:
    needed = c.least_called / float(np.mean(c.readings.level))
    value = quantile(needed, round(100 * POWER))
    if not np.isfinite(value):
        return _undefined("too few pilots call any effect")
    low, high = quantile_limits(np.sort(needed), 100 * POWER)
    se = None if low is None or high is None else (high - low) / (2 * t_quantile(len(needed) - 1))
    if se is not None and not np.isfinite(se):
        se = high = None
    return _estimate(value, se, low, high)


def _lift(c: PilotConclusions) -> Estimate:
    return _ratio(c.readings.effect, c.readings.level)


def _bias(c: PilotConclusions) -> Estimate:
    """Where groups are compared, what they differ by with nobody on the candidate is taken off: it is 0 on average, and
    most of the error."""
    off = c.estimated.effect - c.readings.effect - (0.0 if c.chance is None else c.chance)
    known = np.isfinite(off)
    return _ratio(off[known], c.readings.level[known])


def _coverage(c: PilotConclusions) -> Estimate:
    low, high = c.estimated.limits(CONFIDENCE)
    return estimate(probability_of((low <= c.readings.effect) & (c.readings.effect <= high)))


def _false_positives(c: PilotConclusions) -> Estimate:
    found = estimate(mean_of(c.seen.false_positives))
    if found.mean:
        return found
    none = estimate(probability_of(np.zeros(len(c.go) * AA_PILOTS, dtype=bool)))
    return _estimate(0.0, none.se, 0.0, none.high)


def _wrong_sign(c: PilotConclusions) -> Estimate:
    wrong = (np.sign(c.estimated.effect) != np.sign(c.readings.effect))[c.called]
    return estimate(probability_of(wrong)) if len(wrong) > 1 else _undefined("no effect is called")


def _exaggeration(c: PilotConclusions) -> Estimate:
    called = c.called
    return _ratio(np.abs(c.estimated.effect[called]), np.abs(c.readings.effect[called]))


def _contamination(channels: Collection[str]) -> Callable[[PilotConclusions], Estimate]:
    """What some channels do to those who are not on the candidate, of what a full rollout does to them."""

    def of(c: PilotConclusions) -> Estimate:
        if c.context is None:
            return _undefined("not asked for")
        perceived = sum(
            (c.context.spilled[name] for name in channels if name in c.context.spilled), np.zeros(len(c.go))
        )
        whole = spill(c.readings.panel, c.readings.on - c.readings.off)
        return _ratio(perceived * np.sign(whole.sum()), whole * np.sign(whole.sum()), signed=True)

    return of


def _naive(c: PilotConclusions) -> Array | None:
    """Mean of those on the candidate less their mean before launch, (R,); nothing else is taken off."""
    p = c.readings.panel
    if not p.before.shape[2]:
        return None
    return over_cells(p.outcome - p.before.mean(axis=2)[..., None], p.treated & p.observed)


def _before_after(c: PilotConclusions) -> Estimate:
    naive = _naive(c)
    return _undefined(_NOTHING_BEFORE) if naive is None else _ratio(naive, c.readings.level)


def _pre_post(c: PilotConclusions) -> Estimate:
    naive = _naive(c)
    return _undefined(_NOTHING_BEFORE) if naive is None else _ratio(naive - c.readings.effect, c.readings.level)


def _moved(c: PilotConclusions) -> Estimate:
    return _undefined("not asked for") if c.context is None else _ratio(c.context.moved, c.readings.level)


def _by_source(c: PilotConclusions) -> Estimate:
    """Everything that partners on the candidate found counts as its effect."""
    if c.context is None or not np.isfinite(c.context.sourced).all():
        return _undefined("not counted in deals")
    return _ratio(c.context.sourced - c.readings.effect, c.readings.level)


def _shared(c: PilotConclusions) -> Estimate:
    return _undefined("not asked for") if c.context is None else _ratio(c.context.shared, c.context.deals)


def _wrong_go(c: PilotConclusions) -> Estimate:
    return _undefined("no value") if c.value is None else estimate(probability_of(c.go & (c.value < 0)))


def _wrong_stop(c: PilotConclusions) -> Estimate:
    return _undefined("no value") if c.value is None else estimate(probability_of(~c.go & (c.value > 0)))


@dataclass(frozen=True)
class Diagnosand:
    """A figure of a design. of: its value with Monte Carlo error."""

    label: str
    unit: Literal["probability", "share"]
    meaning: str
    of: Callable[[PilotConclusions], Estimate]


DIAGNOSANDS: dict[str, Diagnosand] = {
    "lift": Diagnosand(
        "Lift of a full rollout", "share", "everybody on the candidate against nobody, of the level without it", _lift
    ),
    "power": Diagnosand("Power", "probability", "share of pilots that call an effect as large as the mean one", _power),
    "assurance": Diagnosand(
        "Assurance", "probability", "share that call a positive effect, over what is not known of it", _assurance
    ),
    "detectable_lift": Diagnosand(
        "Minimum detectable lift", "share", "lift of a full rollout that is called with 80 % power", _least
    ),
    "bias": Diagnosand(
        "Bias", "share", "mean estimated lift less the lift of a full rollout", _bias
    ),
    "coverage": Diagnosand(
        "Coverage", "probability", "share of 95 % intervals that hold the effect of a full rollout", _coverage
    ),
    "false_positives": Diagnosand(
        "False positives", "probability", "share of A/A pilots, without any effect, that call one", _false_positives
    ),
    "wrong_go": Diagnosand(
        "Wrong launch", "probability", "the pilot leads to a rollout that loses money", _wrong_go
    ),
    "wrong_stop": Diagnosand(
        "Missed opportunity", "probability", "the pilot leads to no rollout, and one would gain money", _wrong_stop
    ),
    "wrong_sign": Diagnosand(
        "Wrong direction", "probability", "share of called effects that go the other way", _wrong_sign
    ),
    "exaggeration": Diagnosand(
        "Overstatement of effects it finds", "share", "size of called effects over their true size", _exaggeration
    ),
    "contamination": Diagnosand(
        "Contamination", "share", "effect on partners who are not on the candidate, of that of a full rollout on them",
        _contamination(CHANNELS),
    ),
    **{
        f"from_{name}": Diagnosand(f"\u2026 by {what}", "share", "part of the contamination", _contamination([name]))
        for name, what in CHANNELS.items()
    },
    "shared": Diagnosand(
        "Deals between the groups", "share", "qualified deals whose two partners are on different programs", _shared
    ),
    "before_after": Diagnosand(
        "Lift by before-after", "share", "change since before launch of those on the candidate, as filed", _before_after
    ),
    "pre_post": Diagnosand(
        "Before-after overstates by", "share", "change since before launch less the lift of a full rollout", _pre_post
    ),
    "moved": Diagnosand(
        "\u2026 by dates that were moved", "share",
        "what the timing game adds to that change: filed dates less true ones", _moved,
    ),
    "by_source": Diagnosand(
        "Attribution by source overstates by", "share",
        "all that partners on it sourced, less the lift of a full rollout", _by_source,
    ),
}  # fmt: skip


def diagnose(c: PilotConclusions) -> dict[str, Estimate]:
    """All diagnosands by name."""
    return {name: d.of(c) for name, d in DIAGNOSANDS.items()}


def inflated_false_positives(false_positives: Estimate, level: float) -> bool:
    """Whether A/A pilots call an effect more often than the level, by more than chance explains."""
    rate, se = false_positives.mean, false_positives.se
    return rate is not None and se is not None and rate - level > _SURE * max(se, 1e-12)


def _ratio(a: Array, b: Array, *, signed: bool = False) -> Estimate:
    statistic: Statistic = ratio_of(a, b, missing="there is none", signed=signed)
    return estimate(statistic)


def _undefined(reason: str) -> Estimate:
    return Estimate(None, None, None, None, None, reason)


def _estimate(value: float, se: float | None, low: float | None, high: float | None) -> Estimate:
    return Estimate(value, se, None, None, None, low=low, high=high)


def two_sample_power(effect: float, sd: float, on: int, off: int, *, level: float = 0.05, rho: float = 0.0) -> float:
    """Power of a two-sided comparison of two groups; rho: correlation with a covariate that is regressed on."""
    degrees = on + off - 2 - (rho != 0.0)
    shift = abs(effect) / (sd * np.sqrt(variance_left(rho) * (1 / on + 1 / off)))
    critical = t.ppf(1 - level / 2, degrees)
    return float(nct.sf(critical, degrees, shift) + nct.cdf(-critical, degrees, shift))


def variance_left(rho: float) -> float:
    """Share of the variance of an estimate that regression on a covariate leaves."""
    return 1.0 - rho**2


def wedge_variance(course: Bools, sigma2: float, tau2: float) -> float:
    """Variance of the effect by generalised least squares; course: (clusters, periods), whether on the candidate."""
    x = np.asarray(course, dtype=float)
    i, periods = x.shape
    u, w, v = x.sum(), np.sum(x.sum(axis=0) ** 2), np.sum(x.sum(axis=1) ** 2)
    seen = (i * u - w) * sigma2 + (u**2 + i * periods * u - periods * w - i * v) * tau2
    return float(i * sigma2 * (sigma2 + periods * tau2) / seen)


def wedge_power(course: Bools, effect: float, sigma2: float, tau2: float, *, level: float = 0.05) -> float:
    """Power of a two-sided test with known components of variance, for any course of treatment by cluster."""
    return float(ndtr(abs(effect) / np.sqrt(wedge_variance(course, sigma2, tau2)) + ndtri(level / 2)))


def textbook_power(readings: PilotReadings, level: float = 0.05) -> float | None:
    """Power at the mean effect of a full rollout by these forms, from how outcomes vary with nobody on the candidate.

    Regression on the level before launch is taken for granted where there is one. None where partners were assigned as
    one: there the forms do not hold without what clusters have in common.
    """
    p, effect = readings.panel, float(np.mean(readings.effect))
    seen: Bools = np.asarray(p.observed.any(axis=2))
    if any(len(np.unique(own[who])) < who.sum() for own, who in zip(p.cluster, seen, strict=True)):
        return None
    off = replace(p, outcome=readings.off, treated=np.zeros_like(p.treated))
    if (p.treated != p.treated[..., :1]).any():
        sigma2, tau2 = (float(part.mean()) for part in components(off))
        return wedge_power(p.treated[0][seen[0]], effect, sigma2, tau2, level=level)
    y, _, used = outcomes(off)
    spread = _spread(y, used)
    rho = 0.0
    if p.before.shape[2]:
        past = _spread(p.before.mean(axis=2), used)
        rho = float(np.sum(spread * past) / np.sqrt(np.sum(spread**2) * np.sum(past**2)))
    sd = float(np.sqrt(np.sum(spread**2) / np.sum(used.sum(axis=1) - 1)))
    on = round(float((p.treated[..., 0] & used).sum(axis=1).mean()))
    return two_sample_power(effect, sd, on, round(float(used.sum(axis=1).mean())) - on, level=level, rho=rho)


def _spread(y: Array, used: Bools) -> Array:
    """Differences from the mean of each pilot, (R, P), 0 where not in use."""
    mean = np.where(used, y, 0.0).sum(axis=1) / used.sum(axis=1)
    return np.asarray(np.where(used, y - mean[:, None], 0.0))
