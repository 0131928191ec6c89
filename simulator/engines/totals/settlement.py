"""The vector engine's settlement: from closed windows, claims and deals to ledger and totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.core.arrays import Array, Bools, Ints, take
from simulator.engines.ledger import LEDGER_COLUMNS, RunOutcome, attributed, cut, sorted_ledger, taken_back
from simulator.engines.totals.fairness import fair_totals, shapley_margins
from simulator.engines.totals.support_costs import help_totals, noncash
from simulator.engines.vector.accounts import ClosedWindows, ProgramAccounts
from simulator.engines.vector.disputes import delay, dispute_totals, waited
from simulator.engines.vector.engine import VectorRun
from simulator.engines.vector.records import BUNDLED, DONE, SIGNING, SPLIT
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.world.setting import ACTIVITIES, WEEKS_PER_YEAR

MICRO = 1e6


@dataclass(frozen=True)
class Attribution:
    """Payout of one closed window by claim."""

    accounts: ProgramAccounts
    closing: ClosedWindows
    claims: Ints
    part: Array


def settle(run: VectorRun, won_without: Bools | None = None) -> RunOutcome:
    """Settle a finished life.

    won_without: per candidate of the world, whether it was won under no program on the same rung; payout on those
    is deadweight. None leaves deadweight at 0.
    """
    totals: dict[str, NDArray[np.int64]] = {}
    parts = [a for b in (*run.closed, *run.accounts) for a in attribute(run, b)]
    rows = [ledger_rows(run, a) for a in parts if a.closing.end > 0]
    ledger = {n: np.concatenate([r[n] for r in rows] or [np.zeros(0)]).astype(np.int64) for n in LEDGER_COLUMNS}
    _count_costs(run, parts, totals)
    _count_deadweight(run, parts, won_without, totals)
    _count_deals(run, totals)
    _count_claims(run, totals)
    depth, deal_weeks = run.effort.depth_total
    totals["joint.depth"] = np.rint(depth * MICRO).astype(np.int64)
    totals["joint.weeks"] = np.rint(deal_weeks * MICRO).astype(np.int64)
    totals |= help_totals(run.effort, run.rollout, run.setting.horizon)
    if run.effort.membership is not None:
        totals |= run.effort.membership.totals()
    if run.effort.trust is not None:
        totals |= run.effort.trust.totals()
    last = len(run.rollout.offers) - 1
    if last in run.in_force:
        totals |= run.in_force[last].totals()
    late = [waited(run, a.claims, a.part) for a in parts if a.closing.kept is None]
    totals |= fair_totals(ledger, run.world, run.rollout.offers, *brought(run), sum(late, np.zeros(run.shape)))
    return RunOutcome(sorted_ledger(ledger), totals)


def won_candidates(run: VectorRun) -> Bools:
    """Per deal of the world, whether it was won; sized to the deals known so far."""
    o = run.opps
    won = np.zeros(run.world.deals.rows, dtype=bool)
    won[o["deal"][are_won(run)]] = True
    return won


def are_won(run: VectorRun) -> Bools:
    """Which deals were won before the horizon, (n,)."""
    o, h = run.opps, run.setting.horizon
    signed = (o["stage"][:] == DONE) & ~o["lost"]
    return np.asarray(signed & (o["due"] < h), dtype=bool)


def _by_replication(run: VectorRun, cell: Ints, value: Array | None = None) -> NDArray[np.int64]:
    return _summed(run, cell // run.shape[1], value)


def _summed(run: VectorRun, rep: Ints, value: Array | None = None) -> NDArray[np.int64]:
    return np.rint(np.bincount(rep, weights=value, minlength=run.shape[0])).astype(np.int64)


def attribute(run: VectorRun, b: ProgramAccounts) -> list[Attribution]:
    """Each closing that reaches past launch with its claims and their parts of the payout."""
    c, closings = run.claims, [closing for closing in b.closings if closing.end > 0]
    if not closings:
        return []
    live = np.flatnonzero((c["event"] >= 0) & (run.rollout.held(c["cell"], c["week"]) == b.offer_index))
    live = live[np.argsort(c["week"][live].astype(np.int16), kind="stable")]
    out, weeks = [], c["week"][live]
    by_claim: dict[tuple[int, int], list[tuple[Ints, Array, Array]]] = {}
    for closing in closings:
        rows = np.sort(live[slice(*np.searchsorted(weeks, (closing.start, closing.end)))])
        rows = rows if closing.columns.all() else rows[closing.columns.reshape(-1)[c["cell"][rows]]]
        component = b.offer.program.components[closing.component]
        if component.by_claim:
            span = (closing.start, closing.end)
            if span not in by_claim:
                by_claim[span] = _with_status(b, closing, rows, run)
            claims, pay, _ = by_claim[span][closing.component]
            keep = pay > 0
            cell = c["cell"][claims[keep]]
            part = cut(pay[keep], closing.accrued.reshape(-1)[cell], closing.earned.reshape(-1)[cell])
            out.append(Attribution(b, closing, claims[keep], part))
            continue
        claims, credit, void = b.credits(closing.component, rows, c)
        counted = ~void & (credit > 0)
        claims, credit = claims[counted], credit[counted]
        cell = c["cell"][claims]
        paid = closing.accrued if closing.kept is None else closing.kept
        part = attributed(paid.reshape(-1)[cell], credit, closing.attained.reshape(-1)[cell])
        out.append(Attribution(b, closing, claims, part))
    return out


def _with_status(
    b: ProgramAccounts, closing: ClosedWindows, rows: Ints, run: VectorRun
) -> list[tuple[Ints, Array, Array]]:
    """Payouts by claim as they were when the window was open."""
    past = b.copy()
    past.status = closing.status
    past.rates = None if closing.rates is None else list(closing.rates)
    return past.payouts(rows, run.claims)


def reversals(run: VectorRun, a: Attribution) -> tuple[Ints, Array, Array]:
    """Claims whose customer may leave in time to take payout back, and what is forfeited and clawed back of each."""
    cl, terms = a.closing, a.accounts.offer.program.components[a.closing.component].terms
    c, o = run.claims, run.opps
    opp = c["opp"][a.claims]
    deal = opp >= 0
    if not ((terms.clawback_weeks > 0).any() and deal.any()):
        return a.claims[:0], np.zeros(0), np.zeros(0)
    rows, opp = a.claims[deal], opp[deal]
    rep = c["cell"][rows] // run.shape[1]
    late = delay(run.world, c, rows) if cl.kept is None else np.zeros(len(rows))
    back = taken_back(
        a.part[deal], lost=o["ends"][opp], claimed=c["time"][rows],
        end=np.full(len(rows), float(cl.end if cl.kept is None else cl.start)),
        lag=take(terms.payout_lag_weeks, rep) + late, holdback=take(terms.holdback_share, rep),
        held=take(terms.holdback_weeks, rep), window=take(terms.clawback_weeks, rep),
    )  # fmt: skip
    return rows, *back


def ledger_rows(run: VectorRun, a: Attribution) -> dict[str, Array]:
    """Lines of the ledger."""
    cl, terms = a.closing, a.accounts.offer.program.components[a.closing.component].terms
    c, size = run.claims, run.shape[0] * run.shape[1]
    rows, *back = reversals(run, a)
    forfeited, clawed = (np.bincount(c["cell"][rows], weights=x, minlength=size).astype(float) for x in back)
    if cl.kept is not None:  # a missed target takes an advance back, or forfeits it unpaid, as a fund unspent
        advance = a.accounts.offer.program.components[cl.component].advance is not None
        missed, paid = cl.accrued - cl.kept, advance & (cl.start + terms.payout_lag_weeks < cl.end)
        clawed = clawed + np.where(paid, missed, 0.0).reshape(-1)
        forfeited = forfeited + np.where(paid, 0.0, missed).reshape(-1)
    accrued, attained, penalty = (x.reshape(-1) for x in (cl.accrued, cl.attained, cl.penalty))
    cell = np.flatnonzero((accrued != 0) | (attained != 0) | (penalty != 0))
    rep, who = np.divmod(cell, run.shape[1])
    same = np.ones(len(cell))
    return {
        "replication": run.world.ids[rep], "partner": who, "offer": same * a.accounts.offer_index,
        "component": same * cl.component, "start": same * cl.start, "end": same * cl.end, "attained": attained[cell],
        "accrued": accrued[cell], "forfeited": forfeited[cell], "clawed_back": clawed[cell],
        "paid": (accrued - forfeited - clawed)[cell], "penalty": penalty[cell],
    }  # fmt: skip


def _count_costs(run: VectorRun, parts: list[Attribution], totals: dict[str, NDArray[np.int64]]) -> None:
    zero = np.zeros(run.shape[0], dtype=np.int64)
    for name in ("accrued", "forfeited", "clawed_back", "paid", "penalty", "audit", "admin"):
        totals[name] = zero
    for offer in run.rollout.offers:
        for component in offer.program.components:
            totals.setdefault(f"cost.{component.name}", zero)
    for a in parts:
        component = a.accounts.offer.program.components[a.closing.component]
        rows = ledger_rows(run, a)
        position = np.searchsorted(run.world.ids, rows["replication"])
        sums = {
            n: np.rint(np.bincount(position, weights=rows[n], minlength=run.shape[0])).astype(np.int64)
            for n in ("accrued", "forfeited", "clawed_back", "paid", "penalty")
        }
        for n, value in sums.items():
            totals[n] = totals[n] + value
        audit = _audit_cost(run, a, component.terms.audit_rate, component.terms.audit_cost)
        totals["audit"] = totals["audit"] + audit
        totals[f"cost.{component.name}"] = totals[f"cost.{component.name}"] + sums["paid"] - sums["penalty"] + audit
    totals["admin"] = _admin_cost(run)
    totals |= dispute_totals(run)
    totals["admin"] = totals["admin"] + totals["disputes.cost"]
    totals["cost"] = totals["paid"] - totals["penalty"] + totals["audit"] + totals["admin"]
    spent = {name: zero + np.rint(c).astype(np.int64) for name, c in noncash(run.rollout, run.setting.horizon).items()}
    for name, cost in (*spent.items(), *_prizes(run)):
        totals[f"noncash.{name}"] = totals.get(f"noncash.{name}", zero) + cost
        totals["cost"] = totals["cost"] + cost


def _prizes(run: VectorRun) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Cost of every prize of a quarter that ends after launch, by replication."""
    for offer in run.rollout.offers:
        yield from ((prize.name, np.zeros(run.shape[0], dtype=np.int64)) for prize in offer.program.prizes)
    for b in (*run.closed, *run.accounts):
        for k, end, winners in b.contest.won:
            if end > 0:
                prize = b.contest.prizes[k]
                yield prize.name, winners.sum(axis=1) * np.rint(prize.cost[:, 0]).astype(np.int64)


