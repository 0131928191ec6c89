"""Replay: the event engine simulates one replication again, and its log shows why it cost what it did.

The timeline has a lane per partner, in it a line per deal from its finding to its end, darker with every stage it
passes; lines that do not overlap share a row. What became of a deal stands at its end; payments and moves between tiers
at the lane's foot.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from simulator.core.arrays import Array
from simulator.core.errors import SimulatorError, fault
from simulator.engines.events.accounts import ClosedWindow
from simulator.engines.events.engine import LOG_COLUMNS, EventRun
from simulator.engines.ledger import RunOutcome
from simulator.engines.records import won_in_world
from simulator.engines.totals.settlement import count
from simulator.report.formats import NumberFormat, form_of
from simulator.report.plots import QUIET, colour, legend_beside, sample_note, styled
from simulator.report.tables import Column, Table
from simulator.report.text import with_unit
from simulator.runs.simulate import LEVEL_LABELS, RESPONSE_LEVELS, fit_reference, prepare
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import suggestion
from simulator.studies.base import Study
from simulator.studies.registry import Option, study
from simulator.studies.settings import RunSettings

GAMED = ("pulled", "pushed")
_OTHER = (("audit", "verification"), ("admin", "administration"), ("penalty", "penalties taken"))


@dataclass(frozen=True)
class Trace(Study):
    """One replayed replication.

    log: rows of `columns` in order of time, weeks and currency units; outcome: its totals; without_gaming: those of the
    same year without gaming; partner: whose statement is shown, None for nobody's.
    """

    scenario: Scenario
    program: str
    replication: int
    seed: int
    level: str
    columns: tuple[str, ...]
    log: tuple[tuple[Any, ...], ...]
    outcome: RunOutcome
    without_gaming: RunOutcome
    settled: tuple[tuple[int, ClosedWindow], ...]
    partner_names: tuple[str, ...]
    components: tuple[tuple[str, ...], ...]
    partner: str | None = None

    @property
    def title(self) -> str:
        """What was replayed."""
        return f"{self.scenario.name}: {self.program}, replayed"

    @property
    def sample_text(self) -> str:
        """Which replication."""
        return f"replication {self.replication}, seed {self.seed}, behavior level: {LEVEL_LABELS[self.level]}"

    def table(self) -> pd.DataFrame:
        """The log: a row per event, in order of time; weeks and units of the currency."""
        return pd.DataFrame(self.log, columns=list(self.columns))

    def headline(self) -> list[str]:
        """What the year came to, and what gaming had to do with it."""
        money = self.scenario.currency
        lines = [
            f"The program cost {self._total('cost'):,.0f} {money} for bookings of {self._total('bookings'):,.0f}, a "
            f"pipeline of {self._total('pipeline'):,.0f} and {int(self.outcome.totals['won'][0]):,} deals won."
        ]
        if self.level != "strategic":
            return lines
        extra = self._total("cost") - self._total("cost", without_gaming=True)
        lost = self._total("margin", without_gaming=True) - self._total("margin")
        margin = f"{abs(lost):,.0f} {'lower' if lost > 0 else 'higher'}" if abs(lost) >= 0.5 else "the same"
        pulled, pushed = (len(self._gamed(event)) for event in ("pulled", "pushed"))
        return [
            *lines,
            f"Against the same year without gaming it cost {abs(extra):,.0f} {money} {'more' if extra >= 0 else 'less'}"
            f" and margin was {margin}.",
            f"Gamed from launch on: {pulled} signatures pulled into the window, {pushed} pushed into the next, "
            f"{len(self._gamed('claim'))} false claims.",
        ]

    def tables(self) -> list[Table]:
        """Cost by component, the costliest decisions, signatures moved, and the statement of a partner if asked for."""
        shown = [self._costs(), self._costliest(), self._moved()]
        tables = [table for table in shown if table.rows]
        return tables if self.partner is None else [*tables, self.statement(self.partner)]

    plot_kinds: ClassVar = {
        "accrued": lambda self, ax: draw_accrued(self, ax),
        "timeline": lambda self, ax, partner=None: draw_timeline(self, ax, partner),
    }

    def _plot(self, kind: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
        if kind == "timeline" and ax is None:
            ax = timeline_axes(self, **options)
        return super()._plot(kind, ax, **options)

    def details(self) -> dict[str, Any]:
        """Totals, of the replication and of the same year without gaming; money in cents."""
        return {
            "scenario": self.scenario.name,
            "program": self.program,
            "replication": self.replication,
            "seed": self.seed,
            "level": self.level,
            "totals": {name: int(x[0]) for name, x in self.outcome.totals.items()},
            "without_gaming": {name: int(x[0]) for name, x in self.without_gaming.totals.items()},
        }

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the log as CSV, whole or not at all; an existing file is not overwritten."""
        target = Path(path)
        if target.exists():
            raise SimulatorError(f"{target}: exists; choose another name or remove it")
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".trace-")
        try:
            with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(self.columns)
                writer.writerows(self.log)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return target

    def _gamed(self, event: str) -> list[dict[str, Any]]:
        """Log rows from launch on of an event that is gamed: `pulled`, `pushed`, or a false `claim`."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.log]
        return [
            r
            for r in rows
            if r["event"] == event and r["time"] >= 0 and (event != "claim" or r["reason"] == "false claim")
        ]

    def _total(self, name: str, without_gaming: bool = False) -> float:
        outcome = self.without_gaming if without_gaming else self.outcome
        return float(outcome.totals[name][0]) / 100 if name in outcome.totals else 0.0

    def _costs(self) -> Table:
        """What it cost by component, and for verification, administration and penalties."""
        paying = sorted(name for name in self.outcome.totals if name.startswith("cost."))
        found = [(name.removeprefix("cost."), self._total(name)) for name in paying]
        found = [(name, cost) for name, cost in (*found, *((label, self._total(n)) for n, label in _OTHER)) if cost]
        whole, currency = self._total("cost") or 1.0, self.scenario.currency
        columns = [
            Column("cost", "cost", [cost for _, cost in found], currency, NumberFormat(1.0, 0, currency)),
            Column("share", "of all", [cost / whole for _, cost in found], "share", NumberFormat(100.0, 1, "%")),
        ]
        return Table("Cost by component", [name for name, _ in found], columns, currency)

    def _costliest(self) -> Table:
        """The windows that paid most."""
        ranked = sorted(self.settled, key=lambda s: (-s[1].accrued, s[0], s[1].start))[:10]
        windows = [(who, c) for who, c in ranked if c.accrued > 0]
        largest = [max(c.parts, key=lambda part: part[1], default=None) for _, c in windows]
        claims = [part[0] if part is not None and part[0].opp is not None else None for part in largest]
        currency = self.scenario.currency
        money = NumberFormat(1.0, 0, currency)
        columns = [
            Column("component", "component", [self.components[c.offer][c.component] for _, c in windows]),
            Column("weeks", "weeks", [f"{c.start} to {c.end}" for _, c in windows]),
            Column("accrued", "payout", [c.accrued / 100 for _, c in windows], currency, money),
            Column("attained", "attainment", [c.attained / 100 for _, c in windows], "", NumberFormat(1.0, 0, "")),
            Column("claims", "claims", [len(c.parts) for _, c in windows], "count"),
            Column("claim", "largest deal", [None if x is None else x.amount / 100 for x in claims], currency, money),
            Column("week", "in week", [None if x is None else x.time for x in claims], "", NumberFormat(1.0, 1, "")),
        ]
        title = "The ten costliest decisions (windows by payout)"
        return Table(title, [self.partner_names[who] for who, _ in windows], columns, currency)

    def _moved(self) -> Table:
        """The largest signatures that were moved across the end of a window."""
        rows = [*self._gamed("pulled"), *self._gamed("pushed")]
        rows = sorted(rows, key=lambda r: (-abs(r["amount"]), r["time"]))[:10]
        columns = [
            Column("week", "week", [r["time"] for r in rows], "", NumberFormat(1.0, 0, "")),
            Column("opportunity", "opportunity", [str(r["opportunity"]) for r in rows]),
            Column("event", "moved", [r["event"] for r in rows]),
            Column("reason", "why", [r["reason"] for r in rows]),
        ]
        return Table("Signatures moved across the end of a window, the largest", [r["partner"] for r in rows], columns)

    def statement(self, partner: str | int) -> Table:
        """A partner's auditable statement: terms, claims and credits, accruals, adjustments and payments."""
        name, known = str(partner), self.partner_names
        if name.isdecimal() and int(name) < len(known):
            name = known[int(name)]
        if name not in known:
            raise fault("trace", "partner", partner, f"must be one of {known[0]} to {known[-1]}")
        mine = [dict(zip(self.columns, row, strict=True)) for row in self.log if row[1] == name and row[0] >= 0]
        total = dict.fromkeys(("accrued", "forfeited", "clawed back", "paid", "penalty"), 0.0)
        for r in mine:
            if r["event"] in total:
                total[r["event"]] += r["amount"]
        shown = [r for r in mine if r["event"] in ("claim", "pulled", "pushed", *total) and r["amount"]]
        columns = [
            Column("entry", "entry", [r["event"] for r in shown]),
            Column("component", "component", [r["component"] for r in shown]),
            Column(
                "opportunity",
                "opportunity",
                ["" if r["opportunity"] is None else str(r["opportunity"]) for r in shown],
            ),
            Column("amount", "amount", [r["amount"] for r in shown], "", NumberFormat(1.0, 2, "")),
            Column("attained", "attained", [r["attainment"] for r in shown], "", NumberFormat(1.0, 0, "")),
            Column("note", "note", [r["reason"] for r in shown]),
        ]
        net = total["paid"] + total["clawed back"]
        sums = (
            f"Accrued {total['accrued']:,.2f} = net paid {net:,.2f} + clawed back {-total['clawed back']:,.2f} "
            f"+ forfeited {-total['forfeited']:,.2f}; penalties {-total['penalty']:,.2f}."
        )
        title = f"Statement of {name}, program {self.program}, replication {self.replication}"
        return Table(title, [f"{r['time']:.1f}" for r in shown], columns, key="week", notes=(sums, *self._terms()))

    def _terms(self) -> list[str]:
        out = []
        for name, c in self.scenario.programs[self.program].components.items():
            t = c.terms
            parts = [f"per {c.window}", f"paid {t.payout_lag_weeks:g} weeks after"]
            parts += (
                [f"holdback {100 * t.holdback_share:g} % for {t.holdback_weeks:g} weeks"] if t.holdback_share else []
            )
            parts += [f"clawback {t.clawback_weeks:g} weeks"] if t.clawback_weeks else []
            parts += [f"audit rate {100 * t.audit_rate:g} %, penalty x{t.penalty_multiple:g}"] if t.audit_rate else []
            parts += [f"cap {t.cap:,.0f}"] if t.cap else []
            out.append(f"Terms of {name} ({c.kind}): {', '.join(parts)}.")
        return out


