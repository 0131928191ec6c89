"""Look for a better pilot: the cheapest design that has the power asked for, and what each design is worth.

Designs with one assignment and the same partners share their simulated pilots: a shorter pilot is the beginning of a
longer one, and every outcome and estimator reads the same runs. All designs meet the same worlds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import InputError, Problem, fault
from simulator.metrics.measure import BASELINE
from simulator.pilots.decision import conclude, cost_of, gain_of
from simulator.pilots.diagnosands import POWER, diagnose, inflated_false_positives, sees_plausible
from simulator.pilots.estimators import ESTIMATORS, violated_assumptions
from simulator.pilots.outcomes import OUTCOMES
from simulator.pilots.plan import Assignment, Given, PilotSchedule, Plan, plan_of, scenario_of
from simulator.pilots.simulate import PilotRuns, run_pilots
from simulator.report.formats import NumberFormat, form_of
from simulator.report.plots import QUIET, colour, marker, sample_note
from simulator.report.tables import Column, Table
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import choice, shown, suggestion
from simulator.stats.estimate import Estimate
from simulator.stats.sensitivity.factors import EstimateWithCI
from simulator.studies.base import Study
from simulator.studies.pilot import PERCENT, estimate_text
from simulator.studies.registry import Option, study
from simulator.studies.settings import Progress, RunSettings
from simulator.world.setting import WEEKS_PER_QUARTER

CROSSING = ("stepped_wedge", "switchback")
"""Assignments in which partners change sides, so that a shorter one is no beginning of a longer one."""
_STAYING = ("parallel", "stratified")
"""Assignments whose groups may differ in size and be more than two."""
_SHARES = (1.0, 0.5)
_FEWEST = 8


def longest(scenario: Scenario, plan: Plan) -> int:
    """Quarters of the longest pilot that leaves some for its decision."""
    return min(scenario.time.horizon_weeks // WEEKS_PER_QUARTER, plan.rollout.quarters - 1)


def designs(
    base: Plan,
    scenario: Scenario,
    partners: Sequence[int] | None,
    lengths: Sequence[int],
    assignments: Sequence[Assignment] | None,
    groups: tuple[Sequence[float], Sequence[int]],
) -> Iterator[Plan]:
    """Plans that need runs of their own: the longest of each assignment, unit, number of partners and groups."""
    names = base.eligible.segments or tuple(scenario.partners)
    there = sum(scenario.partners[name].count for name in names)
    territories = {scenario.partners[name].territory for name in names}
    units = ("partner", "territory") if len(territories) > 1 else ("partner",)
    every: Sequence[Assignment] = assignments or tuple(
        dict.fromkeys((base.design.assignment, "parallel", "matched_pairs", "stepped_wedge"))
    )
    counts = partners or [n for s in _SHARES if (n := 2 * round(there * s / 2)) >= _FEWEST or s == 1.0]
    for assignment in every:
        for unit in units if assignment in ("parallel", base.design.assignment) else ("partner",):
            for count in counts if unit == "partner" else (None,):
                for length in lengths if assignment in CROSSING else lengths[-1:]:
                    if assignment not in CROSSING or length > 1:
                        one = _changed(base, assignment, unit, count, length)
                        yield one
                        if assignment in _STAYING and unit == "partner" and count == max(counts):
                            yield from _grouped(one, scenario, *groups)


def _changed(base: Plan, assignment: Assignment, unit: Any, count: int | None, length: int) -> Plan:
    same = assignment == base.design.assignment
    changed: dict[str, Any] = {
        "assignment": assignment, "unit": unit, "partners": count, "quarters": length,
        "treated_share": base.design.treated_share if same and not base.other_arms else 0.5, "steps": None,
        "period_weeks": base.design.period_weeks,
    }  # fmt: skip
    update = {"design": PilotSchedule(**changed), "interim": type(base.interim)(), "scenario": {}, "other_arms": ()}
    return base.model_copy(update=update)


def _grouped(plan: Plan, scenario: Scenario, shares: Sequence[float], arms: Sequence[int]) -> Iterator[Plan]:
    """The plan with other shares on the candidate, and with other programs beside it."""

    def with_share(share: float) -> PilotSchedule:
        return plan.design.model_copy(update={"treated_share": share})

    for share in shares:
        if share != plan.design.treated_share:
            yield plan.model_copy(update={"design": with_share(share)})
    others = [name for name in scenario.programs if name not in (BASELINE, plan.candidate)]
    for count in arms:
        if 2 < count <= 2 + len(others):
            level = plan.measure.level / (count - 1)
            update = {"other_arms": tuple(others[: count - 2]), "design": with_share(1 / count)}
            yield plan.model_copy(update={**update, "measure": plan.measure.model_copy(update={"level": level})})


_TREATED = (0.5, 0.25)
_ARMS = (2, 3)
_OUTCOMES = ("qualified", "pipeline", "bookings")
_ROWS = 12
"""Designs that are shown."""
_SLOW = ("synthetic", "randomisation")
"""Tried only where no other estimator fits."""


@dataclass(frozen=True)
class DesignOption:
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
    gain: EstimateWithCI
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
        if self.plan.other_arms:
            how += f", {2 + len(self.plan.other_arms)} arms"
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
    options: tuple[DesignOption, ...]
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
    def cheapest(self) -> DesignOption | None:
        """The cheapest design with the power asked for, None where there is none."""
        reaching = [o for o in self.options if o.reaches(self.asked)]
        return min(reaching, key=lambda o: o.effort) if reaching else None

    @property
    def frontier(self) -> list[DesignOption]:
        """Designs, of those that keep their level, that no other beats in both effort and power, the cheapest first."""
        found: list[DesignOption] = []
        for option in sorted((o for o in self.options if o.holds), key=lambda o: (*o.effort, -(o.power.mean or 0.0))):
            if not found or (option.power.mean or 0.0) > (found[-1].power.mean or 0.0):
                found.append(option)
        return found

    @property
    def worthwhile(self) -> list[DesignOption]:
        """Designs that pay and can see a plausible lift, the most worth first."""
        return [o for o in self.options if o.gain.value > 0 and o.sees and o.holds]

    def table(self) -> pd.DataFrame:
        """A row per design, the most net value first."""
        rows = [
            {
                "assignment": o.plan.design.assignment, "unit": o.plan.design.unit, "partners": o.partners,
                "treated_share": o.plan.design.treated_share, "arms": 2 + len(o.plan.other_arms),
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
        """Whether any pilot is worth running, the cheapest that has the power asked for, and the one worth most."""
        lines, worthwhile, cheapest = [], self.worthwhile, self.cheapest
        if not worthwhile:
            lines.append(
                f"Do not run this pilot: none of {len(self.options)} designs pays and can see a plausible lift."
            )
        if cheapest is None:
            most = max(self.options, key=lambda o: o.power.mean or 0.0)
            lines.append(
                f"No design reaches {100 * self.asked:g} % power; the most is {estimate_text(most.power)}: {most.text}."
            )
        else:
            lines.append(
                f"The cheapest design with {100 * self.asked:g} % power: {cheapest.text}; power "
                f"{estimate_text(cheapest.power)}, gain {self._gain(cheapest)}."
            )
        if worthwhile:
            best = worthwhile[0]
            lines.append(
                f"The design worth most: {best.text}; gain {self._gain(best)}, power {estimate_text(best.power)}, bias "
                f"{PERCENT.number(best.bias.mean, sign=True)} points of lift."
            )
        return lines

    def tables(self) -> list[Table]:
        """The designs worth most: gain, power and bias."""
        best, form = self.options[:_ROWS], self._form()
        columns = [
            Column("gain", "gain", [_estimate(o.gain) for o in best], self.scenario.currency, form),
            Column("power", "power", [o.power for o in best], "share", PERCENT),
            Column("bias", "bias, points of lift", [o.bias for o in best], "share", NumberFormat(100.0, 1, "")),
            Column("holds_level", "level kept", ["yes" if o.holds else "no" for o in best]),
        ]
        return [Table("Designs by net value of piloting", [o.text for o in best], columns, self.scenario.currency)]

    def notes(self) -> list[str]:
        """How many designs are left out of the table."""
        left = len(self.options) - _ROWS
        return [f"{left} more in `table()` and in the JSON."] if left > 0 else []

    def draw_power(self, ax: Axes) -> Axes:
        """Power against cost, or against time where nothing is said of cost, with the frontier."""
        priced = any(o.cost for o in self.options)
        money = self.scenario.currency
        form = form_of([o.cost for o in self.options], [], money, money)
        kinds = list(dict.fromkeys(o.plan.measure.outcome for o in self.options))

        def place(o: DesignOption) -> float:
            return o.cost * form.factor if priced else float(o.plan.design.quarters)

        for k, kind in enumerate(kinds):
            own = [o for o in self.options if o.plan.measure.outcome == kind and o.holds]
            ax.plot([place(o) for o in own], [o.power.mean or 0.0 for o in own], marker(k + 1), color=colour(k + 1),
                    markersize=5, alpha=0.55, label=kind)  # fmt: skip
        best = self.frontier
        ax.step([place(o) for o in best], [o.power.mean or 0.0 for o in best], color=colour(0), where="post",
                label="frontier")  # fmt: skip
        ax.axhline(self.asked, color=QUIET, linewidth=1.0, linestyle="--")
        chosen = self.cheapest
        if chosen is not None:
            ax.plot([place(chosen)], [chosen.power.mean or 0.0], "o", markersize=13, markerfacecolor="none",
                    color=colour(0), label="cheapest that reaches it")  # fmt: skip
        ax.set_ylim(0.0, 1.03)
        ax.set_xlabel(f"cost of running the pilot [{form.unit}]" if priced else "quarters")
        ax.set_ylabel("power at the mean lift")
        ax.set_title("What a pilot costs and what it can see")
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8)
        sample_note(ax, self.sample_text)
        return ax

    plot_kinds: ClassVar = {"power": draw_power}

    def details(self) -> dict[str, Any]:
        """All figures as plain dicts."""
        best = self.cheapest
        return {
            "scenario": self.scenario.name,
            "plan": self.plan.model_dump(mode="json"),
            "asked_power": self.asked,
            "seed": self.seed,
            "pilots": self.replications,
            "cheapest": None if best is None else best.plan.model_dump(mode="json"),
            "options": [_option_dict(o) for o in self.options],
        }

    def _form(self) -> NumberFormat:
        money = self.scenario.currency
        return form_of([o.gain.value for o in self.options[:_ROWS]], [o.gain.se for o in self.options], money, money)

    def _gain(self, o: DesignOption) -> str:
        form = self._form()
        return f"{form.number(o.gain.value)} \u00b1 {form.number(o.gain.se)} {form.unit}"


def _names(text: str) -> tuple[str, ...]:
    """`a,b` as names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in _names(text))


