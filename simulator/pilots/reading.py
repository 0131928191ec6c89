"""What a pilot measures: outcomes by partner and period, read from a life of the vector engine.

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

from simulator.engines.settle import are_won, margin_of
from simulator.engines.vector import VectorLife
from simulator.model.setting import WEEKS_PER_YEAR
from simulator.program.compiled import Bools, Ints
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.program.sharing import SECOND

_CONTENT, _SPREAD = 0.7, 0.9
Dated = tuple[Ints, Array, Array]
"""Rows of a life's deals, the time of each in weeks, and what it is worth."""


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
class Outcome:
    """An outcome that a pilot can read.

    unit: per partner and period; read: (R, P, T) from a life, on the dates `filed` or on the true ones; deals: for
    outcomes that add deals up, the deals on those dates.
    """

    label: str
    kind: Literal["leading", "lagging", "survey"]
    unit: str
    read: Callable[[VectorLife, Periods, bool], Array]
    deals: Callable[[VectorLife, bool], Dated] | None = None


def _of_deals(
    label: str, kind: Literal["leading", "lagging"], unit: str, deals: Callable[[VectorLife, bool], Dated]
) -> Outcome:
    def read(life: VectorLife, periods: Periods, filed: bool) -> Array:
        rows, time, value = deals(life, filed)
        mine = life.opps["attached"][rows]
        return periods.sums(life.shape, life.opps["cell"][rows[mine]], time[mine], value[mine])

    return Outcome(label, kind, unit, read, deals)


def _qualified(life: VectorLife, _filed: bool) -> Dated:
    """Every deal that qualified, worth 1."""
    rows = np.flatnonzero(life.opps["qualified"] < life.setting.horizon)
    return rows, life.opps["qualified"][rows], np.ones(len(rows))


def _pipeline(life: VectorLife, filed: bool) -> Dated:
    rows, time, _ = _qualified(life, filed)
    return rows, time, life.opps["amount"][rows] / 100


def _won(life: VectorLife, filed: bool) -> Dated:
    """Every deal that was signed, or filed as signed, worth 1."""
    date = np.where(are_won(life), life.opps["due"][:], np.inf)
    if filed:
        c = life.claims
        moved = np.flatnonzero((c["event"] == Event.SIGNED) & (c["role"] != SECOND) & (np.abs(c["moved"]) == 1))
        date[c["opp"][moved]] = c["week"][moved]
    rows = np.flatnonzero(date < life.setting.horizon)
    return rows, date[rows], np.ones(len(rows))


def _bookings(life: VectorLife, filed: bool) -> Dated:
    rows, time, _ = _won(life, filed)
    return rows, time, (life.opps["amount"][rows] - life.opps["conceded"][rows]) / 100


def _margin(life: VectorLife, filed: bool) -> Dated:
    rows, time, _ = _won(life, filed)
    return rows, time, margin_of(life, rows)[0] / 100


def payout(life: VectorLife, periods: Periods, _filed: bool = True) -> Array:
    """Accrued in windows closed by the end of each period, net of penalties, money; (R, P, T)."""
    total = np.zeros((*life.shape, periods.count))
    for b in (*life.closed, *life.books):
        for closing in b.closings:
            at = (closing.end - 1 - periods.start) // periods.weeks
            if 0 <= at < periods.count:
                total[..., at] += (closing.accrued - closing.penalty) / 100
    return total


def _net_margin(life: VectorLife, periods: Periods, filed: bool) -> Array:
    return OUTCOMES["gross_margin"].read(life, periods, filed) - payout(life, periods)


def _fairness(life: VectorLife, periods: Periods) -> Array:
    def truth(week: int) -> Array:
        year = Periods(week + periods.weeks - WEEKS_PER_YEAR, WEEKS_PER_YEAR, 1)
        paid, booked = payout(life, year)[..., 0], OUTCOMES["bookings"].read(life, year, True)[..., 0]
        total, sold = paid.sum(axis=1, keepdims=True), booked.sum(axis=1, keepdims=True)
        there = (booked > 0) & (total > 0)
        share = np.minimum(np.where(there, paid * sold / np.where(there, total * booked, 1.0), 1.0), 1.0)
        trust = life.planner.trust
        return np.asarray(share if trust is None else share * trust.at(week + periods.weeks - 1))

    return periods.each(life.shape, truth)


