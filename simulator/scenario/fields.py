"""What the schema says about the value at a path: its type, bounds, unit, source and grade.

The walk goes down the schema and the tables of a scenario side by side, since dicts, lists and the kind of a
component depend on what is there. It needs no valid scenario: what is absent has its default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import annotated_types as at
from pydantic.fields import FieldInfo

from simulator.program.base import COMPONENTS, TableSpec
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import Steps, plain

_UNIT = re.compile(r"\s*\[([^\[\]]+)\]$")
OPEN_BOUND_GAP = 1e-6
"""Draws of an uncertain number stay this far from a bound that the number itself must not reach."""


@dataclass(frozen=True)
class Bounds:
    """An interval of permitted values; an open end is not itself permitted."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def hold(self, value: float) -> bool:
        """Whether `value` is permitted."""
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def closed(self) -> tuple[float, float]:
        """Ends of a closed interval inside, which draws are clipped to; infinite where there is no bound."""
        low = self.low + OPEN_BOUND_GAP if self.low_open else self.low
        high = self.high - OPEN_BOUND_GAP if self.high_open else self.high
        return low, high

    def rule(self) -> str:
        """In words: `must be between 0 and 1`; empty where there is no bound."""
        has_low, has_high = self.low > -math.inf, self.high < math.inf
        if has_low and has_high and not (self.low_open or self.high_open):
            return f"must be between {plain(self.low)} and {plain(self.high)}"
        parts = []
        if has_low:
            parts.append(f"{'above' if self.low_open else 'at least'} {plain(self.low)}")
        if has_high:
            parts.append(f"{'below' if self.high_open else 'at most'} {plain(self.high)}")
        return "must be " + " and ".join(parts) if parts else ""


@dataclass(frozen=True)
class Place:
    """One value of a scenario and what the schema says about it.

    annotation: its type; value: what stands there, a default where nothing does; meaning, unit, source,
    grade: as documented in the schema, for an element of a list or table those of the whole.
    """

    annotation: Any
    value: Any
    bounds: Bounds = Bounds()
    meaning: str = ""
    unit: str = ""
    source: str = "judgement"
    grade: str = "J"

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are permitted."""
        return self.annotation is int

    @property
    def numeric(self) -> bool:
        """Whether a number stands here."""
        return self.annotation in (int, float) and isinstance(self.value, int | float)


def place_at(tree: Any, steps: Steps) -> Place | None:
    """The place at `steps` of `tree` (nested dicts and lists), None where the schema or the tree has none.

    The tree of a file with another schema is given as the `Place` of its root.
    """
    place: Place | None = tree if isinstance(tree, Place) else Place(Scenario, tree)
    for step in steps:
        place = _child(place, step) if place is not None else None
    return place


def is_single(place: Place) -> bool:
    """Whether a single value stands at a place, or nothing, rather than a table or list."""
    return _keys(place) is None


def leaves(tree: Any) -> Iterator[tuple[Steps, Place]]:
    """All places of `tree` that hold no table or list, in the order of the schema.

    Distributions and correlations of uncertain numbers are left out: they speak of paths.
    """
    for steps, place in _leaves((), Place(Scenario, tree)):
        if steps[0] not in ("uncertainty", "correlation"):
            yield steps, place


def model_of(place: Place) -> type[TableSpec] | None:
    """The model of the table at a place; None where it is no table with fixed keys or of an unknown kind."""
    if isinstance(place.annotation, type) and issubclass(place.annotation, TableSpec):
        return place.annotation
    if _is_union(place.annotation):
        kind = place.value.get("kind") if isinstance(place.value, dict) else None
        return COMPONENTS.get(kind) if isinstance(kind, str) else None
    return None


def _leaves(steps: Steps, place: Place) -> Iterator[tuple[Steps, Place]]:
    keys = _keys(place)
    if keys is None:
        yield steps, place
        return
    for key in keys:
        below = _child(place, key)
        if below is not None:
            yield from _leaves((*steps, key), below)


def _keys(place: Place) -> list[str | int] | None:
    """What can follow in a path; None for a single value."""
    model, origin = model_of(place), get_origin(place.annotation)
    if place.value is None:
        return None
    if model is not None:
        return list(model.model_fields)
    if origin is dict and isinstance(place.value, dict):
        return list(place.value)
    if origin is tuple and isinstance(place.value, list | tuple):
        return list(range(len(place.value)))
    return None


def _child(place: Place, step: str | int) -> Place | None:
    keys = _keys(place)
    if keys is None or step not in keys:
        return None
    model = model_of(place)
    if model is not None:
        return replace(
            _described(model, str(step)), value=_value(place.value, model.model_fields[str(step)], str(step))
        )
    inner = get_args(place.annotation)[0 if isinstance(step, int) else 1]
    element = FieldInfo.from_annotation(inner)
    unwrapped = Place(_unwrapped(element.annotation), place.value[step], _bounds(tuple(element.metadata)))
    return _inheriting(unwrapped, place)


def _inheriting(element: Place, whole: Place) -> Place:
    return Place(
        element.annotation, element.value, element.bounds, whole.meaning, whole.unit, whole.source, whole.grade
    )


@cache
def _described(model: type[TableSpec], name: str) -> Place:
    """A field without its value."""
    field = model.model_fields[name]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    words = field.description or ""
    unit = _UNIT.search(words)
    return Place(
        _unwrapped(field.annotation),
        None,
        _bounds(tuple(field.metadata)),
        meaning=_UNIT.sub("", words),
        unit=unit.group(1) if unit else "",
        source=str(extra.get("source", "judgement")),
        grade=str(extra.get("grade", "J")),
    )


def _value(table: Any, field: FieldInfo, name: str) -> Any:
    if isinstance(table, dict) and name in table:
        return table[name]
    if isinstance(table, TableSpec):
        return getattr(table, name)
    return None if field.is_required() else field.get_default(call_default_factory=True)


@cache
def _bounds(metadata: tuple[Any, ...]) -> Bounds:
    ends: dict[str, Any] = {}
    for rule in metadata:
        if isinstance(rule, at.Ge | at.Gt):
            ends |= {"low": rule.ge if isinstance(rule, at.Ge) else rule.gt, "low_open": isinstance(rule, at.Gt)}
        if isinstance(rule, at.Le | at.Lt):
            ends |= {"high": rule.le if isinstance(rule, at.Le) else rule.lt, "high_open": isinstance(rule, at.Lt)}
    return Bounds(**ends)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _unwrapped(annotation: Any) -> Any:
    """The type without `Annotated` and `| None`; a union of component kinds stays as it is."""
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if _is_union(annotation):
        parts = [a for a in get_args(annotation) if a is not type(None)]
        return _unwrapped(parts[0]) if len(parts) == 1 else annotation
    return annotation
