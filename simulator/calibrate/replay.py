"""What programs would have paid on deals that are given, by the rules alone: nobody answers to the change.

Deals and claims of a history, or of drawn quarters, take the place of a simulated life's, and the vector engine pays
them again (the static rung): thresholds, tiers, caps, gates, budgets and stacking are those of a run. Quotas are what a
partner's own volume lets expect. A history does not tell accounts, complexity, services, second partners or activity:
all deals count as simple ones with existing customers, of one partner, and components paid on anything but signed deals
pay nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.disputes import NONE
from simulator.engines.rollout import Conduct, everyone
from simulator.engines.settle import attribute, ledger_rows
from simulator.engines.tables import DONE
from simulator.engines.vector import VectorLife
from simulator.fit import Reference
from simulator.model.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR, compile_setting
from simulator.program.compiled import ACCOUNTS, Bools, Ints, deal_code
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.program.sharing import ALONE
from simulator.scenario.schema import Scenario
from simulator.streams import Streams
from simulator.world import World

_ARRAYS = ("draw", "partner", "market", "created", "closed", "amount", "won")
EXISTING = ACCOUNTS.index("existing")


@dataclass(frozen=True)
class Deals:
    """Decided deals, arrays (n,). draw, partner, market: positions; created, closed: weeks from the first day that is
    paid for, negative before it; amount: money."""

    draw: Ints
    partner: Ints
    market: Ints
    created: Array
    closed: Array
    amount: Array
    won: Bools

    def repeated(self, draws: int) -> Deals:
        """The same deals in every draw."""
        n = len(self.draw)
        values = {name: np.tile(getattr(self, name), draws) for name in _ARRAYS}
        return Deals(**values | {"draw": np.repeat(np.arange(draws), n)})

    def joined(self, other: Deals) -> Deals:
        """These and other deals."""
        return Deals(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ARRAYS})


@dataclass(frozen=True)
class Settled:
    """Payout in money, by the quarter in which windows end. parts: by component, (draws, quarters); partners: (draws,
    P, quarters)."""

    parts: Mapping[str, Array]
    partners: Array

    @property
    def total(self) -> Array:
        """Payout of all components, (draws, quarters)."""
        return np.asarray(sum(self.parts.values()))


class Payer:
    """Pays deals by the programs of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._reference = Reference(_sized(scenario, _one_each(scenario), 4), effort=False)

    def unseen(self, programs: Sequence[str]) -> list[str]:
        """Components that pay on what no history of deals tells, as PROGRAM.COMPONENT."""
        setting = compile_setting(_sized(self._scenario, _one_each(self._scenario), 4))
        compiled = {name: self._reference.offer(name, setting, None).program for name in programs}
        return [f"{n}.{c.name}" for n, p in compiled.items() for c in p.components if c.measure.event != Event.SIGNED]

    def pay(
        self,
        deals: Deals,
        programs: Sequence[str],
        *,
        per_year: Array,
        quarters: int,
        draws: int,
        segment: Ints | None = None,
    ) -> dict[str, Settled]:
        """What each program pays.

        per_year: (P,) usual opportunities of each partner, for quotas; segment: (P,) position of its partner segment in
        the scenario, None where there is one.
        """
        of = np.zeros(len(per_year), dtype=np.int64) if segment is None else segment
        counts = np.bincount(of, minlength=len(self._scenario.partners))
        setting = compile_setting(_sized(self._scenario, np.maximum(counts, 1), quarters))
        place, rate = _placed(of, counts), np.full(setting.partners.count, 1e-3)
        rate[place] = np.maximum(per_year, 1e-3)
        deals = replace(deals, partner=place[deals.partner])
        world = World(setting, Streams(0), np.arange(draws))
        world.rate = np.ascontiguousarray(np.broadcast_to(rate / WEEKS_PER_YEAR, world.shape))
        conduct = Conduct(frozenset(), self._reference.outlook(setting, world, None), responding=False)
        offers = [self._reference.offer(name, setting, None) for name in ("baseline", *programs)]
        paid = {}
        for k, name in enumerate(programs):
            rollout = everyone((offers[0], offers[k + 1]), 1, setting.partners.count, setting.horizon)
            start, lived = (VectorLife(world, rollout, conduct) for _ in range(2))
            _fill(lived, deals)
            paid[name] = _sums(start.repay(lived, rollout), draws, quarters, place)
        return paid


