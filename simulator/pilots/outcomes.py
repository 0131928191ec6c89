"""What a pilot measures: outcomes by partner and period, read from a run of the vector engine.

An outcome is one entry of `OUTCOMES`. Outcomes of deals sum a value over the deals that a partner is on, at the time at
which they reach a stage: qualified pipeline is known early, bookings late. A pilot sees signatures on the dates on
which they were filed, held back or pulled forward where that pays; the truth has them on their own. Payout is what
accrued in the windows that closed in a period, net of penalties, before what lost customers take back later. Surveys
are answers of

    answer = clip(1 + 4 * 0.7 * truth + 0.9 [sqrt(r) trait + sqrt(1 - r) noise], 1, 5)

trait a partner's own and noise drawn anew each time, both standard normal; r the reliability of the survey (Lord and
Novick 1968: the share of its variance that is not noise). A partner with nothing to complain of answers 3.8 of 5 on
average, and answers spread by 0.9; both are judgement. The truth is 1 for

    fairness    trust (1 where the scenario has none) times min(1, own pay per booking / that of all partners), both
                of the last year
    ease        clarity (1 - complexity_discount)^(components beyond the baseline's) times
                (1 - paperwork / mean pay of a partner), both of the program that the partner is on
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Array, Bools, Ints
from simulator.engines.records import are_won
from simulator.engines.totals.settlement import margin_of
from simulator.engines.vector.engine import VectorRun
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.world.setting import WEEKS_PER_YEAR

_CONTENT, _SPREAD = 0.7, 0.9
Dated = tuple[Ints, Array, Array]
"""Rows of a run's deals, the time of each in weeks, and what it is worth."""


@dataclass(frozen=True)
class Periods:
    """`count` periods of `weeks` weeks from week `start` on."""

    start: int
    weeks: int
    count: int

    def each(self, shape: tuple[int, int], at: Callable[[int], Array | Ints]) -> Array:
        """What `at` gives for the week in which each period begins, (R, P, count)."""
        found = np.empty((*shape, self.count))
        for k in range(self.count):
            found[..., k] = at(self.start + k * self.weeks)
        return found

    def sums(self, shape: tuple[int, int], cell: Ints, time: Array, value: Array) -> Array:
        """Sums of `value` by partner and period, (R, P, count). cell: place in (R, P); time: weeks."""
        at = np.floor((time - self.start) / self.weeks).astype(np.int64)
        inside = (at >= 0) & (at < self.count)
        size = shape[0] * shape[1] * self.count
        place = cell[inside] * self.count + at[inside]
        return np.bincount(place, weights=value[inside], minlength=size).reshape(*shape, self.count).astype(float)


@dataclass(frozen=True)
class PilotOutcome:
    """An outcome that a pilot can read.

    unit: per partner and period; read: (R, P, T) from a run, on the dates `filed` or on the true ones; deals: for
    outcomes that add deals up, the deals on those dates.
    """

    label: str
    kind: Literal["leading", "lagging", "survey"]
    unit: str
    read: Callable[[VectorRun, Periods, bool], Array]
    deals: Callable[[VectorRun, bool], Dated] | None = None


def _of_deals(
    label: str, kind: Literal["leading", "lagging"], unit: str, deals: Callable[[VectorRun, bool], Dated]
) -> PilotOutcome:
    def read(run: VectorRun, periods: Periods, filed: bool) -> Array:
        rows, time, value = deals(run, filed)
        mine = run.opps["attached"][rows]
        return periods.sums(run.shape, run.opps["cell"][rows[mine]], time[mine], value[mine])

    return PilotOutcome(label, kind, unit, read, deals)


def _qualified(run: VectorRun, _filed: bool) -> Dated:
    """Every deal that qualified, worth 1."""
    rows = np.flatnonzero(run.opps["qualified"] < run.setting.horizon)
    return rows, run.opps["qualified"][rows], np.ones(len(rows))


def _pipeline(run: VectorRun, filed: bool) -> Dated:
    rows, time, _ = _qualified(run, filed)
    return rows, time, run.opps["amount"][rows] / 100


def _won(run: VectorRun, filed: bool) -> Dated:
    """Every deal that was signed, or filed as signed, worth 1."""
    date = np.where(are_won(run.opps, run.setting.horizon), run.opps["due"][:], np.inf)
    if filed:
        c = run.claims
        moved = np.flatnonzero((c["event"] == Event.SIGNED) & (c["role"] != SECOND) & (np.abs(c["moved"]) == 1))
        date[c["opp"][moved]] = c["week"][moved]
    rows = np.flatnonzero(date < run.setting.horizon)
    return rows, date[rows], np.ones(len(rows))


def _bookings(run: VectorRun, filed: bool) -> Dated:
    rows, time, _ = _won(run, filed)
    return rows, time, (run.opps["amount"][rows] - run.opps["conceded"][rows]) / 100


def _margin(run: VectorRun, filed: bool) -> Dated:
    rows, time, _ = _won(run, filed)
    return rows, time, margin_of(run.world, run.opps, rows)[0] / 100


