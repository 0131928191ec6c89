"""Deals of an export, or of drawn quarters, paid by the rules of programs, and past payouts compared with that.

The deals and claims take the place of a simulation run's, and the vector engine prices them again without any response:
thresholds, tiers, caps, gates, budgets and stacking are those of a run. Quotas are what a partner's own volume lets
expect. An export does not tell accounts, complexity, services, second partners or activity: all deals count as simple
ones with existing customers, of one partner, and components paid on anything but signed deals pay nothing.

Past payouts count in the calendar quarter that their period ends in, a period that ends up to `SLACK` days into a
quarter in the one before. Where periods are longer than a quarter, years are compared. A plan that is right, on deals
that are all there, gives a ratio of 1 for every period and partner; a ratio off everywhere speaks of the rate, one off
for a partner of terms, claims or deals of its own, one off in a period of a change of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from simulator.calibration.clean import Export
from simulator.calibration.fit import Fit
from simulator.calibration.forecast import PredictiveDraws
from simulator.calibration.partner_effects import PartnerEffects
from simulator.calibration.remarks import FittedNumber, figure
from simulator.core.arrays import Array, Bools, Ints
from simulator.core.errors import fault
from simulator.core.streams import Streams
from simulator.engines.assignment import BehaviorMode, everyone
from simulator.engines.records import DONE
from simulator.engines.vector.engine import VectorRun
from simulator.engines.vector.payments import attribute, ledger_rows
from simulator.program.credit_splits import ALONE
from simulator.program.measures import ACCOUNTS, Event, deal_code
from simulator.reference.fit import Reference
from simulator.scenario.schema import Scenario
from simulator.world.disputes import NONE
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR, compile_setting
from simulator.world.world import World

_ARRAYS = ("draw", "partner", "market", "created", "closed", "amount", "won")
EXISTING = ACCOUNTS.index("existing")


@dataclass(frozen=True)
class ReplayedDeals:
    """Decided deals, arrays (n,). draw, partner, market: positions; created, closed: weeks from the first day that is
    paid for, negative before it; amount: money."""

    draw: Ints
    partner: Ints
    market: Ints
    created: Array
    closed: Array
    amount: Array
    won: Bools

    def repeated(self, draws: int) -> ReplayedDeals:
        """The same deals in every draw."""
        n = len(self.draw)
        values = {name: np.tile(getattr(self, name), draws) for name in _ARRAYS}
        return ReplayedDeals(**values | {"draw": np.repeat(np.arange(draws), n)})

    def joined(self, other: ReplayedDeals) -> ReplayedDeals:
        """These and other deals."""
        return ReplayedDeals(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ARRAYS})


@dataclass(frozen=True)
class ReplayedPayout:
    """Payout in money, by the quarter in which windows end. parts: by component, (draws, quarters); partners: (draws,
    P, quarters)."""

    parts: Mapping[str, Array]
    partners: Array

    @property
    def total(self) -> Array:
        """Payout of all components, (draws, quarters)."""
        return np.asarray(sum(self.parts.values()))


class ProgramPayer:
    """Pays deals by the programs of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._reference = Reference(_scenario_of_size(scenario, _one_each(scenario), 4), effort=False)

    def unpriced_components(self, programs: Sequence[str]) -> list[str]:
        """Components that pay on what no history of deals tells, as PROGRAM.COMPONENT."""
        setting = compile_setting(_scenario_of_size(self._scenario, _one_each(self._scenario), 4))
        compiled = {name: self._reference.offer(name, setting, None).program for name in programs}
        return [f"{n}.{c.name}" for n, p in compiled.items() for c in p.components if c.measure.event != Event.SIGNED]

    def pay(
        self,
        deals: ReplayedDeals,
        programs: Sequence[str],
        *,
        per_year: Array,
        quarters: int,
        draws: int,
        segment: Ints | None = None,
    ) -> dict[str, ReplayedPayout]:
        """What each program pays.

        per_year: (P,) usual opportunities of each partner, for quotas; segment: (P,) position of its partner segment in
        the scenario, None where there is one.
        """
        of = np.zeros(len(per_year), dtype=np.int64) if segment is None else segment
        counts = np.bincount(of, minlength=len(self._scenario.partners))
        setting = compile_setting(_scenario_of_size(self._scenario, np.maximum(counts, 1), quarters))
        place, rate = _placed(of, counts), np.full(setting.partners.count, 1e-3)
        rate[place] = np.maximum(per_year, 1e-3)
        deals = replace(deals, partner=place[deals.partner])
        world = World(setting, Streams(0), np.arange(draws))
        world.rate = np.ascontiguousarray(np.broadcast_to(rate / WEEKS_PER_YEAR, world.shape))
        mode = BehaviorMode(frozenset(), self._reference.expectations(setting, world, None), responding=False)
        offers = [self._reference.offer(name, setting, None) for name in ("baseline", *programs)]
        paid = {}
        for k, name in enumerate(programs):
            rollout = everyone((offers[0], offers[k + 1]), 1, setting.partners.count, setting.horizon)
            start, simulated = (VectorRun(world, rollout, mode) for _ in range(2))
            _fill(simulated, deals)
            paid[name] = _sums(start.reprice(simulated, rollout), draws, quarters, place)
        return paid


