"""Look for a better pilot: the cheapest design that has the power asked for, and what each design is worth.

Designs with one assignment and the same partners share their simulated pilots: a shorter pilot is the beginning of a
longer one, and every outcome and estimator reads the same lives. All designs meet the same worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from simulator.errors import InputError, Problem, fault
from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.pilots.decision import conclude, cost_of, gain_of
from simulator.pilots.diagnosis import POWER, diagnose, sees_plausible, too_eager
from simulator.pilots.estimators.table import ESTIMATORS, misfits
from simulator.pilots.plan import Assignment, Plan
from simulator.pilots.plan_file import Given, plan_of, scenario_of
from simulator.pilots.reading import OUTCOMES
from simulator.scenario.finding import choice, shown, suggestion
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate
from simulator.stats.sensitivity.factors import Figure
from simulator.studies.asked import check_run
from simulator.studies.designs import CROSSING, designs, longest
from simulator.studies.pilot_lives import PilotLives, pilot_lives
from simulator.studies.study import Study, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TREATED = (0.5, 0.25)
_ARMS = (2, 3)
_OUTCOMES = ("qualified", "pipeline", "bookings")
_SLOW = ("synthetic", "randomisation")
"""Tried only where no other estimator fits."""


@dataclass(frozen=True)
class Option:
    """A design that was tried.

    plan: its plan; partners: mean number who take part; power to false_positives: diagnosands; gain: of piloting over
    the better of a rollout at once and none; cost: of running it; sees: whether it would see the high end of the
    plausible lifts; holds: whether its estimator keeps its level.
    """

    plan: Plan
    partners: float
    power: Estimate
    assurance: Estimate
    bias: Estimate
    detectable: Estimate
    false_positives: Estimate
    gain: Figure
    cost: float
    sees: bool
    holds: bool

    def reaches(self, power: float) -> bool:
        """Whether it has the power asked for, by an estimator that keeps its level."""
        return self.holds and self.power.mean is not None and self.power.mean >= power

    @property
    def effort(self) -> tuple[float, int, float]:
        """What cheaper means: money, then time, then partners."""
        return self.cost, self.plan.design.quarters, self.partners

    @property
    def text(self) -> str:
        """The design in a few words."""
        d = self.plan.design
        who = f"{self.partners:.0f} partners by {d.unit}"
        how = d.assignment.replace("_", " ")
        if self.plan.beside:
            how += f", {2 + len(self.plan.beside)} arms"
        elif d.treated_share != 0.5:
            how += f", {100 * d.treated_share:.0f} % on it"
        read = f"{OUTCOMES[self.plan.measure.outcome].label}, {self.plan.measure.estimator}"
        return f"{how}, {who}, {d.quarters} q, {read}"


@dataclass(frozen=True)
class Redesign(Study):
    """Designs that were tried for a plan, by net value of piloting, the best first."""

    scenario: Scenario
    plan: Plan
    asked: float
    options: tuple[Option, ...]
    replications: int
    seed: int

    @property
    def title(self) -> str:
        """What was studied."""
        return f"{self.scenario.name}: designs for a pilot of {self.plan.candidate}"

    @property
    def sample_text(self) -> str:
        """What the figures rest on."""
        return f"{self.replications:,} simulated pilots per design, seed {self.seed}"

    @property
    def cheapest(self) -> Option | None:
        """The cheapest design with the power asked for, None where there is none."""
        reaching = [o for o in self.options if o.reaches(self.asked)]
        return min(reaching, key=lambda o: o.effort) if reaching else None

    @property
    def frontier(self) -> list[Option]:
        """Designs, of those that keep their level, that no other beats in both effort and power, the cheapest first."""
        found: list[Option] = []
        for option in sorted((o for o in self.options if o.holds), key=lambda o: (*o.effort, -(o.power.mean or 0.0))):
            if not found or (option.power.mean or 0.0) > (found[-1].power.mean or 0.0):
                found.append(option)
        return found

    @property
    def worthwhile(self) -> list[Option]:
        """Designs that pay and can see a plausible lift, the most worth first."""
        return [o for o in self.options if o.gain.value > 0 and o.sees and o.holds]

    def table(self) -> pd.DataFrame:
        """A row per design, the most net value first."""
        rows = [
            {
                "assignment": o.plan.design.assignment, "unit": o.plan.design.unit, "partners": o.partners,
                "treated_share": o.plan.design.treated_share, "arms": 2 + len(o.plan.beside),
                "quarters": o.plan.design.quarters, "outcome": o.plan.measure.outcome,
                "estimator": o.plan.measure.estimator, "power": o.power.mean, "power_se": o.power.se,
                "assurance": o.assurance.mean, "bias": o.bias.mean, "bias_se": o.bias.se,
                "detectable_lift": o.detectable.mean, "false_positives": o.false_positives.mean,
                "gain": o.gain.value, "gain_se": o.gain.se, "cost": o.cost, "holds_level": o.holds,
            }
            for o in self.options
        ]  # fmt: skip
        numbers = ("power", "power_se", "assurance", "bias", "bias_se", "detectable_lift", "false_positives")
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))

    def headline(self) -> list[str]:
        """The cheapest design that reaches the power, and the one that is worth most."""
        from simulator.report.redesign import headline

        return headline(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Power against cost, or against time where nothing is said of cost, with the frontier."""
        from simulator.report.redesign import draw

        return draw(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts."""
        best = self.cheapest
        return {
            "scenario": self.scenario.name,
            "study": "redesign",
            "plan": self.plan.model_dump(mode="json"),
            "asked_power": self.asked,
            "seed": self.seed,
            "pilots": self.replications,
            "cheapest": None if best is None else best.plan.model_dump(mode="json"),
            "options": [_option_dict(o) for o in self.options],
            "headline": self.headline(),
        }


@timed
def redesign(
    scenario: Scenario,
    plan: Given,
    *,
    power: float = POWER,
    partners: Sequence[int] | None = None,
    quarters: Sequence[int] | None = None,
    assignments: Sequence[Assignment] | None = None,
    shares: Sequence[float] = _TREATED,
    arms: Sequence[int] = _ARMS,
    outcomes: Sequence[str] = _OUTCOMES,
    estimators: Sequence[str] | None = None,
    replications: int = 128,
    seed: int | None = None,
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Redesign:
    """Try designs around a plan and find the cheapest that has the power asked for.

    power: asked for; partners, quarters, assignments, outcomes, estimators: what to try, each around the plan if None;
    shares: of the units on the candidate; arms: the baseline, the candidate and other programs of the scenario at the
    same time, as far as it has some, with the level shared out between the comparisons (Bonferroni). Shares and arms
    are tried with all partners. Raises `InputError` with all faults.
    """
    base = plan_of(plan, scenario)
    scenario = scenario_of(base, scenario)
    start = scenario.run.seed if seed is None else seed
    check_run(replications=replications, seed=start, workers=workers, chunk=chunk)
    _check(power, outcomes, estimators, shares)
    lengths = sorted(set(quarters or range(1, longest(scenario, base) + 1)))
    plans = [plan_of(p, scenario) for p in designs(base, scenario, partners, lengths, assignments, (shares, arms))]
    lived = pilot_lives(
        scenario,
        plans,
        outcomes,
        replications=replications,
        seed=start,
        workers=workers,
        chunk=chunk,
        progress=progress,
    )
    options = [
        option
        for shape, lives in zip(plans, lived, strict=True)
        for option in _read(shape, lives, lengths, outcomes, estimators, start)
    ]
    if not options:
        rule = "must have more partners: no estimator on offer is to be trusted with so few"
        raise fault("plan", "design", None, rule)
    options.sort(key=lambda o: -o.gain.value)
    return Redesign(scenario, base, power, tuple(options), replications, start)


def _check(
    power: float, outcomes: Sequence[str], estimators: Sequence[str] | None, shares: Sequence[float]
) -> None:  # fmt: skip
    problems = [
        Problem("options", option, shown(value), "must be between 0 and 1")
        for option, value in (("power", power), *(("shares", share) for share in shares))
        if not 0 < value < 1
    ]
    for option, names, known in (("outcomes", outcomes, OUTCOMES), ("estimators", estimators or (), ESTIMATORS)):
        problems += [
            Problem("options", option, shown(n), f"must be {choice(known)}", suggestion(n, known))
            for n in names
            if n not in known
        ]
    if problems:
        raise InputError(problems)


def _read(
    plan: Plan,
    lives: PilotLives,
    lengths: Sequence[int],
    outcomes: Sequence[str],
    estimators: Sequence[str] | None,
    seed: int,
) -> Iterator[Option]:
    """All designs that the lives of one can be read as."""
    known = estimators or [name for name, e in ESTIMATORS.items() if not e.slow]
    for length in [plan.design.quarters] if plan.design.assignment in CROSSING else lengths:
        periods = length * WEEKS_PER_QUARTER // plan.design.period_weeks
        if length * WEEKS_PER_QUARTER % plan.design.period_weeks:
            continue
        shorter = lives.until(periods)
        panel = next(iter(shorter.trials.values())).panel
        fitting = [n for n in known if not any(misfits(n, panel, plan.measure.level))]
        if plan.design.unit == "partner" and "cuped" in fitting and estimators is None:
            fitting.remove("cluster")  # the same where each partner is a cluster of its own
        for outcome in outcomes:
            for name in [n for n in fitting if n not in _SLOW] or fitting:
                design = plan.design.model_copy(update={"quarters": length})
                measure = plan.measure.model_copy(update={"outcome": outcome, "estimator": name})
                yield _option(plan.model_copy(update={"design": design, "measure": measure}), shorter, seed)


def _option(plan: Plan, lives: PilotLives, seed: int) -> Option:
    trial = lives.trials[plan.measure.outcome]
    concluded = conclude(plan, trial, lives.value, seed, again=1)
    found = diagnose(concluded)
    gain = gain_of(plan, concluded, lives.gained, lives.partners)
    sees = sees_plausible(concluded, found["detectable_lift"])
    return Option(
        plan, lives.partners, found["power"], found["assurance"], found["bias"], found["detectable_lift"],
        found["false_positives"], gain, float(cost_of(plan, lives.partners, plan.design.quarters)), sees,
        not too_eager(found["false_positives"], plan.measure.level),
    )  # fmt: skip


def _option_dict(o: Option) -> dict[str, Any]:
    figures = {
        "power": o.power, "assurance": o.assurance, "bias": o.bias, "detectable_lift": o.detectable,
        "false_positives": o.false_positives,
    }  # fmt: skip
    return {
        "design": o.plan.design.model_dump(mode="json"), "beside": list(o.plan.beside),
        "measure": o.plan.measure.model_dump(mode="json"),
        "partners": o.partners, "cost": o.cost, "gain": asdict(o.gain), "holds_level": o.holds,
        **{name: {"value": got.mean, "se": got.se, "low": got.low, "high": got.high} for name, got in figures.items()},
    }  # fmt: skip
