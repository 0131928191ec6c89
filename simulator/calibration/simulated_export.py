"""Exports of simulated worlds: what the CRM of a simulated vendor holds on the day the simulation ends.

A deal is created on the day it was found. It is closed on the day it was lost, signed, or claimed to be signed: who
moves signatures moves these days. Weeks start on Mondays, and what happens in a week happens on its five working days.
Deals that no partner worked or claimed are direct. As files the tables have the columns, stages and dates of a CRM.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.calibration.profile import Profile, load_profile
from simulator.core.arrays import Array, Bools, Ints
from simulator.core.errors import InputError, Problem, fault
from simulator.engines.records import DONE, SIGNING
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.reference.fit import Reference
from simulator.runs.simulate import chunk_size, fit_reference, prepare
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
    `currency`: what `simulator.calibration.clean.Export` calls rows, and more. roster: `partner`, `segment`,
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
        run = VectorRun(stage.world, stage.rollout(program), stage.mode[gaming])
        run.run(-setting.burn_in, setting.horizon).finish()
        yield from _exports(run, pd.Timestamp(launch))


def _exports(run: VectorRun, launch: pd.Timestamp) -> Iterator[SimulatedExport]:
    opportunities, history = _deals(run, launch)
    payouts, partners = _payouts(run, launch), run.setting.partners
    segments = np.array(partners.segments)[partners.segment]
    home = [run.setting.scenario.partners[name].territory for name in segments]
    roster = pd.DataFrame({"partner": partners.names, "segment": segments, "territory": home})[~partners.forecast]
    end = launch + pd.Timedelta(weeks=run.setting.horizon, days=-1)
    for position, replication in enumerate(run.world.ids):
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


def _deals(run: VectorRun, launch: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Opportunities of all replications (with a column `replication`), and their stage history."""
    o, setting = run.opps, run.setting
    closed, won, lost = _closing(run)
    rep, who = np.divmod(o["cell"][:], run.shape[1])
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
        "segment": np.array(setting.markets.names, dtype=object)[run.world.deals["market"][o["deal"][:]]],
        "product": "", "direct": ~attached, "currency": setting.scenario.currency,
    }).sort_values(["created", "id"], kind="stable")  # fmt: skip
    return frame, _history(run, ids, frame, launch)


def _closing(run: VectorRun) -> tuple[Array, Bools, Bools]:
    """Week in which each deal is closed (nan while open), whether it was won and whether it was lost."""
    o, c, horizon = run.opps, run.claims, run.setting.horizon
    # Deals that no partner has are simulated at once, also past the horizon.
    lost = o["lost"][:].astype(bool) & (o["decided"][:] < horizon)
    signed = (o["stage"][:] == DONE) & ~o["lost"][:].astype(bool)
    closed = np.where(lost, o["decided"][:], np.where(signed, o["due"][:], np.nan))
    moved = _deal_claims(run, (int(Event.SIGNED),))
    moved = moved[np.abs(c["moved"][moved]) == 1]
    # What was pulled before a week's start is claimed in the week before, on its last day.
    closed[c["opp"][moved]] = np.where(c["moved"][moved] < 0, c["time"][moved] - 1e-6, c["time"][moved])
    won = ~lost & (closed < horizon)
    return np.where(won | lost, closed, np.nan), won, lost


def _deal_claims(run: VectorRun, events: tuple[int, ...]) -> Ints:
    """Claims of first partners on deals, of the given events."""
    c = run.claims
    return np.flatnonzero(np.isin(c["event"][:], events) & (c["opp"][:] >= 0) & (c["role"][:] != SECOND))


def _history(run: VectorRun, ids: Array, deals: pd.DataFrame, launch: pd.Timestamp) -> pd.DataFrame:
    o, c = run.opps, run.claims
    rep = o["cell"][:] // run.shape[1]
    passed = _deal_claims(run, (int(Event.QUALIFIED), int(Event.DEMO), int(Event.PILOT)))
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


def _payouts(run: VectorRun, launch: pd.Timestamp) -> pd.DataFrame:
    ledger = settle(run).ledger
    paid = ledger["paid"] != 0
    names = np.array(run.setting.partners.names, dtype=object)
    return pd.DataFrame({
        "replication": ledger["replication"][paid], "partner": names[ledger["partner"][paid]],
        "end": launch + pd.to_timedelta(7 * ledger["end"][paid] - 1, unit="D"), "paid": ledger["paid"][paid] / 100,
    })  # fmt: skip


def _day(week: Array, launch: pd.Timestamp) -> pd.DatetimeIndex:
    """The working day of a time in weeks from launch; NaT for nan."""
    first = np.floor(week)
    return pd.DatetimeIndex(launch + pd.to_timedelta(7 * first + np.floor(5 * (week - first)), unit="D"))


