"""Programs of a scenario file, as the text that stands there: its baseline was in force while an export came about."""

from __future__ import annotations

from pathlib import Path

from simulator.errors import fault
from simulator.scenario.load import read_text, toml_tree


def plan_text(path: Path) -> str:
    """The `[programs...]` tables of a file, comments included. Raises `InputError` where there is no baseline, or the
    programs are not written as tables."""
    text = read_text(path)
    programs = toml_tree(text, str(path)).get("programs", {})
    if "baseline" not in programs:
        raise fault(str(path), "programs.baseline", None, "is missing: the plan that was in force")
    kept: list[str] = []
    above: list[str] = []  # comments that stand over the next table
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.lstrip("[").split("]")[0].strip().split(".")[0] == "programs"
        if not line.strip() or line.startswith("#"):
            above.append(line)
            continue
        kept += [*above, line] if inside else []
        above = []
    found = "\n".join(kept).strip() + "\n"
    if toml_tree(found, str(path)).get("programs") != programs:
        raise fault(str(path), "programs", None, "must be written as tables, [programs.NAME...], each on its own line")
    return found
