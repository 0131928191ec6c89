"""Splitting and bundling in the vector engine: how opportunists file the deals signed in a week."""

from __future__ import annotations

import numpy as np

from simulator.behavior.gaming import kinds
from simulator.behavior.gaming.deal_splitting import filing_cost, filing_gains, pieces
from simulator.core.arrays import Array, Ints, take
from simulator.core.table import ColumnTable
from simulator.engines.records import BUNDLED, CLAIM, SPLIT
from simulator.engines.vector.accounts import ProgramAccounts
from simulator.engines.vector.gaming.discount_dumping import drafts, worth
from simulator.engines.vector.state import VectorState
from simulator.program.credit_splits import ALONE
from simulator.program.measures import Event
from simulator.world.setting import WEEKS_PER_QUARTER


def file_in_parts(state: VectorState, week: int, first: int) -> None:
    """Rewrite the claims from row `first` on, made in `week` and not booked yet, where another filing pays more."""
    c = state.claims
    rows = first + np.flatnonzero((c["event"][first:] == Event.SIGNED) & (c["moved"][first:] == 0))
    rows = rows[c["role"][rows] == ALONE]
    rows = rows[state.world.opportunist.reshape(-1)[c["cell"][rows]]]
    for b in state.accounts:
        mine = rows[b.member.reshape(-1)[c["cell"][rows]]]
        if len(mine) and b.started:
            _choose(state, b, week, mine)


def _choose(state: VectorState, b: ProgramAccounts, week: int, rows: Ints) -> None:
    c, most = state.claims, state.setting.scenario.gaming.max_pieces
    rep = c["cell"][rows] // state.shape[1]
    partner = _earlier(state, b, week, rows)
    seen = _seen(state, rows)
    found = np.maximum(seen, take(state.setting.gaming("split_detection"), rep))
    values = [worth(b, _draft(c, rows, c["amount"][rows], c["conceded"][rows]), seen)]
    for count in range(2, most + 1):
        parts = [pieces(c[name][rows], count) for name in ("amount", "conceded")]
        one, other = (worth(b, _draft(c, rows, parts[0][j], parts[1][j]), found) for j in (0, 1))
        values.append(one + (count - 1) * other)
    values.append(np.full(len(rows), -np.inf))
    can = np.flatnonzero(partner >= 0)
    if len(can):
        own, its = rows[can], partner[can]
        joint = _draft(c, own, *(c[name][own] + c[name][its] for name in ("amount", "conceded")))
        alone = worth(b, _draft(c, its, c["amount"][its], c["conceded"][its]), _seen(state, its))
        values[-1][can] = worth(b, joint, np.maximum(found[can], _seen(state, its))) - alone
    cost = filing_cost(take(state.setting.gaming("split_cost"), rep))
    choice = kinds.best_option(filing_gains(np.stack(values, axis=1), cost), values[0])
    _mark(state, rows[choice > 0])
    for count in range(2, most + 1):
        _split(state, rows[choice == count - 1], count)
    _bundle(state, rows[choice == most], partner[choice == most])


def _seen(state: VectorState, rows: Ints) -> Array:
    """Share of audits that see through claims as they stand."""
    c, o = state.claims, state.opps
    opp = c["opp"][rows]
    dumped = take(state.setting.gaming("discount_detection"), c["cell"][rows] // state.shape[1])
    return np.where(o["false"][opp], 1.0, np.where(c["false"][rows], dumped, 0.0))


def _draft(c: ColumnTable, rows: Ints, amount: Array, conceded: Array) -> ColumnTable:
    columns = {name: c[name][rows] for name in ("event", "cell", "opp", "time", "week", "start", "code")}
    return drafts(len(rows), **columns, amount=amount, conceded=conceded)


def _earlier(state: VectorState, b: ProgramAccounts, week: int, rows: Ints) -> Ints:
    """The claim that each row may be bundled with, or -1: for a partner's first signature of the week its last claim
    of the weeks before that is still in the running windows."""
    c = state.claims
    out = np.full(len(rows), -1)
    order = np.lexsort((c["time"][rows], c["cell"][rows]))
    cells, at = np.unique(c["cell"][rows[order]], return_index=True)
    since = max(week // WEEKS_PER_QUARTER * WEEKS_PER_QUARTER, week - state.setting.scenario.gaming.bundle_weeks)
    since = max(since, *b.started)
    past = np.flatnonzero((c["week"] >= since) & (c["week"] < week) & (c["event"] == Event.SIGNED) & (c["moved"] == 0))
    past = past[c["role"][past] == ALONE]
    past = past[np.isin(c["cell"][past], cells)]
    past = past[np.lexsort((c["time"][past], c["cell"][past]))]
    last = np.searchsorted(c["cell"][past], cells, side="right") - 1
    if len(past):
        known = (last >= 0) & (c["cell"][past[np.maximum(last, 0)]] == cells)
        out[order[at[known]]] = past[last[known]]
    return out


def _mark(state: VectorState, rows: Ints) -> None:
    """Make claims such that an audit may see through the way they are filed."""
    c = state.claims
    seen = take(state.setting.gaming("split_detection"), c["cell"][rows] // state.shape[1])
    mark = kinds.audit_mark(state.world.deals["audit"][state.opps["deal"][c["opp"][rows]]], seen)
    c["audit"][rows] = np.where(c["false"][rows], np.minimum(c["audit"][rows], mark), mark)
    c["false"][rows] = True


def _split(state: VectorState, rows: Ints, count: int) -> None:
    if not len(rows):
        return
    c = state.claims
    parts = {name: pieces(c[name][rows], count) for name in ("amount", "conceded")}
    for name, (one, _) in parts.items():
        c[name][rows] = one
    c["moved"][rows] = SPLIT
    copied = {name: np.repeat(c[name][rows], count - 1) for name in CLAIM if name not in parts}
    rest = {name: np.repeat(other, count - 1) for name, (_, other) in parts.items()}
    c.append(len(rows) * (count - 1), **copied, **rest)


def _bundle(state: VectorState, rows: Ints, with_rows: Ints) -> None:
    if not len(rows):
        return
    c = state.claims
    for b in state.accounts:
        b.post(np.sort(with_rows), c, sign=-1.0)
    for name in ("amount", "conceded"):
        c[name][rows] += c[name][with_rows]
    c["event"][with_rows] = -1
    c["moved"][rows] = BUNDLED