def _sums(run: VectorRun, draws: int, quarters: int, place: Ints) -> ReplayedPayout:
    sums = {c.name: np.zeros((draws, quarters)) for c in run.rollout.offers[1].program.components}
    people = np.zeros((draws, run.shape[1], quarters))
    for accounts in (*run.closed, *run.accounts):
        for part in attribute(run, accounts):
            rows = ledger_rows(run, part)
            quarter = (rows["end"].astype(np.int64) - 1) // WEEKS_PER_QUARTER
            draw = np.searchsorted(run.world.ids, rows["replication"])
            at = (draw * run.shape[1] + rows["partner"].astype(np.int64)) * quarters + quarter
            money = np.bincount(at, weights=rows["accrued"], minlength=people.size).reshape(people.shape) / 100
            people += money
            sums[accounts.offer.program.components[part.closing.component].name] += money.sum(axis=1)
    return ReplayedPayout(sums, people[:, place])


def _one_each(scenario: Scenario) -> Ints:
    return np.ones(len(scenario.partners), dtype=np.int64)


def _placed(segment: Ints, counts: Ints) -> Ints:
    """Places of partners in a world that has them segment by segment, and one in a segment without any."""
    first = np.concatenate(([0], np.cumsum(np.maximum(counts, 1))[:-1]))
    order = np.argsort(segment, kind="stable")
    place = np.empty(len(segment), dtype=np.int64)
    place[order] = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return place


def _scenario_of_size(scenario: Scenario, partners: Ints, quarters: int) -> Scenario:
    """The scenario with as many partners by segment, as many quarters, and nothing uncertain."""
    time = scenario.time.model_copy(update={"horizon_weeks": quarters * WEEKS_PER_QUARTER})
    people = {
        name: segment.model_copy(update={"count": int(count), "prospects": 0})
        for (name, segment), count in zip(scenario.partners.items(), partners, strict=True)
    }
    return scenario.model_copy(
        update={"partners": people, "time": time, "uncertainty": {}, "correlation": (), "participation": None}
    )


