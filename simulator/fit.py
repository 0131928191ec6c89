"""Fitting what partners take for granted: the value at which activity is 1, forecasts, and usual intensity.

Before any run a reference population (streams of its own, a fixed seed, partner volumes laid out at even quantiles)
lives under the baseline. From it come, per partner segment, what an opportunity brings to every component, and, per
segment and volume stratum, V0 = (E[V^eps])^(1/eps), so that mean activity under the baseline is 1 and calibrated
volumes are reproduced. Where numbers are uncertain the population lives once per point of a Sobol' design over them,
and the results are carried over to each replication by a quadratic in the design's coordinates, in logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import ndtri

from simulator.engines.rollout import Conduct, Offer, everyone
from simulator.engines.vector import VectorLife
from simulator.model.perception import Outlook, Prospect
from simulator.model.setting import ACTIVITIES, WEEKS_PER_YEAR, Setting, compile_setting
from simulator.population import interpolate, reference_setting
from simulator.program.compiled import (
    Component,
    Ints,
    Program,
    apply_ceiling,
    compile_program,
    no_program,
    resolve_groups,
    take,
)
from simulator.program.measures import MEASURES, Event
from simulator.program.numbers import Array
from simulator.scenario.schema import Scenario
from simulator.streams import Streams
from simulator.world import World

STRATA = 8
PER_STRATUM, PER_STRATUM_DESIGN = 12, 4
"""Partners per stratum and life, where nothing is uncertain and where there is a life per design point."""
REPEATS = 8
"""Lives of the reference population where nothing is uncertain."""
_PASSES = 6
_CLOSE = 0.002
"""Mean activity off by less than this needs no further pass."""
_TINY = 1e-12


def compile_named(name: str, scenario: Scenario, setting: Setting) -> Program:
    """A program of the scenario, or the built-in `none`."""
    if name == "none":
        return no_program()
    return compile_program(name, scenario.programs[name], setting.numbers, setting.markets.names)


@dataclass(frozen=True)
class Design:
    """Points over the uncertain numbers. unit: (D, K) coordinates in (0, 1); drawn: path -> (D,) values."""

    unit: Array
    drawn: dict[str, Array]


def _terms(unit: Array) -> Array:
    """Regressors of the quadratic: 1, 2u - 1 and its square per coordinate."""
    v = 2.0 * unit - 1.0
    return np.concatenate((np.ones((len(unit), 1)), v, v * v), axis=1)


_Statistics = tuple[list[dict[str, Array]], dict[str, dict[str, Array]]]
"""Per component, and per tier measure, the statistics of its claims, each (D or R, segments)."""


class _ReferenceLife(VectorLife):
    """A life that also keeps what the fit needs, summed over the weeks after burn-in; arrays (R, P)."""

    def __init__(self, world: World, offer: Offer, conduct: Conduct) -> None:
        super().__init__(world, everyone((offer,), 0, world.shape[1], world.setting.horizon), conduct)
        self.open_sum, self.busy_sum = np.zeros(self.shape), np.zeros(self.shape)
        self.power_sum = [np.zeros(self.shape) for _ in range(4)]
        self.activity_sum = [np.zeros(self.shape) for _ in range(4)]

    def _remember(self, week: int) -> None:
        super()._remember(week)
        if week < 0:
            return
        self.open_sum = self.open_sum + self.planned_open
        self.busy_sum = self.busy_sum + np.where(self.planned_open >= 1, self.planner.activity[1], 0.0)
        eps = np.maximum(self.setting.behavior("elasticity"), 0.05)
        for a in range(4):
            self.power_sum[a] = self.power_sum[a] + np.power(
                np.maximum(self.planner.values[a], _TINY), eps + np.zeros(self.shape)
            )
            self.activity_sum[a] = self.activity_sum[a] + self.planner.activity[a]


class Reference:
    """The fitted reference population of a scenario; everyone in it re-optimises."""

    def __init__(self, scenario: Scenario, design: Design | None = None) -> None:
        self.scenario = scenario
        self.design = design
        lives = REPEATS if design is None else len(design.unit)
        setting = compile_setting(scenario, None if design is None else design.drawn)
        self.per_stratum = PER_STRATUM if design is None else PER_STRATUM_DESIGN
        self.setting = reference_setting(setting, STRATA * self.per_stratum)
        self.world = World(self.setting, Streams(0), np.arange(lives), prefix="reference ")
        self.world.inert = np.zeros(self.world.shape, dtype=bool)
        self._fit()
        self._programs = {name: self._program_statistics(name) for name in (*scenario.programs, "none")}
        del self.setting, self.world, self.life, self.claims, self.found

    # -- the fixed point ---------------------------------------------------------------------------------------

    def _fit(self) -> None:
        nothing = Offer(no_program(), (), {})
        count = len(self.setting.partners.segments)
        self._usual = np.zeros((self.world.shape[0], count, STRATA))
        self._value = np.zeros((self.world.shape[0], count, STRATA, 4))
        self._use(self._live(nothing, self._blank_outlook(), responding=False))
        self._use(self._live(nothing, self._own_outlook(), responding=False))
        program = compile_named("baseline", self.scenario, self.setting)
        baseline = self._offer(program, self._program_statistics("baseline"), self.setting, None)
        life = self._live(baseline, self._own_outlook(), responding=False)
        eps = np.maximum(self.setting.behavior("elasticity"), 0.05)[:, :, None, None]
        powers = np.stack([self._stratum_mean(p) for p in life.power_sum], axis=-1)
        rate = self._stratum_mean(self.world.rate)[..., None]
        self._value = np.log(np.maximum(powers / self.setting.horizon, _TINY)) / eps - np.log(rate)
        for _ in range(_PASSES):
            life = self._live(baseline, self._own_outlook(), responding=True)
            mean = np.stack([self._stratum_mean(p) for p in life.activity_sum], axis=-1) / self.setting.horizon
            self._value = self._value + 0.7 * np.log(np.maximum(mean, 1e-3)) / eps
            self._usual = self._usual_open(life)
            self.drift = float(np.abs(np.log(np.maximum(mean, 1e-3))).mean())
            if self.drift < _CLOSE:
                break

    def _live(self, offer: Offer, outlook: Outlook, *, responding: bool) -> _ReferenceLife:
        life = _ReferenceLife(self.world, offer, Conduct(False, outlook, responding))
        life.run(-self.setting.burn_in, self.setting.horizon)
        return life

    def _by_segment(self, value: Array) -> Array:
        """Sums over the partners of each segment, (R, S)."""
        segment = self.setting.partners.segment
        return np.stack([value[:, segment == k].sum(axis=1) for k in range(segment.max() + 1)], axis=1)

    def _stratum_sum(self, value: Array) -> Array:
        """Sums by segment and stratum, (R, S, strata); pooled over lives where nothing is uncertain."""
        count = len(self.setting.partners.segments)
        out = value.reshape(len(value), count, STRATA, self.per_stratum).sum(axis=-1)
        return out if self.design is not None else np.repeat(out.sum(axis=0, keepdims=True), len(value), axis=0)

    def _stratum_mean(self, value: Array) -> Array:
        """Mean by segment and stratum, (R, S, strata)."""
        return self._stratum_sum(value) / self._stratum_sum(np.ones(value.shape))

    def _usual_open(self, life: _ReferenceLife) -> Array:
        """Log of usual open deals while busy: then deal-weighted mean intensity is 1."""
        return np.log(
            np.maximum(self._stratum_sum(life.open_sum), 1.0) / np.maximum(self._stratum_sum(life.busy_sum), 1.0)
        )

    def _blank_outlook(self) -> Outlook:
        shape = (1, self.setting.partners.count)
        one = np.ones(shape)
        s = self.setting
        weeks = np.exp(s.markets.log_cycle + 0.5 * s.markets.cycle_log_sd**2).mean()
        lands = np.ones((*shape, 5, WEEKS_PER_YEAR + 1))
        return Outlook(
            np.ones((*shape, 4)),
            one * weeks * 0.7,
            one * 0.2,
            one * 0.8,
            np.ones((*shape, 5)),
            one,
            lands,
            lands,
        )

    # -- statistics of the reference deals ---------------------------------------------------------------------

    def _use(self, life: _ReferenceLife) -> None:
        """Take the statistics of a life's deals and claims."""
        self.life = life
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
        self._usual = self._usual_open(life)
        self.basic = {"wins": wins, "loss": share_lost, "revenue": revenue}
        self.lands = self._lags(life)

    def _cells(self, cell: Ints, value: Array | None = None) -> Array:
        """Sums by life and segment, (R, S)."""
        r, p = self.world.shape
        return self._by_segment(np.bincount(cell, weights=value, minlength=r * p).astype(float).reshape(r, p))

    def _ratio(self, top: Array, bottom: Array) -> Array:
        """Ratio by segment, pooled over lives where nothing is uncertain; (R, S)."""
        if self.design is None:
            top, bottom = (np.repeat(x.sum(axis=0, keepdims=True), len(x), axis=0) for x in (top, bottom))
        return top / np.maximum(bottom, 1.0)

    def _lags(self, life: _ReferenceLife) -> tuple[Array, Array]:
        """Probability that sourcing, and co-selling, lands within so many weeks; (S, 5, 53)."""
        c, segment = life.claims, self.setting.partners.segment
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

    def fitted(self) -> dict[str, Any]:
        """What was fitted, for the record: means over the design's points, by partner segment.

        value_per_week: value of each activity at which it is 1, in money per unit of base rate (opportunities per
        week), by volume stratum from small to large; usual_open_deals: open deals per busy partner, by stratum.
        """
        value, usual = np.exp(self._value).mean(axis=0) / 100, np.exp(self._usual).mean(axis=0)
        return {
            "activity_off_by": self.drift,
            "segments": {
                name: {
                    "deals_per_opportunity": float(self.basic["wins"][:, k].mean()),
                    "lost_share": float(self.basic["loss"][:, k].mean()),
                    "revenue_per_opportunity": float(self.basic["revenue"][:, k].mean() / 100),
                    "usual_open_deals": usual[k].round(4).tolist(),
                    "value_per_week": {a: value[k, :, j].round(4).tolist() for j, a in enumerate(ACTIVITIES)},
                }
                for k, name in enumerate(self.scenario.partners)
            },
        }

    # -- carrying over to a run --------------------------------------------------------------------------------

    @cached_property
    def _inverse(self) -> Array:
        assert self.design is not None
        return np.asarray(np.linalg.pinv(_terms(self.design.unit), rcond=1e-8))

    def _surface(self, statistic: Array, unit: Array | None) -> Array:
        """A statistic (D, ...) per replication, (R or 1, ...); unit: (R, K), or None at the design's own points.

        Sums run term by term, so that a replication's figures do not depend on which others are computed with it.
        """
        if self.design is None:
            return statistic[:1]
        if unit is None:
            return statistic
        flat = statistic.reshape(len(statistic), -1)
        coefficients = self._inverse @ flat
        terms = _terms(unit)
        total = np.zeros((len(unit), flat.shape[1]))
        for k in range(terms.shape[1]):
            total = total + terms[:, k : k + 1] * coefficients[k]
        return total.reshape(len(unit), *statistic.shape[1:])

    def _carry(self, statistic: Array, unit: Array | None) -> Array:
        """A non-negative statistic carried over in logs, or its mean where it can be 0."""
        if (statistic <= 0).any():
            return np.asarray(np.mean(statistic, axis=0, keepdims=True))
        return np.exp(self._surface(np.log(statistic), unit))

    def outlook(self, setting: Setting, world: World, unit: Array | None) -> Outlook:
        """What the partners of a world take for granted. unit: (R, K) coordinates of the uncertain numbers."""
        segment, z = setting.partners.segment, world.volume_z
        size = STRATA * self.per_stratum
        centres = ndtri((np.arange(size) + 0.5) / size).reshape(STRATA, -1).mean(axis=1)
        value = interpolate(self._surface(self._value, unit), centres, z, segment)
        usual = interpolate(self._surface(self._usual, unit)[..., None], centres, z, segment)[..., 0]
        stages = setting.markets.stage_weights
        mix = np.diff(setting.partners.mix, axis=-1, prepend=0.0)
        share = np.cumsum(np.einsum("rpm,qms->rqps", mix, stages).reshape(-1, setting.partners.count, 4), axis=-1)
        share = np.concatenate((share[:, :, :3], np.ones((*share.shape[:2], 2))), axis=-1)
        return Outlook(
            value=np.exp(value),
            open_deals=np.exp(usual) / world.rate,
            wins=self._carry(self.basic["wins"], unit)[:, segment],
            loss=self._carry(self.basic["loss"], unit)[:, segment],
            stage_share=share,
            revenue=self._carry(self.basic["revenue"], unit)[:, segment],
            source_lands=self.lands[0][None, segment],
            cosell_lands=self.lands[1][None, segment],
        )

    def _own_outlook(self) -> Outlook:
        return self.outlook(self.setting, self.world, None)

    def offer(self, name: str, setting: Setting, unit: Array | None) -> Offer:
        """A program of the scenario, or `none`, with what partners expect of it in a run's setting."""
        return self._offer(compile_named(name, self.scenario, setting), self._programs[name], setting, unit)

    def _offer(self, program: Program, statistics: _Statistics, setting: Setting, unit: Array | None) -> Offer:
        segment = setting.partners.segment
        components, tiers = statistics
        return Offer(
            program,
            tuple(self._prospect(row, segment, unit) for row in components),
            {measure: self._prospect(row, segment, unit) for measure, row in tiers.items()},
        )

    def _program_statistics(self, name: str) -> _Statistics:
        here = compile_named(name, self.scenario, self.setting)
        tiers = {}
        for measure in here.tiers.measures if here.tiers else ():
            at = MEASURES[measure]
            rows = self.claims[self.life.claims["event"][self.claims] == at.event]
            value = self.life.claims["amount"][rows] if at.by_amount else np.full(len(rows), 100.0)
            none = np.zeros(len(rows))
            tiers[measure] = self._statistics(rows, value, none, none, at.event)
        return self._component_statistics(here), tiers

    def _prospect(self, statistics: dict[str, Array], segment: Ints, unit: Array | None) -> Prospect:
        got = {name: self._carry(value, unit)[:, segment] for name, value in statistics.items()}
        claim = np.where(got["claim"] > 0, got["claim"], 100.0)
        return Prospect(got["credit"], got["square"], claim, got["price"], got["clawed"])

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
