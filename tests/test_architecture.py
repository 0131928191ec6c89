"""The house rules that a script can hold: imports go one way, pure rooms stay pure, files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "simulator"
ORDER = (
    ("errors", "table", "totals"),
    ("kept", "workers"),
    ("program",),
    ("scenario",),
    ("streams",),
    ("model",),
    ("vectors",),
    ("world", "joint", "disputes", "parameters", "population"),
    ("engines",),
    ("fit",),
    ("run",),
    ("results",),
    ("stored",),
    ("stats",),
    ("pilots",),
    ("progress",),
    ("studies", "calibrate"),
    ("report",),
    ("cli", "__init__", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
DRAWN_BY = {("studies", "report"), ("calibrate", "report")}
"""A study, of which a calibration is one, draws itself when it is asked to: the one call upwards."""
IMPURE = {"os", "pathlib", "time", "random", "simpy", "pandas", "matplotlib", "subprocess", "datetime"}
PURE = ("program", "model")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def runtime_imports(path: Path) -> set[str]:
    """Dotted names imported when the module runs; imports for type checking alone are left out."""
    found: set[str] = set()
    skipped: set[ast.AST] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(child for part in node.body for child in ast.walk(part))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downwards(path: Path) -> None:
    mine = LEVEL[room(path)]
    for name in runtime_imports(path):
        top, _, rest = name.partition(".")
        target = rest.split(".")[0]
        if top != "simulator" or target in ("", room(path)) or (room(path), target) in DRAWN_BY:
            continue
        assert LEVEL[target] <= mine, f"{path.name} must not import {name}"


@pytest.mark.parametrize("path", [p for p in modules() if room(p) in PURE], ids=lambda p: p.name)
def test_rules_know_no_files_clocks_or_chance(path: Path) -> None:
    outside = {name.split(".")[0] for name in runtime_imports(path)}
    assert not outside & IMPURE
    assert "numpy.random" not in path.read_text(encoding="utf-8")


def test_only_the_event_engine_knows_simpy() -> None:
    users = {room(p) + "/" + p.name for p in modules() if any(n.startswith("simpy") for n in runtime_imports(p))}
    assert users == {"engines/events.py", "engines/agents.py"}


def test_chance_comes_from_the_streams_alone() -> None:
    for path in modules():
        text = path.read_text(encoding="utf-8")
        assert "default_rng" not in text, path
        assert "np.random" not in text, path


def test_files_stay_small() -> None:
    long = {str(p): n for p in modules() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long


def test_the_rules_would_catch_an_upward_import(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("from simulator.report.figures import cost\nimport simpy\n", encoding="utf-8")
    found = runtime_imports(planted)
    assert found == {"simulator.report.figures", "simpy"}
    assert LEVEL["report"] > LEVEL["program"]