def _fill(run: VectorRun, deals: ReplayedDeals) -> None:
    """Put deals, and the claims of those won in the last year or later, into an empty run."""
    order = np.argsort(deals.created, kind="stable")
    cell = (deals.draw * run.shape[1] + deals.partner)[order]
    zero = np.zeros(len(order), dtype=np.int64)
    code = deal_code(deals.market[order], zero, zero, zero + EXISTING, zero)
    amount, closed, won = np.rint(deals.amount[order] * 100), deals.closed[order], deals.won[order]
    run.opps.append(
        len(order), deal=0, cell=cell, start=deals.created[order], amount=amount, code=code, attached=True, worked=True,
        false=False, vendor=False, since=0.0, stage=DONE, due=closed, qualified=deals.created[order], decided=closed,
        lost=~won, filed=False, conceded=0.0, discount=0.0, ends=np.inf, other=-1,
    )  # fmt: skip
    rows = np.flatnonzero(won & (closed >= -WEEKS_PER_YEAR) & (closed < run.setting.horizon))
    rows = rows[np.argsort(np.floor(closed[rows]), kind="stable")]
    run.claims.append(
        len(rows), event=int(Event.SIGNED), cell=cell[rows], opp=rows, week=np.floor(closed[rows]).astype(np.int64),
        time=closed[rows], start=deals.created[order][rows], amount=amount[rows], code=code[rows], false=False,
        audit=1.0, moved=0, conceded=0.0, deal=0, role=ALONE, disputed=NONE,
    )  # fmt: skip


_STATIC = (
    "Programs are paid by their rules alone: nobody answers to them. All deals count as simple ones of one partner "
    "with existing customers, as a list of deals tells no more."
)
DRAWS = 100
"""Draws that are paid at most; a payout is steadier than its deals."""


@dataclass(frozen=True)
class ComponentPayout:
    """What a component of a program would have paid on a history's deals in the quarters ahead, in money."""

    program: str
    component: str
    payout: float