def _ease(life: VectorLife, periods: Periods) -> Array:
    pay = payout(life, periods).mean(axis=1, keepdims=True)
    on = periods.each(life.shape, life.rollout.at)
    found = np.ones(on.shape)
    for index, offer in enumerate(life.rollout.offers):
        more = len(offer.program.components) - len(life.rollout.offers[0].program.components)
        clarity = np.power(1.0 - life.setting.behavior("complexity_discount"), float(more))[:, :, None]
        work = offer.program.paperwork_per_year[:, :, None] / 100 * periods.weeks / WEEKS_PER_YEAR
        burden = np.where(pay > 0, np.minimum(work / np.where(pay > 0, pay, 1.0), 1.0), work > 0)
        found = np.where(on == index, clarity * (1.0 - burden), found)
    return np.asarray(found)


def _survey(label: str, truth: Callable[[VectorLife, Periods], Array]) -> Outcome:
    def read(life: VectorLife, periods: Periods, _filed: bool) -> Array:
        stream, reliability = f"survey {label}", life.setting.numbers("pilot.survey_reliability")[:, :, None]
        trait = ndtri(life.world.marks(stream)[0])[:, :, None]
        noise = periods.each(life.shape, lambda week: ndtri(life.world.marks(stream, week, 1)[0]))
        spread = np.sqrt(reliability) * trait + np.sqrt(1.0 - reliability) * noise
        return np.asarray(np.clip(1.0 + 4.0 * _CONTENT * truth(life, periods) + _SPREAD * spread, 1.0, 5.0))

    return Outcome(label, "survey", "points of 5", read)


OUTCOMES: dict[str, Outcome] = {
    "qualified": _of_deals("qualified opportunities", "leading", "opportunities", _qualified),
    "pipeline": _of_deals("pipeline created", "leading", "money", _pipeline),
    "won": _of_deals("won deals", "lagging", "deals", _won),
    "bookings": _of_deals("bookings", "lagging", "money", _bookings),
    "gross_margin": _of_deals("gross margin", "lagging", "money", _margin),
    "payout": Outcome("payout", "lagging", "money", payout),
    "margin": Outcome("gross margin after payout", "lagging", "money", _net_margin),
    "fairness": _survey("perceived fairness", _fairness),
    "ease": _survey("perceived ease of use", _ease),
}
"""By the name that a plan calls it."""


def sourced(life: VectorLife, outcome: Outcome, periods: Periods, cells: Bools) -> Array:
    """What an attribution by source credits the candidate with, (R,): the sum over the `cells` (R, P, T) of what the
    deals that partners found themselves are worth; nan where the outcome is not counted in deals."""
    if outcome.deals is None:
        return np.full(life.shape[0], np.nan)
    rows, time, value = outcome.deals(life, True)
    mine = ~life.opps["vendor"][rows]
    sums = periods.sums(life.shape, life.opps["cell"][rows[mine]], time[mine], value[mine])
    return np.asarray(np.where(cells, sums, 0.0).sum(axis=(1, 2)))


def shared_deals(life: VectorLife, cells: Bools, periods: Periods) -> tuple[Array, Array]:
    """Qualified deals of the partners observed (`cells`), and those of them with a second partner on another program.

    Each (R,). Where splits pay both partners of a deal, it is under two programs at once.
    """
    rows, time, one = _qualified(life, True)
    mine = life.opps["attached"][rows]
    rows, time, one = rows[mine], time[mine], one[mine]
    cell, other, week = life.opps["cell"][rows], life.opps["other"][rows], np.floor(time).astype(np.int64)
    second, held = np.where(other >= 0, other, cell), life.rollout.held
    mixed = held(cell, week) != held(second, week)

    def counted(value: Array) -> Array:
        return np.asarray(np.where(cells, periods.sums(life.shape, cell, time, value), 0.0).sum(axis=(1, 2)))

    return counted(one), counted(one * mixed)
