"""Statistics of the claims of a reference run: what an opportunity brings to each component and tier measure."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.core.arrays import Array, Ints, take
from simulator.engines.vector.engine import VectorRun
from simulator.program.compiled import (
    CLOSED_WEEKS,
    CompiledComponent,
    CompiledProgram,
    apply_ceiling,
    own_amount,
    own_credit,
    resolve_groups,
)
from simulator.program.conditions import Gate, Quality
from simulator.program.credit_splits import ALONE, SECOND, Joint
from simulator.program.measures import TALLIES, Event, attached_of
from simulator.world.after_sale import OUTCOMES, expansion_amount, outcome_times
from simulator.world.disputes import NONE
from simulator.world.setting import WEEKS_PER_YEAR

Statistics = tuple[list[dict[str, Array]], dict[str, dict[str, Array]]]
"""Per component, and per tier measure, the statistics of its claims, each (D or R, segments)."""


class Sample:
    """Deals and claims of a reference run, measured from launch to the horizon.

    pooled: one estimate over all replications, where nothing is uncertain; otherwise one each. basic: statistics per
    opportunity, (R, S); lands: probability that sourcing, co-selling and post-sale work lands within so many weeks,
    (S, events, 53).
    """

    def __init__(self, run: VectorRun, *, pooled: bool) -> None:
        self._shape, self._segment, self._pooled = run.shape, run.setting.partners.segment, pooled
        o, h = run.opps, run.setting.horizon
        inside = (o["start"] >= 0) & (o["start"] < h) & ~o["vendor"] & o["attached"]
        self.found = self._cells(o["cell"][inside])
        decided = o["worked"] & (o["decided"] >= 0) & (o["decided"] < h)
        share_lost = self._ratio(self._cells(o["cell"][decided & o["lost"]]), self._cells(o["cell"][decided]))
        verdicts = np.flatnonzero(o["attached"] & (o["decided"] >= 0) & (o["decided"] < h))
        self._verdicts = {name: o[name][verdicts] for name in ("cell", "decided", "lost")}
        # Only what is measured is kept: programs may be added long after the run.
        measured = (run.claims["week"] >= 0) & (run.claims["week"] < h)
        self.claims = c = run.claims.take(np.flatnonzero(measured))
        self._ends = np.where(c["opp"] >= 0, o["ends"][np.maximum(c["opp"], 0)], np.inf)
        self._signed, self._behavior = _signed(run), run.setting.behavior
        joint = np.flatnonzero(c["role"] != ALONE)
        self._place = np.zeros(c.rows, dtype=np.int64)
        self._place[joint] = np.arange(len(joint))
        self._joint = run.world.joint_facts(c["deal"][joint], c["cell"][joint] // self._shape[1])
        signed = np.flatnonzero((c["event"] == Event.SIGNED) & (c["role"] != SECOND))
        wins = self._ratio(self._cells(c["cell"][signed]), self.found)
        revenue = self._ratio(self._cells(c["cell"][signed], c["amount"][signed]), self.found)
        self._disputes = run.world.disputes is not None
        self.basic = {"wins": wins, "loss": share_lost, "revenue": revenue}
        self._found_at = np.where(c["opp"] >= 0, o["start"][np.maximum(c["opp"], 0)], c["start"])
        self.lands = self._lags()

    def program(self, program: CompiledProgram) -> Statistics:
        """The statistics of a program's components and tier measures."""
        tiers = {}
        for measure in program.measures:
            at = TALLIES[measure]
            counted = at.counts(self.claims["event"], self.claims["code"]) & (self.claims["role"] != SECOND)
            rows = np.flatnonzero(counted)
            value, none = at.value(self.claims["amount"][rows]), np.zeros(len(rows))
            tiers[measure] = self._statistics(rows, value, none, none, at.measure.event)
        return self._component_statistics(program), tiers

    def _component_statistics(self, program: CompiledProgram) -> list[dict[str, Array]]:
        c, found = self.claims, []
        rep = c["cell"] // self._shape[1]
        for component in program.components:
            credit = component.credit(rep=rep, code=c["code"], amount=c["amount"])
            credit = np.where(c["event"] == component.measure.event, credit, 0.0)
            credit = self._in_time(component, rep, credit)
            found.append(own_credit(component, rep=rep, credit=credit, role=c["role"], joint=self._facts))
        pays = [
            np.rint(component.claim_payout(rep=rep, credit=credit)) if component.by_claim else np.zeros(len(rep))
            for component, credit in zip(program.components, found, strict=True)
        ]
        pays = resolve_groups(program, pays, by_claim=True)
        base = own_amount(program, rep=rep, amount=c["amount"], role=c["role"], joint=self._facts)
        pays = apply_ceiling(program, pays, rep=rep, amount=base)
        out = []
        for component, credit, pay in zip(program.components, found, pays, strict=True):
            rows = np.flatnonzero(credit > 0)
            clawed = self._clawed(component, rows, rep[rows])
            event = component.measure.event
            out.append(self._statistics(rows, credit[rows], pay[rows], clawed * credit[rows], event))
            if event in OUTCOMES and "waits" in self._signed:
                out[-1]["success"] = self._success(component, OUTCOMES.index(event))
            if self._disputes and event == Event.SIGNED:
                part = self._cells(c["cell"][rows], np.where(c["disputed"][rows] != NONE, credit[rows], 0.0))
                out[-1]["disputed"] = self._ratio(part, self._cells(c["cell"][rows], credit[rows]))
            if component.gate is not None:
                out[-1]["passing"] = self._passing(component.gate, component.window or CLOSED_WEEKS)
        return out

    def _facts(self, rows: Ints) -> Joint:
        return self._joint.take(self._place[rows])

    def _in_time(self, component: CompiledComponent, rep: Ints, credit: Array) -> Array:
        """Claims made within the time allowed; a cap on registrations is not foreseen claim by claim.

        Who is eligible, and when, is not looked at here: partners know it of themselves.
        """
        waited = self.claims["time"] - self.claims["start"]
        if component.registration is not None:
            credit = np.where(waited <= take(component.registration.protection_weeks, rep), credit, 0.0)
        if component.eligibility is not None and component.eligibility.within is not None:
            credit = np.where(waited <= take(component.eligibility.within, rep), credit, 0.0)
        return credit

    def _success(self, component: CompiledComponent, outcome: int) -> Array:
        """Credit per opportunity that a unit of post-sale activity adds: the slope between .9 and 1.1 of usual, (R, S).

        Over the deals signed in the measured year, with all that will become of them.
        """
        s = self._signed
        deals = np.flatnonzero((s["week"] >= 0) & (s["week"] < WEEKS_PER_YEAR))
        rep, signed, stay = s["cell"][deals] // self._shape[1], s["time"][deals], s["ends"][deals] - s["time"][deals]
        credits = []
        for active in (0.9, 1.1):
            q = np.full(len(deals), active)
            ends = signed + stay * np.power(q, take(self._behavior("success_churn"), rep))
            times = outcome_times(
                waits=s["waits"][deals], renewal=s["renewal"][deals], signed=signed, ends=ends, active=q,
                elasticity=take(self._behavior("success_outcomes"), rep),
            )[:, outcome]  # fmt: skip
            amount = s["growth"][deals] if component.measure.event == Event.EXPANDED else s["amount"][deals]
            credit = component.credit(rep=rep, code=s["code"][deals], amount=amount)
            in_time = np.isfinite(times)
            if component.eligibility is not None and component.eligibility.within is not None:
                in_time = in_time & (times - signed <= take(component.eligibility.within, rep))
            credits.append(np.where(in_time, credit, 0.0))
        more = np.maximum(self._cells(s["cell"][deals], (credits[1] - credits[0]) / 0.2), 0.0)
        return self._ratio(more, self.found)

    def _passing(self, gate: Gate, weeks: int) -> Array:
        """Share of partners' windows of so many weeks in which a gate is met, (R, S)."""
        c, v = self._signed, self._verdicts
        met: Array = np.zeros(self._shape)
        ends = range(weeks, WEEKS_PER_YEAR + 1, weeks)
        for end in ends:
            inside, trailing = (c["week"] < end) & (c["week"] >= end - weeks), c["week"] < end
            trailing = trailing & (c["week"] >= end - WEEKS_PER_YEAR)
            sums = [
                np.bincount(c["cell"][pick], weights=value[pick], minlength=met.size).astype(float).reshape(met.shape)
                for pick, value in (
                    (inside, c["amount"]), (inside, c["conceded"]), (trailing, np.ones(len(trailing))),
                    (trailing, (c["ends"] > end).astype(float)), (inside, c["amount"] * attached_of(c["code"])),
                )
            ]  # fmt: skip
            decided = (v["decided"] >= end - weeks) & (v["decided"] < end)
            verdicts = [
                np.bincount(v["cell"][pick], minlength=met.size).astype(float).reshape(met.shape)
                for pick in (decided, decided & ~v["lost"])
            ]
            met = met + gate.passes(Quality(*sums, *verdicts))
        return self._ratio(self._by_segment(met), self._by_segment(np.full(self._shape, float(len(ends)))))

    def _clawed(self, component: CompiledComponent, rows: Ints, rep: Ints) -> Array:
        within = self._ends[rows] - self.claims["time"][rows] <= take(component.terms.clawback_weeks, rep)
        return np.asarray(within & (take(component.terms.clawback_weeks, rep) > 0), dtype=float)

    def _statistics(self, rows: Ints, credit: Array, pay: Array, clawed: Array, event: Event) -> dict[str, Array]:
        cell = self.claims["cell"][rows]
        certified = event == Event.CERTIFIED
        base = self._cells(cell) if certified else self.found
        total = self._cells(cell, credit)
        return {
            "credit": self._ratio(total, base),
            "square": self._ratio(self._cells(cell, credit * credit), base),
            "claim": self._ratio(total, self._cells(cell)),
            "price": self._ratio(self._cells(cell, pay), total),
            "clawed": self._ratio(self._cells(cell, clawed), total),
            "own": self._share(self._cells(cell, np.where(self.claims["role"][rows] == SECOND, 0.0, credit)), total),
        }

    def _by_segment(self, value: Array) -> Array:
        """Sums over the partners of each segment, (R, S)."""
        segment = self._segment
        return np.stack([value[:, segment == k].sum(axis=1) for k in range(segment.max() + 1)], axis=1)

    def _cells(self, cell: Ints, value: Array | None = None) -> Array:
        """Sums by replication and segment, (R, S)."""
        r, p = self._shape
        return self._by_segment(np.bincount(cell, weights=value, minlength=r * p).astype(float).reshape(r, p))

    def _ratio(self, top: Array, bottom: Array) -> Array:
        """Ratio by segment, pooled over replications where nothing is uncertain; (R, S)."""
        if self._pooled:
            top, bottom = (np.repeat(x.sum(axis=0, keepdims=True), len(x), axis=0) for x in (top, bottom))
        return top / np.maximum(bottom, 1.0)

    def _share(self, part: Array, whole: Array) -> Array:
        """Ratio of a part to its whole, 1 where there is nothing."""
        return np.where(self._ratio(whole, np.ones_like(whole)) > 0, self._ratio(part, whole), 1.0)

    def _lags(self) -> tuple[Array, Array, Array]:
        """Probability that sourcing, co-selling, and post-sale work lands within so many weeks; (S, events, 53)."""
        c, segment = self.claims, self._segment
        out = np.ones((3, segment.max() + 1, len(Event), WEEKS_PER_YEAR + 1))
        weeks = np.arange(WEEKS_PER_YEAR + 1)
        for k in range(segment.max() + 1):
            for event in (e for e in Event if e != Event.CERTIFIED):
                rows = np.flatnonzero((c["event"] == event) & (c["role"] != SECOND))
                rows = rows[segment[c["cell"][rows] % self._shape[1]] == k]
                if not len(rows):
                    continue
                lag, value = c["time"][rows] - self._found_at[rows], np.ones(len(rows))
                total = value.sum()
                out[0, k, event] = [(value * (lag <= w)).sum() / total for w in weeks]
                residual = (value * lag).sum()
                if residual > 0:
                    out[1, k, event] = [(value * np.minimum(lag, w)).sum() / residual for w in weeks]
                if event in OUTCOMES:
                    late = c["time"][rows] - c["start"][rows]
                    out[2, k, event] = [(value * (late <= w)).sum() / total for w in weeks]
        return out[0], out[1], out[2]


def _signed(run: VectorRun) -> dict[str, Any]:
    """Deals signed in the measured year and the year before: cell, week, and what gates look at."""
    c, o = run.claims, run.opps
    rows = np.flatnonzero((c["event"] == Event.SIGNED) & (c["week"] >= -WEEKS_PER_YEAR) & (c["role"] != SECOND))
    opp = c["opp"][rows]
    deals = {name: o[name][opp] for name in ("amount", "conceded", "ends")}
    out = {"cell": c["cell"][rows], "week": c["week"][rows], "time": c["time"][rows], "code": c["code"][rows], **deals}
    after = run.setting.markets.after_sale
    if after is not None:
        rep, deal = c["cell"][rows] // run.shape[1], o["deal"][opp]
        market = run.world.deals["market"][deal]
        out["waits"], out["renewal"] = run.world.deals["after"][deal], take(after.renewal, rep, market)
        out["growth"] = expansion_amount(o["amount"][opp], take(after.expansion_share, rep, market))
    return out
