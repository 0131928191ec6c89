"""What must hold across the fields of market shocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.scenario.draft import Draft, table
from simulator.scenario.finding import Finding, Steps, plain, suggestion


def shock_findings(draft: Draft) -> Iterator[Finding]:
    """All faults across the fields of the shocks."""
    shocks = table(draft.tree, "shocks")
    for kind in ("demand", "price", "competitor"):
        for steps, shock in _rows(shocks, kind):
            yield from _spell(steps, shock)
            yield from _names(draft, steps, shock, "partners" if kind == "competitor" else "markets")
    for steps, shock in _rows(shocks, "departure"):
        yield from _who(draft, steps, shock)


def _rows(shocks: Mapping[str, Any], kind: str) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    rows = shocks.get(kind)
    for position, row in enumerate(rows if isinstance(rows, list | tuple) else ()):
        if isinstance(row, dict):
            yield ("shocks", kind, position), row


def _spell(steps: Steps, shock: Mapping[str, Any]) -> Iterator[Finding]:
    start, stop = shock.get("from_week"), shock.get("until_week")
    if isinstance(start, int) and isinstance(stop, int) and not stop > start:
        yield Finding((*steps, "until_week"), stop, f"must be after from_week, which is {plain(start)}")


def _names(draft: Draft, steps: Steps, shock: Mapping[str, Any], section: str) -> Iterator[Finding]:
    known, names = draft.names(section), shock.get(section)
    what = "partner segment" if section == "partners" else "market"
    for position, name in enumerate(names if isinstance(names, list | tuple) else ()):
        if isinstance(name, str) and name not in known:
            yield Finding((*steps, section, position), name, f"names no {what}", suggestion(name, known))


def _who(draft: Draft, steps: Steps, shock: Mapping[str, Any]) -> Iterator[Finding]:
    name, rank = shock.get("partner"), shock.get("rank")
    if (name is None) == (rank is None):
        yield Finding(steps, None, "needs either partner or rank", "give one of the two")
        return
    count = {segment: spec.count for segment, spec in draft.partners.items()}
    if isinstance(name, str):
        segment, dash, number = name.rpartition("-")
        if dash and segment in draft.names("partners") and segment not in count:
            return
        if not (number.isdigit() and 1 <= int(number) <= count.get(segment, 0)):
            known = [f"{segment}-{n}" for segment, most in count.items() for n in (1, most)]
            yield Finding((*steps, "partner"), name, "names no partner", suggestion(name, known))
    elif isinstance(rank, int) and len(count) == len(draft.names("partners")) and rank > sum(count.values()):
        yield Finding((*steps, "rank"), rank, f"must be at most {sum(count.values())}, the number of partners")
