"""Payments in the vector engine: what of a closed window's payout rests on each claim, and what is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.core.arrays import Array, Ints, take
from simulator.engines.ledger import attributed, cut, taken_back
from simulator.engines.records import PAYOUT, WINDOW, RunRecords, TierRecords, dispute_delay
from simulator.engines.vector.accounts import ClosedWindows, ProgramAccounts
from simulator.engines.vector.state import VectorState
from simulator.program.support import Prize


@dataclass(frozen=True)
class Attribution:
    """Payout of one closed window by claim."""

    accounts: ProgramAccounts
    closing: ClosedWindows
    claims: Ints
    part: Array


def attribute(state: VectorState, b: ProgramAccounts) -> list[Attribution]:
    """Each closing that reaches past launch with its claims and their parts of the payout."""
    c, closings = state.claims, [closing for closing in b.closings if closing.end > 0]
    if not closings:
        return []
    live = np.flatnonzero((c["event"] >= 0) & (state.rollout.held(c["cell"], c["week"]) == b.offer_index))
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
                by_claim[span] = _with_status(b, closing, rows, state)
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
    b: ProgramAccounts, closing: ClosedWindows, rows: Ints, state: VectorState
) -> list[tuple[Ints, Array, Array]]:
    """Payouts by claim as they were when the window was open."""
    past = b.copy()
    past.status = closing.status
    past.rates = None if closing.rates is None else list(closing.rates)
    return past.payouts(rows, state.claims)


def reversals(state: VectorState, a: Attribution) -> tuple[Ints, Array, Array]:
    """Claims whose customer may leave in time to take payout back, and what is forfeited and clawed back of each."""
    cl, terms = a.closing, a.accounts.offer.program.components[a.closing.component].terms
    c, o = state.claims, state.opps
    opp = c["opp"][a.claims]
    deal = opp >= 0
    if not ((terms.clawback_weeks > 0).any() and deal.any()):
        return a.claims[:0], np.zeros(0), np.zeros(0)
    rows, opp = a.claims[deal], opp[deal]
    rep = c["cell"][rows] // state.shape[1]
    late = dispute_delay(state.world, c, rows) if cl.kept is None else np.zeros(len(rows))
    back = taken_back(
        a.part[deal], lost=o["ends"][opp], claimed=c["time"][rows],
        end=np.full(len(rows), float(cl.end if cl.kept is None else cl.start)),
        lag=take(terms.payout_lag_weeks, rep) + late, holdback=take(terms.holdback_share, rep),
        held=take(terms.holdback_weeks, rep), window=take(terms.clawback_weeks, rep),
    )  # fmt: skip
    return rows, *back


def ledger_rows(state: VectorState, a: Attribution) -> dict[str, Array]:
    """Lines of the ledger."""
    cl, terms = a.closing, a.accounts.offer.program.components[a.closing.component].terms
    c, size = state.claims, state.shape[0] * state.shape[1]
    rows, *back = reversals(state, a)
    forfeited, clawed = (np.bincount(c["cell"][rows], weights=x, minlength=size).astype(float) for x in back)
    if cl.kept is not None:  # a missed target takes an advance back, or forfeits it unpaid, as a fund unspent
        advance = a.accounts.offer.program.components[cl.component].advance is not None
        missed, paid = cl.accrued - cl.kept, advance & (cl.start + terms.payout_lag_weeks < cl.end)
        clawed = clawed + np.where(paid, missed, 0.0).reshape(-1)
        forfeited = forfeited + np.where(paid, 0.0, missed).reshape(-1)
    accrued, attained, penalty = (x.reshape(-1) for x in (cl.accrued, cl.attained, cl.penalty))
    cell = np.flatnonzero((accrued != 0) | (attained != 0) | (penalty != 0))
    rep, who = np.divmod(cell, state.shape[1])
    same = np.ones(len(cell))
    return {
        "replication": state.world.ids[rep], "partner": who, "offer": same * a.accounts.offer_index,
        "component": same * cl.component, "start": same * cl.start, "end": same * cl.end, "attained": attained[cell],
        "accrued": accrued[cell], "forfeited": forfeited[cell], "clawed_back": clawed[cell],
        "paid": (accrued - forfeited - clawed)[cell], "penalty": penalty[cell],
    }  # fmt: skip


def run_records(state: VectorState) -> RunRecords:
    """What a finished run left behind."""
    parts = [a for b in (*state.closed, *state.accounts) for a in attribute(state, b)]
    windows = [ledger_rows(state, a) for a in parts]
    tiers = [(b, b.offer.program.tiers) for b in state.accounts]
    return RunRecords(
        state.world, state.rollout, state.effort, state.effort_total, state.opps, state.claims,
        {name: np.concatenate([w[name] for w in windows] or [np.zeros(0)]).astype(np.int64) for name in WINDOW},
        _payout_columns(parts), tuple(_prizes(state)),
        tuple(TierRecords(t.names, b.member, b.first_status, b.status) for b, t in tiers if t),
        state.in_force.get(len(state.rollout.offers) - 1),
    )  # fmt: skip


def _payout_columns(parts: list[Attribution]) -> dict[str, NDArray[Any]]:
    counts = [len(a.claims) for a in parts]
    windows = np.array(
        [(a.accounts.offer_index, a.closing.component, a.closing.kept is not None) for a in parts], dtype=np.int64
    ).reshape(-1, 3)
    offer, component, in_advance = (np.repeat(column, counts) for column in windows.T)
    claim = np.concatenate([a.claims for a in parts] or [np.zeros(0, dtype=np.int64)])
    part = np.concatenate([a.part for a in parts] or [np.zeros(0)])
    return dict(zip(PAYOUT, (offer, component, claim, part, in_advance.astype(bool)), strict=True))


def _prizes(state: VectorState) -> Iterator[tuple[Prize, Ints]]:
    for b in (*state.closed, *state.accounts):
        for k, end, winners in b.contest.won:
            if end > 0:
                yield b.contest.prizes[k], winners.sum(axis=1)