class PayoutReplay:
    """Pays a history and its predictions. first: first quarter of the history."""

    def __init__(self, scenario: Scenario, fit: Fit, rows: pd.DataFrame, *, dated: bool) -> None:
        _require_segments(scenario, fit)
        self._scenario, self._payer, self._fit, self._dated = scenario, ProgramPayer(scenario), fit, dated
        self._rows = _decided(rows, fit, dated)
        # Years of a program are calendar years, so that its windows end when the export's quarters do.
        self._from = pd.Period(year=rows["created"].min().year, quarter=1, freq="Q")

    def cautions(self, programs: Sequence[str]) -> list[str]:
        """What these payouts leave out."""
        found = [_STATIC]
        if unpriced_components := self._payer.unpriced_components(programs):
            found.append(f"Paid on what no list of deals tells, so counted as 0: {', '.join(unpriced_components)}.")
        lacking = int((self._rows["outcome"].eq("won") & self._rows["amount"].isna()).sum())
        if lacking:
            found.append(f"{lacking} won deals without an amount are paid nothing.")
        return found

    def observed(
        self, partners: PartnerEffects, programs: Sequence[str], start: pd.Period, quarters: int
    ) -> tuple[list[str], dict[str, ReplayedPayout]]:
        """Partners, and payout by program of the history as it was, one draw; quarters go from the first of its first
        year on."""
        owners = list(dict.fromkeys((*partners.owners, *self._rows["owner"].astype(str))))
        return owners, self._payer.pay(
            self._deals(self._rows, owners, self._from), programs, per_year=_per_year(self._fit, partners, len(owners)),
            quarters=(start - self._from).n + quarters, draws=1, segment=self._segments(owners),
        )  # fmt: skip

    def predicted(
        self, partners: PartnerEffects, drawn: PredictiveDraws, start: pd.Period, quarters: int, draws: int
    ) -> Array:
        """Payout of the baseline in the quarters ahead, (draws, quarters)."""
        year = pd.Period(year=start.year, quarter=1, freq="Q")
        offset = (start - year).n
        past = self._rows[self._rows["counted"] < start.start_time]
        before = self._deals(past, list(partners.owners), year).repeated(draws)
        counted = drawn.closed if self._dated else drawn.created
        pick = (drawn.draw < draws) & (counted < quarters) & np.isfinite(drawn.amount)
        created, closed = WEEKS_PER_QUARTER * (np.stack([drawn.created, counted])[:, pick] + offset)
        market = self._markets(list(self._fit.mix))[drawn.market[pick]]
        ahead = ReplayedDeals(
            drawn.draw[pick], drawn.partner[pick], market, created, closed, drawn.amount[pick], drawn.won[pick]
        )
        count = max(int(drawn.partner.max(initial=0)) + 1, len(partners.owners))
        paid = self._payer.pay(
            before.joined(ahead), ("baseline",), per_year=_per_year(self._fit, partners, count),
            quarters=offset + quarters, draws=draws, segment=np.resize(self._segments(partners.owners), count),
        )  # fmt: skip
        return paid["baseline"].total[:, offset:]

    def _deals(self, rows: pd.DataFrame, owners: list[str], start: pd.Period) -> ReplayedDeals:
        rows = rows[rows["amount"].notna() & rows["owner"].astype(str).isin(owners)]
        return ReplayedDeals(
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


def priced(paid: Mapping[str, ReplayedPayout], quarters: int) -> tuple[ComponentPayout, ...]:
    """What programs would have paid in the last `quarters` quarters."""
    return tuple(
        ComponentPayout(program, component, float(value[0, -quarters:].sum()))
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


def _per_year(fit: Fit, effects: PartnerEffects, partners: int) -> Array:
    """Usual opportunities per year: the partners' own, a newcomer's is the median."""
    middle = fit.volume.per_year.value * np.exp(-0.5 * fit.volume.log_sd.value**2)
    return np.concatenate([np.exp(effects.mean[:, 0]), np.full(partners - len(effects.owners), middle)])


QUARTER = pd.Timedelta(days=91)


def past_rate(payouts: pd.DataFrame | None, rows: pd.DataFrame, *, dated: bool) -> FittedNumber | str:
    """Past payouts over what was won in their periods: the flat revenue share that would have cost as much.

    A text where there is none, saying why. rows: partner deals; dated: whether their close dates are valid.

    The first period is taken to be as long as the others are apart, or a quarter.
    """
    if payouts is None:
        return "no past payouts were given"
    if not dated:
        return "without valid close dates payouts cannot be held against bookings"
    ends = payouts["end"].drop_duplicates().sort_values()
    length = ends.diff().median() if len(ends) > 1 else QUARTER
    won = rows[rows["outcome"].eq("won") & (rows["closed"] > ends.min() - length) & (rows["closed"] <= ends.max())]
    booked, paid = float(won["amount"].sum()), float(payouts["paid"].sum())
    if not 0 < paid <= booked:
        return f"payouts of {paid:,.0f} on bookings of {booked:,.0f} give no rate between 0 and 1"
    span = f"{ends.min() - length + pd.Timedelta(days=1):%Y-%m-%d} to {ends.max():%Y-%m-%d}"
    note = f"{paid:,.0f} paid over {booked:,.0f} booked, {span}: what the plan came to, not the plan"
    return FittedNumber(paid / booked, None, len(won), "share of bookings", note)


SLACK = 3
LONG = 1.5 * QUARTER
AGREE = 0.05
"""Payouts within this share of the replayed ones agree, all together or partner by partner; judgement."""
SHOWN = 15
"""Partners that are shown, those with the largest differences."""


@dataclass(frozen=True)
class PayoutCheck:
    """Money paid and replayed. periods, partners: tables with columns `paid`, `replayed`, by period, and by partner,
    the largest difference first; notes: what the replay leaves out."""

    periods: pd.DataFrame
    partners: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def off(self) -> float:
        """Differences of partners, added up, as a share of what was paid."""
        paid = float(self.partners["paid"].sum())
        return float((self.partners["paid"] - self.partners["replayed"]).abs().sum()) / max(paid, 1e-9)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is shown, by what a row is."""
        return {"period": self.periods, "partner": self.partners.head(SHOWN)}

    def __str__(self) -> str:
        paid, replayed = (float(self.periods[name].sum()) for name in ("paid", "replayed"))
        said = f"{paid:,.0f} was paid; by its rules the baseline pays {replayed:,.0f} on the same deals"
        part = self.partners
        differ = part[(part["paid"] - part["replayed"]).abs() > AGREE * part["paid"]]
        if differ.empty:
            return f"{said}: they agree, in total and partner by partner"
        word = "agree" if abs(paid - replayed) <= AGREE * paid and self.off <= AGREE else "disagree"
        most = ", ".join(f"{name} ({a} paid, {b} replayed)" for name, a, b, _ in payout_rows(differ.head(3)))
        return (
            f"{said} (ratio {ratio_text(paid, replayed)}): in total they {word}; {len(differ)} of {len(part)} partners "
            f"are off by over {AGREE:.0%}, differences add up to {self.off:.0%} of what was paid; most for {most}"
        )

    def to_dict(self) -> dict[str, object]:
        """Both tables as plain records."""
        tables = {"periods": self.periods, "partners": self.partners}
        return {name: table.reset_index(names="name").to_dict("records") for name, table in tables.items()}


def ratio_text(paid: float, replayed: float) -> str:
    """Paid over replayed, as text."""
    return f"{paid / replayed:.2f}" if replayed else "-"


def payout_rows(table: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Name, paid, replayed and ratio by row, as texts."""
    return [
        (str(name), figure(row.paid), figure(row.replayed), ratio_text(row.paid, row.replayed))
        for name, row in table.iterrows()
    ]


def compare_payouts(export: Export, fit: Fit, effects: PartnerEffects, scenario: Scenario) -> PayoutCheck | str | None:
    """Payouts of an export against those of `scenario`'s baseline, or why they cannot be compared; None without any."""
    if export.payouts is None:
        return None
    if "cycle_weeks" in fit.refused:
        return "without valid close dates payouts cannot be held against deals"
    payouts = export.payouts.assign(quarter=(export.payouts["end"] - pd.Timedelta(days=SLACK)).dt.to_period("Q"))
    rows = export.rows[~export.rows["direct"]]
    begin, end = (day.to_period("Q") for day in (rows["created"].min(), export.end))
    within = (payouts["quarter"] >= begin) & (payouts["quarter"] <= end)
    if not within.any():
        return "no payout falls into the time of the export"
    left_out = [f"{int((~within).sum())} payouts of other times than the export's are left out."] * (not within.all())
    payouts = payouts[within]
    ends = payouts["end"].drop_duplicates().sort_values()
    length = pd.Timedelta(ends.diff().median()) if len(ends) > 1 else QUARTER
    # A period longer than a quarter began before the quarter that it ends in.
    first = (ends.min() - length + QUARTER / 2).to_period("Q") if length > LONG else payouts["quarter"].min()
    span = pd.period_range(max(first, begin), payouts["quarter"].max())
    payer = PayoutReplay(scenario, fit, rows, dated=True)
    owners, settled = payer.observed(effects, ("baseline",), span[0], len(span))
    replayed = settled["baseline"].partners[0][:, -len(span) :]
    by_partner = payouts.groupby("partner")["paid"].sum()
    partners = pd.DataFrame({"paid": by_partner, "replayed": pd.Series(replayed.sum(axis=1), index=owners)}).fillna(0.0)
    partners = partners[(partners != 0).any(axis=1)]
    order = np.argsort(-(partners["paid"] - partners["replayed"]).abs().to_numpy(), kind="stable")
    by_quarter = payouts.groupby("quarter")["paid"].sum().reindex(span, fill_value=0.0)
    periods = pd.DataFrame({"paid": by_quarter.to_numpy(), "replayed": replayed.sum(axis=0)})
    periods = periods.groupby((span.asfreq("Y") if length > LONG else span).astype(str)).sum()
    return PayoutCheck(periods, partners.iloc[order], (*left_out, *payer.cautions(("baseline",))))