def _fractions(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in _names(text))


@study(
    "pilot-design",
    "Look for the cheapest pilot around a plan in SCENARIO that has the power asked for.",
    examples=[
        "pilot-design scenarios/quickstart.toml --plan scenarios/pilots/quickstart.toml",
        "pilot-design scenarios/quickstart.toml --plan scenarios/pilots/quickstart.toml --power 0.9 --quarters 2,3",
    ],
)
def redesign(
    scenario: Scenario,
    plan: Annotated[Given, Option("Plan file that designs are around", "FILE", parse=str)],
    *,
    power: Annotated[float, Option("Power asked for", "P")] = POWER,
    partners: Annotated[Sequence[int] | None, Option("Numbers of partners to try", "N,N", _integers)] = None,
    quarters: Annotated[Sequence[int] | None, Option("Lengths to try", "N,N", _integers)] = None,
    assignments: Annotated[Sequence[Assignment] | None, Option("Assignments to try", "A,B", _names)] = None,
    shares: Annotated[
        Sequence[float] | None, Option("Shares on the candidate to try  [default: 0.5,0.25]", "S,S", _fractions)
    ] = None,
    arms: Annotated[Sequence[int] | None, Option("Numbers of arms to try  [default: 2,3]", "N,N", _integers)] = None,
    outcomes: Annotated[
        Sequence[str] | None, Option("Outcomes to try  [default: qualified,pipeline,bookings]", "A,B", _names)
    ] = None,
    estimators: Annotated[
        Sequence[str] | None, Option("Estimators to try  [default: those that fit]", "A,B", _names)
    ] = None,
    replications: Annotated[int, Option("Pilots to simulate for each design", "N")] = 128,
    seed: int | None = None,
    workers: int = 1,
    chunk: int | None = None,
    progress: Progress | None = None,
) -> Redesign:
    """Try designs around a plan and find the cheapest that has the power asked for.

    power: asked for; partners, quarters, assignments, outcomes, estimators: what to try, each around the plan if None;
    shares: of the units on the candidate; arms: the baseline, the candidate and other programs of the scenario at the
    same time, as far as it has some, with the level shared out between the comparisons (Bonferroni). Shares and arms
    are tried with all partners. Raises `InputError` with all faults.
    """
    base = plan_of(plan, scenario)
    scenario = scenario_of(base, scenario)
    start = RunSettings.of(scenario, replications=replications, seed=seed, workers=workers, chunk=chunk).seed
    shares, arms, outcomes = shares or _TREATED, arms or _ARMS, outcomes or _OUTCOMES
    _check(power, outcomes, estimators, shares)
    lengths = sorted(set(quarters or range(1, longest(scenario, base) + 1)))
    plans = [plan_of(p, scenario) for p in designs(base, scenario, partners, lengths, assignments, (shares, arms))]
    simulated = run_pilots(
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
        for shape, runs in zip(plans, simulated, strict=True)
        for option in _read(shape, runs, lengths, outcomes, estimators, start)
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
    runs: PilotRuns,
    lengths: Sequence[int],
    outcomes: Sequence[str],
    estimators: Sequence[str] | None,
    seed: int,
) -> Iterator[DesignOption]:
    """All designs that the runs of one can be read as."""
    known = estimators or [name for name, e in ESTIMATORS.items() if not e.slow]
    for length in [plan.design.quarters] if plan.design.assignment in CROSSING else lengths:
        periods = length * WEEKS_PER_QUARTER // plan.design.period_weeks
        if length * WEEKS_PER_QUARTER % plan.design.period_weeks:
            continue
        shorter = runs.until(periods)
        panel = next(iter(shorter.by_outcome.values())).panel
        fitting = [n for n in known if not any(violated_assumptions(n, panel, plan.measure.level))]
        if plan.design.unit == "partner" and "cuped" in fitting and estimators is None:
            fitting.remove("cluster")  # the same where each partner is a cluster of its own
        for outcome in outcomes:
            for name in [n for n in fitting if n not in _SLOW] or fitting:
                design = plan.design.model_copy(update={"quarters": length})
                measure = plan.measure.model_copy(update={"outcome": outcome, "estimator": name})
                yield _option(plan.model_copy(update={"design": design, "measure": measure}), shorter, seed)


