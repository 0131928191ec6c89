"""The house rules: rooms import downwards, without circles; SimPy and randomness stay in their places.

Imports inside functions and imports for type checking count like any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "simulator"
LEVELS = (
    ("core",),
    ("program",),
    ("scenario",),
    ("world",),
    ("behavior",),
    ("engines",),
    ("reference",),
    ("runs", "stats"),
    ("metrics",),
    ("pilots", "report"),
    ("studies",),
    ("calibration", "notebook"),
    ("cli",),
    ("__init__", "__main__"),
)
"""Rooms from the bottom up: a room imports itself and rooms of lower levels, never a neighbour on its own level."""
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
SIMPY_USERS = "simulator.engines.events"
RANDOM_OWNER = "simulator.core.streams"
PURE = ("program", "behavior")
"""Rooms of rules: no files, clocks, data frames or figures."""
STILL_CIRCULAR = ("simulator.engines.events", "simulator.scenario")
"""Our own violations, to be removed: modules of these packages import each other in circles."""
LONGEST = 700
"""Lines of a file at most."""
IMPURE = frozenset({"datetime", "matplotlib", "os", "pandas", "pathlib", "random", "subprocess", "time"})

Sources = dict[str, str]


def sources() -> Sources:
    """Dotted name of every module of the package, and its text."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__") if len(parts) > 2 else ".".join(parts)] = path.read_text(
            "utf-8"
        )
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def imported(text: str, modules: Iterable[str]) -> set[str]:
    """Dotted names of what a module imports anywhere in its text, submodules told from names."""
    known, found = set(modules), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(inner & known or {node.module})
    return found


def upward(modules: Sources) -> list[str]:
    """Imports of a room above, or of a neighbour on the same level."""
    found = []
    for module, text in modules.items():
        for target in imported(text, modules):
            if not target.startswith("simulator."):
                continue
            mine, theirs = room(module), room(target)
            if theirs != mine and LEVEL[theirs] >= LEVEL[mine]:
                found.append(f"{module} imports {target}")
    return found


def circle(modules: Sources) -> list[str]:
    """A circle of modules that import each other, empty where there is none."""
    graph: dict[str, set[str]] = {}
    for module, text in modules.items():
        mine = _node(module)
        graph.setdefault(mine, set()).update({_node(m) for m in imported(text, modules) & set(modules)} - {mine})
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def _node(module: str) -> str:
    """The module, or the package it belongs to where circles within it are still to be mended."""
    return next((p for p in STILL_CIRCULAR if module == p or module.startswith(f"{p}.")), module)


def misplaced(modules: Sources) -> list[str]:
    """Modules that know SimPy, or that are impure in a room of rules."""
    found = []
    for module, text in modules.items():
        outside = {name.split(".")[0] for name in imported(text, modules)}
        if "simpy" in outside and not module.startswith(SIMPY_USERS):
            found.append(f"{module} knows SimPy")
        if room(module) in PURE and outside & IMPURE:
            found.append(f"{module} imports {', '.join(sorted(outside & IMPURE))}")
    return found


def random_users(modules: Sources) -> list[str]:
    """Modules other than the streams that reach for a random generator."""
    names = ("np.random", "numpy.random", "default_rng", "import random", "from random")
    return [m for m, text in modules.items() if m != RANDOM_OWNER and any(name in text for name in names)]


def private_or_double(modules: Sources) -> list[str]:
    """Private names imported from another module, classes of one name, and files that are too long."""
    found, classes = [], dict[str, str]()
    for module, text in modules.items():
        if text.count("\n") > LONGEST:
            found.append(f"{module} has more than {LONGEST} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("simulator"):
                names = [alias.name for alias in node.names if alias.name.startswith("_")]
                found += [f"{module} imports {name}" for name in names]
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                if node.name in classes:
                    found.append(f"{node.name} stands in {classes[node.name]} and in {module}")
                classes[node.name] = module
    return found


RULES = {
    "a room imports only rooms below it": (
        upward,
        "simulator.program.planted",
        "from simulator.studies.compare import compare",
    ),
    "no circle of imports": (
        circle,
        "simulator.core.arrays",
        "import simulator.program.schedule",
    ),
    "SimPy stays in the event engine, rules stay pure": (misplaced, "simulator.engines.vector.planted", "import simpy"),
    "nothing private is imported, no two classes share a name": (
        private_or_double,
        "simulator.world.planted",
        "class Scenario: ...",
    ),
    "randomness comes from the streams": (
        random_users,
        "simulator.world.planted",
        "import numpy as np\nu = np.random.rand()",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_its_rules(rule: str) -> None:
    """Each rule holds, and a planted violation of it is found."""
    find, module, violation = RULES[rule]
    modules = sources()
    assert find(modules) == []
    assert find({**modules, module: violation}) != []