def _audit_cost(run: VectorRun, a: Attribution, rate: Array, cost: Array) -> NDArray[np.int64]:
    """Paid claims times the expected cost of verifying one, in whole cents per claim."""
    if not (cost > 0).any():
        return np.zeros(run.shape[0], dtype=np.int64)
    count = _by_replication(run, run.claims["cell"][a.claims])
    return np.asarray(count * np.rint(rate * cost)[:, 0].astype(np.int64))


def _admin_cost(run: VectorRun) -> NDArray[np.int64]:
    """Fixed cost of every program in use, by the weeks it is."""
    total = np.zeros(run.shape[0])
    for index, offer in enumerate(run.rollout.offers):
        weeks = sum((run.rollout.at(w) == index).any(axis=1) for w in range(run.setting.horizon))
        total = total + np.rint(offer.program.admin_cost_per_year[:, 0] * weeks / WEEKS_PER_YEAR)
    return total.astype(np.int64)


def _count_deadweight(
    run: VectorRun,
    parts: list[Attribution],
    won_without: Bools | None,
    totals: dict[str, NDArray[np.int64]],
) -> None:
    total = np.zeros(run.shape[0], dtype=np.int64)
    totals["deadweight"] = total
    if won_without is None:
        return
    for a in parts:
        opp = run.claims["opp"][a.claims]
        deal = run.opps["deal"][opp]
        free = (opp >= 0) & (deal < len(won_without))
        free[free] = won_without[deal[free]]
        total = total + _by_replication(run, run.claims["cell"][a.claims[free]], a.part[free])
    totals["deadweight"] = total


