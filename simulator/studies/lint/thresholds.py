"""Rules on the shape of a payout: steps up and down, and thresholds that nobody or everybody reaches.

A step up leaves a dominated region below it: whoever would end there does better on the threshold. Its lower end is
the marginal jumper's usual result (Kleven and Waseem 2013), found by best response at the scenario's elasticity with
everything else that a further unit brings: the partner's own margin and what the other components pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from simulator.behavior.best_response import IsoelasticCost, best_response
from simulator.core.arrays import Array
from simulator.program.compiled import TierCriterion
from simulator.program.measures import TALLIES, Event
from simulator.program.schedule import Knot, Schedule, segments
from simulator.studies.lint.rule import ComponentPay, LintFinding, ProgramView, TypicalResult, figure, lint_rule
from simulator.world.setting import WEEKS_PER_YEAR

_MATERIAL = 0.01
"""A range in which a smaller share of windows than this ends is not worth a finding."""
_WORTH = 0.001
"""Nor is a step on which a smaller share of the payout rests."""
RARE, COMMON = 0.01, 0.95
"""A threshold reached by at most the first share is out of reach, by at least the second no hurdle."""
_LEAST_ELASTICITY = 0.05


@lint_rule("cliff: pay jumps up at a threshold")
def notch(view: ProgramView) -> Iterator[LintFinding]:
    """Payout jumps up at a threshold: results just below it are dominated, so closings are bunched on it."""
    for paid in _windows(view):
        for at, jump in _steps(paid):
            if not (jump > 0).any():
                continue
            low = _jumpers(view, paid, at)
            share = np.where(jump > 0, np.maximum(paid.result.reaches(low) - paid.result.reaches(at), 0.0), 0.0)
            stake = view.total(share * jump, paid) * paid.per_year
            if not _material(view, paid, share, stake):
                continue
            (a, unit), (b, _) = _shown(view, paid, low, share), _shown(view, paid, at, share)
            span = f"from {figure(a)} to {figure(b)} {unit}"
            yield view.finding(
                paid.place, stake,
                f"pays {view.money(view.mean_over(share, jump))} at once at {figure(b)} {unit} of a {paid.window}; "
                f"whoever would end at {figure(a)} or more goes for it, {view.mean(share, paid):.0%} of windows do",
                f"let the rate rise {span} instead of stepping, or take several small steps",
                low=a, high=b, unit=unit,
            )  # fmt: skip
    yield from _tier_steps(view)


def _tier_steps(view: ProgramView) -> Iterator[LintFinding]:
    """Each tier as a step in a year's total of its first criterion, by what a year in it pays more."""
    for name, criterion, benefit in _tiers(view):
        year, at = _year(view, criterion), np.broadcast_to(criterion.at_least[0], benefit.shape)
        each = np.divide(_year_value(view), year.mean, out=np.zeros_like(year.mean), where=year.mean > 0)
        pay = Schedule(each[None], (Knot(at[None], np.zeros((1, 1)), benefit[None]),))
        low = _least_jumper(view, pay, at)
        share = np.where((benefit > 0) & (each > 0), np.maximum(year.reaches(low) - year.reaches(at), 0.0), 0.0)
        stake, unit = view.total(share * benefit), _unit(view, criterion)
        if view.mean(share) < _MATERIAL or stake < _WORTH * view.total(np.sum([p.expected for p in view.paid], axis=0)):
            continue
        a, b = view.mean_over(share, low) / 100, float(at[0]) / 100
        more = view.money(view.mean_over(share, benefit))
        yield view.finding(
            f"{view.place}.tiers.levels.{name}", stake,
            f"a year in tier {name} pays {more} more, from {figure(b)} {unit} on; "
            f"whoever would end at {figure(a)} or more goes for it, {view.mean(share):.0%} of partners do",
            "take several tiers with smaller steps, or let the rate rise with the year's result instead",
            low=a, high=b, unit=unit,
        )  # fmt: skip


@lint_rule("cliff: pay falls at a threshold")
def cliff(view: ProgramView) -> Iterator[LintFinding]:
    """Payout falls at a threshold: results just above it pay less than the threshold itself, so closings stop there."""
    for paid in _windows(view):
        for at, jump in _steps(paid):
            if not (jump < 0).any():
                continue
            regained = _regained(paid, at)
            share = np.where(jump < 0, paid.result.reaches(at) - paid.result.reaches(regained), 0.0)
            stake = view.total(share * -jump, paid) * paid.per_year
            if not _material(view, paid, share, stake):
                continue
            (a, unit), (b, _) = _shown(view, paid, at, share), _shown(view, paid, regained, share)
            until = f"until {figure(b)}" if np.isfinite(b) else "for good"
            yield view.finding(
                paid.place, stake,
                f"payout falls by {view.money(view.mean_over(share, -jump))} at {figure(a)} {unit} of a {paid.window} "
                f"and stays below {until}; {view.mean(share, paid):.0%} of windows end there",
                "let the lower rate apply above its threshold only (marginal tiering)",
                low=a, high=b if np.isfinite(b) else None, unit=unit,
            )  # fmt: skip


