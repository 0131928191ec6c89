"""Partner and direct deals of a table that has neither dates nor amounts: what their contrast needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from simulator.calibrate.contrast import Contrast, contrast
from simulator.calibrate.files import Form, whole
from simulator.errors import InputError, Problem, fault
from simulator.scenario.finding import suggestion


@dataclass(frozen=True)
class Sides:
    """A contrast of a table. rows: in the table; left_out: by reason."""

    label: str
    rows: int
    left_out: dict[str, int]
    contrast: Contrast

    def __str__(self) -> str:
        out = [f"{count:,} rows left out: {reason}" for reason, count in self.left_out.items() if count]
        return "\n".join([f"{self.label}, {self.rows:,} rows: {self.contrast}", *out])

    def to_json(self) -> str:
        """All figures as JSON text."""
        tree = asdict(self)
        for name in ("ratio", "distinct"):
            found = getattr(self.contrast, name)
            if found is not None:
                tree["contrast"][name]["interval"] = found.interval()
        return json.dumps(tree, indent=2)


def read_contrast(
    path: Path, *, outcome: str, won: Sequence[str], lost: Sequence[str], side: str, partner: Sequence[str],
    direct: Sequence[str],
) -> Sides:  # fmt: skip
    """The contrast of a table of deals: column `outcome` with the values that mean won and lost, column `side` with
    those that mean a partner's deal and a direct one. Other rows are left out and counted.

    Raises `InputError` where a column is missing or a side has no won or no lost deals.
    """
    table = whole(path, Form())
    missing = [name for name in (outcome, side) if name not in table.columns]
    if missing:
        columns = [str(name) for name in table.columns]
        raise InputError([
            Problem(str(path), "columns", repr(name), "is not there", suggestion(name, columns) or ", ".join(columns))
            for name in missing
        ])  # fmt: skip
    decided = table[outcome].isin([*won, *lost])
    told = table[side].isin([*partner, *direct])
    used = table[decided & told]
    found = contrast(used[outcome].isin(won), used[side].isin(direct), used.duplicated())
    if found is None:
        counts = pd.crosstab(used[side], used[outcome]).to_dict("index")
        raise fault(str(path), "rows", None, f"both sides must have won and lost deals, found {counts}")
    return Sides(path.name, len(table), {
        f"{outcome} is none of {', '.join([*won, *lost])}": int((~decided).sum()),
        f"{side} is none of {', '.join([*partner, *direct])}": int((decided & ~told).sum()),
    }, found)  # fmt: skip
