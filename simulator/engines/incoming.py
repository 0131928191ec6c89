"""What a week brings in the event engine: opportunities, the vendor's customers, certifications and false claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from simulator.engines.agents import Opportunity
from simulator.model.planning import Temptation, registration_shares, squatting_shares
from simulator.program.compiled import Ints
from simulator.program.measures import MEASURES, Event
from simulator.program.numbers import Array

if TYPE_CHECKING:
    from simulator.engines.events import EventLife
    from simulator.world import World

_COLUMNS = ("amount", "market", "account", "hurdles", "durations", "audit", "delay", "life", "direct_logit")


class Deals:
    """Attributes of the world's deals as plain lists, read once as they are drawn."""

    def __init__(self, world: World) -> None:
        self._world, self._known = world, 0
        self.amount: list[float] = []
        self.market: list[int] = []
        self.account: list[int] = []
        self.hurdles: list[list[float]] = []
        self.durations: list[list[float]] = []
        self.audit: list[float] = []
        self.delay: list[float] = []
        self.direct_logit: list[float] = []
        self.life: list[float] = []

    def read(self) -> None:
        """Take newly drawn deals over."""
        d = self._world.deals
        new = slice(self._known, d.rows)
        for name in _COLUMNS:
            getattr(self, name).extend(d[name][new].tolist())
        self._known = d.rows

    def with_logit(self, deal: int) -> Array:
        """Log-odds of a deal with a partner at usual intensity, shape (1,)."""
        return np.asarray(self._world.deals["with_logit"][deal : deal + 1])


class Incoming:
    """The week that runs. found: partner-sourced opportunities by partner."""

    def __init__(self, life: EventLife, week: int, temptation: Temptation) -> None:
        self._life = life
        self.found: dict[int, list[Opportunity]] = {}
        for who, opp in self._opportunities(life.world.sourced(week, life.planner.multiple), vendor=False):
            self.found.setdefault(who, []).append(opp)
        self._vendor_desk(week, temptation)
        _, certified = life.world.certified(week, life.planner.working(2))
        self._certified: dict[int, int] = {}
        for i in certified.tolist():
            self._certified[i] = self._certified.get(i, 0) + 1
        self._false: dict[int, list[tuple[int, float]]] = {}
        if "padding" in life.conduct.gaming:
            self._pad(week)

    def activity_claims(self, who: int) -> Iterable[tuple[int, bool, float]]:
        """Claims without a deal that a partner files this week: (event, false, audit mark)."""
        yield from ((int(Event.CERTIFIED), False, 1.0) for _ in range(self._certified.get(who, 0)))
        yield from ((event, True, mark) for event, mark in self._false.get(who, ()))

    def _pad(self, week: int) -> None:
        life, world = self._life, self._life.world
        for name in (n for n, m in MEASURES.items() if m.padded):
            event = int(MEASURES[name].event)
            rate = np.array([[p.false_rates(life).get(event, 0.0) for p in life.partners]])
            _, false, audit = world.false_claims(name, week, np.minimum(rate, world.most_false))
            for i, mark in zip(false.tolist(), audit.tolist(), strict=True):
                self._false.setdefault(i, []).append((event, mark))

    def _vendor_desk(self, week: int, temptation: Temptation) -> None:
        """Customers that the vendor finds: worked with their partner, registered without work, or worked alone."""
        life, w = self._life, self._life.world
        honest, claimed = registration_shares(
            life.setting, life.planner.working(0), temptation, w.misreport_cost, w.opportunist,
            claiming="credit_claiming" in life.conduct.gaming,
        )  # fmt: skip
        rows = w.vendor(week)
        marks = w.candidates["mark"][rows].tolist()
        squatters = self._squatters(rows, temptation)
        found = zip(marks, squatters, self._opportunities(rows, vendor=True), strict=True)
        for mark, squatter, (who, opp) in found:
            if squatter >= 0:
                opp.partner, opp.false = life.partners[squatter], True
            elif who >= 0 and mark < honest[0, who]:
                opp.partner, opp.worked = life.partners[who], True
            elif who >= 0 and mark < claimed[0, who]:
                opp.partner, opp.false = life.partners[who], True
            life.env.process(opp.course(life))

    def _squatters(self, rows: Ints, temptation: Temptation) -> list[int]:
        """Who registers each of the vendor's customers before the partner it belongs to, -1 for nobody."""
        life, w = self._life, self._life.world
        if "squatting" not in life.conduct.gaming:
            return [-1] * len(rows)
        share = squatting_shares(life.setting, temptation, w.misreport_cost, w.opportunist)[0]
        who, mark = (x.tolist() for x in w.squatters(rows))
        return [i if i >= 0 and u < share[i] else -1 for i, u in zip(who, mark, strict=True)]

    def _opportunities(self, rows: Ints, *, vendor: bool) -> Iterable[tuple[int, Opportunity]]:
        if not len(rows):
            return []
        life, world = self._life, self._life.world
        c, d, deals = world.candidates, world.deals, world.deals_of(rows)
        life.deals.read()
        made = []
        for who, deal, start, code in zip(
            c["who"][rows].tolist(), deals.tolist(), c["time"][rows].tolist(), d["code"][deals].tolist(), strict=True
        ):
            known = life.deals
            opp = Opportunity(
                len(life.opportunities), deal, start, known.amount[deal], code, known.market[deal],
                known.account[deal], vendor,
            )  # fmt: skip
            life.opportunities.append(opp)
            made.append((who, opp))
        return made