def _option(plan: Plan, runs: PilotRuns, seed: int) -> DesignOption:
    readings = runs.by_outcome[plan.measure.outcome]
    concluded = conclude(plan, readings, runs.value, seed, aa_pilots=1)
    found = diagnose(concluded)
    gain = gain_of(plan, concluded, runs.gained, runs.partners)
    sees = sees_plausible(concluded, found["detectable_lift"])
    return DesignOption(
        plan, runs.partners, found["power"], found["assurance"], found["bias"], found["detectable_lift"],
        found["false_positives"], gain, float(cost_of(plan, runs.partners, plan.design.quarters)), sees,
        not inflated_false_positives(found["false_positives"], plan.measure.level),
    )  # fmt: skip


def _option_dict(o: DesignOption) -> dict[str, Any]:
    figures = {
        "power": o.power, "assurance": o.assurance, "bias": o.bias, "detectable_lift": o.detectable,
        "false_positives": o.false_positives,
    }  # fmt: skip
    return {
        "design": o.plan.design.model_dump(mode="json"), "other_arms": list(o.plan.other_arms),
        "measure": o.plan.measure.model_dump(mode="json"),
        "partners": o.partners, "cost": o.cost, "gain": asdict(o.gain), "holds_level": o.holds,
        **{name: {"value": got.mean, "se": got.se, "low": got.low, "high": got.high} for name, got in figures.items()},
    }  # fmt: skip


def _estimate(f: EstimateWithCI) -> Estimate:
    return Estimate(f.value, f.se, None, None, None, low=f.low, high=f.high)
