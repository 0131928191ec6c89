"""The plan of a pilot, as declared before it runs: who, how assigned, how long, what is measured, what decides.

    candidate = "accelerator"
    [design]
    quarters = 3

Everything else has a default. A plan is read from TOML, from nested dicts or from another plan, and checked against the
scenario that it is for; one error lists all that is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import Field, ValidationError

from simulator.core.arrays import Array
from simulator.core.errors import InputError
from simulator.metrics.measure import BASELINE
from simulator.pilots.estimators import ESTIMATORS
from simulator.program.base import Listed, TableSpec, number
from simulator.scenario.fields import Place
from simulator.scenario.inheritance import resolve
from simulator.scenario.load import examine, problems, read_text, toml_tree
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import Fault, choice, plain, suggestion
from simulator.scenario.validation.messages import findings_of
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR

Assignment = Literal["parallel", "stratified", "matched_pairs", "stepped_wedge", "switchback"]
Outcome = Literal[
    "qualified", "pipeline", "won", "bookings", "gross_margin", "payout", "margin", "fairness", "ease",
]  # fmt: skip
"""The names of `simulator.pilots.outcomes.OUTCOMES`."""
Rule = Literal["significant", "above_threshold", "expected_value"]
Boundary = Literal["none", "obrien_fleming", "pocock", "spending"]


class Eligible(TableSpec):
    """Who may take part; all partners by default."""

    segments: Listed[str] = Field((), description="partner segments; empty: all")
    min_size: float | None = number(None, "least bookings in the year before launch", unit="money", ge=0)
    max_size: float | None = number(None, "most bookings in the year before launch", unit="money", gt=0)
    tenure_quarters: int = number(
        0, "least time from a partner's first opportunity to launch", unit="quarters", ge=0, le=20
    )


class PilotSchedule(TableSpec):
    """How long, how many, and who is on the candidate when."""

    assignment: Assignment = Field(
        "parallel",
        description="parallel: two groups at random; stratified: within segments and sizes; matched_pairs: one of each "
        "pair of like size; stepped_wedge: groups join one after another; switchback: groups go on and off",
    )
    unit: Literal["partner", "territory"] = Field(
        "partner", description="what is assigned as one; territories keep rivals for the same customers together"
    )
    partners: int | None = number(None, "partners that take part; none: all who are eligible", unit="partners", ge=4)
    treated_share: float = number(
        0.5, "share of units on the candidate, where groups stay as they are", unit="share", gt=0, lt=1
    )
    quarters: int = number(2, "length from launch", unit="quarters", ge=1, le=20)
    period_weeks: int = number(13, "weeks between two readings of the outcome", unit="weeks", ge=1, le=52)
    steps: int | None = number(
        None,
        "groups of a stepped wedge, or blocks of a switchback; none: as many as the periods allow",
        unit="steps",
        ge=1,
        le=100,
    )


class PilotMeasure(TableSpec):
    """What is read, and how an effect is estimated from it."""

    outcome: Outcome = Field("bookings", description="what is read, per partner and period")
    estimator: str = Field("cuped", description="name of an estimator")
    level: float = number(
        0.05, "chance of calling an effect where there is none, two-sided", unit="probability", gt=0, le=0.5
    )


class Decision(TableSpec):
    """What makes it a go."""

    rule: Rule = Field(
        "significant",
        description="significant: the estimate is positive and told apart from 0; above_threshold: the estimated lift "
        "is above `threshold`; expected_value: the candidate's net value, expected after the pilot, is positive",
    )
    threshold: float | None = number(
        None, "least lift that makes it a go, of the level without the candidate", unit="share", ge=-1, le=10
    )


class Interim(TableSpec):
    """Looks at the data before the end, and when they end the pilot."""

    looks: int = number(1, "looks in all, the last at the end, evenly spaced", unit="looks", ge=1, le=20)
    boundary: Boundary = Field(
        "obrien_fleming",
        description="how the level is kept over several looks; none: every look at the full level",
    )

    @property
    def uncalibrated(self) -> bool:
        """Whether there are several looks, each as if it were the only one."""
        return self.looks > 1 and self.boundary == "none"


class Guardrails(TableSpec):
    """What stops the pilot or the rollout for harm, checked at every period's end."""

    max_cost_overrun: float | None = number(
        None, "most by which the candidate may cost more per partner than the baseline", unit="share", gt=0, le=10
    )
    max_gaming_share: float | None = number(
        None, "most of the candidate's payout that may rest on gamed claims", unit="share", gt=0, le=1
    )
    min_lift: float | None = number(
        None, "least estimated lift so far, of the level without the candidate", unit="share", ge=-1, le=10
    )

    @property
    def any(self) -> bool:
        """Whether a limit is set."""
        return any(limit is not None for limit in (self.max_cost_overrun, self.max_gaming_share, self.min_lift))