@lint_rule("out of reach")
def unreachable(view: ProgramView) -> Iterator[LintFinding]:
    """Next to nobody reaches a threshold or a tier, or nothing counts for a component: it motivates nobody."""
    for paid in view.paid:
        if not paid.counts:
            text = "no claim of the scenario's deals is expected to count"
            yield view.finding(paid.place, 0.0, text, "widen its filters or leave it out")
    for place, at, unit, share, stake in _thresholds(view):
        if share <= RARE:
            text = f"{figure(at)} {unit} is reached in {share:.1%} of cases"
            yield view.finding(place, stake, text, "lower the threshold, or leave it out", low=at, high=at, unit=unit)


@lint_rule("reached anyway")
def trivial(view: ProgramView) -> Iterator[LintFinding]:
    """Next to everybody reaches a threshold or a tier anyway: what it pays asks for nothing."""
    for place, at, unit, share, stake in _thresholds(view):
        if share >= COMMON:
            text = f"{figure(at)} {unit} is reached in {share:.1%} of cases without any response"
            fix = "raise the threshold, or fold what it pays into the rate"
            yield view.finding(place, stake, text, fix, low=at, high=at, unit=unit)


def _windows(view: ProgramView) -> list[ComponentPay]:
    """Components that pay on the result of a window, with something to pay on."""
    return [p for p in view.paid if not p.component.by_claim and p.counts]


def _steps(paid: ComponentPay) -> list[tuple[Array, Array]]:
    """Thresholds and jumps of the payout, limits included, each (N,)."""
    shape = paid.result.mean.shape
    return [_flat(k, shape) for k in paid.smooth.knots if np.any(k.jump != 0)]


def _flat(knot: Knot, shape: tuple[int, ...]) -> tuple[Array, Array]:
    return np.broadcast_to(np.ravel(knot.at), shape), np.broadcast_to(np.ravel(knot.jump), shape)


def _jumpers(view: ProgramView, paid: ComponentPay, at: Array) -> Array:
    """The least usual result from which a partner goes for the threshold `at`, (N,)."""
    other = _other_value(view, paid)
    return _least_jumper(view, replace(paid.smooth, base=paid.smooth.base + other), at)


def _least_jumper(view: ProgramView, pay: Schedule, at: Array) -> Array:
    """The same where `pay` holds all that a further unit brings."""
    elasticity = np.maximum(view.typical.setting.behavior("elasticity"), _LEAST_ELASTICITY)
    below = segments(pay)
    here = (np.ravel(at) > below.start) & (np.ravel(at) <= below.end)
    slope = np.where(here, below.slope, 0.0).max(axis=0)
    low, high = np.zeros_like(at), at.astype(float)
    for _ in range(40):
        middle = (low + high) / 2
        scale = np.maximum(middle, 1e-6) / np.power(np.maximum(slope, 1e-9), elasticity)
        jumps = np.ravel(best_response(pay, IsoelasticCost(scale, elasticity))) >= at
        low, high = np.where(jumps, low, middle), np.where(jumps, middle, high)
    return high


def _other_value(view: ProgramView, paid: ComponentPay) -> Array:
    """What a further unit of credit brings besides the component: own margin, other components; (1, N)."""
    p = view.typical.setting.partners
    if paid.component.measure.event == Event.CERTIFIED:
        return np.broadcast_to(p.own_certification_value / 100.0, view.typical.rate.shape)
    value = p.own_margin * np.nan_to_num(paid.revenue)
    for other in view.paid:
        if other is not paid and other.counts and np.isfinite(other.revenue).any():
            per_revenue = np.divide(
                other.price, other.revenue, out=np.zeros_like(other.price), where=np.nan_to_num(other.revenue) > 0
            )
            value = value + per_revenue * np.nan_to_num(paid.revenue)
    return np.broadcast_to(value, view.typical.rate.shape)


