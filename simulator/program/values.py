"""Numbers of a scenario by path, each ready to carry a replication axis.

A scenario holds plain numbers. While a program or a market is compiled every number is read through
`Numbers`, which answers with an array that broadcasts over (replications, partners): shape (1, 1) for a fixed
number, (R, 1) for one that is uncertain and has been drawn per replication.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from simulator.core.arrays import Array

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[str | int, ...]:
    """`a.b[0].c` as `("a", "b", 0, "c")`."""
    return tuple(name if name else int(index) for name, index in _STEP.findall(path))


def lookup(tree: Any, path: str) -> Any:
    """The value at `path` in nested dicts and lists; raises `KeyError` where there is none."""
    for step in steps(path):
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            raise KeyError(path) from None
    return tree


class Numbers:
    """Reader of numbers below a path, with the values drawn for uncertain ones.

    tree: the scenario as nested dicts and lists; drawn: path -> (R,) array of values per replication.
    """

    def __init__(self, tree: Any, drawn: Mapping[str, Array] | None = None, prefix: str = "") -> None:
        self._tree = tree
        self._drawn = drawn or {}
        self._prefix = prefix
        self._known: dict[str, Array] = {}

    def below(self, path: str) -> Numbers:
        """The same reader with `path` put in front of every path asked for."""
        return Numbers(self._tree, self._drawn, self._join(path))

    def zero(self, *paths: str) -> Numbers:
        """The same reader with the numbers at some paths set to 0."""
        return Numbers(self._tree, {**self._drawn, **{self._join(p): np.zeros(1) for p in paths}}, self._prefix)

    def __call__(self, path: str) -> Array:
        """The number at `path`, shape (1, 1) or (R, 1), read-only."""
        if path not in self._known:
            full = self._join(path)
            drawn = self._drawn[full] if full in self._drawn else [float(lookup(self._tree, full))]
            self._known[path] = np.array(drawn, dtype=float).reshape(-1, 1)
            self._known[path].setflags(write=False)
        return self._known[path]

    def _join(self, path: str) -> str:
        return f"{self._prefix}.{path}" if self._prefix else path
