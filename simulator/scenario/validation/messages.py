"""Faults that pydantic finds, in words for people who design programs.

Paths lose pydantic's union tags; rules are stated from the schema's bounds; a misspelt key or name, a share
written as a percentage and a number in quotes get a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import annotated_types as at
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simulator.program.base import COMPONENTS
from simulator.scenario.fields import Bounds, model_of, place_at
from simulator.scenario.inheritance import OVERLAY_KEYS
from simulator.scenario.validation.finding import Fault, Steps, choice, nearest, plain, suggestion

_QUOTED = re.compile(r"'([^']*)'")
_TAG = 4
"""Position of the tag of the component union in a location: programs, name, components, name, tag."""

_KINDS_OF_VALUE = {
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}
_BOUNDED = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


def findings_of(error: ValidationError, tree: Any) -> Iterator[Fault]:
    """The faults of `tree`, the scenario that pydantic refused with `error`."""
    for detail in error.errors(include_url=False):
        steps = _steps(detail["loc"])
        if not _consequence(detail):
            yield _WORDED.get(detail["type"], _plainly)(steps, detail, tree)


def _steps(location: tuple[int | str, ...]) -> Steps:
    steps = tuple(step for step in location if step != "[key]")
    if len(steps) > _TAG and steps[0] == "programs" and steps[2] == "components":
        return (*steps[:_TAG], *steps[_TAG + 1 :])
    return steps


def _consequence(detail: ErrorDetails) -> bool:
    """Whether the fault is only that pydantic left faulty elements of a list out before it counted."""
    found = detail["input"]
    return detail["type"] == "too_short" and len(found) >= int(detail["ctx"]["min_length"])


def _plainly(steps: Steps, detail: ErrorDetails, tree: Any) -> Fault:
    found, kind = detail["input"], detail["type"]
    if kind in _BOUNDED:
        return _out_of_bounds(steps, found, tree)
    if kind in _KINDS_OF_VALUE:
        return Fault(steps, found, _KINDS_OF_VALUE[kind], _number_meant(found, kind))
    message = detail["msg"]
    return Fault(steps, found, message[:1].lower() + message[1:])


def _out_of_bounds(steps: Steps, found: Any, tree: Any) -> Fault:
    place = place_at(tree, steps)
    assert place is not None, "only a number that the schema knows is compared with bounds"
    return Fault(steps, found, place.bounds.rule(), share_meant(place.bounds, place.unit, found))


def share_meant(bounds: Bounds, unit: str, found: float) -> str:
    """`did you mean 0.075?` where a share was written as the percentage 7.5; else empty."""
    share = found / 100
    percent = unit.startswith(("share", "probability")) and 1 <= found <= 100
    return f"did you mean {plain(share)}?" if percent and found > bounds.high and bounds.hold(share) else ""


def _number_meant(found: Any, kind: str) -> str:
    if isinstance(found, float) and found.is_integer():
        return f"did you mean {int(found)}?"
    if isinstance(found, str) and kind in ("float_type", "int_type"):
        try:
            float(found)
        except ValueError:
            return ""
        return "leave out the quotes"
    return ""


def _missing(steps: Steps, _: ErrorDetails, __: Any) -> Fault:
    return Fault(steps, None, "is required")


def _unknown_key(steps: Steps, detail: ErrorDetails, tree: Any) -> Fault:
    table = place_at(tree, steps[:-1])
    model = model_of(table) if table else None
    known = [*(model.model_fields if model else ())]
    if steps[0] == "programs" and len(steps) == 3:
        known += OVERLAY_KEYS
    hint = suggestion(steps[-1], known) or "known keys: " + ", ".join(known)
    return Fault(steps, detail["input"], "unknown key", hint)


def _literal(steps: Steps, detail: ErrorDetails, _: Any) -> Fault:
    options = _QUOTED.findall(str(detail["ctx"]["expected"]))
    found, hint = detail["input"], suggestion(detail["input"], options)
    if detail["loc"][-1] == "[key]":
        return Fault(steps, None, f"unknown key, must be {choice(options)}", hint)
    return Fault(steps, found, f"must be {choice(options)}", hint)


def _unknown_kind(steps: Steps, detail: ErrorDetails, _: Any) -> Fault:
    kind = detail["ctx"]["tag"]
    return Fault((*steps, "kind"), kind, f"must be {choice(COMPONENTS)}", suggestion(kind, COMPONENTS))


def _no_kind(steps: Steps, _: ErrorDetails, tree: Any) -> Fault:
    components = place_at(tree, steps[:-1])
    siblings = [name for name in components.value if name != steps[-1]] if components else []
    meant = nearest(steps[-1], siblings)
    # In an overlay, a misspelt component looks like a new one without a kind.
    hint = f"did you mean the component '{meant}'?" if meant else f"one of {choice(COMPONENTS)}"
    return Fault((*steps, "kind"), None, "is required", hint)


def _length(steps: Steps, detail: ErrorDetails, tree: Any) -> Fault:
    context, found = detail["ctx"], detail["input"]
    text = detail["type"].startswith("string")
    noun = "character" if text else "entry" if isinstance(found, dict) else "element"
    least = detail["type"].endswith("too_short")
    number = int(context["min_length" if least else "max_length"])
    bound = "exactly" if _fixed_length(steps, tree) else "at least" if least else "at most"
    plural = "" if number == 1 else "s"
    words = f"{bound} {number} {noun}{plural}".replace("entrys", "entries")
    return Fault(steps, found, f"must have {words}")


def _fixed_length(steps: Steps, tree: Any) -> bool:
    """Whether a list needs one element per quarter, stage or activity."""
    place = place_at(tree, steps[:-1])
    model = model_of(place) if place else None
    field = model.model_fields.get(str(steps[-1])) if model else None
    rules = field.metadata if field else []
    least = {rule.min_length for rule in rules if isinstance(rule, at.MinLen)}
    most = {rule.max_length for rule in rules if isinstance(rule, at.MaxLen)}
    return bool(least) and least == most


_WORDED: dict[str, Callable[[Steps, ErrorDetails, Any], Fault]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "literal_error": _literal,
    "union_tag_invalid": _unknown_kind,
    "union_tag_not_found": _no_kind,
    "too_short": _length,
    "too_long": _length,
    "string_too_short": _length,
    "string_too_long": _length,
}