class PilotCost(TableSpec):
    """What running the pilot costs, beyond what the candidate pays out."""

    fixed: float = number(0.0, "set-up, analysis and management", unit="money", ge=0)
    per_partner_quarter: float = number(
        0.0, "support and measurement of a partner that takes part", unit="money per partner and quarter", ge=0
    )


class Milestone(TableSpec):
    """From when on which share of partners is on the candidate."""

    quarter: int = number(..., "quarter after the decision", unit="quarters", ge=0, le=40)
    share: float = number(..., "share of all partners on the candidate from then on", unit="share", gt=0, le=1)


class RolloutPlan(TableSpec):
    """How a go is carried out, and how long what was decided holds."""

    quarters: int = number(
        8, "quarters from the pilot's launch that the decision counts for, the pilot's own included", unit="quarters",
        ge=1, le=40,
    )  # fmt: skip
    milestones: Listed[Milestone] = Field(
        (Milestone(quarter=0, share=1.0),), description="shares of partners, rising", min_length=1
    )

    def shares(self, quarters: int) -> Array:
        """Share of partners on the candidate in each quarter after the decision, (quarters,)."""
        return np.array(
            [max((m.share for m in self.milestones if m.quarter <= q), default=0.0) for q in range(quarters)]
        )


class Plan(TableSpec):
    """A pilot of one candidate program against the baseline."""

    candidate: str = Field(description="name of the program on trial")
    other_arms: Listed[str] = Field(
        (),
        description="other programs on trial at the same time, each in an arm of its own as large as the "
        "candidate's; what is concluded is of the candidate alone",
    )
    scenario: dict[str, Any] = Field(
        default_factory=dict,
        description="what the plan changes or adds in the scenario, by the same tables: the candidate itself, a longer "
        "horizon, what is not known of it",
    )
    label: str = Field("", description="name used in reports", max_length=80)
    eligible: Eligible = Field(default_factory=Eligible)
    design: PilotSchedule = Field(default_factory=PilotSchedule)
    measure: PilotMeasure = Field(default_factory=PilotMeasure)
    decision: Decision = Field(default_factory=Decision)
    interim: Interim = Field(default_factory=Interim)
    guardrails: Guardrails = Field(default_factory=Guardrails)
    cost: PilotCost = Field(default_factory=PilotCost)
    rollout: RolloutPlan = Field(default_factory=RolloutPlan)

    @property
    def weeks(self) -> int:
        """Weeks from launch to the end."""
        return self.design.quarters * WEEKS_PER_QUARTER

    @property
    def periods(self) -> int:
        """Readings of the outcome after launch."""
        return self.weeks // self.design.period_weeks

    @property
    def ends_early(self) -> bool:
        """Whether looks or limits may end the pilot before its time."""
        return self.interim.looks > 1 or self.guardrails.any

    def rolled_out(self, start: Array | float) -> Array:
        """Quarters of a full rollout that one started in quarter `start` comes to, by its milestones."""
        done = np.concatenate([[0.0], np.cumsum(self.rollout.shares(self.rollout.quarters))])
        return np.asarray(np.interp(self.rollout.quarters - np.asarray(start), np.arange(len(done)), done))

    @property
    def steps(self) -> int:
        """Groups of a stepped wedge, blocks of a switchback, 1 for the others."""
        most = {"stepped_wedge": self.periods - 1, "switchback": self.periods}.get(self.design.assignment, 1)
        return most if self.design.steps is None or most == 1 else self.design.steps


S = TypeVar("S", bound=TableSpec)
Given = Plan | Mapping[str, Any] | str | os.PathLike[str]


def plan_of(given: Given, scenario: Scenario) -> Plan:
    """A plan given as itself, as nested dicts, or as a file. Raises `InputError` with every fault found."""
    if isinstance(given, str | os.PathLike):
        return load_plan(given, scenario)
    tree = given.model_dump(mode="json", exclude_unset=True) if isinstance(given, Plan) else dict(given)
    return _checked(tree, scenario, "", "plan")


def load_plan(path: str | os.PathLike[str], scenario: Scenario) -> Plan:
    """The plan in the TOML file at `path`; raises `InputError` with every fault found."""
    return parse_plan(read_text(Path(path)), scenario, file=str(path))


def parse_plan(text: str, scenario: Scenario, *, file: str = "plan") -> Plan:
    """The plan in a TOML text, called `file` in messages. Raises `InputError` like `load_plan`."""
    return _checked(toml_tree(text, file), scenario, text, file)


