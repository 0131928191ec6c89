"""Exports of simulated worlds: what the CRM of a simulated vendor holds on the day the simulation ends.

A deal is created on the day it was found. It is closed on the day it was lost, signed, or claimed to be signed: who
moves signatures moves these days. Weeks start on Mondays, and what happens in a week happens on its five working days.
Deals that no partner worked or claimed are direct.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from simulator.engines.settle import settle
from simulator.engines.tables import DONE, SIGNING
from simulator.engines.vector import VectorLife
from simulator.errors import fault
from simulator.fit import Reference
from simulator.program.compiled import Bools, Ints
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.program.sharing import SECOND
from simulator.run import chunk_size, fit_reference, prepare
from simulator.scenario.schema import Scenario

MOST_AT_ONCE = 16
"""Replications whose deals are in memory at once, as tables with texts."""
LAUNCH = date(2024, 1, 1)
"""A Monday on which a year starts, so that quarters of 13 weeks end within three days of the calendar's."""


@dataclass(frozen=True)
class SimulatedExport:
    """What a CRM holds at the end of one replication; money in currency units, dates as timestamps.

    opportunities: `id`, `owner` ("" if direct), `account`, `amount`, `created`, `closed` (NaT while open), `outcome`
    (won, lost, open), `stage` (0 to 4: how far an open deal is; 0 if direct), `segment`, `product` (""), `direct`,
    `currency`: what `simulator.calibrate.reading.Export` calls rows, and more. roster: `partner`, `segment`,
    `territory`. payouts: `partner`, `end`, `paid`, from launch on. history: `id`, `stage` (0 to 4, won, lost),
    `entered`; of direct deals only first and last. end: the day of the export.
    """

    opportunities: pd.DataFrame
    roster: pd.DataFrame
    payouts: pd.DataFrame
    history: pd.DataFrame
    end: pd.Timestamp


def simulated_exports(
    scenario: Scenario,
    *,
    seed: int,
    replications: Sequence[int] = (0,),
    program: str = "baseline",
    gaming: bool = True,
    launch: date = LAUNCH,
    reference: Reference | None = None,
) -> Iterator[SimulatedExport]:
    """Exports of a scenario's replications, from the start of the burn-in to the horizon, all partners on `program`
    from launch on.

    gaming: whether partners do what `[gaming]` allows; launch: a Monday; reference: the reference population, if it
    was fitted already. Raises `InputError` for an unknown program or another weekday.
    """
    if program not in scenario.programs:
        raise fault("export", "program", program, f"must be one of {', '.join(scenario.programs)}")
    if launch.weekday() != 0:
        raise fault("export", "launch", str(launch), "must be a Monday, as weeks start on Mondays")
    fitted = fit_reference(scenario) if reference is None else reference
    size = min(chunk_size(scenario, len(replications)), MOST_AT_ONCE)
    for start in range(0, len(replications), size):
        ids = np.sort(np.asarray(replications[start : start + size]))
        stage = prepare(scenario, fitted, (program,), seed, ids)
        setting = stage.world.setting
        life = VectorLife(stage.world, stage.rollout(program), stage.conduct[gaming])
        life.run(-setting.burn_in, setting.horizon).finish()
        yield from _exports(life, pd.Timestamp(launch))


def _exports(life: VectorLife, launch: pd.Timestamp) -> Iterator[SimulatedExport]:
    opportunities, history = _deals(life, launch)
    payouts, partners = _payouts(life, launch), life.setting.partners
    segments = np.array(partners.segments)[partners.segment]
    home = [life.setting.scenario.partners[name].territory for name in segments]
    roster = pd.DataFrame({"partner": partners.names, "segment": segments, "territory": home})[~partners.prospect]
    end = launch + pd.Timedelta(weeks=life.setting.horizon, days=-1)
    for position, replication in enumerate(life.world.ids):
        yield SimulatedExport(
            opportunities=_of(opportunities, position),
            roster=roster.reset_index(drop=True),
            payouts=_of(payouts, replication),
            history=_of(history, position),
            end=end,
        )


def _of(rows: pd.DataFrame, replication: int) -> pd.DataFrame:
    """The rows of one replication, without the column that says so."""
    return rows[rows["replication"] == replication].drop(columns="replication").reset_index(drop=True)


