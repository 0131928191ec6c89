"""The timeline of a replayed replication: partners' deals through their stages, and what is filed, reviewed and paid.

A lane per partner. In it a line per deal from its finding to its end, darker with every stage it passes; lines that do
not overlap share a row. What became of it stands at its end; payments and moves between tiers at the lane's foot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from simulator.errors import fault
from simulator.program.numbers import Array
from simulator.report.style import QUIET, colour, legend_beside, sampled, styled
from simulator.scenario.finding import suggestion

if TYPE_CHECKING:
    from simulator.studies.trace import Trace

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


def draw(study: Trace, ax: Axes | None = None, partner: str | Sequence[str] | None = None) -> Axes:
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
    sampled(ax, f"{study.sample_text}; {len(names)} of {len(study.partner_names)} partners{which}")


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
