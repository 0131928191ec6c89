"""Designs around a plan that need lives of their own; shorter pilots, outcomes and estimators are read from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.pilots.plan import Assignment, Design, Plan
from simulator.scenario.schema import Scenario
from simulator.stats.measure import BASELINE

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
    """Plans that need lives of their own: the longest of each assignment, unit, number of partners and groups."""
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
        "treated_share": base.design.treated_share if same and not base.beside else 0.5, "steps": None,
        "period_weeks": base.design.period_weeks,
    }  # fmt: skip
    update = {"design": Design(**changed), "interim": type(base.interim)(), "scenario": {}, "beside": ()}
    return base.model_copy(update=update)


def _grouped(plan: Plan, scenario: Scenario, shares: Sequence[float], arms: Sequence[int]) -> Iterator[Plan]:
    """The plan with other shares on the candidate, and with other programs beside it."""

    def with_share(share: float) -> Design:
        return plan.design.model_copy(update={"treated_share": share})

    for share in shares:
        if share != plan.design.treated_share:
            yield plan.model_copy(update={"design": with_share(share)})
    others = [name for name in scenario.programs if name not in (BASELINE, plan.candidate)]
    for count in arms:
        if 2 < count <= 2 + len(others):
            level = plan.measure.level / (count - 1)
            update = {"beside": tuple(others[: count - 2]), "design": with_share(1 / count)}
            yield plan.model_copy(update={**update, "measure": plan.measure.model_copy(update={"level": level})})
