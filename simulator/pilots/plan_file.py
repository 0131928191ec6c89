"""Plan files: TOML text to a `Plan` that fits its scenario, or one error that lists all that is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from simulator.core.errors import InputError
from simulator.metrics.measure import BASELINE
from simulator.pilots.estimators.registry import ESTIMATORS
from simulator.pilots.plan import Decision, Eligible, Interim, PilotMeasure, PilotSchedule, Plan, RolloutPlan
from simulator.program.base import TableSpec
from simulator.scenario.fields import Place
from simulator.scenario.inheritance import resolve
from simulator.scenario.load import examine, problems, read_text, toml_tree
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import Fault, choice, plain, suggestion
from simulator.scenario.validation.messages import findings_of
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR

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
    yield from _candidates(tree.get("candidate"), tree.get("beside", ()), scenario)
    who, design = _valid(Eligible, tree.get("eligible", {})), _valid(PilotSchedule, tree.get("design", {}))
    if who is not None:
        yield from _eligible(who, scenario)
    if design is not None:
        yield from _length(design, scenario)
        yield from _units(design, who, scenario)
        yield from _steps(design)
        yield from _arms(design, tree.get("beside", ()))
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


def _candidates(candidate: Any, beside: Any, scenario: Scenario) -> Iterator[Fault]:
    candidates = [p for p in scenario.programs if p != BASELINE]
    others = list(enumerate(beside)) if isinstance(beside, list | tuple) else []
    for steps, name in ((("candidate",), candidate), *((("beside", k), other) for k, other in others)):
        if isinstance(name, str) and name not in candidates:
            hint = suggestion(name, candidates) or f"one of {choice(candidates)}"
            yield Fault(steps, name, "must be a candidate program of the scenario", hint)
    for k, name in others:
        if name in (candidate, *beside[:k]):
            yield Fault(("beside", k), name, "is tried already", "name each program once")


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


def _arms(design: PilotSchedule, beside: Any) -> Iterator[Fault]:
    """Arms of several programs stay as they are, and leave some units on the baseline."""
    arms = 1 + (len(beside) if isinstance(beside, list | tuple) else 0)
    if arms > 1 and design.assignment not in ("parallel", "stratified"):
        rule = "has no arms for other programs beside the candidate"
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