def _settled(run: EventRun) -> RunOutcome:
    records = run.records()
    return count(records, won_in_world(records.world, records.deals))


@study(
    "trace",
    "Replay one replication of SCENARIO event by event, and show why it cost what it did.",
    examples=[
        "trace scenarios/quickstart.toml --program accelerator --replication 3",
        "trace scenarios/quickstart.toml --program accelerator --replication 3 --partner 0 --log log.csv",
    ],
)
def trace(
    scenario: Scenario,
    *,
    program: Annotated[str, Option("Program that partners are on", "P", parse=str)],
    replication: Annotated[int, Option("Replication to replay, from 0", "R")],
    seed: int | None = None,
    level: Annotated[str, Option("How partners behave", "static|responsive|strategic")] = "strategic",
    partner: Annotated[
        str | None, Option("Show the statement of this partner: its name, or its number from 0", "I")
    ] = None,
    log: Annotated[str | None, Option("Write the event log here, as CSV", "FILE.csv")] = None,
) -> Trace:
    """Replay one replication of a program with a full log, and the same year without gaming.

    seed: the scenario's if None; partner: whose statement is shown. Raises `InputError` for an unknown program, level
    or partner, or a negative replication.
    """
    start = RunSettings.of(scenario, seed=seed).seed
    if program not in scenario.programs:
        raise fault("trace", "program", program, f"must be one of {', '.join(scenario.programs)}")
    if level not in RESPONSE_LEVELS:
        raise fault("trace", "level", level, f"must be one of {', '.join(RESPONSE_LEVELS)}")
    if replication < 0:
        raise fault("trace", "replication", replication, "must be 0 or more")
    stage = prepare(scenario, fit_reference(scenario), (program,), start, np.array([replication]))
    rollout = stage.rollout(program)
    if level == "static":
        run = EventRun(stage.world, stage.rollout("baseline"), stage.mode[False], paid=rollout, log=True).run()
    else:
        run = EventRun(stage.world, rollout, stage.mode[level == "strategic"], log=True).run()
    without_gaming = run
    if level == "strategic":
        without_gaming = EventRun(stage.world, rollout, stage.mode[False]).run()
    replayed = Trace(
        scenario=scenario,
        program=program,
        replication=replication,
        seed=start,
        level=level,
        columns=LOG_COLUMNS,
        log=_in_units(run.log or []),
        outcome=_settled(run),
        without_gaming=_settled(without_gaming),
        settled=tuple(run.settled),
        partner_names=stage.world.setting.partners.names,
        components=tuple(tuple(c.name for c in o.program.components) for o in rollout.offers),
        partner=partner,
    )
    if partner is not None:
        replayed.statement(partner)  # refuses an unknown partner
    if log is not None:
        replayed.write(log)
    return replayed


