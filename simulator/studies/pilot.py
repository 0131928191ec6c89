"""Plan a pilot: run it many times in worlds where the truth is known, and count what it concludes.

Every simulated pilot has a world, an assignment and a point of the uncertain numbers of its own; beside it the same
world is lived with everybody and with nobody on the candidate, which gives the truth and the A/A pilots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from simulator.errors import fault
from simulator.pilots.decision import PilotWorth, conclude, worth_of
from simulator.pilots.diagnosis import DIAGNOSANDS, POWER, Concluded, diagnose, sees_plausible, too_eager
from simulator.pilots.estimators.table import ESTIMATORS, misfits
from simulator.pilots.guardrails import breaches, first_breach, watched
from simulator.pilots.lives import count_before
from simulator.pilots.plan import Interim, Plan
from simulator.pilots.plan_file import Given, plan_of, scenario_of
from simulator.pilots.power import textbook_power
from simulator.program.compiled import Ints
from simulator.program.numbers import Array
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate
from simulator.studies.asked import check_run
from simulator.studies.pilot_lives import PilotLives, pilot_lives
from simulator.studies.study import Study, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REPLICATIONS = 256
"""Pilots that are simulated unless told."""
FEWEST = 8
COMPARED = ("power", "assurance", "detectable_lift", "bias", "coverage", "false_positives")
"""Diagnosands that estimators are compared by."""
Verdict = Literal["run", "underpowered", "do not run"]


@dataclass(frozen=True)
class Alternative:
    """An estimator on the same pilots. figures: diagnosands by name; misfits: why it is not to be trusted here."""

    name: str
    figures: dict[str, Estimate]
    misfits: tuple[str, ...]

    def holds(self, level: float) -> bool:
        """Whether it fits the design and keeps its level in A/A pilots."""
        return not self.misfits and not too_eager(self.figures["false_positives"], level)


@dataclass(frozen=True)
class Pilot(Study):
    """What a planned pilot can and cannot conclude.

    figures: diagnosands by name; alternatives: the plan's estimator first, then the others on the same pilots; worth:
    what piloting is worth; textbook: power by closed forms, None where they do not apply.
    """

    scenario: Scenario
    plan: Plan
    seed: int
    lives: PilotLives
    concluded: Concluded
    figures: dict[str, Estimate]
    alternatives: tuple[Alternative, ...]
    worth: PilotWorth
    textbook: float | None = None

    @property
    def title(self) -> str:
        """What was studied."""
        return f"{self.scenario.name}: a pilot of {self.plan.candidate}"

    @property
    def sample_text(self) -> str:
        """What the figures rest on."""
        return f"{len(self.lives.value):,} simulated pilots, seed {self.seed}"

    @property
    def lifts(self) -> Array:
        """Lift of a full rollout in each world, (R,): what is plausible."""
        return self.concluded.trial.effect / float(np.mean(self.concluded.trial.level))

    @property
    def warnings(self) -> list[str]:
        """Why the plan's estimator is not to be trusted, each with one that is."""
        own = self.alternatives[0]
        said = [f"{own.name} {why}" for why in own.misfits]
        if too_eager(own.figures["false_positives"], self.plan.measure.level):
            rate = own.figures["false_positives"].mean or 0.0
            better = [a.name for a in self.alternatives[1:] if a.holds(self.plan.measure.level)]
            way_out = f"use '{better[0]}', which keeps it" if better else "no estimator on offer keeps it here"
            if self.plan.interim.uncalibrated:
                way_out = "give its looks a boundary, such as 'obrien_fleming'"
            said.append(
                f"{own.name} calls an effect in {100 * rate:.1f} % of pilots without one, above its level of "
                f"{100 * self.plan.measure.level:g} %: {way_out}"
            )
        return said

    @property
    def blind(self) -> bool:
        """Whether not even the high end of the plausible lifts (P90) would be seen with 80 % power."""
        return not sees_plausible(self.concluded, self.figures["detectable_lift"])

    @property
    def verdict(self) -> Verdict:
        """Do not run what cannot see any plausible lift, or costs more than it is worth."""
        if self.blind or self.worth.gain.value <= 0:
            return "do not run"
        power = self.figures["power"].mean
        return "run" if power is not None and power >= POWER else "underpowered"

    def table(self) -> pd.DataFrame:
        """A row per diagnosand: value, standard error, 95 % limits, meaning."""
        rows = [
            {
                "diagnosand": name, "label": d.label, "unit": d.unit, "value": self.figures[name].mean,
                "se": self.figures[name].se, "low": self.figures[name].low, "high": self.figures[name].high,
                "meaning": d.meaning,
            }
            for name, d in DIAGNOSANDS.items()
        ]  # fmt: skip
        return pd.DataFrame(rows).astype(dict.fromkeys(("value", "se", "low", "high"), float))

    def estimators(self) -> pd.DataFrame:
        """A row per estimator on the same pilots: what it sees, whether it keeps its level, and why it may not fit."""
        rows = []
        for a in self.alternatives:
            found = {name: a.figures[name].mean for name in COMPARED}
            rows.append({"estimator": a.name, **found, "misfits": "; ".join(a.misfits)})
        return pd.DataFrame(rows).astype(dict.fromkeys(COMPARED, float))

    def headline(self) -> list[str]:
        """Whether to run it, what it sees, and what it is worth."""
        from simulator.report.pilot import headline

        return headline(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Power against the lift of a full rollout, above the lifts that are plausible."""
        from simulator.report.pilot import draw

        return draw(self, ax)

    def brief(self) -> str:
        """The pilot on one page, as HTML."""
        from simulator.report.pilot_brief import html

        return html(self)

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts."""
        return {
            "scenario": self.scenario.name,
            "study": "pilot",
            "plan": self.plan.model_dump(mode="json"),
            "seed": self.seed,
            "pilots": len(self.lives.value),
            "verdict": self.verdict,
            "figures": {name: _plain(got) for name, got in self.figures.items()},
            "estimators": {
                a.name: {**{n: _plain(a.figures[n]) for n in COMPARED}, "misfits": list(a.misfits)}
                for a in self.alternatives
            },
            "worth": asdict(self.worth),
            "textbook_power": self.textbook,
            "looks": self.concluded.seen.plain() if self.plan.ends_early else None,
            "warnings": self.warnings,
            "headline": self.headline(),
        }


@timed
def pilot(
    scenario: Scenario,
    plan: Given,
    *,
    replications: int = REPLICATIONS,
    seed: int | None = None,
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pilot:
    """Simulate a planned pilot many times, and say what it can and cannot conclude and what it is worth.

    plan: a plan file, nested dicts, or a `Plan`; replications: pilots simulated; seed: the scenario's if None. Neither
    workers nor chunk changes a result. Raises `InputError` with all faults.
    """
    checked = plan_of(plan, scenario)
    scenario = scenario_of(checked, scenario)
    start = scenario.run.seed if seed is None else seed
    check_run(replications=replications, seed=start, workers=workers, chunk=chunk)
    if replications < FEWEST:
        raise fault("options", "replications", replications, f"must be at least {FEWEST} for a pilot")
    _check_before(checked, scenario)
    (lives,) = pilot_lives(
        scenario, [checked], [checked.measure.outcome, "payout"], replications=replications, seed=start,
        workers=workers, chunk=chunk, progress=progress,
    )  # fmt: skip
    return study_of(scenario, checked, lives, start)


def _check_before(plan: Plan, scenario: Scenario) -> None:
    """Raises `InputError` where the estimator needs more of the time before launch than there is."""
    name = plan.measure.estimator
    needed = ESTIMATORS[name].before
    there = count_before(scenario.time.burn_in_weeks, plan.design.period_weeks)
    if there < needed:
        rule = f"needs {needed} period{'' if needed == 1 else 's'} before launch, and there is {there or 'none'}"
        way_out = "use 'difference', a longer time.burn_in_weeks of the scenario, or a shorter period_weeks"
        raise fault("plan", "measure.estimator", name, rule, way_out)


def study_of(scenario: Scenario, plan: Plan, lives: PilotLives, seed: int) -> Pilot:
    """The study of pilots that were simulated."""
    trial = lives.trials[plan.measure.outcome]
    beside = None if lives.beside is None else lives.beside.get(plan.measure.outcome)
    harm, early = _harm(plan, lives), plan.ends_early
    concluded = conclude(plan, trial, lives.value, seed, beside=beside, harm=harm)
    whole = conclude(_to_the_end(plan), trial, lives.value, seed, again=1) if early else None
    name, level = plan.measure.estimator, plan.measure.level
    own = Alternative(name, diagnose(concluded), tuple(misfits(name, trial.panel, level)))
    worth = worth_of(plan, concluded, lives.gained, lives.partners, lives.inputs, seed, whole)
    fit = (
        other
        for other, e in ESTIMATORS.items()
        if other != name and not e.slow and not any(misfits(other, trial.panel, level))
    )
    others = (
        Alternative(other, diagnose(conclude(reading(plan, other), trial, lives.value, seed, harm=harm)), ())
        for other in fit
    )
    return Pilot(
        scenario, plan, seed, lives, concluded, own.figures, (own, *others), worth, textbook_power(trial, level)
    )


def _to_the_end(plan: Plan) -> Plan:
    return plan.model_copy(update={"interim": Interim()})


def _harm(plan: Plan, lives: PilotLives) -> Ints | None:
    """Period at whose end limits stop each pilot."""
    if not plan.guardrails.any or "payout" not in lives.trials:
        return None
    panel, paid = lives.trials[plan.measure.outcome].panel, lives.trials["payout"].panel
    seen = watched(plan.guardrails, panel, paid, lives.honest, ESTIMATORS[plan.measure.estimator].estimate)
    return first_breach(breaches(plan.guardrails, seen))[0]


def reading(plan: Plan, estimator: str) -> Plan:
    """The plan with another estimator."""
    return plan.model_copy(update={"measure": plan.measure.model_copy(update={"estimator": estimator})})


def _plain(got: Estimate) -> dict[str, Any]:
    found: dict[str, Any] = {"value": got.mean, "se": got.se, "low": got.low, "high": got.high}
    return found if not got.reason else {**found, "reason": got.reason}
