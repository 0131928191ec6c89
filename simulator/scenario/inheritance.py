"""Candidates as overlays: `extends = "NAME"` merges a sparse program over another one.

Tables merge key by key; lists, and components whose `kind` changes, are replaced whole. `remove = [...]`
takes components out before the merge. A label is not inherited. It is remembered which program each part was
written in, so that a fault is reported where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.scenario.validation.finding import Fault, Steps, suggestion

RESERVED = "none"
OVERLAY_KEYS = ("extends", "remove")

Table = dict[str, Any]
Owners = dict[Steps, str]
"""The program that each key below a program was written in; what is not listed belongs with what holds it."""


@dataclass(frozen=True)
class Programs:
    """Programs with their overlays applied.

    tables: by name, in file order; owners: by program; unresolved: programs whose overlay is at fault, left
    out of `tables`; findings: the faults.
    """

    tables: dict[str, Any] = field(default_factory=dict)
    owners: dict[str, Owners] = field(default_factory=dict)
    unresolved: frozenset[str] = frozenset()
    findings: tuple[Fault, ...] = ()

    def written_at(self, steps: Steps) -> Steps:
        """Where the value at `steps` of the merged scenario was written: its program or an extended one."""
        if len(steps) < 3 or steps[0] != "programs":
            return steps
        owners = self.owners.get(str(steps[1]), {})
        below = steps[2:]
        for length in range(len(below), -1, -1):
            if below[:length] in owners:
                return ("programs", owners[below[:length]], *below)
        return steps


def resolve(raw: Table) -> Programs:
    """Apply all overlays of the raw `programs` table."""
    resolver = _Resolver(raw)
    for name in raw:
        resolver.settle(name, ())
    settled = {name: done for name, done in resolver.settled.items() if done is not None}
    return Programs(
        tables={name: settled[name][0] for name in raw if name in settled},
        owners={name: owners for name, (_, owners) in settled.items()},
        unresolved=frozenset(name for name in raw if name not in settled),
        findings=tuple(resolver.findings),
    )


class _Resolver:
    """Settles programs after those that they extend. One settled as None is at fault or rests on a fault."""

    def __init__(self, raw: Table) -> None:
        self.settled: dict[str, tuple[Any, Owners] | None] = {}
        self.findings: list[Fault] = []
        self._raw = raw

    def settle(self, name: str, chain: tuple[str, ...]) -> None:
        """Settle `name`; chain: the programs that wait for it."""
        if name in self.settled:
            return
        table = self._raw[name]
        if name == RESERVED:
            self.settled[name] = None
            self._report(
                name, (), None, "the name is reserved for the built-in program without components", "rename it"
            )
        elif isinstance(table, dict) and "extends" in table:
            self.settled[name] = self._extended(name, table, chain)
        else:
            self.settled[name] = self._alone(name, table)

    def _alone(self, name: str, table: Any) -> tuple[Any, Owners]:
        if isinstance(table, dict) and "remove" in table:
            self._report(
                name, ("remove",), table["remove"], "nothing to remove from, as the program extends no other",
                "add extends = \"baseline\"",
            )  # fmt: skip
            table = {key: value for key, value in table.items() if key != "remove"}
        owners: Owners = {}
        _own(owners, table, name, ())
        return table, owners

    def _extended(self, name: str, table: Table, chain: tuple[str, ...]) -> tuple[Table, Owners] | None:
        base = self._base(name, table["extends"], chain)
        if base is None:
            return None
        below = {key: value for key, value in base[0].items() if key != "label"}
        owners = dict(base[1])
        if not self._remove(name, table.get("remove", []), below, owners):
            return None
        overlay = {key: value for key, value in table.items() if key not in OVERLAY_KEYS}
        merged = _merged(below, overlay, name, (), owners)
        if _unlabelled(merged) == _unlabelled(base[0]):
            self._report(
                name, (), None, f"changes nothing of '{table['extends']}'",
                "overlay at least one value, or remove a component",
            )  # fmt: skip
            return None
        return merged, owners

    def _base(self, name: str, base: Any, chain: tuple[str, ...]) -> tuple[Table, Owners] | None:
        """The settled program that `name` extends, None where there is none."""
        here = (*chain, name)
        if base == RESERVED:
            self._report(name, ("extends",), base, "the built-in program has nothing to extend", "leave 'extends' out")
        elif not isinstance(base, str) or base not in self._raw:
            others = [other for other in self._raw if other != name]
            self._report(name, ("extends",), base, "must be the name of a program", suggestion(base, others))
        elif base in here:
            circle = " -> ".join((*here[here.index(base) :], base))
            self._report(name, ("extends",), base, f"programs extend each other in a circle: {circle}")
        else:
            self.settle(base, here)
            settled = self.settled[base]
            return settled if settled is not None and isinstance(settled[0], dict) else None
        return None

    def _remove(self, name: str, removed: Any, below: Table, owners: Owners) -> bool:
        """Take components out of `below`; False where the list is at fault."""
        if not isinstance(removed, list):
            self._report(name, ("remove",), removed, "must be a list of component names")
            return False
        present = below.get("components", {})
        components = dict(present) if isinstance(present, dict) else {}
        for position, component in enumerate(removed):
            if not isinstance(component, str) or component not in components:
                hint = suggestion(component, components)
                self._report(name, ("remove", position), component, "no such component in the extended program", hint)
                return False
            del components[component]
            _forget(owners, ("components", component))
        if removed:
            below["components"] = components
        return True

    def _report(self, name: str, steps: Steps, value: object, rule: str, hint: str = "") -> None:
        self.findings.append(Fault(("programs", name, *steps), value, rule, hint))


def _merged(base: Table, overlay: Table, owner: str, below: Steps, owners: Owners) -> Table:
    """`overlay` over `base`; notes in `owners` what it wrote. Neither table is changed."""
    merged = dict(base)
    for key, value in overlay.items():
        steps = (*below, key)
        if key in base and _merge_deep(base[key], value, below):
            merged[key] = _merged(base[key], value, owner, steps, owners)
            owners[steps] = owner
        else:
            merged[key] = value
            _forget(owners, steps)
            _own(owners, value, owner, steps)
    return merged


def _merge_deep(base: Any, overlay: Any, below: Steps) -> bool:
    if not isinstance(base, dict) or not isinstance(overlay, dict):
        return False
    other_kind = below == ("components",) and "kind" in overlay and overlay["kind"] != base.get("kind")
    return not other_kind


def _own(owners: Owners, value: Any, owner: str, steps: Steps) -> None:
    owners[steps] = owner
    if isinstance(value, dict):
        for key, part in value.items():
            _own(owners, part, owner, (*steps, key))


def _forget(owners: Owners, steps: Steps) -> None:
    for known in [known for known in owners if known[: len(steps)] == steps]:
        del owners[known]


def _unlabelled(program: Table) -> Table:
    return {key: value for key, value in program.items() if key != "label"}
