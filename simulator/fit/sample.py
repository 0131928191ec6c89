"""Statistics of the claims of a reference life: what an opportunity brings to each component and tier measure."""

from __future__ import annotations

import numpy as np

from simulator.engines.vector import VectorLife
from simulator.model.setting import WEEKS_PER_YEAR
from simulator.program.compiled import Component, Ints, Program, take
from simulator.program.measures import MEASURES, Event
from simulator.program.numbers import Array
from simulator.program.stacking import apply_ceiling, resolve_groups

Statistics = tuple[list[dict[str, Array]], dict[str, dict[str, Array]]]
"""Per component, and per tier measure, the statistics of its claims, each (D or R, segments)."""


class Sample:
    """Deals and claims of a reference life, measured from launch to the horizon.

    pooled: one estimate over all lives, where nothing is uncertain; otherwise one per life. basic: statistics per
    opportunity, (R, S); lands: probability that sourcing, and co-selling, lands within so many weeks, (S, 5, 53).
    """

    def __init__(self, life: VectorLife, *, pooled: bool) -> None:
        self.life, self.world, self.setting, self._pooled = life, life.world, life.setting, pooled
        o, h = life.opps, self.setting.horizon
        inside = (o["start"] >= 0) & (o["start"] < h) & ~o["vendor"] & o["attached"]
        self.found = self._cells(o["cell"][inside])
        decided = o["worked"] & (o["decided"] >= 0) & (o["decided"] < h)
        share_lost = self._ratio(self._cells(o["cell"][decided & o["lost"]]), self._cells(o["cell"][decided]))
        c = life.claims
        measured = (c["week"] >= 0) & (c["week"] < h)
        self.claims = np.flatnonzero(measured)
        signed = self.claims[c["event"][self.claims] == Event.SIGNED]
        wins = self._ratio(self._cells(c["cell"][signed]), self.found)
        revenue = self._ratio(self._cells(c["cell"][signed], c["amount"][signed]), self.found)
        self.basic = {"wins": wins, "loss": share_lost, "revenue": revenue}
        self.lands = self._lags()

    def program(self, program: Program) -> Statistics:
        """The statistics of a program's components and tier measures."""
        tiers = {}
        for measure in program.tiers.measures if program.tiers else ():
            at = MEASURES[measure]
            rows = self.claims[self.life.claims["event"][self.claims] == at.event]
            value = self.life.claims["amount"][rows] if at.by_amount else np.full(len(rows), 100.0)
            none = np.zeros(len(rows))
            tiers[measure] = self._statistics(rows, value, none, none, at.event)
        return self._component_statistics(program), tiers

    def _component_statistics(self, program: Program) -> list[dict[str, Array]]:
        c, found = self.life.claims, []
        rep = c["cell"][self.claims] // self.world.shape[1]
        for component in program.components:
            credit = component.credit(rep=rep, code=c["code"][self.claims], amount=c["amount"][self.claims])
            credit = np.where(c["event"][self.claims] == component.measure.event, credit, 0.0)
            found.append(self._registered(component, rep, credit))
        pays = [
            np.rint(component.claim_payout(rep=rep, credit=credit)) if component.by_claim else np.zeros(len(rep))
            for component, credit in zip(program.components, found, strict=True)
        ]
        pays = resolve_groups(program, pays, by_claim=True)
        pays = apply_ceiling(program, pays, rep=rep, amount=c["amount"][self.claims])
        out = []
        for component, credit, pay in zip(program.components, found, pays, strict=True):
            rows = np.flatnonzero(credit > 0)
            clawed = self._clawed(component, self.claims[rows], rep[rows])
            event = component.measure.event
            out.append(self._statistics(self.claims[rows], credit[rows], pay[rows], clawed * credit[rows], event))
        return out

    def _registered(self, component: Component, rep: Ints, credit: Array) -> Array:
        """Registered deals closed while protected; a cap on registrations is not foreseen claim by claim."""
        if component.registration is None:
            return credit
        c = self.life.claims
        waited = c["time"][self.claims] - c["start"][self.claims]
        return np.where(waited <= take(component.registration.protection_weeks, rep), credit, 0.0)

    def _clawed(self, component: Component, rows: Ints, rep: Ints) -> Array:
        opp = self.life.claims["opp"][rows]
        ends = np.where(opp >= 0, self.life.opps["ends"][np.maximum(opp, 0)], np.inf)
        within = ends - self.life.claims["time"][rows] <= take(component.terms.clawback_weeks, rep)
        return np.asarray(within & (take(component.terms.clawback_weeks, rep) > 0), dtype=float)

    def _statistics(self, rows: Ints, credit: Array, pay: Array, clawed: Array, event: Event) -> dict[str, Array]:
        cell = self.life.claims["cell"][rows]
        certified = event == Event.CERTIFIED
        base = self._cells(cell) if certified else self.found
        total = self._cells(cell, credit)
        return {
            "credit": self._ratio(total, base),
            "square": self._ratio(self._cells(cell, credit * credit), base),
            "claim": self._ratio(total, self._cells(cell)),
            "price": self._ratio(self._cells(cell, pay), total),
            "clawed": self._ratio(self._cells(cell, clawed), total),
        }

    def _by_segment(self, value: Array) -> Array:
        """Sums over the partners of each segment, (R, S)."""
        segment = self.setting.partners.segment
        return np.stack([value[:, segment == k].sum(axis=1) for k in range(segment.max() + 1)], axis=1)

    def _cells(self, cell: Ints, value: Array | None = None) -> Array:
        """Sums by life and segment, (R, S)."""
        r, p = self.world.shape
        return self._by_segment(np.bincount(cell, weights=value, minlength=r * p).astype(float).reshape(r, p))

    def _ratio(self, top: Array, bottom: Array) -> Array:
        """Ratio by segment, pooled over lives where nothing is uncertain; (R, S)."""
        if self._pooled:
            top, bottom = (np.repeat(x.sum(axis=0, keepdims=True), len(x), axis=0) for x in (top, bottom))
        return top / np.maximum(bottom, 1.0)

    def _lags(self) -> tuple[Array, Array]:
        """Probability that sourcing, and co-selling, lands within so many weeks; (S, 5, 53)."""
        c, segment = self.life.claims, self.setting.partners.segment
        out = np.ones((2, segment.max() + 1, 5, WEEKS_PER_YEAR + 1))
        weeks = np.arange(WEEKS_PER_YEAR + 1)
        for k in range(segment.max() + 1):
            for event in range(4):
                rows = self.claims[c["event"][self.claims] == event]
                rows = rows[segment[c["cell"][rows] % self.world.shape[1]] == k]
                if not len(rows):
                    continue
                lag, value = c["time"][rows] - c["start"][rows], np.ones(len(rows))
                total = value.sum()
                out[0, k, event] = [(value * (lag <= w)).sum() / total for w in weeks]
                residual = (value * lag).sum()
                if residual > 0:
                    out[1, k, event] = [(value * np.minimum(lag, w)).sum() / residual for w in weeks]
        return out[0], out[1]
