"""Replay: the event engine relives one replication, and its log is read to say why it cost what it did.

The timeline of a replayed replication: partners' deals through their stages, and what is filed, reviewed and paid.

A lane per partner. In it a line per deal from its finding to its end, darker with every stage it passes; lines that do
not overlap share a row. What became of it stands at its end; payments and moves between tiers at the lane's foot.

The figures of a replayed replication: what was accrued so far, week by week, and the timeline of its deals.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from simulator.core.arrays import Array
from simulator.core.errors import SimulatorError, fault
from simulator.engines.events.accounts import ClosedWindow
from simulator.engines.events.engine import LOG_COLUMNS, EventRun
from simulator.engines.ledger import RunOutcome
from simulator.engines.totals.event_counts import tally, won_deals
from simulator.report.formats import form_of
from simulator.report.plots import QUIET, colour, legend_beside, new_axes, sample_note, styled
from simulator.report.text import with_unit
from simulator.runs.simulate import RESPONSE_LEVELS, fit_reference, prepare
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import suggestion
from simulator.studies.base import Study, timed

GAMED = ("pulled", "pushed")
_OTHER = (("audit", "verification"), ("admin", "administration"), ("penalty", "penalties taken"))


@dataclass(frozen=True)
class Trace(Study):
    """One replayed replication.

    log: rows of `columns` in order of time, weeks and currency units; without_gaming: outcome of the honest twin.
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

    @property
    def title(self) -> str:
        """What was relived."""
        return f"{self.scenario.name}: {self.program}, relived"

    @property
    def sample_text(self) -> str:
        """Which replication."""
        return f"replication {self.replication}, seed {self.seed}, {self.level} rung"

    def table(self) -> pd.DataFrame:
        """The log: a row per event, in order of time; weeks and units of the currency."""
        return pd.DataFrame(self.log, columns=list(self.columns))

    def costs(self) -> pd.DataFrame:
        """What it cost: a row per component, and for verification, administration and penalties."""
        rows = [(name, self._total(f"cost.{name}")) for name in self._paying()]
        rows += [(label, self._total(name)) for name, label in _OTHER]
        return pd.DataFrame(rows, columns=["what", "cost"])

    def headline(self) -> list[str]:
        """What the year came to, and what gaming had to do with it."""
        money = self.scenario.currency
        first = (
            f"The program cost {self._total('cost'):,.0f} {money} for bookings of {self._total('bookings'):,.0f} and a "
            f"pipeline of {self._total('pipeline'):,.0f}."
        )
        extra = self._total("cost") - self._total("cost", without_gaming=True)
        if self.level != "strategic":
            return [first]
        more = "more" if extra >= 0 else "less"
        return [first, f"Against the same world without gaming it cost {abs(extra):,.0f} {money} {more}."]

    def plot(self, kind: str = "accrued", ax: Axes | None = None, **options: Any) -> Axes:
        """What was accrued so far by week, or the `timeline` of deals, of a `partner` if named."""
        # MOVED

        return draw_trace(self, kind, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        """Totals, of the replication and its honest twin, and what each component cost; money in cents."""
        return {
            "scenario": self.scenario.name,
            "study": "trace",
            "program": self.program,
            "replication": self.replication,
            "seed": self.seed,
            "level": self.level,
            "totals": {name: int(x[0]) for name, x in self.outcome.totals.items()},
            "honest": {name: int(x[0]) for name, x in self.without_gaming.totals.items()},
            "headline": self.headline(),
        }

    def _paying(self) -> list[str]:
        return sorted(name.removeprefix("cost.") for name in self.outcome.totals if name.startswith("cost."))

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

    def _rows(self, *events: str) -> list[dict[str, Any]]:
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.log]
        return [r for r in rows if r["event"] in events]

    def _total(self, name: str, without_gaming: bool = False) -> float:
        outcome = self.without_gaming if without_gaming else self.outcome
        return float(outcome.totals[name][0]) / 100 if name in outcome.totals else 0.0

    def digest(self) -> str:
        """Why this replication cost what it did: components, costliest decisions, gamed ones."""
        money = self.scenario.currency
        lines = [
            f"{self.scenario.name}: program {self.program}, replication {self.replication} (seed {self.seed}), "
            f"{self.level} rung",
            f"program cost {self._total('cost'):,.0f} {money}; bookings {self._total('bookings'):,.0f}; "
            f"pipeline {self._total('pipeline'):,.0f}; {int(self.outcome.totals['won'][0]):,} deals won",
            "",
            "cost by component",
        ]
        lines += self._components()
        lines += ["", "the ten costliest decisions (windows by payout)"]
        lines += self._costliest()
        lines += ["", *self._gamed()]
        return "\n".join(lines)

    def _components(self) -> list[str]:
        total = self._total("cost") or 1.0
        out = []
        for name in self._paying():
            value = self._total(f"cost.{name}")
            if value:
                out.append(f"  {name:<24}{value:>16,.0f}{100 * value / total:>7.1f} %")
        for name, label in _OTHER:
            if self._total(name):
                out.append(f"  {label:<24}{self._total(name):>16,.0f}")
        return out or ["  nothing was paid"]

    def _costliest(self) -> list[str]:
        ranked = sorted(self.settled, key=lambda s: (-s[1].accrued, s[0], s[1].start))[:10]
        out = []
        for who, c in ranked:
            if c.accrued <= 0:
                break
            largest = max(c.parts, key=lambda p: p[1], default=None)
            deal = ""
            if largest is not None and largest[0].opp is not None:
                deal = f"; largest claim {largest[0].amount / 100:,.0f} in week {largest[0].time:.1f}"
            out.append(
                f"  {c.accrued / 100:>12,.0f}  {self.partner_names[who]}, {self.components[c.offer][c.component]}, "
                f"weeks {c.start} to {c.end}: attainment {c.attained / 100:,.0f} from {len(c.parts)} claims{deal}"
            )
        return out or ["  nothing was paid"]

    def _gamed(self) -> list[str]:
        extra = self._total("cost") - self._total("cost", without_gaming=True)
        lost = self._total("margin", without_gaming=True) - self._total("margin")
        rows = [r for r in self._rows(*GAMED) if r["time"] >= 0]
        false = [r for r in self._rows("claim") if r["reason"] == "false claim" and r["time"] >= 0]
        out = [
            f"against the honest twin in the same world: payout {extra:+,.0f}, margin {-lost:+,.0f}",
            f"gamed decisions from launch on: {sum(r['event'] == 'pulled' for r in rows)} signatures pulled, "
            f"{sum(r['event'] == 'pushed' for r in rows)} pushed, {len(false)} false claims",
        ]
        rows.sort(key=lambda r: (-abs(r["amount"]), r["time"]))
        for r in rows[:10]:
            out.append(
                f"  week {r['time']:>5.0f}  {r['partner']}: opportunity {r['opportunity']} {r['event']}, {r['reason']}"
            )
        return out

    def statement(self, partner: str | int) -> str:
        """A partner's auditable statement: terms, claims and credits, accruals, adjustments and payments."""
        name = self.partner_names[partner] if isinstance(partner, int) else partner
        if name not in self.partner_names:
            raise fault(
                "trace", "partner", partner, f"must be one of {self.partner_names[0]} to {self.partner_names[-1]}"
            )
        mine = [dict(zip(self.columns, row, strict=True)) for row in self.log if row[1] == name and row[0] >= 0]
        lines = [f"Statement of {name}, program {self.program}, replication {self.replication}", "", "Terms"]
        lines += self._terms()
        lines += [
            "",
            f"{'week':>7}  {'entry':<12}{'component':<16}{'opportunity':>11}{'amount':>14}{'attained':>14}  note",
        ]
        total = {"accrued": 0.0, "forfeited": 0.0, "clawed back": 0.0, "paid": 0.0, "penalty": 0.0}
        for r in mine:
            if r["event"] not in ("claim", "pulled", "pushed", *total):
                continue
            if r["event"] in total:
                total[r["event"]] += r["amount"]
            if not r["amount"]:
                continue
            attained = "" if r["attainment"] is None else f"{r['attainment']:,.0f}"
            number = "" if r["opportunity"] is None else str(r["opportunity"])
            entry = f"{r['time']:>7.1f}  {r['event']:<12}{r['component']:<16}{number:>11}"
            lines.append(f"{entry}{r['amount']:>14,.2f}{attained:>14}  {r['reason']}")
        net = total["paid"] + total["clawed back"]
        lines += [
            "",
            f"accrued {total['accrued']:,.2f} = net paid {net:,.2f} + clawed back {-total['clawed back']:,.2f} "
            f"+ forfeited {-total['forfeited']:,.2f}; penalties {-total['penalty']:,.2f}",
        ]
        return "\n".join(lines)

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
            out.append(f"  {name} ({c.kind}): {', '.join(parts)}")
        return out or ["  none"]