def _regained(paid: ComponentPay, at: Array) -> Array:
    """Where the payout is again what it was just below `at`; inf where never; (N,)."""
    pieces = segments(paid.smooth)
    shape = (len(pieces.start), len(at))
    start, anchor, value, slope, end = (
        np.broadcast_to(a.reshape(len(a), -1), shape)
        for a in (pieces.start, pieces.anchor, pieces.value, pieces.slope, pieces.end)
    )
    before = end == at
    level = np.where(before, value + slope * (at - anchor), -np.inf).max(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.where(value >= level, start, np.where(slope > 0, anchor + (level - value) / slope, np.inf))
    found = np.where((start >= at) & (crossing < end), crossing, np.inf)
    return np.asarray(found.min(axis=0))


def _thresholds(view: ProgramView) -> Iterator[tuple[str, float, str, float, float]]:
    """Place, threshold, unit, share that reaches it and expected payout beyond it per year, rising ones only."""
    for paid in view.paid:
        if not paid.counts:
            continue
        for knot in replace(paid.exact, cap=None, floor=None).smooth().knots:
            if not ((knot.change > 0) | (knot.jump > 0)).any():
                continue
            if paid.component.by_claim:
                yield _by_size(view, paid, knot)
                continue
            at, jump = _flat(knot, paid.result.mean.shape)
            reached = paid.result.reaches(at)
            share = view.mean(reached, paid)
            pays = jump * reached + np.ravel(knot.change) * paid.result.excess(at)
            shown, unit = _shown(view, paid, at, np.ones_like(at))
            yield paid.place, shown, f"{unit} of a {paid.window}", share, view.total(pays, paid) * paid.per_year
    yield from _levels(view)


def _by_size(view: ProgramView, paid: ComponentPay, knot: Knot) -> tuple[str, float, str, float, float]:
    """A threshold in the credit of a single claim."""
    reached = np.zeros_like(paid.result.mean)
    for k, deals in enumerate(view.typical.deals):
        credit = paid.component.credit(rep=np.zeros_like(deals.code), code=deals.code, amount=deals.amount)
        counted = deals.weight * deals.until(int(paid.component.measure.event)) * (credit > 0)
        share = (counted * (credit >= knot.at[0, 0])).sum() / max(counted.sum(), 1e-12)
        reached = np.where(view.typical.segment == k, share, reached)
    at = float(knot.at[0, 0]) / 100
    unit = view.typical.scenario.currency if paid.component.measure.by_amount else paid.component.measure.unit
    return paid.place, at, f"{unit} of a claim", view.mean(reached, paid), view.total(paid.expected * reached, paid)


def _levels(view: ProgramView) -> Iterator[tuple[str, float, str, float, float]]:
    """The first criterion of each tier stands for it; the share meets all of them over a year."""
    for name, first, benefit in _tiers(view):
        assert view.program.tiers is not None
        met = np.ones_like(benefit)
        for c in view.program.tiers.levels[view.program.tiers.names.index(name) - 1]:
            met = met * _year(view, c).reaches(np.broadcast_to(c.at_least[0], met.shape))
        at, unit = float(first.at_least[0, 0]) / 100, f"{_unit(view, first)} of a year (tier {name})"
        yield f"{view.place}.tiers.levels.{name}", at, unit, view.mean(met), view.total(met * benefit)


def _tiers(view: ProgramView) -> Iterator[tuple[str, TierCriterion, Array]]:
    """Name, first criterion and what a year in it pays more than the tier below, cents (N,), of each tier."""
    tiers = view.program.tiers
    if tiers is not None:
        benefits = view.perception.tier_benefits([paid.smooth for paid in view.paid], np.ones((1, 1)), 0)
        for name, criteria, benefit in zip(tiers.names[1:], tiers.levels, benefits, strict=True):
            yield name, criteria[0], benefit[0] * 4.0 / tiers.upgrade_every


def _year_value(view: ProgramView) -> Array:
    """What a year's deals bring a partner, own margin and pay together, cents, (N,)."""
    revenue = (view.typical.rate * view.perception.expectations.revenue)[0] * WEEKS_PER_YEAR
    own = view.typical.setting.partners.own_margin[0] * revenue
    return np.asarray(own + sum(paid.expected * paid.eligible for paid in view.paid))


def _year(view: ProgramView, criterion: TierCriterion) -> TypicalResult:
    """A year's total of a tier criterion."""
    shape, one = view.typical.rate.shape, np.ones((1, 1))
    mean, sd = view.perception.points_ahead(criterion, WEEKS_PER_YEAR, one, lambda _: np.zeros((1, 1)))
    return TypicalResult(np.broadcast_to(mean, shape)[0], np.broadcast_to(sd, shape)[0])


def _unit(view: ProgramView, criterion: TierCriterion) -> str:
    (name, weight), *more = criterion.terms
    if more or (weight != 1).any():
        return "points"
    measure = TALLIES[name].measure
    return view.typical.scenario.currency if measure.by_amount else measure.unit


def _material(view: ProgramView, paid: ComponentPay, share: Array, stake: float) -> bool:
    return view.mean(share, paid) >= _MATERIAL and stake >= _WORTH * view.total(paid.expected, paid)


def _shown(view: ProgramView, paid: ComponentPay, at: Array, share: Array) -> tuple[float, str]:
    """A result in the unit that its thresholds are written in, averaged over the partner-windows of `share`."""
    scaled = at / paid.per_threshold_unit
    finite = np.isfinite(scaled)
    value = view.mean_over(np.where(finite, share, 0.0), np.where(finite, scaled, 0.0)) if finite.any() else np.inf
    return value, view.threshold_unit(paid)
