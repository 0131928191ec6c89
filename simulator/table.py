"""A growing table of named columns, the flat store of deals and claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Table:
    """Columns of equal length that grow by appending; a column is read as `table["name"]`, a view of its rows."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._types = dict(columns)
        self._store: dict[str, NDArray[Any]] = {name: np.empty(0, dtype=t) for name, t in columns.items()}
        self.rows = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._store[name][: self.rows]

    def append(self, count: int, **values: Any) -> NDArray[np.int64]:
        """Append rows and return their numbers; columns not given are 0."""
        start, stop = self.rows, self.rows + count
        if self._store and stop > len(next(iter(self._store.values()))):
            size = max(stop, 2 * start, 256)
            for name, old in self._store.items():
                new = np.zeros(size, dtype=self._types[name])
                new[:start] = old[:start]
                self._store[name] = new
        for name, value in values.items():
            self._store[name][start:stop] = value
        self.rows = stop
        return np.arange(start, stop)

    def copy(self) -> Table:
        """An independent copy, with room to grow only where it is needed."""
        other = Table(self._types)
        other._store = {name: column[: self.rows].copy() for name, column in self._store.items()}
        other.rows = self.rows
        return other