@timed
def trace(scenario: Scenario, *, program: str, replication: int, seed: int = 1, level: str = "strategic") -> Trace:
    """Relive one replication of a program with a full log, beside its honest twin.

    Raises `InputError` for an unknown program or rung, or a negative replication.
    """
    if program not in scenario.programs:
        raise fault("trace", "program", program, f"must be one of {', '.join(scenario.programs)}")
    if level not in RESPONSE_LEVELS:
        raise fault("trace", "level", level, f"must be one of {', '.join(RESPONSE_LEVELS)}")
    if replication < 0:
        raise fault("trace", "replication", replication, "must be 0 or more")
    stage = prepare(scenario, fit_reference(scenario), (program,), seed, np.array([replication]))
    rollout = stage.rollout(program)
    if level == "static":
        run = EventRun(stage.world, stage.rollout("baseline"), stage.mode[False], paid=rollout, log=True).run()
    else:
        run = EventRun(stage.world, rollout, stage.mode[level == "strategic"], log=True).run()
    twin = run
    if level == "strategic":
        twin = EventRun(stage.world, rollout, stage.mode[False]).run()
    return Trace(
        scenario=scenario,
        program=program,
        replication=replication,
        seed=seed,
        level=level,
        columns=LOG_COLUMNS,
        log=_in_units(run.log or []),
        outcome=tally(run, won_deals(run)),
        without_gaming=tally(twin, won_deals(twin)),
        settled=tuple(run.settled),
        partner_names=stage.world.setting.partners.names,
        components=tuple(tuple(c.name for c in o.program.components) for o in rollout.offers),
    )


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


