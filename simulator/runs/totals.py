"""Totals of replications by program and behavior level, and how they are written: a row for each of the three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Totals = dict[tuple[str, str], Mapping[str, NDArray[np.int64]]]
"""(program, behavior level) -> total -> (N,) whole numbers, money in cents."""
_KEYS = ("program", "level", "replication")
_ROWS = 50_000
"""Replications written at once, so that writing takes little memory however many there are."""


def joined(parts: Sequence[Totals]) -> Totals:
    """Totals of replications that follow each other, as one."""
    return {
        key: {name: np.concatenate([p[key][name] for p in parts]) for name in totals}
        for key, totals in parts[0].items()
    }


def write(path: Path, totals: Totals, first: int = 0) -> None:
    """Write totals as Parquet; null where a program has none. first: number of the first replication."""
    names = list(dict.fromkeys(name for own in totals.values() for name in own))
    schema = pa.schema(
        [("program", pa.string()), ("level", pa.string()), ("replication", pa.int64())]
        + [(n, pa.int64()) for n in names]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for (program, level), own in totals.items():
            count = len(next(iter(own.values())))
            for at in range(0, count, _ROWS):
                writer.write_table(_rows(schema, (program, level), own, first, slice(at, min(at + _ROWS, count))))


def read(path: Path) -> Totals:
    """Totals as they were written, in their order."""
    table = pq.read_table(path).to_pandas()
    totals: Totals = {}
    for (program, level), rows in table.groupby(["program", "level"], sort=False):
        there = rows.drop(columns=list(_KEYS)).dropna(axis=1, how="all")
        totals[program, level] = {str(name): there[name].to_numpy(dtype=np.int64) for name in there}
    return totals


def _rows(schema: Any, key: tuple[str, str], own: Mapping[str, Any], first: int, part: slice) -> Any:
    count = part.stop - part.start
    columns = [pa.array([name] * count) for name in key]
    columns.append(pa.array(np.arange(first + part.start, first + part.stop)))
    for name in schema.names[len(_KEYS) :]:
        columns.append(pa.array(own[name][part]) if name in own else pa.nulls(count, pa.int64()))
    return pa.Table.from_arrays(columns, schema=schema)