DIRECT = "Direct sales"
"""Owner of direct deals where a profile has no other way to tell them."""


@dataclass(frozen=True)
class ExportedFiles:
    """What was written: the number of rows by file."""

    scenario: str
    profile: str
    rows: Mapping[Path, int]

    def __str__(self) -> str:
        return "\n".join(f"{path}: {count:,} rows" for path, count in self.rows.items())

    def to_json(self) -> str:
        """All figures as JSON text."""
        rows = {str(path): count for path, count in self.rows.items()}
        return json.dumps({"scenario": self.scenario, "profile": self.profile, "rows": rows}, indent=2)


def export_crm(
    scenario: Scenario,
    folder: Path,
    *,
    profile: Path | str,
    seed: int,
    replication: int = 0,
    program: str = "baseline",
    gaming: bool = True,
) -> ExportedFiles:
    """Write the CRM export of one replication into `folder`, which is made if need be.

    profile: whose columns, a path or the name of a shipped one; for the rest see `simulated_exports`. Raises
    `InputError` for an unknown program or profile, or where a file is in the way; nothing is written then.
    """
    columns = load_profile(profile).profile
    file_paths(folder, ("opportunities", "roster", "payouts", "history"))
    (export,) = simulated_exports(scenario, seed=seed, replications=(replication,), program=program, gaming=gaming)
    tables = crm_tables(export, columns)
    paths = write_tables(tables, folder)
    rows = {path: len(table) for path, table in zip(paths, tables.values(), strict=True)}
    return ExportedFiles(scenario.name, columns.name, rows)


def crm_tables(export: SimulatedExport, profile: Profile) -> dict[str, pd.DataFrame]:
    """Opportunities, roster, payouts and history as texts, in the columns, stages and date format of a profile.

    Where the profile cannot tell direct deals, their owner is `DIRECT`, which is not on the roster.
    """
    deals, columns = export.opportunities, profile.columns
    outcome = {"won": profile.stages.won[0], "lost": profile.stages.lost[0]}

    def stages(values: pd.Series) -> list[str]:
        return [outcome.get(v) or profile.open_stage(int(v)) for v in values]

    def days(values: pd.Series) -> pd.Series:
        return pd.Series(values.dt.strftime(profile.dates.format).fillna(""))

    def money(values: pd.Series) -> pd.Series:
        return pd.Series([f"{v:.2f}" if v == v else "" for v in values], index=values.index)

    named = {
        columns.id: deals["id"], columns.owner: deals["owner"].where(~deals["direct"], DIRECT),
        columns.account: deals["account"], columns.product: deals["product"], columns.segment: deals["segment"],
        columns.amount: money(deals["amount"]), columns.currency: deals["currency"],
        columns.created: days(deals["created"]), columns.closed: days(deals["closed"]),
        columns.stage: stages(deals["outcome"].where(deals["outcome"] != "open", deals["stage"])),
    }  # fmt: skip
    if profile.engagement and columns.engagement:
        partner = profile.engagement.partner[0] if profile.engagement.partner else deals["owner"]
        named[columns.engagement] = pd.Series(partner, index=deals.index).mask(
            deals["direct"], profile.engagement.direct[0]
        )
    h, r, p = profile.history, profile.roster, profile.payouts
    history, roster, payouts = export.history, export.roster, export.payouts
    return {
        "opportunities": pd.DataFrame({name: values for name, values in named.items() if name is not None}),
        "roster": pd.DataFrame({
            r.partner: roster["partner"], r.segment: roster["segment"], r.territory: roster["territory"]
        }),
        "payouts": pd.DataFrame({
            p.partner: payouts["partner"], p.end: days(payouts["end"]), p.paid: money(payouts["paid"])
        }),
        "history": pd.DataFrame({
            h.id: history["id"], h.stage: stages(history["stage"]), h.entered: days(history["entered"])
        }),
    }  # fmt: skip


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write tables as `NAME.csv` into `folder`; files that exist are not overwritten."""
    paths = file_paths(folder, tables)
    folder.mkdir(parents=True, exist_ok=True)
    for path, table in zip(paths, tables.values(), strict=True):
        table.to_csv(path, index=False, lineterminator="\n")
    return paths


def file_paths(folder: Path, names: Iterable[str]) -> list[Path]:
    """Where tables go; refuses files that are there."""
    paths = [folder / f"{name}.csv" for name in names]
    taken = [Problem(str(p), "out", "", "already exists", "choose another folder") for p in paths if p.exists()]
    if taken:
        raise InputError(taken)
    return paths