def _checked(tree: dict[str, Any], scenario: Scenario, text: str, file: str) -> Plan:
    scenario, findings = _changed(tree.get("scenario"), scenario)
    plan = None
    try:
        plan = Plan.model_validate(tree)
    except ValidationError as error:
        findings += findings_of(error, Place(Plan, tree))
    findings += _across(tree, scenario)
    if plan is None or findings:
        raise InputError(problems(findings, text, file))
    return plan


def scenario_of(plan: Plan, scenario: Scenario) -> Scenario:
    """The scenario as the plan changes it; the plan must have been checked against it."""
    return _changed(plan.scenario, scenario)[0]


def _changed(overlay: Any, scenario: Scenario) -> tuple[Scenario, list[Fault]]:
    """The scenario with the plan's tables over its own, and the faults of that; as it was where there are some."""
    if not overlay or not isinstance(overlay, dict):
        return scenario, []
    tree = _over(scenario.tree(), {key: value for key, value in overlay.items() if key != "programs"})
    added = overlay.get("programs", {})
    programs = resolve({**tree["programs"], **(added if isinstance(added, dict) else {})})
    changed, findings = examine({**tree, "programs": programs.tables}, programs.unresolved)
    findings = [replace(f, steps=("scenario", *programs.written_at(f.steps))) for f in (*programs.findings, *findings)]
    return (scenario if changed is None or findings else changed), findings


