"""Payouts of a backtest: what each program would have paid on the deals of a history, and on those predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.calibrate.ahead import Ahead
from simulator.calibrate.fit import Fit
from simulator.calibrate.likelihood import Array
from simulator.calibrate.posterior import Posterior
from simulator.calibrate.replay import Deals, Payer, Settled
from simulator.errors import fault
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.compiled import Ints
from simulator.scenario.schema import Scenario

_STATIC = (
    "Programs are paid by their rules alone: nobody answers to them. All deals count as simple ones of one partner "
    "with existing customers, as a list of deals tells no more."
)
DRAWS = 100
"""Draws that are paid at most; a payout is steadier than its deals."""


@dataclass(frozen=True)
class Paid:
    """What a component of a program would have paid on a history's deals in the quarters ahead, in money."""

    program: str
    component: str
    payout: float


class Payouts:
    """Pays a history and its predictions. first: first quarter of the history."""

    def __init__(self, scenario: Scenario, fit: Fit, rows: pd.DataFrame, *, dated: bool) -> None:
        _require_segments(scenario, fit)
        self._scenario, self._payer, self._fit, self._dated = scenario, Payer(scenario), fit, dated
        self._rows = _decided(rows, fit, dated)
        # Years of a program are calendar years, so that its windows end when the export's quarters do.
        self._from = pd.Period(year=rows["created"].min().year, quarter=1, freq="Q")

    def cautions(self, programs: Sequence[str]) -> list[str]:
        """What these payouts leave out."""
        found = [_STATIC]
        if unseen := self._payer.unseen(programs):
            found.append(f"Paid on what no list of deals tells, so counted as 0: {', '.join(unseen)}.")
        lacking = int((self._rows["outcome"].eq("won") & self._rows["amount"].isna()).sum())
        if lacking:
            found.append(f"{lacking} won deals without an amount are paid nothing.")
        return found

    def observed(
        self, known: Posterior, programs: Sequence[str], start: pd.Period, quarters: int
    ) -> tuple[list[str], dict[str, Settled]]:
        """Partners, and payout by program of the history as it was, one draw; quarters go from the first of its first
        year on."""
        owners = list(dict.fromkeys((*known.owners, *self._rows["owner"].astype(str))))
        return owners, self._payer.pay(
            self._deals(self._rows, owners, self._from), programs, per_year=_per_year(self._fit, known, len(owners)),
            quarters=(start - self._from).n + quarters, draws=1, segment=self._segments(owners),
        )  # fmt: skip

    def predicted(self, known: Posterior, drawn: Ahead, start: pd.Period, quarters: int, draws: int) -> Array:
        """Payout of the baseline in the quarters ahead, (draws, quarters)."""
        year = pd.Period(year=start.year, quarter=1, freq="Q")
        offset = (start - year).n
        past = self._rows[self._rows["counted"] < start.start_time]
        before = self._deals(past, list(known.owners), year).repeated(draws)
        counted = drawn.closed if self._dated else drawn.created
        pick = (drawn.draw < draws) & (counted < quarters) & np.isfinite(drawn.amount)
        created, closed = WEEKS_PER_QUARTER * (np.stack([drawn.created, counted])[:, pick] + offset)
        market = self._markets(list(self._fit.mix))[drawn.market[pick]]
        ahead = Deals(
            drawn.draw[pick], drawn.partner[pick], market, created, closed, drawn.amount[pick], drawn.won[pick]
        )
        count = max(int(drawn.partner.max(initial=0)) + 1, len(known.owners))
        paid = self._payer.pay(
            before.joined(ahead), ("baseline",), per_year=_per_year(self._fit, known, count),
            quarters=offset + quarters, draws=draws, segment=np.resize(self._segments(known.owners), count),
        )  # fmt: skip
        return paid["baseline"].total[:, offset:]

    def _deals(self, rows: pd.DataFrame, owners: list[str], start: pd.Period) -> Deals:
        rows = rows[rows["amount"].notna() & rows["owner"].astype(str).isin(owners)]
        return Deals(
            np.zeros(len(rows), dtype=np.int64),
            np.asarray(pd.Index(owners).get_indexer(pd.Index(rows["owner"].astype(str))), dtype=np.int64),
            self._markets(list(rows["market"])),
            _weeks(rows["created"], start),
            _weeks(rows["counted"], start),
            rows["amount"].to_numpy(dtype=float),
            rows["outcome"].eq("won").to_numpy(dtype=bool),
        )

    def _segments(self, owners: Sequence[str]) -> Ints:
        """Positions of owners' partner segments in the scenario; newcomers repeat those of the others."""
        if len(self._scenario.partners) == 1:
            return np.zeros(len(owners), dtype=np.int64)
        of = dict(zip(self._rows["owner"].astype(str), self._rows["group"].astype(str), strict=True))
        of = dict(zip(self._fit.rows["owner"].astype(str), self._fit.rows["group"].astype(str), strict=True)) | of
        known = list(self._scenario.partners)
        return np.array([known.index(of[name]) for name in owners], dtype=np.int64)

    def _markets(self, names: Sequence[str]) -> Ints:
        """Positions in the scenario of markets by name; all of them the one market of a scenario with one."""
        known = list(self._scenario.markets)
        if len(known) == 1:
            return np.zeros(len(names), dtype=np.int64)
        strange = sorted(set(names) - set(known))
        if strange:
            rule = f"are not all those of the export, which has {', '.join(strange)}"
            raise fault("scenario", "markets", ", ".join(known), rule, "fit a scenario with calibrate")
        return np.array([known.index(name) for name in names], dtype=np.int64)


