"""The world: everything in a replication that does not depend on a program.

A `World` holds the people and the chance events of some replications and answers, on demand and from addressed draws
only, which candidate opportunities a week brings. Programs, behavior levels and both engines share it.

Candidates are drawn by layers: layer l of a partner is a Poisson stream at its base rate, of which the share
clip(m - l, 0, 1) becomes opportunities, m being what its activity multiplies sourcing by.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from simulator.core.arrays import Array, Bools, Ints, take
from simulator.core.errors import SimulatorError
from simulator.core.streams import Streams, poisson
from simulator.core.table import ColumnTable
from simulator.program.credit_splits import Joint
from simulator.program.measures import deal_code
from simulator.world import opportunities
from simulator.world.disputes import OVERTURNED, DisputeMarks
from simulator.world.joint_deals import JointDeals
from simulator.world.setting import WEEKS_PER_QUARTER, Setting
from simulator.world.shocks import compile_shocks, shocked_mix

MAX_LAYERS = 16
"""Sourcing is never multiplied by more than this."""

_COMMON_LAYERS = 2
"""Layers that are drawn for all partners as soon as one asks: activity is usual, 1, or somewhat more or less."""

MOST_PER_WEEK = 500.0
"""Most arrivals per partner or territory and week; counts by inversion underflow at rates of about 700."""

_CANDIDATE = {
    "rep": np.int32, "who": np.int32, "word": np.int64, "week": np.int32, "ordinal": np.int32, "time": float,
    "mark": float, "vendor": bool, "deal": np.int32,
}  # fmt: skip
_DEAL = {
    "market": np.int16, "complexity": np.int8, "account": np.int8, "code": np.int16, "amount": float,
    "with_logit": float, "direct_logit": float, "hurdles": (float, 4), "durations": (float, 5), "second": float,
    "life": float, "audit": float, "delay": float,
}  # fmt: skip


class World:
    """People and chance events of the replications `ids` of a setting.

    world_ids: the number under which each replication's draws are addressed, its own if None; equal numbers
    meet the same people and customers. sharing: whether second partners are drawn, None where a program needs them.
    rate (R, P): base opportunities per week; opportunist, inert (R, P): kinds of
    partner; misreport_cost (R, P): cents per (claim per week)^2; most_false: most false
    claims of a kind per week, without bound unless set. `prefix` names the streams, so that a reference
    population has chance events of its own.
    """

    def __init__(
        self,
        setting: Setting,
        streams: Streams,
        ids: Ints,
        prefix: str = "",
        world_ids: Ints | None = None,
        sharing: bool | None = None,
    ) -> None:
        self.setting = setting
        self.ids = np.asarray(ids, dtype=np.int64)
        self._world_ids = self.ids if world_ids is None else np.asarray(world_ids, dtype=np.int64)
        self._streams = streams
        self._prefix = prefix
        self.shape = (len(self.ids), setting.partners.count)
        self._people()
        self._economy()
        self.shocks = compile_shocks(setting, self.rate)
        self.candidates = ColumnTable(_CANDIDATE)
        followed = setting.markets.after_sale is not None
        self.deals = ColumnTable(_DEAL | {"after": (float, 3)} if followed else _DEAL)
        wanted = setting.sharing if sharing is None else sharing
        self.joint = JointDeals(setting, self.rate, self._draw) if wanted else None
        self.disputes = None if setting.scenario.disputes is None else DisputeMarks(setting, self._draw)
        weeks, vendor = setting.burn_in + setting.horizon, self.vendor_rate()
        self.candidates.reserve(int(1.1 * (_COMMON_LAYERS * self.rate.sum() + vendor) * weeks))
        self.deals.reserve(int(1.2 * (self.rate.sum() + vendor) * weeks))
        self._drawn: dict[tuple[int, int], Bools] = {}
        self._layers: dict[tuple[int, int], list[range]] = {}
        self._vendor: dict[int, range] = {}
        self._certifying: dict[int, Array] = {}

    def vendor_rate(self) -> float:
        """Customers that the vendor finds per week in all replications together."""
        rate = self.setting.territories.rate
        return float(rate.mean() * len(self.setting.territories.names) * self.shape[0])

    def _draw(self, stream: str, rep: Ints, who: Ints, week: Ints | int = 0, ordinal: Ints | int = 0) -> Array:
        return self._streams.draw(self._prefix + stream, self._world_ids[rep], who, week, ordinal)

    def _together(self, week: int) -> range:
        """The weeks that are drawn with `week` where every run asks for all of them: fewer and longer calls."""
        start = week - week % WEEKS_PER_QUARTER
        return range(max(start, -self.setting.burn_in), min(start + WEEKS_PER_QUARTER, self.setting.horizon))

    def _people(self) -> None:
        p, (reps, count) = self.setting.partners, self.shape
        rep, who = np.divmod(np.arange(reps * count), count)
        first = self._draw("partner", rep, p.word[who]).reshape(4, reps, count)
        second = self._draw("partner", rep, p.word[who], 0, 1).reshape(4, reps, count)
        z = ndtri(first[0]) if p.volume_z is None else np.broadcast_to(p.volume_z, (reps, count))
        self.volume_z = np.ascontiguousarray(z)
        self.rate = p.mean_rate * np.exp(p.volume_log_sd * self.volume_z - 0.5 * p.volume_log_sd * p.volume_log_sd)
        self.size_effect = p.size_log_sd * ndtri(first[1])
        self.win_effect = p.win_logit_sd * ndtri(first[2])
        s = self.setting
        self.opportunist: Bools = first[3] < s.gaming("opportunist_share")
        self.inert: Bools = second[0] < s.behavior("inert_share")
        spread = s.gaming("misreport_log_sd") * ndtri(second[1])
        self.misreport_cost = s.gaming("misreport_cost") * 100 * np.exp(spread)
        self.most_false: Array = np.full((1, 1), np.inf)

    def _economy(self) -> None:
        """Log of market demand as a stationary AR(1) by week, times the season."""
        s, reps = self.setting, self.shape[0]
        weeks = np.arange(-s.burn_in, s.horizon)
        sd, keep = s.number("economy", "market_log_sd"), s.number("economy", "market_persistence")
        rep = np.repeat(np.arange(reps), len(weeks))
        shocks = ndtri(self._draw("market", rep, np.zeros_like(rep), np.tile(weeks, reps))[0]).reshape(reps, -1)
        level = np.empty_like(shocks)
        state = sd[:, 0] * shocks[:, 0]
        step = sd[:, 0] * np.sqrt(1 - keep[:, 0] * keep[:, 0])
        level[:, 0] = state
        for k in range(1, len(weeks)):
            state = keep[:, 0] * state + step * shocks[:, k]
            level[:, k] = state
        quarter = (weeks // WEEKS_PER_QUARTER) % 4
        self.demand = np.exp(level - 0.5 * sd * sd) * s.season[:, quarter]

    def demand_in(self, week: int) -> Array:
        """Demand of a week as a multiple of its mean, shape (R, 1)."""
        return np.asarray(self.demand[:, week + self.setting.burn_in, None])

    def _demanded(self, week: int, mix: Array) -> Array:
        """Demand of a week, shocks included, for streams with the market mix `mix` (R or 1, n, markets); (R, n)."""
        factor = self.shocks.demand_in(week)
        return self.demand_in(week) if factor is None else self.demand_in(week) * shocked_mix(mix, factor)[0]

    def _mixes(self, week: Ints, mix: Array, rep: Ints, column: Ints) -> Array:
        """Market mix of the opportunities found in the weeks `week`; (n, markets)."""
        out = mix[rep % len(mix), column]
        for now in np.unique(week).tolist() if self.shocks.demand else ():
            factor = self.shocks.demand_in(now)
            if factor is not None:
                shocked, at = shocked_mix(mix, factor)[1], np.flatnonzero(week == now)
                out[at] = shocked[rep[at] % len(shocked), column[at]]
        return np.asarray(out)

    def sourced(self, week: int, multiple: Array) -> Ints:
        """Rows of the candidates that become partner-sourced opportunities when sourcing is `multiple` (R, P)."""
        m = np.minimum(multiple, float(MAX_LAYERS))
        found: list[Ints] = []
        layer = 0
        most = m.max(initial=0.0)
        while most > layer:
            share, wanted, c = (m - layer).reshape(-1), m > layer, self.candidates
            for block in self._layer(week, layer, wanted):
                at = slice(block.start, block.stop)
                cell = c["rep"][at].astype(np.intp) * m.shape[1] + c["who"][at]
                found.append(block.start + np.flatnonzero(c["mark"][at] < share.take(cell)))
            layer += 1
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def _layer(self, week: int, layer: int, wanted: Bools) -> list[range]:
        """Candidates of a layer in a week, of the partners `wanted` at least; those that most ask for of all."""
        key = (week, layer)
        blocks = self._layers.setdefault(key, [])
        if layer < _COMMON_LAYERS:
            if not blocks:
                weeks = self._together(week)
                everyone = np.ones((len(weeks), *self.shape), dtype=bool)
                for at, rows in zip(weeks, self._arrivals(weeks, layer, everyone), strict=True):
                    self._layers[at, layer] = [rows]
            return self._layers[key]
        done = self._drawn.get(key)
        missing = wanted if done is None else wanted & ~done
        if missing.any():
            blocks += self._arrivals(range(week, week + 1), layer, missing[None])
            self._drawn[key] = missing if done is None else done | missing
        return blocks

    def _arrivals(self, weeks: range, layer: int, wanted: Bools) -> list[range]:
        """Candidates of a layer by week, of the partners `wanted` (weeks, R, P)."""
        mix = self.setting.partners.mix
        rate = np.stack([np.minimum(self.rate * self._demanded(w, mix), MOST_PER_WEEK) for w in weeks])[wanted]
        at, rep, who = np.nonzero(wanted)
        week, word = at + weeks.start, self.setting.partners.word[who]
        count = poisson(self._draw("arrivals", rep, word, week, layer)[0], rate)
        return self._candidates("deal", rep, who, word, week, layer, count, weeks)

    def vendor(self, week: int) -> Ints:
        """Rows of the customers that the vendor finds in a week; `who` is the drawn candidate partner."""
        if week not in self._vendor:
            t, weeks = self.setting.territories, self._together(week)
            rates = np.broadcast_to(t.rate, (self.shape[0], len(t.names)))
            rate = np.stack([np.minimum(rates * self._demanded(w, t.mix), MOST_PER_WEEK) for w in weeks])
            at, rep, home = (x.reshape(-1) for x in np.indices(rate.shape))
            count = poisson(self._draw("vendor", rep, t.word[home], at + weeks.start, 0)[0], rate.reshape(-1))
            found = self._candidates("vendor deal", rep, home, t.word[home], at + weeks.start, 0, count, weeks)
            self._vendor |= dict(zip(weeks, found, strict=True))
            self.deals_of(np.arange(found[0].start, found[-1].stop))
        return np.arange(self._vendor[week].start, self._vendor[week].stop)

    def _candidates(
        self, stream: str, rep: Ints, who: Ints, word: Ints, week: Ints, layer: int, count: Ints, weeks: range
    ) -> list[range]:
        """Draw `count` candidates per partner, or territory, and week (rising); their rows by week."""
        cell = np.repeat(np.arange(len(rep)), count)
        order = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
        rep, who, word, week = rep[cell], who[cell], word[cell], week[cell]
        ordinal, vendor = layer * 65536 + order, stream != "deal"
        u = self._draw(stream, rep, word, week, ordinal)
        time = np.minimum(week + u[0], np.nextafter(week + 1.0, week))
        if vendor:
            who = self._candidate_partner(rep, who, u[2])
        self.candidates.append(
            len(rep), rep=rep, who=who, word=word, week=week, ordinal=ordinal, time=time, mark=u[1], vendor=vendor,
            deal=-1,
        )  # fmt: skip
        ends = self.candidates.rows - len(week) + np.searchsorted(week, range(weeks.start, weeks.stop + 1))
        return [range(*span) for span in pairwise(ends.tolist())]

    def _candidate_partner(self, rep: Ints, home: Ints, u: Array) -> Ints:
        """A partner of the territory, drawn by base rate; -1 where the territory has none."""
        chosen = np.full(len(rep), -1)
        for territory in range(len(self.setting.territories.names)):
            partners = self.setting.partners
            members = np.flatnonzero((partners.territory == territory) & ~partners.forecast)
            rows = np.flatnonzero(home == territory)
            if len(members) and len(rows):
                weight = np.cumsum(self.rate[:, members], axis=1)
                target = u[rows] * weight[rep[rows], -1]
                position = (target[:, None] >= weight[rep[rows]]).sum(axis=1)
                chosen[rows] = members[np.minimum(position, len(members) - 1)]
        return chosen

    def squatters(self, rows: Ints) -> tuple[Ints, Array]:
        """The partner that comes across each of the vendor's customers `rows` first, -1 for none, and its mark."""
        c = self.candidates
        known = c["who"][rows] >= 0
        u = self._draw("squatting", c["rep"][rows], c["word"][rows], c["week"][rows], c["ordinal"][rows])
        home = np.where(known, self.setting.partners.territory[c["who"][rows]], -1)
        who = self._candidate_partner(c["rep"][rows], home, u[0])
        return np.where(who == c["who"][rows], -1, who), u[1]

    def deals_of(self, rows: Ints) -> Ints:
        """Deal rows of candidates, drawing the attributes of those that nobody asked for before.

        All of `rows` are partner-sourced, or all the vendor's.
        """
        deals = self.candidates["deal"].take(rows)
        fresh = np.flatnonzero(deals < 0)
        if len(fresh):
            deals[fresh] = self._attributes(rows.take(fresh))
            self.candidates["deal"][rows] = deals
        return deals

    def _attributes(self, rows: Ints) -> Ints:
        c, s = self.candidates, self.setting
        rep, who, week = c["rep"].take(rows).astype(np.intp), c["who"].take(rows), c["week"].take(rows)
        vendor = c["vendor"][rows[0]]
        kind = "vendor deal" if vendor else "deal"
        address = (rep, c["word"].take(rows), week, c["ordinal"].take(rows))
        names = tuple(f"{self._prefix}{kind} {k}" for k in range(1, 5))
        u = self._streams.draws(names, self._world_ids[rep], *address[1:])
        known = np.maximum(who, 0)
        cell = rep * self.shape[1] + known
        p, m = s.partners, s.markets
        at_home = p.territory[known] if vendor else known
        market = opportunities.choose(u[1], self._mixes(week, s.territories.mix if vendor else p.mix, rep, at_home))
        at = {"rep": rep, "market": market}
        one = {"rep": rep, "column": market}
        complexity = (u[2] < take(m.complex_share, **one)).astype(np.int64)
        new = take(m.new_share, **one)
        named = new + (1 - new) * take(m.named_share, **one)
        account = np.where(u[3] < new, 0, np.where(u[3] < named, 2, 1))
        effect = np.zeros(1) if vendor else self.size_effect.take(cell)
        log_cents = opportunities.log_size(m, **at, u=u[0], effect=effect)
        tilt = opportunities.size_logit(m, **at, log_cents=log_cents)
        weights = m.stage_weights[rep % len(m.stage_weights), market]
        stages = m.stage_ends[rep % len(m.stage_ends), market]
        cycle = opportunities.cycle(m, **at, complexity=complexity, u=u[8])
        lag = -take(m.signature_weeks, **one) * np.log(u[9])
        share = np.broadcast_to(p.second_share, self.shape)[rep, known]
        second = np.where(u[10] < share, u[11], 0.0)
        second_win = take(s.behavior("second_partner_win"), rep)
        if self.joint is not None:
            self.joint.add(kind, address, who, second)
        if self.disputes is not None:
            self.disputes.add(kind, address)
        attached = np.zeros(len(rows), dtype=np.int64)
        if m.attach_share.any():
            attached = (self._draw(f"{kind} attach", *address)[0] < take(m.attach_share, **one)).astype(np.int64)
        after = {}
        if m.after_sale is not None:
            after["after"] = m.after_sale.waits(**at, u=self._draw(f"{kind} after sale", *address))
        return self.deals.append(
            len(rows),
            **after,
            market=market,
            complexity=complexity,
            account=account,
            code=deal_code(market, complexity, np.full(len(rows), int(vendor)), account, attached),
            amount=self._priced(week, rep, market, opportunities.amount(m, **at, log_cents=log_cents)),
            with_logit=take(m.win_logit, **one) + tilt + self.win_effect.take(cell) + second_win * second,
            direct_logit=take(m.direct_logit, **one) + tilt,
            hurdles=opportunities.hurdles(weights, np.ascontiguousarray(u[4:8].T)),
            durations=np.concatenate((stages * cycle[:, None], lag[:, None]), axis=1),
            second=second,
            life=-np.log(u[12]),
            audit=u[13],
            delay=u[14],
        )  # fmt: skip

    def _priced(self, week: Ints, rep: Ints, market: Ints, amount: Array) -> Array:
        """Deal sizes at the price level of the weeks in which the deals are found."""
        for now in np.unique(week).tolist() if self.shocks.price else ():
            factor = self.shocks.price_in(now)
            if factor is not None:
                at = np.flatnonzero(week == now)
                amount[at] = np.maximum(np.rint(amount[at] * take(factor, rep[at], market[at])), 1.0)
        return amount

    def participation(self, week: int) -> tuple[Array, Array]:
        """Marks (R, P) of a review of participation: who reconsiders, and how it turns out."""
        first, second, _, _ = self.marks("participation", week)
        return first, second

    def marks(self, stream: str, week: int = 0, ordinal: int = 0) -> Array:
        """Four uniforms of every partner, (4, R, P)."""
        rep, who = np.divmod(np.arange(self.shape[0] * self.shape[1]), self.shape[1])
        return self._draw(stream, rep, self.setting.partners.word[who], week, ordinal).reshape(4, *self.shape)

    def territory_marks(self, stream: str) -> Array:
        """Four uniforms of every territory, (4, R, T)."""
        words = self.setting.territories.word
        rep, home = np.divmod(np.arange(self.shape[0] * len(words)), len(words))
        return self._draw(stream, rep, words[home]).reshape(4, self.shape[0], len(words))

    def joint_facts(self, rows: Ints, rep: Ints) -> Joint:
        """What splits may look at of the joint deals `rows` of replications `rep`."""
        if self.joint is None:
            raise SimulatorError("second partners were not drawn in this world")
        facts = self.joint.facts(self.deals, rows, rep)
        if self.disputes is None:
            return facts
        return replace(facts, equal=self.disputes.joint(rows, rep, facts.documented) == OVERTURNED)

    def disputed(self, deal: Ints, rep: Ints, joint: Bools, claimed: Bools) -> Ints:
        """States of signed deals, see `simulator.world.disputes`. joint: two partners; claimed: no joint work."""
        out = np.zeros(len(deal), dtype=np.int64)
        if self.disputes is None:
            return out
        out[claimed] = self.disputes.claimed(deal[claimed], rep[claimed])
        if joint.any():
            assert self.joint is not None
            documented = self.joint.rows["documented"][deal[joint]]
            out[joint] = self.disputes.joint(deal[joint], rep[joint], documented)
        return out

    def certified(self, week: int, multiple: Array) -> tuple[Ints, Ints]:
        """Certifications of a week at enablement `multiple` (R, P): (replication, partner) of each."""
        if week not in self._certifying:
            weeks, who = self._together(week), self.setting.partners.word
            at = np.array(weeks)[:, None, None]
            u = self._draw("certification", np.arange(self.shape[0])[:, None], who, at)[0]
            self._certifying |= dict(zip(weeks, u.reshape(-1, *self.shape), strict=True))
        rate = np.minimum(multiple * self.setting.partners.certification_rate, MOST_PER_WEEK)
        count = poisson(self._certifying[week], rate)
        some = np.flatnonzero(count)
        return np.divmod(np.repeat(some, count.reshape(-1).take(some)), self.shape[1])

    def false_claims(self, kind: str, week: int, rate: Array) -> tuple[Ints, Ints, Array]:
        """False claims of a kind at `rate` (R, P) per week: (replication, partner, audit mark) of each."""
        stream = f"false {kind}"
        rep, who = np.nonzero(rate > 0)
        word = self.setting.partners.word[who]
        count = poisson(self._draw(stream, rep, word, week)[0], np.minimum(rate[rep, who], MOST_PER_WEEK))
        cell = np.repeat(np.arange(len(rep)), count)
        order = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
        mark = self._draw(stream, rep[cell], word[cell], week, 1 + order)[0]
        return rep[cell], who[cell], mark
