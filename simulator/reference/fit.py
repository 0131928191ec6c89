"""Fitting what partners take for granted: the value at which activity is 1, forecasts, and usual intensity.

Before any run a reference population (streams of its own, a fixed seed, partner volumes laid out at even quantiles) is
simulated under the baseline. From it come, per partner segment, what an opportunity brings to every component, and, per
segment and volume stratum, V0 = (E[V^eps])^(1/eps), so that mean activity under the baseline is 1 and calibrated
volumes are reproduced. Where numbers are uncertain it is simulated once per point of a Sobol' design over them, and the
results are carried over to each replication by a quadratic in the design's coordinates, in logs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import ndtri

from simulator.behavior.expectations import ComponentForecast, Expectations
from simulator.core.arrays import Array, Ints
from simulator.core.errors import SimulatorError
from simulator.core.streams import Streams
from simulator.engines.assignment import BehaviorMode, ProgramWithForecasts, everyone
from simulator.engines.vector.engine import VectorRun
from simulator.program.compiled import CompiledProgram
from simulator.program.measures import Event
from simulator.reference.population import interpolate, reference_setting
from simulator.reference.sample import Sample, Statistics
from simulator.scenario.schema import Scenario
from simulator.world.setting import ACTIVITIES, WEEKS_PER_YEAR, Setting, compile_setting
from simulator.world.world import World


@dataclass(frozen=True)
class ReferenceDesign:
    """Points over the uncertain numbers. unit: (D, K) coordinates in (0, 1); drawn: path -> (D,) values."""

    unit: Array
    drawn: dict[str, Array]

    @cached_property
    def _inverse(self) -> Array:
        return np.asarray(np.linalg.pinv(_terms(self.unit), rcond=1e-8))

    def surface(self, statistic: Array, unit: Array) -> Array:
        """A statistic (D, ...) of the points at other coordinates (R, K), by the quadratic; (R, ...).

        Sums run term by term, so that a replication's figures do not depend on which others are computed with it.
        """
        flat = statistic.reshape(len(statistic), -1)
        coefficients = self._inverse @ flat
        terms = _terms(unit)
        total = np.zeros((len(unit), flat.shape[1]))
        for k in range(terms.shape[1]):
            total = total + terms[:, k : k + 1] * coefficients[k]
        return total.reshape(len(unit), *statistic.shape[1:])


def _terms(unit: Array) -> Array:
    """Regressors of the quadratic: 1, 2u - 1 and its square per coordinate."""
    v = 2.0 * unit - 1.0
    return np.concatenate((np.ones((len(unit), 1)), v, v * v), axis=1)


STRATA = 8
PER_STRATUM, PER_STRATUM_DESIGN = 12, 4
"""Partners per stratum, where nothing is uncertain and where there is a replication per design point."""
REPEATS, FORECAST_REPEATS = 8, 3
"""Replications of the reference population where nothing is uncertain, and where only forecasts are asked for."""
_PASSES = 6
_CLOSE = 0.002
"""Mean activity off by less than this needs no further pass."""
_TINY = 1e-12


def _fitted_on(scenario: Scenario) -> Scenario:
    """A scenario without its candidates."""
    return scenario.model_copy(update={"programs": {"baseline": scenario.programs["baseline"]}})


class _ReferenceRun(VectorRun):
    """A run that also keeps what the fit needs, summed over the weeks after burn-in; arrays (R, P)."""

    def __init__(self, world: World, offer: ProgramWithForecasts, mode: BehaviorMode) -> None:
        super().__init__(world, everyone((offer,), 0, world.shape[1], world.setting.horizon), mode)
        self.open_sum, self.busy_sum = np.zeros(self.shape), np.zeros(self.shape)
        self.power_sum = [np.zeros(self.shape) for _ in range(4)]
        self.activity_sum = [np.zeros(self.shape) for _ in range(4)]
        self.lift_sum = np.zeros(self.shape)

    def _remember(self, week: int) -> None:
        super()._remember(week)
        if week < 0:
            return
        self.open_sum = self.open_sum + self.planned_open
        self.lift_sum = self.lift_sum + self.effort.lift
        self.busy_sum = self.busy_sum + np.where(self.planned_open >= 1, self.effort.activity[1], 0.0)
        eps = np.maximum(self.setting.behavior("elasticity"), 0.05)
        for a in range(4):
            self.power_sum[a] = self.power_sum[a] + np.power(
                np.maximum(self.effort.values[a], _TINY), eps + np.zeros(self.shape)
            )
            self.activity_sum[a] = self.activity_sum[a] + self.effort.activity[a]


class Reference:
    """The fitted reference population of a scenario; everyone in it re-optimises.

    effort: False leaves the values of activities at which they are 1 unfitted, for those who ask for forecasts alone.
    """

    def __init__(self, scenario: Scenario, design: ReferenceDesign | None = None, *, effort: bool = True) -> None:
        self.scenario = scenario
        self.design = design
        runs = (REPEATS if effort else FORECAST_REPEATS) if design is None else len(design.unit)
        setting = compile_setting(scenario, None if design is None else design.drawn)
        self.per_stratum = PER_STRATUM if design is None else PER_STRATUM_DESIGN
        self.setting = reference_setting(setting, STRATA * self.per_stratum)
        self.world = World(self.setting, Streams(0), np.arange(runs), prefix="reference ", sharing=True)
        self.world.inert = np.zeros(self.world.shape, dtype=bool)
        self._lift: Array | None = None
        self._forecast()
        if effort:
            self._fit_effort()
        self._programs = {
            name: self._sample.program(self.setting.program(name)) for name in (*scenario.programs, "none")
        }
        del self.setting, self.world

    def __getstate__(self) -> dict[str, Any]:
        """Without the sample, which those who only run programs have no use for."""
        return {name: value for name, value in self.__dict__.items() if name != "_sample"}

    def extended(self, scenario: Scenario) -> Reference:
        """The reference of a scenario that differs in its candidates only, without another fit.

        What partners take for granted rests on the baseline; of a candidate only statistics of its claims are needed,
        and these are read off a run under no program. Raises `SimulatorError` where something else differs.
        """
        if _fitted_on(scenario) != _fitted_on(self.scenario) or not hasattr(self, "_sample"):
            raise SimulatorError("the reference population fits another scenario, or came from another process")
        other = copy.copy(self)
        other.scenario, other._sample = scenario, self._sample
        setting = compile_setting(scenario, None if self.design is None else self.design.drawn)
        same = {n for n, p in scenario.programs.items() if self.scenario.programs.get(n) == p} | {"none"}
        other._programs = {
            name: self._programs[name] if name in same else self._sample.program(setting.program(name))
            for name in (*scenario.programs, "none")
        }
        return other

    # -- the fixed point ---------------------------------------------------------------------------------------

    def _forecast(self) -> None:
        nothing = ProgramWithForecasts(self.setting.program("none"), (), {})
        count = len(self.setting.partners.segments)
        self._usual = np.zeros((self.world.shape[0], count, STRATA))
        self._value = np.zeros((self.world.shape[0], count, STRATA, 4))
        self._take(self._simulate(nothing, self._blank_expectations(), responding=False))
        self._take(self._simulate(nothing, self._own_expectations(), responding=False))

    def _fit_effort(self) -> None:
        program = self.setting.program("baseline")
        baseline = self._offer(program, self._sample.program(program), self.setting, None)
        run = self._simulate(baseline, self._own_expectations(), responding=False)
        eps = np.maximum(self.setting.behavior("elasticity"), 0.05)[:, :, None, None]
        powers = np.stack([self._stratum_mean(p) for p in run.power_sum], axis=-1)
        rate = self._stratum_mean(self.world.rate)[..., None]
        self._value = np.log(np.maximum(powers / self.setting.horizon, _TINY)) / eps - np.log(rate)
        funded = any(c.spending is not None for c in program.components)
        for _ in range(_PASSES):
            run = self._simulate(baseline, self._own_expectations(), responding=True)
            mean = np.stack([self._stratum_mean(p) for p in run.activity_sum], axis=-1) / self.setting.horizon
            self._value = self._value + 0.7 * np.log(np.maximum(mean, 1e-3)) / eps
            self._usual = self._usual_open(run)
            if funded:
                self._lift = np.log(self._stratum_mean(run.lift_sum) / self.setting.horizon)
            self.drift = float(np.abs(np.log(np.maximum(mean, 1e-3))).mean())
            if self.drift < _CLOSE:
                break

    def _take(self, run: _ReferenceRun) -> None:
        """Take the statistics of a run's deals and claims."""
        self._sample = Sample(run, pooled=self.design is None)
        self.basic, self.lands = self._sample.basic, self._sample.lands
        self._usual = self._usual_open(run)

    def _simulate(self, offer: ProgramWithForecasts, expectations: Expectations, *, responding: bool) -> _ReferenceRun:
        run = _ReferenceRun(self.world, offer, BehaviorMode(frozenset(), expectations, responding))
        run.run(-self.setting.burn_in, self.setting.horizon)
        return run

    def _stratum_sum(self, value: Array) -> Array:
        """Sums by segment and stratum, (R, S, strata); pooled over replications where nothing is uncertain."""
        count = len(self.setting.partners.segments)
        out = value.reshape(len(value), count, STRATA, self.per_stratum).sum(axis=-1)
        return out if self.design is not None else np.repeat(out.sum(axis=0, keepdims=True), len(value), axis=0)

    def _stratum_mean(self, value: Array) -> Array:
        """Mean by segment and stratum, (R, S, strata)."""
        return self._stratum_sum(value) / self._stratum_sum(np.ones(value.shape))

    def _usual_open(self, run: _ReferenceRun) -> Array:
        """Log of usual open deals while busy: then deal-weighted mean intensity is 1."""
        return np.log(
            np.maximum(self._stratum_sum(run.open_sum), 1.0) / np.maximum(self._stratum_sum(run.busy_sum), 1.0)
        )

    def _blank_expectations(self) -> Expectations:
        shape = (1, self.setting.partners.count)
        one = np.ones(shape)
        s = self.setting
        weeks = np.exp(s.markets.log_cycle + 0.5 * s.markets.cycle_log_sd**2).mean()
        lands = np.ones((*shape, len(Event), WEEKS_PER_YEAR + 1))
        return Expectations(
            np.ones((*shape, 4)),
            one * weeks * 0.7,
            one * 0.2,
            one * 0.8,
            np.ones((*shape, len(Event))),
            one,
            lands,
            lands,
            lands,
        )

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

    def _surface(self, statistic: Array, unit: Array | None) -> Array:
        """A statistic (D, ...) per replication, (R or 1, ...); unit: (R, K), or None at the design's own points."""
        if self.design is None:
            return statistic[:1]
        return statistic if unit is None else self.design.surface(statistic, unit)

    def _carry(self, statistic: Array, unit: Array | None) -> Array:
        """A non-negative statistic carried over in logs, or its mean where it can be 0."""
        if (statistic <= 0).any():
            return np.asarray(np.mean(statistic, axis=0, keepdims=True))
        return np.exp(self._surface(np.log(statistic), unit))

    def expectations(self, setting: Setting, world: World, unit: Array | None) -> Expectations:
        """What the partners of a world take for granted. unit: (R, K) coordinates of the uncertain numbers."""
        segment, z = setting.partners.segment, world.volume_z
        size = STRATA * self.per_stratum
        centres = ndtri((np.arange(size) + 0.5) / size).reshape(STRATA, -1).mean(axis=1)
        value = interpolate(self._surface(self._value, unit), centres, z, segment)
        usual = interpolate(self._surface(self._usual, unit)[..., None], centres, z, segment)[..., 0]
        lift = None
        if self._lift is not None:
            lift = np.exp(interpolate(self._surface(self._lift, unit)[..., None], centres, z, segment)[..., 0])
        stages = setting.markets.stage_weights
        mix = np.diff(setting.partners.mix, axis=-1, prepend=0.0)
        share = np.cumsum(np.einsum("rpm,qms->rqps", mix, stages).reshape(-1, setting.partners.count, 4), axis=-1)
        share = np.concatenate((share[:, :, :3], np.ones((*share.shape[:2], len(Event) - 3))), axis=-1)
        return Expectations(
            value=np.exp(value),
            open_deals=np.exp(usual) / world.rate,
            wins=self._carry(self.basic["wins"], unit)[:, segment],
            loss=self._carry(self.basic["loss"], unit)[:, segment],
            stage_share=share,
            revenue=self._carry(self.basic["revenue"], unit)[:, segment],
            source_lands=self.lands[0][None, segment],
            cosell_lands=self.lands[1][None, segment],
            success_lands=self.lands[2][None, segment],
            lift=lift,
        )

    def _own_expectations(self) -> Expectations:
        return self.expectations(self.setting, self.world, None)

    def offer(self, name: str, setting: Setting, unit: Array | None) -> ProgramWithForecasts:
        """A program of the scenario, or `none`, with what partners expect of it in a run's setting."""
        return self._offer(setting.program(name), self._programs[name], setting, unit)

    def _offer(
        self, program: CompiledProgram, statistics: Statistics, setting: Setting, unit: Array | None
    ) -> ProgramWithForecasts:
        segment = setting.partners.segment
        components, tiers = statistics
        return ProgramWithForecasts(
            program,
            tuple(self._component_forecast(row, segment, unit) for row in components),
            {measure: self._component_forecast(row, segment, unit) for measure, row in tiers.items()},
        )

    def _component_forecast(self, statistics: dict[str, Array], segment: Ints, unit: Array | None) -> ComponentForecast:
        got = {name: self._carry(value, unit)[:, segment] for name, value in statistics.items()}
        claim = np.where(got["claim"] > 0, got["claim"], 100.0)
        passing = np.minimum(got["passing"], 1.0) if "passing" in got else None
        found = (got["price"], got["clawed"], got["own"], passing, got.get("success"), got.get("disputed"))
        return ComponentForecast(got["credit"], got["square"], claim, *found)