def draw_timeline(study: Trace, ax: Axes | None = None, partner: str | Sequence[str] | None = None) -> Axes:
    """Draw it on `ax` or a new figure; partner: one name or several, the `MOST` that are paid most if None.

    Raises `InputError` for a partner that is not there.
    """
    log = study.table()
    names = _chosen(study, log, partner)
    lanes = {name: _lane(log[log["partner"] == name], study.scenario.time.horizon_weeks) for name in reversed(names)}
    floors = np.cumsum([0.0, *(_FOOT + 2 + max(lane.rows.values(), default=0) for lane in lanes.values())])
    with styled():
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.subplots(figsize=(10.0, 1.6 + max(2.0, _INCHES * float(floors[-1]))))[1]
        for floor, lane in zip(floors, lanes.values(), strict=False):
            lane.draw(ax, float(floor))
        _frame(ax, study, list(lanes), floors)
    return ax


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


def draw_trace(study: Trace, kind: str = "accrued", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    if kind not in KINDS:
        raise fault("options", "kind", kind, f"must be one of {', '.join(KINDS)}", suggestion(kind, KINDS))
    return KINDS[kind](study, ax, **options)


def accrued(study: Trace, ax: Axes | None = None) -> Axes:
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
    with styled():
        ax = new_axes() if ax is None else ax
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


KINDS: dict[str, Callable[..., Axes]] = {"accrued": accrued, "timeline": draw_timeline}
"""Kinds of figures; `timeline` takes a `partner`, or several."""
