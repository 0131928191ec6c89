"""A scenario under examination: the parts that are valid by themselves, which checks across fields can use.

One faulty field must not hide the faults elsewhere. Names come from the raw tables, so a reference to a
faulty part is not reported as a reference to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from simulator.program.base import ComponentSpec, TierStatus, steps as steps_of
from simulator.program.governance import ReviewRule
from simulator.scenario.fields import Place, place_at
from simulator.scenario.market import Economy, Market, PartnerSegment, Territory
from simulator.scenario.schema import AnyComponent, Correlation, Uncertain
from simulator.scenario.uncertainty import parameter_faults, support
from simulator.scenario.validation.finding import Steps, dotted

K = TypeVar("K", str, int)
P = TypeVar("P")
_COMPONENT: TypeAdapter[ComponentSpec] = TypeAdapter(AnyComponent)


@dataclass(frozen=True)
class DraftProgram:
    """components, tiers, review: what is valid of a program, rules by position; tier_names: entry tier first, empty
    without tiers."""

    components: Mapping[str, ComponentSpec]
    tiers: TierStatus | None
    tier_names: tuple[str, ...]
    review: Mapping[int, ReviewRule]


@dataclass(frozen=True)
class ValidParts:
    """The valid parts of `tree`, a scenario as nested dicts and lists with overlays applied.

    unresolved: programs that could not be resolved and are not in the tree.
    """

    tree: Mapping[str, Any]
    markets: Mapping[str, Market]
    territories: Mapping[str, Territory]
    partners: Mapping[str, PartnerSegment]
    economy: Economy | None
    uncertain: Mapping[str, Uncertain]
    correlations: Mapping[int, Correlation]
    programs: Mapping[str, DraftProgram]
    unresolved: frozenset[str]

    def names(self, section: str) -> tuple[str, ...]:
        """All names in a table of the file, valid or not."""
        return tuple(table(self.tree, section))

    def place(self, path: str) -> Place | None:
        """The place at a dotted path, None where the scenario has none."""
        return place_at(self.tree, steps_of(path))

    def span(self, steps: Steps, value: float) -> tuple[float, float]:
        """The least and greatest value that the number at `steps`, written as `value`, can take."""
        uncertain = self.uncertain.get(dotted(steps))
        place = place_at(self.tree, steps)
        if uncertain is None or place is None or any(parameter_faults(uncertain)):
            return value, value
        return support(uncertain, *place.bounds.closed())


def draft(tree: Mapping[str, Any], unresolved: frozenset[str] = frozenset()) -> ValidParts:
    """The draft of a scenario given as nested dicts and lists."""
    return ValidParts(
        tree=tree,
        markets=_valid_parts(table(tree, "markets"), Market.model_validate),
        territories=_valid_parts(table(tree, "territories"), Territory.model_validate),
        partners=_valid_parts(table(tree, "partners"), PartnerSegment.model_validate),
        economy=_valid(tree.get("economy", {}), Economy.model_validate),
        uncertain=_valid_parts(table(tree, "uncertainty"), Uncertain.model_validate),
        correlations=_valid_parts(_numbered(tree.get("correlation")), Correlation.model_validate),
        programs={name: _program(raw) for name, raw in table(tree, "programs").items() if isinstance(raw, dict)},
        unresolved=unresolved,
    )


def _program(raw: Mapping[str, Any]) -> DraftProgram:
    tiers = raw.get("tiers")
    names: tuple[str, ...] = ()
    if isinstance(tiers, dict):
        names = (str(tiers.get("entry", TierStatus.model_fields["entry"].default)), *table(tiers, "levels"))
    return DraftProgram(
        components=_valid_parts(table(raw, "components"), _COMPONENT.validate_python),
        tiers=_valid(tiers, TierStatus.model_validate),
        tier_names=names,
        review=_valid_parts(_numbered(raw.get("review")), ReviewRule.model_validate),
    )


def table(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The table at `key` of `tree`, empty where there is none."""
    found = tree.get(key)
    return found if isinstance(found, dict) else {}


def _numbered(found: Any) -> dict[int, Any]:
    """The elements of a list by position; none where it is no list."""
    return dict(enumerate(found)) if isinstance(found, list) else {}


def _valid_parts(raws: Mapping[K, Any], validate: Callable[[Any], P]) -> dict[K, P]:
    parts = {name: _valid(raw, validate) for name, raw in raws.items()}
    return {name: part for name, part in parts.items() if part is not None}


def _valid(raw: Any, validate: Callable[[Any], P]) -> P | None:
    try:
        return validate(raw)
    except ValidationError:
        return None
