"""The vector engine: many replications and partners at once, week by week, deals in flat arrays.

Deals wait in a calendar of weeks, so each is touched once per stage. The order of a week is that of the model: filing
choice, close and pay the windows that end, reset, reviews; then effort; then the week's arrivals, stages and
signatures in continuous time.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from simulator.engines import filing
from simulator.engines.books import Books
from simulator.engines.rollout import Conduct, Rollout
from simulator.model import gaming, opportunity
from simulator.model.perception import Perception
from simulator.model.planning import Planner, Temptation, registration_shares
from simulator.model.setting import ACTIVITIES, WEEKS_PER_QUARTER
from simulator.program.compiled import Ints, deal_code, take
from simulator.program.measures import MEASURES, Event
from simulator.program.numbers import Array
from simulator.table import Table
from simulator.world import World

OPP = {
    "deal": np.int32, "cell": np.int32, "start": float, "amount": float, "code": np.int16, "attached": bool,
    "worked": bool, "false": bool, "vendor": bool, "since": float, "stage": np.int8, "due": float, "qualified": float,
    "decided": float, "lost": bool, "filed": bool, "conceded": float, "ends": float,
}  # fmt: skip
CLAIM = {
    "event": np.int8, "cell": np.int32, "opp": np.int32, "week": np.int32, "time": float, "start": float,
    "amount": float, "code": np.int16, "false": bool, "audit": float, "moved": np.int8,
}  # fmt: skip
SIGNING = 4
DONE = 5
NEVER = np.inf
_PADDED = tuple(name for name, m in MEASURES.items() if m.padded)


class VectorLife:
    """Replications of a world lived under a rollout. Advance it with `run`, branch it with `fork`."""

    def __init__(self, world: World, rollout: Rollout, conduct: Conduct) -> None:
        self.world, self.rollout, self.conduct = world, rollout, conduct
        self.setting = world.setting
        self.shape = world.shape
        self.planner = Planner(self.setting, world.rate, world.inert, conduct.outlook, conduct.responding)
        self.temptation = Temptation(self.shape)
        self.work, self.open = np.zeros(self.shape), np.zeros(self.shape)
        self.opps, self.claims = Table(OPP), Table(CLAIM)
        self.calendar: dict[int, list[Ints]] = {}
        self.books: list[Books] = []
        self.closed: list[Books] = []
        self.effort_total = np.zeros((len(ACTIVITIES), self.shape[0]))

    def fork(self, rollout: Rollout) -> VectorLife:
        """An independent continuation under another rollout; the world stays shared."""
        other = copy.copy(self)
        other.rollout = rollout
        other.planner = self.planner.copy()
        deals = self._deals_in(self.setting.horizon)
        other.opps, other.claims = self.opps.copy(deals), self.claims.copy(2 * deals)
        other.calendar = {week: list(rows) for week, rows in self.calendar.items()}
        other.books = [b.copy() for b in self.books]
        other.closed = [b.copy() for b in self.closed]
        other.effort_total = self.effort_total.copy()
        return other

    def run(self, start: int, stop: int) -> VectorLife:
        """Live the weeks from `start` to before `stop`."""
        deals = self._deals_in(stop - start)
        self.opps.reserve(deals)
        self.claims.reserve(2 * deals)
        for week in range(start, stop):
            self._boundary(week)
            self._plan(week)
            first_claim = self.claims.rows
            self._arrive(week)
            self._progress(week)
            self._post(first_claim)
            self._remember(week)
        return self

    def finish(self) -> VectorLife:
        """Close all books at the horizon."""
        self._boundary(self.setting.horizon, last=True)
        return self

    def _deals_in(self, weeks: int) -> int:
        """About how many deals `weeks` bring, to reserve room for."""
        vendor = self.setting.territories.rate.mean() * len(self.setting.territories.names) * self.shape[0]
        return int(1.1 * (self.world.rate.sum() + vendor) * weeks)

    def compact(self, week: int) -> VectorLife:
        """Forget what nothing looks back at from `week` on: closed deals, and claims of over a year ago."""
        o, c = self.opps, self.claims
        claims = np.flatnonzero(c["week"] >= week - 52)
        recent = np.zeros(o.rows, dtype=bool)
        recent[c["opp"][claims][c["opp"][claims] >= 0]] = True
        keep = np.flatnonzero((o["stage"] < DONE) | recent)
        place = np.full(o.rows + 1, -1)
        place[keep] = np.arange(len(keep))
        self.opps, self.claims = o.take(keep), c.take(claims)
        self.claims["opp"][:] = place[self.claims["opp"]]
        self.calendar = {at: [place[rows] for rows in parts] for at, parts in self.calendar.items()}
        for b in self.books:
            b.accepted = b.accepted.take(keep)
        return self

    def repay(self, lived: VectorLife, rollout: Rollout) -> VectorLife:
        """The deals and claims of `lived`, which branched off from here, paid under another rollout (static rung)."""
        other = self.fork(rollout)
        other.opps, other.claims, other.planner = lived.opps, lived.claims, lived.planner
        other.effort_total = lived.effort_total
        other.conduct = replace(lived.conduct, gaming=False)
        found = np.searchsorted(np.floor(other.opps["start"]), np.arange(self.setting.horizon + 1))
        claimed = np.searchsorted(other.claims["week"], np.arange(self.setting.horizon + 1))
        for week in range(self.setting.horizon):
            other._boundary(week)
            for b in other.books:
                b.register(week, np.arange(found[week], found[week + 1]), other.opps)
                b.post(np.arange(claimed[week], claimed[week + 1]), other.claims)
        return other.finish()

    # -- week boundary -----------------------------------------------------------------------------------------

    def _boundary(self, week: int, last: bool = False) -> None:
        now = self.rollout.at(week)
        first = not self.books and not self.closed
        switch = np.zeros(self.shape[1], dtype=bool) if first else now != self.rollout.at(week - 1)
        if not (first or last or switch.any() or week % WEEKS_PER_QUARTER == 0):
            return
        moved: Ints = np.zeros(0, dtype=np.int64)
        if self.conduct.gaming and self.setting.scenario.gaming.timing and not first:
            moved = filing.file_late_or_early(self, week, switch)
        for b in self.books:
            b.close(week, b.member & (switch | last))
        if last:
            return
        self._change_books(week, now, switch | first)
        if len(moved):
            for b in self.books:
                b.post(moved, self.claims)

    def _change_books(self, week: int, now: Ints, switch: np.ndarray) -> None:
        pace = self.planner.pace()
        former = list(self.books)
        before = [(b, b.member) for b in former]
        for b in former:
            b.pace = pace
            b.member = b.member & ~switch
            if b.member.any():
                b.restart(week, all_windows=False)
        self.closed += [b for b in former if not b.member.any()]
        self.books = [b for b in former if b.member.any()]
        for index in np.unique(now[switch]):
            offer = self.rollout.offers[index]
            member = switch & (now == index)
            view = Perception(
                self.setting,
                offer.program,
                self.conduct.outlook,
                offer.prospects,
                offer.tier_prospects,
                self.world.rate,
            )
            fresh = Books(self.setting, int(index), offer, view, member, pace, self.shape)
            fresh.begin(week, self.claims, self.opps, before)
            fresh.restart(week, all_windows=True)
            self.books.append(fresh)

    # -- effort ------------------------------------------------------------------------------------------------

    def _plan(self, week: int) -> None:
        pace = self.planner.pace()
        values: list[Array] = [np.zeros(self.shape)] * len(ACTIVITIES)
        self.temptation = Temptation(self.shape)
        for b in self.books:
            b.pace = pace
            view = b.perception.view(week, b)
            values = [np.where(b.member, v, old) for v, old in zip(view.activity, values, strict=True)]
            if self.conduct.gaming:
                self.temptation.add(b.perception, view.price, b.member)
        self.planned_open = self.open
        self.planner.plan(values, self.open)

    # -- arrivals ----------------------------------------------------------------------------------------------

    def _arrive(self, week: int) -> None:
        s, w = self.setting, self.world
        first = self.opps.rows
        rows = w.sourced(week, self.planner.multiple)
        self._found(rows, np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool), vendor=False)
        rows = w.vendor(week)
        if len(rows):
            self._vendor_deals(rows)
        fresh = np.arange(first, self.opps.rows)
        for b in self.books:
            b.register(week, fresh, self.opps)
        self._certify(week)
        if self.conduct.gaming and s.scenario.gaming.padding:
            self._pad(week)

    def _vendor_deals(self, rows: Ints) -> None:
        w, c = self.world, self.world.candidates
        honest, claimed = registration_shares(
            self.setting, self.planner.activity[0], self.temptation, w.misreport_cost, w.opportunist,
            gaming_on=self.conduct.gaming,
        )  # fmt: skip
        rep, who, mark = c["rep"][rows], np.maximum(c["who"][rows], 0), c["mark"][rows]
        known = c["who"][rows] >= 0
        worked = known & (mark < honest[rep, who])
        self._found(rows, worked, known & ~worked & (mark < claimed[rep, who]), vendor=True)

    def _found(self, rows: Ints, worked: np.ndarray, false: np.ndarray, *, vendor: bool) -> None:
        """Open opportunities for candidates; `false` ones are registered without joint work."""
        if not len(rows):
            return
        w = self.world
        c, d = w.candidates, w.deals
        deal = w.deals_of(rows)
        rep, who = c["rep"][rows], np.maximum(c["who"][rows], 0)
        cell = rep * self.shape[1] + who
        start = c["time"][rows]
        x, work = self.planner.intensity.reshape(-1)[cell], self.work.reshape(-1)[cell]
        code = deal_code(d["market"][deal], d["complexity"][deal], np.full(len(rows), int(vendor)), d["account"][deal])
        fast = np.where(worked, self.planner.speed.reshape(-1)[cell], 1.0)
        opp = self.opps.append(
            len(rows), deal=deal, cell=cell, start=start, amount=d["amount"][deal], code=code,
            attached=worked | false, worked=worked, false=false, vendor=vendor,
            since=work + x * (start - np.floor(start)), stage=0, due=start + d["durations"][deal, 0] / fast,
            qualified=NEVER, decided=NEVER, lost=False, filed=False, conceded=0.0, ends=NEVER,
        )  # fmt: skip
        self.open = self.open + np.bincount(cell[worked], minlength=self.open.size).reshape(self.shape)
        self._schedule(opp)

    def _schedule(self, opp: Ints) -> None:
        """Put opportunities into the calendar by the week they are due in."""
        if not len(opp):
            return
        week = np.floor(self.opps["due"][opp]).astype(np.int64)
        order = np.argsort(week, kind="stable")
        opp, week = opp[order], week[order]
        edges = np.flatnonzero(np.diff(week)) + 1
        for part, at in zip(np.split(opp, edges), week[np.concatenate(([0], edges))], strict=True):
            self.calendar.setdefault(int(at), []).append(part)

    def _certify(self, week: int) -> None:
        rep, who, _ = self.world.certified(week, self.planner.activity[2])
        if len(rep):
            self._claim_activity(Event.CERTIFIED, week, rep, who, np.zeros(len(rep), dtype=bool), np.ones(len(rep)))

    def _pad(self, week: int) -> None:
        for name in _PADDED:
            event = MEASURES[name].event
            if event not in self.temptation.activity:
                continue
            rate = gaming.false_claim_rate(self.temptation.activity[event], self.world.misreport_cost)
            rate = np.where(self.world.opportunist, rate, 0.0)
            rep, who, audit = self.world.false_claims(name, week, rate)
            if len(rep):
                self._claim_activity(event, week, rep, who, np.ones(len(rep), dtype=bool), audit)

    def _claim_activity(self, event: Event, week: int, rep: Ints, who: Ints, false: np.ndarray, audit: Array) -> None:
        self.claims.append(
            len(rep), event=int(event), cell=rep * self.shape[1] + who, opp=-1, week=week, time=float(week),
            start=float(week), amount=0.0, code=-1, false=false, audit=audit, moved=0,
        )  # fmt: skip

    # -- stages ------------------------------------------------------------------------------------------------

    def _progress(self, week: int) -> None:
        rows = self.calendar.pop(week, [])
        todo = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        while len(todo):
            signing = todo[self.opps["stage"][todo] == SIGNING]
            if len(signing):
                self._sign(signing)
            todo = self._stage_end(todo[self.opps["stage"][todo] < SIGNING])
            soon = self.opps["due"][todo] < week + 1
            self._schedule(todo[~soon])
            todo = todo[soon]

    def _stage_end(self, opp: Ints) -> Ints:
        """Decide the stages that end; returns the opportunities that go on, with their next due time."""
        if not len(opp):
            return opp
        o, d, s = self.opps, self.world.deals, self.setting
        deal, cell, due, stage = o["deal"][opp], o["cell"][opp], o["due"][opp], o["stage"][opp]
        rep, worked = cell // self.shape[1], o["worked"][opp]
        x = self.planner.intensity.reshape(-1)[cell]
        mean = opportunity.mean_intensity(
            work=self.work.reshape(-1)[cell] + x * (due - np.floor(due)),
            since=o["since"][opp],
            now=due,
            start=o["start"][opp],
        )
        with_work = opportunity.win_logit(
            base=d["with_logit"][deal], cosell_win=take(s.behavior("cosell_win"), rep), intensity=mean
        )
        logit = np.where(worked, with_work, d["direct_logit"][deal])
        passed = d["hurdles"][deal, stage] < logit
        decided = ~passed | (stage == 3)
        o["decided"][opp[decided]] = due[decided]
        o["lost"][opp[~passed]] = True
        o["stage"][opp[~passed]] = DONE
        done = cell[decided & worked]
        self.open = self.open - np.bincount(done, minlength=self.open.size).reshape(self.shape)
        o["qualified"][opp[passed & (stage == 0)]] = due[passed & (stage == 0)]
        on = opp[passed]
        self._claim_deals(on[(stage[passed] < 3) & o["attached"][on]], stage_of_claim=True)
        self._next_stage(on, stage[passed], cell[passed], due[passed])
        return np.asarray(on)

    def _next_stage(self, opp: Ints, stage: Ints, cell: Ints, due: Array) -> None:
        o, d = self.opps, self.world.deals
        fast = np.where(o["worked"][opp] & (stage < 3), self.planner.speed.reshape(-1)[cell], 1.0)
        o["due"][opp] = due + d["durations"][o["deal"][opp], stage + 1] / fast
        o["stage"][opp] = stage + 1

    def _sign(self, opp: Ints) -> None:
        o, d, s = self.opps, self.world.deals, self.setting
        o["stage"][opp] = DONE
        deal, cell = o["deal"][opp], o["cell"][opp]
        rep = cell // self.shape[1]
        active = np.where(o["worked"][opp], self.planner.activity[3].reshape(-1)[cell], 1.0)
        hazard = take(s.markets.churn_per_week, rep, d["market"][deal])
        with np.errstate(divide="ignore"):
            kept = d["life"][deal] / hazard * np.power(active, take(s.behavior("success_churn"), rep))
        o["ends"][opp] = o["due"][opp] + kept
        mine = opp[o["attached"][opp]]
        wins = np.bincount(o["cell"][mine[o["worked"][mine]]], minlength=self.open.size).astype(float)
        wins = wins.reshape(self.shape)
        self._wins = wins if self._wins is None else self._wins + wins
        self._claim_deals(mine[~o["filed"][mine]], stage_of_claim=False)

    _wins: Array | None = None

    def _claim_deals(self, opp: Ints, *, stage_of_claim: bool) -> None:
        """Claims of opportunities at their due time: of the stage just passed, or of the signature."""
        if len(opp):
            o = self.opps
            event = o["stage"][opp] if stage_of_claim else np.full(len(opp), int(Event.SIGNED))
            self.claims.append(
                len(opp), event=event, cell=o["cell"][opp], opp=opp, week=np.floor(o["due"][opp]).astype(np.int64),
                time=o["due"][opp], start=o["start"][opp], amount=o["amount"][opp], code=o["code"][opp],
                false=o["false"][opp], audit=self.world.deals["audit"][o["deal"][opp]], moved=0,
            )  # fmt: skip

    # -- end of week -------------------------------------------------------------------------------------------

    def _post(self, first: int) -> None:
        rows = np.arange(first, self.claims.rows)
        for b in self.books:
            b.post(rows, self.claims)

    def _remember(self, week: int) -> None:
        self.work = self.work + self.planner.intensity
        self.planner.remember(self._wins if self._wins is not None else np.zeros(self.shape))
        self._wins = None
        if week >= 0:
            for a, q in enumerate(self.planner.activity):
                self.effort_total[a] += np.cumsum(q, axis=1)[:, -1]
