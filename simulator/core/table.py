"""A growing table of named columns, the flat store of deals and claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ColumnTable:
    """Columns of equal length that grow by appending; a column is read as `table["name"]`, a view of its rows.

    columns: name -> numpy type, or (type, width) for a column of shape (rows, width).
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._types = dict(columns)
        self._store: dict[str, NDArray[Any]] = {name: np.empty(0, dtype=t) for name, t in columns.items()}
        self._room = 0
        self.rows = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._store[name][: self.rows]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self._types)

    def reserve(self, rows: int) -> None:
        """Make room for `rows` more."""
        if self.rows + rows <= self._room:
            return
        self._room = self.rows + rows
        for name, old in self._store.items():
            new = np.empty(self._room, dtype=self._types[name])
            new[: self.rows] = old[: self.rows]
            self._store[name] = new

    def append(self, count: int, **values: Any) -> NDArray[np.int64]:
        """Append rows, every column given, and return their numbers."""
        start, stop = self.rows, self.rows + count
        if stop > self._room:
            self.reserve(max(count, self.rows // 2, 256))
        for name, column in self._store.items():
            column[start:stop] = values[name]
        self.rows = stop
        return np.arange(start, stop)

    def take(self, rows: NDArray[Any]) -> ColumnTable:
        """A table of the given rows."""
        other = ColumnTable(self._types)
        other._store = {name: column[: self.rows][rows] for name, column in self._store.items()}
        other.rows = other._room = len(other._store[next(iter(self._types))]) if self._types else len(rows)
        return other

    def copy(self, room: int = 0) -> ColumnTable:
        """An independent copy with room for `room` more rows."""
        other = ColumnTable(self._types)
        other.rows = 0
        other.reserve(self.rows + room)
        for name, column in self._store.items():
            other._store[name][: self.rows] = column[: self.rows]
        other.rows = self.rows
        return other
