"""Text for the screen: aligned tables, wrapped sentences, labels with their unit."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence


def with_unit(label: str, unit: str) -> str:
    """`Program cost [k USD]`."""
    return f"{label} [{unit}]" if unit else label


WIDTH = 110


_GAP = "  "


Row = tuple[str, list[str]]


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def wrap(lines: Sequence[str], width: int) -> str:
    """Lines broken at the width, continued with an indent."""
    return "\n".join(textwrap.fill(line, width, subsequent_indent="    ") for line in lines)


def text_table(head: Sequence[str], rows: Sequence[Row], width: int, key: str = "") -> str:
    """A table with right-aligned columns, in as many blocks of columns as the width asks for. key: head of the rows."""
    first = max([len(key), *(len(label) for label, _ in rows)])
    wide = [max([len(name), *(len(cells[k]) for _, cells in rows)]) for k, name in enumerate(head)]
    out = []
    for group in _groups(wide, width - first):
        lines = [key.ljust(first) + "".join(_GAP + head[k].rjust(wide[k]) for k in group)]
        lines += [label.ljust(first) + "".join(_GAP + cells[k].rjust(wide[k]) for k in group) for label, cells in rows]
        out.append("\n".join(line.rstrip() for line in lines))
    return "\n\n".join(out)


def _groups(wide: Sequence[int], room: int) -> list[list[int]]:
    groups: list[list[int]] = []
    used = 0
    for k, needed in enumerate(wide):
        if not groups or used + needed + len(_GAP) > room:
            groups.append([])
            used = 0
        groups[-1].append(k)
        used += needed + len(_GAP)
    return groups