def priced(paid: Mapping[str, Settled], quarters: int) -> tuple[Paid, ...]:
    """What programs would have paid in the last `quarters` quarters."""
    return tuple(
        Paid(program, component, float(value[0, -quarters:].sum()))
        for program, settled in paid.items()
        for component, value in settled.parts.items()
    )


def _require_segments(scenario: Scenario, fit: Fit) -> None:
    """Refuse a scenario whose partner segments are not those that the export's partners belong to."""
    known, found = set(scenario.partners), set(fit.rows["group"].astype(str))
    if len(known) > 1 and not found <= known:
        rule = f"the export's partners belong to {', '.join(sorted(found))}"
        hint = "give a roster with their segments, or fit a scenario with calibrate"
        raise fault("scenario", "partners", ", ".join(scenario.partners), rule, hint)


def _decided(rows: pd.DataFrame, fit: Fit, dated: bool) -> pd.DataFrame:
    """Decided rows with their market and the day on which they count."""
    known = rows["closed"].notna() if dated else rows["outcome"].ne("open")
    part = rows[known & rows["outcome"].ne("open")]
    names = fit.rows.astype({"group": "str"}).groupby(["segment", "group"])["market"].first()
    key = pd.MultiIndex.from_frame(part.astype({"group": "str"})[["segment", "group"]])
    market = pd.Series(names.reindex(key).to_numpy(), index=part.index).fillna(list(fit.mix)[-1])
    return part.assign(market=market, counted=part["closed"] if dated else part["created"])


def _weeks(days: pd.Series, start: pd.Period) -> Array:
    """Weeks from the start of a quarter, in quarters of 13 equal weeks."""
    period = days.dt.to_period("Q")
    opening, closing = period.dt.start_time, (period + 1).dt.start_time
    within = ((days - opening) / (closing - opening)).to_numpy(dtype=float)
    quarter = period.astype("int64").to_numpy(dtype=float) - start.ordinal
    return np.asarray(WEEKS_PER_QUARTER * (quarter + within))


def _per_year(fit: Fit, known: Posterior, partners: int) -> Array:
    """Usual opportunities per year: the partners' own, a newcomer's is the median."""
    middle = fit.volume.per_year.value * np.exp(-0.5 * fit.volume.log_sd.value**2)
    return np.concatenate([np.exp(known.mean[:, 0]), np.full(partners - len(known.owners), middle)])