def _sums(life: VectorLife, draws: int, quarters: int, place: Ints) -> Settled:
    sums = {c.name: np.zeros((draws, quarters)) for c in life.rollout.offers[1].program.components}
    people = np.zeros((draws, life.shape[1], quarters))
    for books in (*life.closed, *life.books):
        for part in attribute(life, books):
            rows = ledger_rows(life, part)
            quarter = (rows["end"].astype(np.int64) - 1) // WEEKS_PER_QUARTER
            draw = np.searchsorted(life.world.ids, rows["replication"])
            at = (draw * life.shape[1] + rows["partner"].astype(np.int64)) * quarters + quarter
            money = np.bincount(at, weights=rows["accrued"], minlength=people.size).reshape(people.shape) / 100
            people += money
            sums[books.offer.program.components[part.closing.component].name] += money.sum(axis=1)
    return Settled(sums, people[:, place])


def _one_each(scenario: Scenario) -> Ints:
    return np.ones(len(scenario.partners), dtype=np.int64)


def _placed(segment: Ints, counts: Ints) -> Ints:
    """Places of partners in a world that has them segment by segment, and one in a segment without any."""
    first = np.concatenate(([0], np.cumsum(np.maximum(counts, 1))[:-1]))
    order = np.argsort(segment, kind="stable")
    place = np.empty(len(segment), dtype=np.int64)
    place[order] = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return place


def _sized(scenario: Scenario, partners: Ints, quarters: int) -> Scenario:
    """The scenario with as many partners by segment, as many quarters, and nothing uncertain."""
    time = scenario.time.model_copy(update={"horizon_weeks": quarters * WEEKS_PER_QUARTER})
    people = {
        name: segment.model_copy(update={"count": int(count), "prospects": 0})
        for (name, segment), count in zip(scenario.partners.items(), partners, strict=True)
    }
    return scenario.model_copy(
        update={"partners": people, "time": time, "uncertainty": {}, "correlation": (), "participation": None}
    )


def _fill(life: VectorLife, deals: Deals) -> None:
    """Put deals, and the claims of those won in the last year or later, into an empty life."""
    order = np.argsort(deals.created, kind="stable")
    cell = (deals.draw * life.shape[1] + deals.partner)[order]
    zero = np.zeros(len(order), dtype=np.int64)
    code = deal_code(deals.market[order], zero, zero, zero + EXISTING, zero)
    amount, closed, won = np.rint(deals.amount[order] * 100), deals.closed[order], deals.won[order]
    life.opps.append(
        len(order), deal=0, cell=cell, start=deals.created[order], amount=amount, code=code, attached=True, worked=True,
        false=False, vendor=False, since=0.0, stage=DONE, due=closed, qualified=deals.created[order], decided=closed,
        lost=~won, filed=False, conceded=0.0, discount=0.0, ends=np.inf, other=-1,
    )  # fmt: skip
    rows = np.flatnonzero(won & (closed >= -WEEKS_PER_YEAR) & (closed < life.setting.horizon))
    rows = rows[np.argsort(np.floor(closed[rows]), kind="stable")]
    life.claims.append(
        len(rows), event=int(Event.SIGNED), cell=cell[rows], opp=rows, week=np.floor(closed[rows]).astype(np.int64),
        time=closed[rows], start=deals.created[order][rows], amount=amount[rows], code=code[rows], false=False,
        audit=1.0, moved=0, conceded=0.0, deal=0, role=ALONE, disputed=NONE,
    )  # fmt: skip