def payout(run: VectorRun, periods: Periods, _filed: bool = True) -> Array:
    """Accrued in windows closed by the end of each period, net of penalties, money; (R, P, T)."""
    total = np.zeros((*run.shape, periods.count))
    for b in (*run.closed, *run.accounts):
        for closing in b.closings:
            at = (closing.end - 1 - periods.start) // periods.weeks
            if 0 <= at < periods.count:
                total[..., at] += (closing.accrued - closing.penalty) / 100
    return total


def _net_margin(run: VectorRun, periods: Periods, filed: bool) -> Array:
    return OUTCOMES["gross_margin"].read(run, periods, filed) - payout(run, periods)


def _fairness(run: VectorRun, periods: Periods) -> Array:
    def truth(week: int) -> Array:
        year = Periods(week + periods.weeks - WEEKS_PER_YEAR, WEEKS_PER_YEAR, 1)
        paid, booked = payout(run, year)[..., 0], OUTCOMES["bookings"].read(run, year, True)[..., 0]
        total, sold = paid.sum(axis=1, keepdims=True), booked.sum(axis=1, keepdims=True)
        there = (booked > 0) & (total > 0)
        share = np.minimum(np.where(there, paid * sold / np.where(there, total * booked, 1.0), 1.0), 1.0)
        trust = run.effort.trust
        return np.asarray(share if trust is None else share * trust.at(week + periods.weeks - 1))

    return periods.each(run.shape, truth)


def _ease(run: VectorRun, periods: Periods) -> Array:
    pay = payout(run, periods).mean(axis=1, keepdims=True)
    on = periods.each(run.shape, run.rollout.at)
    found = np.ones(on.shape)
    for index, offer in enumerate(run.rollout.offers):
        more = len(offer.program.components) - len(run.rollout.offers[0].program.components)
        clarity = np.power(1.0 - run.setting.behavior("complexity_discount"), float(more))[:, :, None]
        work = offer.program.paperwork_per_year[:, :, None] / 100 * periods.weeks / WEEKS_PER_YEAR
        burden = np.where(pay > 0, np.minimum(work / np.where(pay > 0, pay, 1.0), 1.0), work > 0)
        found = np.where(on == index, clarity * (1.0 - burden), found)
    return np.asarray(found)


def _survey(label: str, truth: Callable[[VectorRun, Periods], Array]) -> PilotOutcome:
    def read(run: VectorRun, periods: Periods, _filed: bool) -> Array:
        stream, reliability = f"survey {label}", run.setting.number("pilot", "survey_reliability")[:, :, None]
        trait = ndtri(run.world.marks(stream)[0])[:, :, None]
        noise = periods.each(run.shape, lambda week: ndtri(run.world.marks(stream, week, 1)[0]))
        spread = np.sqrt(reliability) * trait + np.sqrt(1.0 - reliability) * noise
        return np.asarray(np.clip(1.0 + 4.0 * _CONTENT * truth(run, periods) + _SPREAD * spread, 1.0, 5.0))

    return PilotOutcome(label, "survey", "points of 5", read)


OUTCOMES: dict[str, PilotOutcome] = {
    "qualified": _of_deals("qualified opportunities", "leading", "opportunities", _qualified),
    "pipeline": _of_deals("pipeline created", "leading", "money", _pipeline),
    "won": _of_deals("won deals", "lagging", "deals", _won),
    "bookings": _of_deals("bookings", "lagging", "money", _bookings),
    "gross_margin": _of_deals("gross margin", "lagging", "money", _margin),
    "payout": PilotOutcome("payout", "lagging", "money", payout),
    "margin": PilotOutcome("gross margin after payout", "lagging", "money", _net_margin),
    "fairness": _survey("perceived fairness", _fairness),
    "ease": _survey("perceived ease of use", _ease),
}
"""By the name that a plan calls it."""


def sourced(run: VectorRun, outcome: PilotOutcome, periods: Periods, cells: Bools) -> Array:
    """What an attribution by source credits the candidate with, (R,): the sum over the `cells` (R, P, T) of what the
    deals that partners found themselves are worth; nan where the outcome is not counted in deals."""
    if outcome.deals is None:
        return np.full(run.shape[0], np.nan)
    rows, time, value = outcome.deals(run, True)
    mine = ~run.opps["vendor"][rows]
    sums = periods.sums(run.shape, run.opps["cell"][rows[mine]], time[mine], value[mine])
    return np.asarray(np.where(cells, sums, 0.0).sum(axis=(1, 2)))


def shared_deals(run: VectorRun, cells: Bools, periods: Periods) -> tuple[Array, Array]:
    """Qualified deals of the partners observed (`cells`), and those of them with a second partner on another program.

    Each (R,). Where splits pay both partners of a deal, it is under two programs at once.
    """
    rows, time, one = _qualified(run, True)
    mine = run.opps["attached"][rows]
    rows, time, one = rows[mine], time[mine], one[mine]
    cell, other, week = run.opps["cell"][rows], run.opps["other"][rows], np.floor(time).astype(np.int64)
    second, held = np.where(other >= 0, other, cell), run.rollout.held
    mixed = held(cell, week) != held(second, week)

    def counted(value: Array) -> Array:
        return np.asarray(np.where(cells, periods.sums(run.shape, cell, time, value), 0.0).sum(axis=(1, 2)))

    return counted(one), counted(one * mixed)