def _over(base: dict[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`overlay` over `base`, table by table."""
    both = {k: _over(base[k], v) for k, v in overlay.items() if isinstance(v, dict) and isinstance(base.get(k), dict)}
    return {**base, **overlay, **both}


def _across(tree: Mapping[str, Any], scenario: Scenario) -> Iterator[Fault]:
    """Faults across fields; a section that is at fault by itself is left out."""
    yield from _candidates(tree.get("candidate"), tree.get("other_arms", ()), scenario)
    who, design = _valid(Eligible, tree.get("eligible", {})), _valid(PilotSchedule, tree.get("design", {}))
    if who is not None:
        yield from _eligible(who, scenario)
    if design is not None:
        yield from _length(design, scenario)
        yield from _units(design, who, scenario)
        yield from _steps(design)
        yield from _arms(design, tree.get("other_arms", ()))
    measure = _valid(PilotMeasure, tree.get("measure", {}))
    if measure is not None and measure.estimator not in ESTIMATORS:
        hint = suggestion(measure.estimator, ESTIMATORS) or f"one of {choice(ESTIMATORS)}"
        yield Fault(("measure", "estimator"), measure.estimator, "names no estimator", hint)
    interim, decision = _valid(Interim, tree.get("interim", {})), _valid(Decision, tree.get("decision", {}))
    if interim is not None and design is not None and interim.looks > _periods(design):
        rule = f"must be at most the number of periods, which is {_periods(design)}"
        yield Fault(("interim", "looks"), interim.looks, rule)
    if decision is not None:
        yield from _threshold(decision)
    rollout = _valid(RolloutPlan, tree.get("rollout", {}))
    if rollout is not None:
        yield from _milestones(rollout)
        if design is not None and rollout.quarters <= design.quarters:
            rule = f"must be above the pilot's own quarters, which are {design.quarters}"
            yield Fault(("rollout", "quarters"), rollout.quarters, rule, "what is learned must be of use")


def _valid(model: type[S], table: Any) -> S | None:
    try:
        return model.model_validate(table)
    except ValidationError:
        return None


def _candidates(candidate: Any, other_arms: Any, scenario: Scenario) -> Iterator[Fault]:
    candidates = [p for p in scenario.programs if p != BASELINE]
    others = list(enumerate(other_arms)) if isinstance(other_arms, list | tuple) else []
    for steps, name in ((("candidate",), candidate), *((("other_arms", k), other) for k, other in others)):
        if isinstance(name, str) and name not in candidates:
            hint = suggestion(name, candidates) or f"one of {choice(candidates)}"
            yield Fault(steps, name, "must be a candidate program of the scenario", hint)
    for k, name in others:
        if name in (candidate, *other_arms[:k]):
            yield Fault(("other_arms", k), name, "is there already", "name each program once")


def _eligible(who: Eligible, scenario: Scenario) -> Iterator[Fault]:
    for position, name in enumerate(who.segments):
        if name not in scenario.partners:
            hint = suggestion(name, scenario.partners) or f"one of {choice(scenario.partners)}"
            yield Fault(("eligible", "segments", position), name, "names no partner segment", hint)
    if who.min_size is not None and who.max_size is not None and who.min_size >= who.max_size:
        rule = f"must be above min_size, which is {plain(who.min_size)}"
        yield Fault(("eligible", "max_size"), who.max_size, rule)
    burn_in = scenario.time.burn_in_weeks
    if burn_in < WEEKS_PER_YEAR:
        for field in ("min_size", "max_size"):
            if getattr(who, field) is not None:
                rule = f"needs a year before launch, and the scenario has {burn_in} weeks"
                yield Fault(("eligible", field), getattr(who, field), rule, "raise time.burn_in_weeks there")
    most = burn_in // WEEKS_PER_QUARTER
    if who.tenure_quarters > most:
        rule = f"must be at most {most}, the quarters before launch that the scenario simulates"
        yield Fault(("eligible", "tenure_quarters"), who.tenure_quarters, rule, "raise time.burn_in_weeks there")


def _length(design: PilotSchedule, scenario: Scenario) -> Iterator[Fault]:
    horizon, weeks = scenario.time.horizon_weeks, design.quarters * WEEKS_PER_QUARTER
    if weeks > horizon:
        rule = f"must be at most {horizon // WEEKS_PER_QUARTER}, the scenario's horizon"
        yield Fault(("design", "quarters"), design.quarters, rule, "raise time.horizon_weeks there")
    if weeks % design.period_weeks:
        rule = f"must divide the {weeks} weeks of the pilot"
        yield Fault(("design", "period_weeks"), design.period_weeks, rule, "13 and 1 always do")


def _units(design: PilotSchedule, who: Eligible | None, scenario: Scenario) -> Iterator[Fault]:
    segments = [
        s for name, s in scenario.partners.items() if who is None or name in (who.segments or scenario.partners)
    ]
    there = sum(segment.count for segment in segments)
    if segments and design.partners is not None and design.partners > there:
        yield Fault(("design", "partners"), design.partners, f"must be at most {there}, the partners in the segments")
    territories = len({segment.territory for segment in segments})
    if segments and design.unit == "territory" and territories < 2:
        yield Fault(("design", "unit"), "territory", "needs partners in at least 2 territories", "use 'partner'")
    if design.assignment == "matched_pairs" and design.treated_share != 0.5:
        yield Fault(("design", "treated_share"), design.treated_share, "must be 0.5 with matched pairs")


def _steps(design: PilotSchedule) -> Iterator[Fault]:
    """A stepped wedge starts with a period without the candidate; a switchback has two blocks at least."""
    least, most = {"stepped_wedge": (1, _periods(design) - 1), "switchback": (2, _periods(design))}.get(
        design.assignment, (1, 100)
    )
    if most < least:
        rule = f"needs at least 2 periods, and there is {_periods(design)}"
        yield Fault(("design", "assignment"), design.assignment, rule, "make quarters more or period_weeks less")
    elif design.steps is not None and not least <= design.steps <= most:
        yield Fault(("design", "steps"), design.steps, f"must be between {least} and {most}, with these periods")


def _arms(design: PilotSchedule, other_arms: Any) -> Iterator[Fault]:
    """Arms of several programs stay as they are, and leave some units on the baseline."""
    arms = 1 + (len(other_arms) if isinstance(other_arms, list | tuple) else 0)
    if arms > 1 and design.assignment not in ("parallel", "stratified"):
        rule = "has no arms for other programs than the candidate"
        yield Fault(("design", "assignment"), design.assignment, rule, "use 'parallel' or 'stratified'")
    elif arms > 1 and design.treated_share * arms >= 1:
        rule = f"must be below {1 / arms:.3g}, as each of {arms} programs has as many and some units stay as they are"
        yield Fault(("design", "treated_share"), design.treated_share, rule, f"such as {1 / (arms + 1):.2f}")


def _threshold(decision: Decision) -> Iterator[Fault]:
    asked = decision.rule == "above_threshold"
    if asked and decision.threshold is None:
        yield Fault(("decision", "threshold"), None, "is required with the rule 'above_threshold'")
    if not asked and decision.threshold is not None:
        rule = f"is not used by the rule '{decision.rule}'"
        yield Fault(("decision", "threshold"), decision.threshold, rule, "leave it out, or use 'above_threshold'")


def _milestones(rollout: RolloutPlan) -> Iterator[Fault]:
    for k, (one, two) in enumerate(zip(rollout.milestones, rollout.milestones[1:], strict=False), 1):
        for field in ("quarter", "share"):
            before, value = getattr(one, field), getattr(two, field)
            if value <= before:
                rule = f"must be above that of the milestone before, which is {plain(before)}"
                yield Fault(("rollout", "milestones", k, field), value, rule)


def _periods(design: PilotSchedule) -> int:
    return max(1, design.quarters * WEEKS_PER_QUARTER // design.period_weeks)
