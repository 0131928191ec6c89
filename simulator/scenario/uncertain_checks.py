"""What must hold for the uncertain numbers of a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from simulator.program.numbers import steps as steps_of
from simulator.scenario.correlation import hold_together, normal_correlations
from simulator.scenario.draft import Draft
from simulator.scenario.fields import Place, leaves, model_of, place_at
from simulator.scenario.finding import Finding, Steps, dotted, suggestion
from simulator.scenario.schema import Correlation, Uncertain
from simulator.scenario.uncertainty import parameter_faults, stated_values
from simulator.scenario.wording import share_meant

_SUM_TO_ONE = ("stage_weights", "stage_durations", "effort_shares")


def uncertainty_findings(draft: Draft) -> Iterator[Finding]:
    """All faults of the uncertain numbers."""
    for path in draft.names("uncertainty"):
        steps: Steps = ("uncertainty", path)
        if _below_a_fault(draft, path):
            continue
        place = draft.place(path)
        if place is None:
            yield Finding(steps, None, "is no path of the scenario", suggestion(path, _number_paths(draft)))
            continue
        refusal = why_certain(steps_of(path), place)
        canonical = dotted(steps_of(path))
        if refusal:
            yield Finding(steps, None, refusal)
        elif canonical != path:
            yield Finding(steps, None, "must be written as paths are", f"did you mean '{canonical}'?")
        elif path in draft.uncertain:
            yield from _distribution(steps, draft.uncertain[path], place)


def correlation_findings(draft: Draft) -> Iterator[Finding]:
    """All faults of the correlations of uncertain numbers."""
    known = draft.names("uncertainty")
    seen: dict[frozenset[str], int] = {}
    faulty = False
    for position, pair in draft.correlations.items():
        for finding in _pair(("correlation", position), pair, known, seen):
            faulty = True
            yield finding
        seen.setdefault(frozenset((pair.a, pair.b)), position)
    if draft.correlations and not faulty:
        yield from _together(tuple(draft.correlations.values()))


def _pair(steps: Steps, pair: Correlation, known: tuple[str, ...], seen: Mapping[Any, int]) -> Iterator[Finding]:
    for name, path in (("a", pair.a), ("b", pair.b)):
        if path not in known:
            way_out = suggestion(path, known) or f"add an uncertainty table for '{path}'"
            yield Finding((*steps, name), path, "is no uncertain number of the scenario", way_out)
    both = frozenset((pair.a, pair.b))
    if pair.a == pair.b:
        yield Finding((*steps, "b"), pair.b, "must be another number than a")
    elif both in seen:
        yield Finding(steps, None, f"states a pair that correlation[{seen[both]}] has already")


def _together(stated: tuple[Correlation, ...]) -> Iterator[Finding]:
    """Refuse correlations that no numbers can have at once."""
    paths = tuple(dict.fromkeys(path for pair in stated for path in (pair.a, pair.b)))
    if hold_together(normal_correlations(paths, stated)):
        return
    percent = next(p for p in count(99, -1) if hold_together(normal_correlations(paths, stated, p / 100)))
    rule = "cannot all hold at once: the matrix of correlations is not positive definite"
    yield Finding(("correlation",), None, rule, f"all of them times {percent / 100:.2f} can")


def why_certain(steps: Steps, place: Place) -> str:
    """Why the number at `steps` cannot be uncertain; empty where it can."""
    if place.annotation is int:
        return "cannot be uncertain: it is a count or length that a run is built on"
    if place.annotation is not float:
        return "cannot be uncertain: it is not a number"
    if steps[0] in ("goals", "budget"):
        return "cannot be uncertain: it is chosen, not unknown"
    if place.value is None:
        return "cannot be uncertain: no value is given there"
    if sums_to_one(steps):
        return "cannot be uncertain: shares that sum to 1 do not vary one by one"
    return ""


def sums_to_one(steps: Steps) -> bool:
    """Whether `steps` lead to an element of shares that sum to 1."""
    mix = steps[0] in ("territories", "partners") and len(steps) == 4 and steps[2] == "markets"
    return mix or (len(steps) > 1 and steps[-2] in _SUM_TO_ONE)


def _below_a_fault(draft: Draft, path: str) -> bool:
    """Whether `path` leads into a program or component at fault, so that nothing can be said of it."""
    steps = steps_of(path)
    if len(steps) < 2 or steps[0] != "programs":
        return False
    component = place_at(draft.tree, steps[:4]) if len(steps) > 4 else None
    return steps[1] in draft.unresolved or (component is not None and model_of(component) is None)


def _number_paths(draft: Draft) -> list[str]:
    numbers = [(steps, place) for steps, place in leaves(draft.tree) if place.numeric]
    return [dotted(steps) for steps, place in numbers if not why_certain(steps, place)]


def _distribution(steps: Steps, uncertain: Uncertain, place: Place) -> Iterator[Finding]:
    for parameter, rule in parameter_faults(uncertain):
        value = getattr(uncertain, parameter)
        yield Finding((*steps, parameter), list(value) if isinstance(value, tuple) else value, rule)
    for name, position, number in stated_values(uncertain):
        if not place.bounds.hold(number):
            where: Steps = (*steps, name) if position is None else (*steps, name, position)
            rule = f"{place.bounds.rule()}, like the number itself"
            yield Finding(where, number, rule, share_meant(place.bounds, place.unit, number))
