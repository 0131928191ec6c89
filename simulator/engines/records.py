"""What a simulation run leaves behind, the same from both engines: its deals, claims, closed windows and payouts.

The engines write these records independently; `simulator.engines.totals` counts them, and `verify` compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.behavior.effort import EffortState
from simulator.core.arrays import Array, Bools, Ints
from simulator.core.table import ColumnTable
from simulator.engines.assignment import ProgramAssignment
from simulator.program.governance import ProgramAdjustments
from simulator.program.measures import Event
from simulator.program.support import Prize
from simulator.world.disputes import NONE
from simulator.world.world import World

DEAL = {
    "deal": np.int32, "cell": np.int32, "start": float, "amount": float, "code": np.int16, "attached": bool,
    "worked": bool, "false": bool, "vendor": bool, "since": float, "stage": np.int8, "due": float, "qualified": float,
    "decided": float, "lost": bool, "filed": bool, "conceded": float, "discount": float, "ends": float,
    "other": np.int32,
}  # fmt: skip
"""Columns of deals. cell, other: places of the first and second partner in (R, P), `other` -1 where there is none;
attached: whether a partner has registered the deal, otherwise its cell means nothing; worked: whether partner and
vendor work on it together; false: registered without work; due: when the running stage ends, or the deal was signed
or lost; filed: whether its signature was filed on another date; ends: when its customer leaves. Weeks and cents."""
CLAIM = {
    "event": np.int8, "cell": np.int32, "opp": np.int32, "week": np.int32, "time": float, "start": float,
    "amount": float, "code": np.int16, "false": bool, "audit": float, "moved": np.int8, "conceded": float,
    "deal": np.int32, "role": np.int8, "disputed": np.int8,
}  # fmt: skip
"""Columns of claims. event: -1 for a claim that was taken back; opp: row of its deal, -1 for none; amount: net of what
was conceded; audit: the mark that an audit compares with its rate; moved: 1 where the signature was pushed into the
next window, -1 where it was pulled into the one before, `SPLIT` or `BUNDLED`."""
SPLIT, BUNDLED = 2, 3
SIGNING, DONE = 4, 5
"""Stages of a deal: before them come those of `Event`."""
NEVER = np.inf
WINDOW = (
    "replication", "partner", "offer", "component", "start", "end", "attained", "accrued", "forfeited", "clawed_back",
    "paid", "penalty",
)  # fmt: skip
"""Columns of closed windows, and of the ledger: integers, money in cents, attainment in hundredths."""
PAYOUT = ("offer", "component", "claim", "part", "in_advance")
"""Columns of payouts by claim: row of the claim, and the part of its window's payout (cents) that rests on it.
in_advance: whether the window was paid at its start."""


@dataclass(frozen=True)
class TierRecords:
    """Tiers of the partners `members` (R, P) of one program: level at its start and now, (R, P)."""

    names: tuple[str, ...]
    members: Bools
    first: Ints
    now: Ints


@dataclass(frozen=True)
class RunRecords:
    """The records of one set of replications under one assignment of programs.

    rollout: the assignment that payouts follow; effort, activity: the partners' state of effort, and the sum of each
    activity over partner-weeks from launch, (4, R); windows, payouts: columns by name, of windows that end after
    launch; prizes: each with the number of its winners by replication (R,), once per quarter that ends after launch;
    adjustments: what reviews made of the last program, None without reviews.
    """

    world: World
    rollout: ProgramAssignment
    effort: EffortState
    activity: Array
    deals: ColumnTable
    claims: ColumnTable
    windows: dict[str, Ints]
    payouts: dict[str, NDArray[Any]]
    prizes: tuple[tuple[Prize, Ints], ...]
    tiers: tuple[TierRecords, ...]
    adjustments: ProgramAdjustments | None


class HasRecords(Protocol):
    """A finished run of either engine."""

    def records(self) -> RunRecords:
        """What the run left behind."""
        ...


def are_won(deals: ColumnTable, horizon: int) -> Bools:
    """Which deals were won before the horizon, (n,)."""
    signed = (deals["stage"][:] == DONE) & ~deals["lost"]
    return np.asarray(signed & (deals["due"] < horizon), dtype=bool)


def won_in_world(world: World, deals: ColumnTable) -> Bools:
    """Per deal of the world, whether it was won; sized to the deals known so far."""
    won = np.zeros(world.deals.rows, dtype=bool)
    won[deals["deal"][are_won(deals, world.setting.horizon)]] = True
    return won


def dispute_delay(world: World, claims: ColumnTable, rows: Ints) -> Array:
    """Weeks by which disputes delay what is paid on the claims `rows`, (n,)."""
    if world.disputes is None:
        return np.zeros(len(rows))
    weeks = world.disputes.number("delay_weeks", claims["cell"][rows] // world.shape[1])
    return np.where(claims["disputed"][rows] != NONE, weeks, 0.0)


Rows = dict[str, Ints]
"""Kind of record -> (n, columns) whole numbers: cents, millionths of a week, counts."""


def rows_of(records: RunRecords, place: int) -> Rows:
    """The records of the replication at `place` from launch on, without what means nothing or what no program reads."""
    o, c, partners, horizon = records.deals, records.claims, records.world.shape[1], records.world.setting.horizon

    def week(time: Array) -> Ints:
        return np.where(time < horizon, np.rint(np.minimum(time, horizon) * 1e6), -1).astype(np.int64)

    won = are_won(o, horizon)
    over = won | (o["lost"] & (o["due"] < horizon))
    ends = np.where(won, np.rint(np.minimum(o["ends"], 1e6) * 1e6), -1)
    first, second = (np.where(x, o[n] % partners, -1) for n, x in (("cell", o["attached"]), ("other", o["other"] >= 0)))
    deals = (
        first, second, o["worked"], o["false"], o["vendor"], won, over, np.rint(o["amount"]), np.rint(o["conceded"]),
        week(o["start"]), week(o["qualified"]), week(o["decided"]), week(np.where(over, o["due"], np.inf)), ends,
    )  # fmt: skip
    claims = (
        c["event"], c["cell"] % partners, c["week"], week(c["time"]), week(c["start"]), np.rint(c["amount"]),
        np.rint(c["conceded"]), c["false"], np.rint(c["audit"] * 1e9), c["moved"], c["role"], c["disputed"],
    )  # fmt: skip
    unread = [e for e in (Event.QUALIFIED, Event.DEMO, Event.PILOT) if e not in records.rollout.events]
    paid = records.payouts["claim"]
    payouts = [records.payouts[n] for n in ("offer", "component", "in_advance", "part")] + [x[paid] for x in claims]
    read = (c["week"] >= -1) & ~np.isin(c["event"], unread)
    ledger = records.windows["replication"] == records.world.ids[place]
    return {
        "deals": _table(deals, (o["cell"] // partners == place) & (~over | (o["due"] >= 0))),
        "claims": _table(claims, (c["cell"] // partners == place) & read),
        "payouts": _table(payouts, c["cell"][paid] // partners == place),
        "ledger": _table([records.windows[n] for n in WINDOW], ledger),
    }


def _table(columns: Sequence[np.ndarray], rows: Bools) -> Ints:
    return np.stack([column[rows].astype(np.int64) for column in columns], axis=1)
