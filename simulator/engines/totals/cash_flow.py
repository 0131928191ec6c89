"""What comes in and goes out week by week, read off a finished run of the vector engine.

    pipeline   opportunities qualified so far        bookings  deals signed so far, less concessions
    cash       paid so far, less clawbacks and penalties
    liability  accrued so far, less what was paid or forfeited

A window accrues at its end and is paid after its lag, less what is disputed and held back, which is paid later. What is
paid in advance accrues at the window's start, and is cash that comes back where it was not earned. What is forfeited is
never paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Ints, take
from simulator.engines.records import are_won, dispute_delay
from simulator.engines.totals.settlement import brought
from simulator.engines.vector.engine import VectorRun
from simulator.engines.vector.payments import Attribution, attribute, ledger_rows, reversals
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.program.schedule import Schedule

Flow = tuple[str, Ints, Array, Array]
"""What it is, and by replication, when and how much."""


@dataclass(frozen=True)
class CashFlow:
    """A run by week and by partner; money in cents.

    weeks: quantity -> (R, T + 1) by the end of each week from launch, 0 first. signed: (R, T) signatures filed in each
    week. paid, margin: (R, P) net pay, and gross margin brought. reached: component paid by window ->
    attainment of each window in which there was any, over its first threshold, or in hundredths where it has none;
    thresholds: component -> all thresholds over the first.
    """

    weeks: dict[str, Array]
    signed: Ints
    paid: Array
    margin: Array
    reached: dict[str, Array]
    thresholds: dict[str, tuple[float, ...]]


QUANTITIES = ("pipeline", "bookings", "liability", "cash")


def series(run: VectorRun) -> CashFlow:
    """The cash flow of a finished run, from launch on."""
    parts = [a for b in (*run.closed, *run.accounts) for a in attribute(run, b)]
    flow = {name: np.zeros((run.shape[0], run.setting.horizon + 1)) for name in ("accrued", "forfeited", "out", "in")}
    for a in parts:
        for name, rep, time, value in _flows(run, a):
            flow[name] = flow[name] + _by_week(run, rep, time, value)
    weeks = {
        **_deals(run),
        "liability": flow["accrued"] - flow["forfeited"] - flow["out"],
        "cash": flow["out"] - flow["in"],
    }
    paid = sum((_net(run, a) for a in parts if a.closing.end > 0), np.zeros(run.shape))
    ends, thresholds = reached(run)
    so_far = {name: np.cumsum(weeks[name], axis=1) for name in QUANTITIES}
    return CashFlow(so_far, _signed(run), paid, brought(run.world, run.opps)[1], ends, thresholds)


def _by_week(run: VectorRun, rep: Ints, time: Array, value: Array) -> Array:
    """Sums by replication and the week by whose end it has happened, (R, T + 1); what comes after is left out."""
    count = run.setting.horizon + 1
    week = np.ceil(np.maximum(time, 0.0)).astype(np.int64)
    now = week < count
    sums = np.bincount(rep[now] * count + week[now], weights=value[now], minlength=run.shape[0] * count)
    return np.asarray(sums, dtype=float).reshape(run.shape[0], count)


def _deals(run: VectorRun) -> dict[str, Array]:
    o, h = run.opps, run.setting.horizon
    rep, when = o["cell"] // run.shape[1], o["qualified"]
    found = (when >= 0) & (when < h)
    won = are_won(o, h) & (o["due"] >= 0)
    net = o["amount"] - o["conceded"]
    return {
        "pipeline": _by_week(run, rep[found], when[found], o["amount"][found]),
        "bookings": _by_week(run, rep[won], o["due"][won], net[won]),
    }


def _flows(run: VectorRun, a: Attribution) -> Iterator[Flow]:
    """Accrual, payments and what comes back of one window of all partners."""
    cl, component = a.closing, a.accounts.offer.program.components[a.closing.component]
    advance, every = component.advance is not None, np.repeat(np.arange(run.shape[0]), run.shape[1])
    start = np.full(len(every), float(cl.start if advance else cl.end))
    end, accrued = np.full(len(every), float(cl.end)), cl.accrued.reshape(-1)
    yield "accrued", every, start, accrued
    missed = np.zeros_like(accrued) if cl.kept is None else accrued - cl.kept.reshape(-1)
    paid = start + take(component.terms.payout_lag_weeks, every) < cl.end
    yield "forfeited", every, end, np.where(paid, 0.0, missed)
    yield "in", every, end, np.where(paid, missed, 0.0) + cl.penalty.reshape(-1)
    dues, amounts = _payments(run, a, start, accrued - np.where(paid, 0.0, missed))
    rows, forfeited, clawed = reversals(run, a)
    cell = run.claims["cell"][rows]
    at = np.maximum(run.opps["ends"][run.claims["opp"][rows]], float(cl.end))
    yield "in", every[cell], at, clawed
    step = (at > dues[0][cell]).astype(np.int64) + (at > dues[1][cell])
    for k, (due, amount) in enumerate(zip(dues, amounts, strict=True)):
        lost = np.where(step == k, forfeited, 0.0)
        if advance and k:  # it was paid whole at once, so this comes back
            yield "in", every[cell], at, lost
            continue
        yield "forfeited", every[cell], at, lost
        yield "out", every, due, amount - _summed(cell, lost, len(every))


def _payments(run: VectorRun, a: Attribution, start: Array, whole: Array) -> tuple[list[Array], list[Array]]:
    """When a window is paid, and what: at once, once disputes are settled, and what was held back; (R * P,) each."""
    terms, rep = a.accounts.offer.program.components[a.closing.component].terms, np.arange(len(start)) // run.shape[1]
    due = start + take(terms.payout_lag_weeks, rep)
    if a.accounts.offer.program.components[a.closing.component].advance is not None:
        return [due, due, due], [whole, np.zeros_like(whole), np.zeros_like(whole)]
    held = np.floor(a.closing.accrued.reshape(-1) * take(terms.holdback_share, rep))
    cell, wait = run.claims["cell"][a.claims], dispute_delay(run.world, run.claims, a.claims)
    at_once = a.part - np.floor(a.part * take(terms.holdback_share, rep[cell]))
    disputed = _summed(cell, np.where(wait > 0, at_once, 0.0), len(start))
    late = np.zeros_like(start)
    np.maximum.at(late, cell, wait)
    settled = due + late
    return [due, settled, settled + take(terms.holdback_weeks, rep)], [whole - held - disputed, disputed, held]


def _summed(cell: Ints, value: Array, size: int) -> Array:
    return np.asarray(np.bincount(cell, weights=value, minlength=size), dtype=float)


def _net(run: VectorRun, a: Attribution) -> Array:
    """Net pay of a window, (R, P)."""
    rows, count = ledger_rows(run, a), run.shape[1]
    cell = np.searchsorted(run.world.ids, rows["replication"]) * count + rows["partner"].astype(np.int64)
    return _summed(cell, rows["paid"] - rows["penalty"], run.shape[0] * count).reshape(run.shape)


def _signed(run: VectorRun) -> Ints:
    """Signatures filed by partners, (R, T)."""
    c, h = run.claims, run.setting.horizon
    mine = (c["event"] == Event.SIGNED) & (c["role"] != SECOND) & (c["week"] >= 0) & (c["week"] < h)
    place = c["cell"][mine] // run.shape[1] * h + c["week"][mine]
    return np.bincount(place, minlength=run.shape[0] * h).reshape(run.shape[0], h)


def reached(run: VectorRun, rows: slice = slice(None)) -> tuple[dict[str, Array], dict[str, tuple[float, ...]]]:
    """Attainment and thresholds as in `Series`, of the replications `rows`, from launch on."""
    found: dict[str, list[Array]] = {}
    marks: dict[str, tuple[float, ...]] = {}
    for b in (*run.closed, *run.accounts):
        for cl in b.closings:
            component = b.offer.program.components[cl.component]
            if component.by_claim or cl.end <= 0:
                continue
            knots = _thresholds(cl.schedule)
            first = np.broadcast_to(knots[0] if knots else 1.0, cl.attained.shape)[rows]
            attained = cl.attained[rows]
            some = (attained > 0) & (first > 0)
            found.setdefault(component.name, []).append(attained[some] / first[some])
            there = knots[0] > 0 if knots else None
            marks[component.name] = tuple(round(float(np.mean(at[there] / knots[0][there])), 6) for at in knots)
    return {name: np.concatenate(x) for name, x in found.items()}, marks


def _thresholds(schedule: Schedule) -> list[Array]:
    """Thresholds at which a rate changes or a lump is paid, in rising order, each of the shape of the first."""
    ats = [knot.at for knot in schedule.knots if (knot.at > 0).any()]
    ats.sort(key=lambda at: float(np.mean(at)))
    shape = np.broadcast_shapes(*(at.shape for at in ats)) if ats else ()
    return [np.broadcast_to(at, shape) for at in ats]


def joined(parts: list[CashFlow]) -> CashFlow:
    """The series of further replications of the same program, one after the other."""
    first = parts[0]
    return CashFlow(
        {name: np.concatenate([p.weeks[name] for p in parts]) for name in first.weeks},
        np.concatenate([p.signed for p in parts]),
        np.concatenate([p.paid for p in parts]),
        np.concatenate([p.margin for p in parts]),
        {name: np.concatenate([p.reached[name] for p in parts if name in p.reached]) for name in first.reached},
        first.thresholds,
    )