def _in_units(log: Sequence[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """Log rows with amounts and attainment in units instead of hundredths, in order of time."""
    rows = [
        (t, who, opp, event, amount / 100, component, None if a is None else a / 100, price, reason)
        for t, who, opp, event, amount, component, a, price, reason in log
    ]
    return tuple(sorted(rows, key=lambda r: r[0]))


MOST = 12
"""Partners that are drawn where none is named: those paid most."""
_STAGES = ("found", "qualified", "joint demo", "pilot", "verbal win")
_SHADES = ("#DADADA", "#BDBDBD", "#9A9A9A", "#737373", "#454545")
_FOOT, _INCHES = 4.0, 0.045
"""Rows that payments have at the foot of a lane, and the height of a row in inches."""
_ENDS: dict[str, tuple[str, str, str, float]] = {
    "signed": ("o", colour(1), "signed", 16),
    "lost": ("x", "#9A9A9A", "lost", 8),
    "pulled": ("<", colour(5), "pulled into the window", 30),
    "pushed": (">", colour(5), "pushed into the next", 30),
}
"""Event -> marker, colour, words in the legend, area."""


@dataclass(frozen=True)
class _Deal:
    """times: of found and of each stage passed, weeks; end: when it was signed or lost, or the horizon."""

    number: float
    times: tuple[float, ...]
    end: float


def draw_timeline(study: Trace, ax: Axes, partner: str | Sequence[str] | None = None) -> Axes:
    """Deals of partners through their stages; partner: one name or several, the `MOST` that are paid most if None.

    Raises `InputError` for a partner that is not there.
    """
    lanes, floors = _lanes(study, partner)
    for floor, lane in zip(floors, lanes.values(), strict=False):
        lane.draw(ax, float(floor))
    _frame(ax, study, list(lanes), floors)
    return ax


def timeline_axes(study: Trace, partner: str | Sequence[str] | None = None) -> Axes:
    """Axes of a new figure that has room for the lanes of these partners."""
    from matplotlib import pyplot  # only here: files are drawn without it

    _, floors = _lanes(study, partner)
    with styled():
        return pyplot.subplots(figsize=(10.0, 1.6 + max(2.0, _INCHES * float(floors[-1]))))[1]


def _lanes(study: Trace, partner: str | Sequence[str] | None) -> tuple[dict[str, _Lane], Array]:
    """A lane per partner from below, and where each begins."""
    log = study.table()
    names = _chosen(study, log, partner)
    lanes = {name: _lane(log[log["partner"] == name], study.scenario.time.horizon_weeks) for name in reversed(names)}
    return lanes, np.cumsum([0.0, *(_FOOT + 2 + max(lane.rows.values(), default=0) for lane in lanes.values())])


def _chosen(study: Trace, log: pd.DataFrame, partner: str | Sequence[str] | None) -> list[str]:
    known = study.partner_names
    if partner is not None:
        names = [partner] if isinstance(partner, str) else list(partner)
        for name in names:
            if name not in known:
                raise fault("options", "partner", name, "no such partner", suggestion(name, known))
        return names
    paid = log[(log["event"] == "paid") & (log["time"] >= 0)].groupby("partner")["amount"].sum()
    most = sorted(known, key=lambda n: (-float(paid.get(n, 0.0)), known.index(n)))[:MOST]
    return [n for n in known if n in most]


@dataclass(frozen=True)
class _Lane:
    """A partner's log, its deals, and the row of each."""

    log: pd.DataFrame
    deals: list[_Deal]
    rows: dict[float, int]

    def draw(self, ax: Axes, floor: float) -> None:
        """Draw it above a height."""
        height = {number: floor + _FOOT + row + 0.5 for number, row in self.rows.items()}
        pieces, shades = [], []
        for deal in self.deals:
            ends = (*deal.times[1:], deal.end)
            for stage, (start, stop) in enumerate(zip(deal.times, ends, strict=True)):
                if stop > 0:
                    pieces.append([(max(start, 0.0), height[deal.number]), (stop, height[deal.number])])
                    shades.append(_SHADES[stage])
        ax.add_collection(LineCollection(pieces, colors=shades, linewidths=1.6))
        shown = self.log[self.log["event"].isin(_ENDS) & self.log["opportunity"].isin(height)]
        for event, own in shown.groupby("event"):
            mark, shade, _, area = _ENDS[str(event)]
            at = [height[number] for number in own["opportunity"]]
            ax.scatter(own["time"], at, s=area, marker=mark, color=shade, linewidths=0.9, zorder=4)
        _foot(ax, self.log, floor)


def _lane(log: pd.DataFrame, horizon: int) -> _Lane:
    deals = _deals(log, horizon)
    return _Lane(log[(log["time"] >= 0) & (log["time"] <= horizon)], deals, _rows(deals))


def _foot(ax: Axes, log: pd.DataFrame, floor: float) -> None:
    """What is paid or taken back, and the tier reached."""
    small: dict[str, Any] = {"fontsize": 7, "fontweight": "bold", "va": "bottom", "zorder": 5}
    for events, shade in ((["paid"], colour(3)), (["clawed back", "penalty"], colour(5))):
        for time, amount in log[log["event"].isin(events)].groupby("time")["amount"].sum().items():
            if amount:
                sign = "\u2212" if amount < 0 else ""
                at = (float(str(time)), floor + 0.2)
                ax.annotate(sign + _short(abs(float(amount))), at, color=shade, ha="center", **small)
    for time, reason in log[log["event"] == "tier"][["time", "reason"]].itertuples(index=False):
        ax.annotate(f"\u25b8{reason.split(',')[0]}", (time, floor + 0.2), ha="left", **small)


def _frame(ax: Axes, study: Trace, names: Sequence[str], floors: Array) -> None:
    """Axes, window ends, legend and sample; names: of the lanes from below."""
    horizon = study.scenario.time.horizon_weeks
    for week in sorted({closed.end for _, closed in study.settled if 0 < closed.end <= horizon}):
        ax.axvline(week, color=QUIET, linestyle=":", linewidth=1.0, zorder=0)
    for floor in floors[1:-1]:
        ax.axhline(floor, color="#BDBDBD", linewidth=0.8, zorder=0)
    ax.grid(False)
    ax.set_xlim(0, horizon + 0.8)
    ax.set_ylim(0, floors[-1])
    ax.set_yticks((floors[1:] + floors[:-1]) / 2, list(names))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("Weeks since launch (dotted: a window ends)")
    ax.set_title(f"Deals under {study.program}, one line each, darker with every stage")
    which = ", those paid most" if len(names) == MOST < len(study.partner_names) else ""
    handles: list[Any] = [
        ax.scatter([], [], s=area, marker=mark, color=shade, label=words) for mark, shade, words, area in _ENDS.values()
    ]
    handles.append(ax.scatter([], [], marker="$1k$", s=90, color=colour(3), label=f"paid [{study.scenario.currency}]"))
    if (study.table()["event"] == "tier").any():
        handles.append(ax.scatter([], [], marker="$\u25b8$", color="black", label="tier from then on"))
    legend_beside(ax, handles=handles, bbox_to_anchor=(1.01, 1.0), fontsize=8)
    sample_note(ax, f"{study.sample_text}; {len(names)} of {len(study.partner_names)} partners{which}")


def _deals(log: pd.DataFrame, horizon: int) -> list[_Deal]:
    """Deals that are open at some time from launch on, in the order in which they were found."""
    found = []
    for number, own in log[log["opportunity"].notna()].groupby("opportunity"):
        first = dict(zip(reversed(own["event"].to_list()), reversed(own["time"].to_list()), strict=True))
        times = [first[stage] for stage in _STAGES if stage in first]
        end = min((first[event] for event in ("signed", "lost") if event in first), default=float(horizon))
        if "found" in first and end >= 0:
            found.append(_Deal(float(str(number)), tuple(times), max(end, times[-1])))
    return sorted(found, key=lambda deal: deal.times[0])


def _rows(deals: Sequence[_Deal]) -> dict[float, int]:
    """Deal -> row, so that deals of one row do not overlap; as few rows as there are deals open at once."""
    free: list[float] = []
    rows = {}
    for deal in deals:
        row = next((k for k, until in enumerate(free) if until <= deal.times[0]), len(free))
        free[row : row + 1] = [deal.end + 0.3]
        rows[deal.number] = row
    return rows


def _short(amount: float) -> str:
    """`7.6k`: an amount in little room."""
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if amount >= factor:
            return f"{amount / factor:.3g}{unit}"
    return f"{amount:.0f}"


def draw_accrued(study: Trace, ax: Axes) -> Axes:
    """Accruals by component, summed over the weeks from launch on."""
    log = study.table()
    rows = log[(log["event"] == "accrued") & (log["time"] >= 0)]
    weeks = np.arange(study.scenario.time.horizon_weeks + 2)  # the last one holds to be seen
    names = list(dict.fromkeys(rows["component"]))
    sums = [
        np.array([of["amount"][of["time"] <= w].sum() for w in weeks])
        for of in (rows[rows["component"] == name] for name in names)
    ]
    money = study.scenario.currency
    form = form_of([float(sum(s[-1] for s in sums))], [], money, money)
    if sums:
        shades = [colour(k + 1) for k in range(len(names))]
        ax.stackplot(weeks, [s * form.factor for s in sums], labels=names, colors=shades, alpha=0.8, step="post")
        ax.legend(loc="upper left")
    ax.set_xlim(0, weeks[-1])
    ax.set_xlabel("Weeks since launch")
    ax.set_ylabel(with_unit("Accrued so far", form.unit))
    ax.set_title(f"What {study.program} came to")
    sample_note(ax, study.sample_text)
    return ax
