"""What a week brings in the event engine: opportunities, the vendor's customers, certifications and false claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.gaming.false_claims import FalseClaimGains, registration_shares, squatting_shares
from simulator.core.arrays import Array, Ints
from simulator.engines.events.deals import Opportunity
from simulator.program.measures import MEASURES, Event

if TYPE_CHECKING:
    from simulator.engines.events.engine import EventRun
    from simulator.world.world import World

_COLUMNS = ("amount", "market", "account", "hurdles", "durations", "audit", "delay", "life", "direct_logit")


class DealAttributes:
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


class WeekArrivals:
    """The week that runs. found: partner-sourced opportunities by partner."""

    def __init__(self, run: EventRun, week: int, false_claim_gains: FalseClaimGains) -> None:
        self._run = run
        self.found: dict[int, list[Opportunity]] = {}
        for who, opp in self._opportunities(run.world.sourced(week, run.effort.multiple), vendor=False):
            self.found.setdefault(who, []).append(opp)
        self._vendor_desk(week, false_claim_gains)
        _, certified = run.world.certified(week, run.effort.working(2))
        self._certified: dict[int, int] = {}
        for i in certified.tolist():
            self._certified[i] = self._certified.get(i, 0) + 1
        self._false: dict[int, list[tuple[int, float]]] = {}
        if "padding" in run.mode.gaming:
            self._pad(week)

    def activity_claims(self, who: int) -> Iterable[tuple[int, bool, float]]:
        """Claims without a deal that a partner files this week: (event, false, audit mark)."""
        yield from ((int(Event.CERTIFIED), False, 1.0) for _ in range(self._certified.get(who, 0)))
        yield from ((event, True, mark) for event, mark in self._false.get(who, ()))

    def _pad(self, week: int) -> None:
        run, world = self._run, self._run.world
        for name in (n for n, m in MEASURES.items() if m.padded):
            event = int(MEASURES[name].event)
            rate = np.array([[p.false_rates(run).get(event, 0.0) for p in run.partners]])
            _, false, audit = world.false_claims(name, week, np.minimum(rate, world.most_false))
            for i, mark in zip(false.tolist(), audit.tolist(), strict=True):
                self._false.setdefault(i, []).append((event, mark))

    def _vendor_desk(self, week: int, false_claim_gains: FalseClaimGains) -> None:
        """Customers that the vendor finds: worked with their partner, registered without work, or worked alone."""
        run, w = self._run, self._run.world
        without_gaming, claimed = registration_shares(
            run.setting, run.effort.working(0), false_claim_gains, w.misreport_cost, w.opportunist,
            claiming="credit_claiming" in run.mode.gaming,
        )  # fmt: skip
        rows = w.vendor(week)
        marks = w.candidates["mark"][rows].tolist()
        squatters = self._squatters(rows, false_claim_gains)
        found = zip(marks, squatters, self._opportunities(rows, vendor=True), strict=True)
        for mark, squatter, (who, opp) in found:
            if squatter >= 0:
                opp.partner, opp.false = run.partners[squatter], True
            elif who >= 0 and mark < without_gaming[0, who]:
                opp.partner, opp.worked = run.partners[who], True
            elif who >= 0 and mark < claimed[0, who]:
                opp.partner, opp.false = run.partners[who], True
            run.env.process(opp.course(run))

    def _squatters(self, rows: Ints, false_claim_gains: FalseClaimGains) -> list[int]:
        """Who registers each of the vendor's customers before the partner it belongs to, -1 for nobody."""
        run, w = self._run, self._run.world
        if "squatting" not in run.mode.gaming:
            return [-1] * len(rows)
        share = squatting_shares(run.setting, false_claim_gains, w.misreport_cost, w.opportunist)[0]
        who, mark = (x.tolist() for x in w.squatters(rows))
        return [i if i >= 0 and u < share[i] else -1 for i, u in zip(who, mark, strict=True)]

    def _opportunities(self, rows: Ints, *, vendor: bool) -> Iterable[tuple[int, Opportunity]]:
        if not len(rows):
            return []
        run, world = self._run, self._run.world
        c, d, deals = world.candidates, world.deals, world.deals_of(rows)
        run.deals.read()
        made = []
        for who, deal, start, code in zip(
            c["who"][rows].tolist(), deals.tolist(), c["time"][rows].tolist(), d["code"][deals].tolist(), strict=True
        ):
            known = run.deals
            opp = Opportunity(
                len(run.opportunities), deal, start, known.amount[deal], code, known.market[deal],
                known.account[deal], vendor,
            )  # fmt: skip
            run.opportunities.append(opp)
            made.append((who, opp))
        return made