def _deals(life: VectorLife, launch: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Opportunities of all replications (with a column `replication`), and their stage history."""
    o, setting = life.opps, life.setting
    closed, won, lost = _closing(life)
    rep, who = np.divmod(o["cell"][:], life.shape[1])
    attached = o["attached"][:].astype(bool)
    # Numbered within the replication, so that no name depends on which replications are computed together.
    number = pd.Series(rep).groupby(rep).cumcount().to_numpy()
    ids = np.array([f"O{k:07d}" for k in number], dtype=object)
    names = np.array(setting.partners.names, dtype=object)
    created = _day(o["start"][:], launch)
    frame = pd.DataFrame({
        "replication": rep, "id": ids, "owner": np.where(attached, names[who], ""),
        "account": np.array([f"Account {k:07d}" for k in number], dtype=object),
        "amount": (o["amount"][:] - o["conceded"][:]) / 100, "created": created,
        "closed": _day(closed, launch), "outcome": np.where(won, "won", np.where(lost, "lost", "open")),
        "stage": np.where(o["stage"][:] == DONE, 0, o["stage"][:]),
        "segment": np.array(setting.markets.names, dtype=object)[life.world.deals["market"][o["deal"][:]]],
        "product": "", "direct": ~attached, "currency": setting.scenario.currency,
    }).sort_values(["created", "id"], kind="stable")  # fmt: skip
    return frame, _history(life, ids, frame, launch)


def _closing(life: VectorLife) -> tuple[Array, Bools, Bools]:
    """Week in which each deal is closed (nan while open), whether it was won and whether it was lost."""
    o, c, horizon = life.opps, life.claims, life.setting.horizon
    # Deals that no partner has are lived at once, also past the horizon.
    lost = o["lost"][:].astype(bool) & (o["decided"][:] < horizon)
    signed = (o["stage"][:] == DONE) & ~o["lost"][:].astype(bool)
    closed = np.where(lost, o["decided"][:], np.where(signed, o["due"][:], np.nan))
    moved = _deal_claims(life, (int(Event.SIGNED),))
    moved = moved[np.abs(c["moved"][moved]) == 1]
    # What was pulled before a week's start is claimed in the week before, on its last day.
    closed[c["opp"][moved]] = np.where(c["moved"][moved] < 0, c["time"][moved] - 1e-6, c["time"][moved])
    won = ~lost & (closed < horizon)
    return np.where(won | lost, closed, np.nan), won, lost


def _deal_claims(life: VectorLife, events: tuple[int, ...]) -> Ints:
    """Claims of first partners on deals, of the given events."""
    c = life.claims
    return np.flatnonzero(np.isin(c["event"][:], events) & (c["opp"][:] >= 0) & (c["role"][:] != SECOND))


def _history(life: VectorLife, ids: Array, deals: pd.DataFrame, launch: pd.Timestamp) -> pd.DataFrame:
    o, c = life.opps, life.claims
    rep = o["cell"][:] // life.shape[1]
    passed = _deal_claims(life, (int(Event.QUALIFIED), int(Event.DEMO), int(Event.PILOT)))
    agreed = np.flatnonzero(np.isfinite(o["decided"][:]) & ~o["lost"][:].astype(bool) & o["attached"][:].astype(bool))
    decided = deals[deals["outcome"] != "open"]
    of = c["opp"][passed]
    parts = (
        (deals["replication"], deals["id"], np.zeros(len(deals), dtype=int), deals["created"]),
        (rep[of], ids[of], c["event"][passed] + 1, _day(c["time"][passed], launch)),
        (rep[agreed], ids[agreed], np.full(len(agreed), SIGNING), _day(o["decided"][agreed], launch)),
        (decided["replication"], decided["id"], decided["outcome"], decided["closed"]),
    )
    rows = [
        pd.DataFrame({
            "replication": np.asarray(r), "id": np.asarray(i), "stage": np.asarray(s, dtype=object),
            "entered": np.asarray(at),
        }) for r, i, s, at in parts
    ]  # fmt: skip
    return pd.concat(rows).sort_values(["replication", "id", "entered"], kind="stable")


def _payouts(life: VectorLife, launch: pd.Timestamp) -> pd.DataFrame:
    ledger = settle(life).ledger
    paid = ledger["paid"] != 0
    names = np.array(life.setting.partners.names, dtype=object)
    return pd.DataFrame({
        "replication": ledger["replication"][paid], "partner": names[ledger["partner"][paid]],
        "end": launch + pd.to_timedelta(7 * ledger["end"][paid] - 1, unit="D"), "paid": ledger["paid"][paid] / 100,
    })  # fmt: skip


def _day(week: Array, launch: pd.Timestamp) -> pd.DatetimeIndex:
    """The working day of a time in weeks from launch; NaT for nan."""
    first = np.floor(week)
    return pd.DatetimeIndex(launch + pd.to_timedelta(7 * first + np.floor(5 * (week - first)), unit="D"))
