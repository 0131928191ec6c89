"""Remarks on rows, in the order of reading."""

from __future__ import annotations

import pandas as pd

from simulator.calibrate.findings import Kind, Remark


class Log:
    """Collects remarks; a count of zero is not worth one unless asked for."""

    def __init__(self) -> None:
        self.remarks: list[Remark] = []

    def add(self, kind: Kind, reason: str, count: int, detail: str = "", *, always: bool = False) -> None:
        if count or always:
            self.remarks.append(Remark(kind, reason, int(count), detail))

    def drop(self, table: pd.DataFrame, bad: pd.Series, reason: str) -> pd.DataFrame:
        """`table` without the rows marked `bad`, counted under `reason`."""
        self.add("dropped", reason, int(bad.sum()))
        return table[~bad] if bad.any() else table