def margin_of(run: VectorRun, rows: Ints) -> tuple[Array, Array]:
    """Gross margin of deals in a customer's first year, whole cents, and the share of that year; (n,)."""
    o, markets = run.opps, run.setting.markets
    market = run.world.deals["market"].take(o["deal"].take(rows))
    share = take(markets.gross_margin, o["cell"].take(rows) // run.shape[1], market)
    used = np.minimum((o["ends"].take(rows) - o["due"].take(rows)) / WEEKS_PER_YEAR, 1.0)
    return np.rint((o["amount"].take(rows) * share - o["conceded"].take(rows)) * used), used


def brought(run: VectorRun) -> tuple[Array, Array, Array]:
    """Bookings, gross margin and Shapley values of the won deals that each partner is on, cents, (R, P)."""
    o, size = run.opps, run.shape[0] * run.shape[1]
    rows = np.flatnonzero(are_won(run) & (o["due"] >= 0) & o["attached"])
    values = (o["amount"][rows] - o["conceded"][rows], margin_of(run, rows)[0])
    sums = [np.bincount(o["cell"][rows], weights=v, minlength=size).astype(float) for v in values]
    worth = shapley_margins(run.world, o["deal"][rows], o["cell"][rows], o["other"][rows], values[1])
    return sums[0].reshape(run.shape), sums[1].reshape(run.shape), worth


def _count_deals(run: VectorRun, totals: dict[str, NDArray[np.int64]]) -> None:
    """Pipeline, bookings and margin by true dates within the horizon."""
    o, h = run.opps, run.setting.horizon
    rep, d = o["cell"] // run.shape[1], run.world.deals

    def summed(rows: Ints, value: Array | None = None) -> NDArray[np.int64]:
        return _summed(run, rep.take(rows), value)

    def count(where: Bools) -> NDArray[np.int64]:
        return summed(np.flatnonzero(where))

    qualified = np.flatnonzero((o["qualified"] >= 0) & (o["qualified"] < h))
    totals["qualified"] = summed(qualified)
    totals["pipeline"] = summed(qualified, o["amount"].take(qualified))
    joint = qualified.take(np.flatnonzero(o["worked"].take(qualified)))
    totals["joint.pipeline"] = summed(joint, o["amount"].take(joint))
    won = are_won(run) & (o["due"] >= 0)
    rows = np.flatnonzero(won)
    net = o["amount"].take(rows) - o["conceded"].take(rows)
    margin, used = margin_of(run, rows)
    account = d["account"].take(o["deal"].take(rows))
    totals["bookings"] = summed(rows, net)
    totals["bookings_new"] = summed(rows, np.where(account == 0, net, 0.0))
    totals["bookings_named"] = summed(rows, np.where(account == 2, net, 0.0))
    totals["conceded"] = summed(rows, o["conceded"].take(rows))
    totals["margin"] = summed(rows, margin)
    totals["won"] = summed(rows)
    totals["kept"] = summed(rows, (used >= 1.0).astype(float))

    mine = rows.take(np.flatnonzero(o["attached"].take(rows)))
    totals["won_by_partners"] = summed(mine)
    totals["lost_by_partners"] = count(o["attached"] & o["lost"] & (o["decided"] >= 0) & (o["decided"] < h))
    cycle = np.rint((o["due"].take(mine) - o["start"].take(mine)) * MICRO)
    totals["cycle"] = summed(mine, cycle)
    found = (o["start"] >= 0) & (o["start"] < h)
    totals["sourced"] = count(found & ~o["vendor"])
    totals["registered_vendor"] = count(found & o["vendor"] & o["worked"])
    totals["claimed_vendor"] = count(found & o["false"])
    totals["open"] = count(o["stage"][:] <= SIGNING)


def _count_claims(run: VectorRun, totals: dict[str, NDArray[np.int64]]) -> None:
    c, h = run.claims, run.setting.horizon
    inside = (c["week"] >= 0) & (c["week"] < h)
    cell = c["cell"][:]
    totals["certified"] = _by_replication(run, cell[inside & (c["event"] == Event.CERTIFIED) & ~c["false"]])
    totals["false_claims"] = _by_replication(run, cell[inside & c["false"] & (c["opp"] < 0)])
    totals["split"] = _by_replication(run, cell[inside & (c["moved"] == SPLIT)])
    totals["bundled"] = _by_replication(run, cell[inside & (c["moved"] == BUNDLED)])
    own = c["role"] != SECOND
    totals["pulled"] = _by_replication(run, cell[own & (c["moved"] == -1) & (c["week"] >= -1)])
    totals["pushed"] = _by_replication(run, cell[own & (c["moved"] == 1) & (c["week"] >= 0)])
    partner_weeks = run.shape[1] * h
    for name, sums in zip(ACTIVITIES, run.effort_total, strict=True):
        totals[f"activity.{name}"] = np.rint(sums / partner_weeks * MICRO).astype(np.int64)
    for b in run.accounts:
        tiers = b.offer.program.tiers
        for level, name in enumerate(tiers.names if tiers else ()):
            held = ((b.status == level) & b.member).sum(axis=1).astype(np.int64)
            totals[f"tier.{name}"] = totals.get(f"tier.{name}", 0) + held
    totals["partners"] = np.full(run.shape[0], run.shape[1], dtype=np.int64)
