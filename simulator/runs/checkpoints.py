"""A run under way: its chunks are kept on disk as they come, so that a run that was stopped goes on where it was.

Each run has a directory of its own, named after its identity (all that decides its figures), so different runs cannot
mix, and a lock keeps a second process out. A chunk is one file, written under a temporary name, flushed and renamed;
its name holds its SHA-256. A file that differs from it is not used: its replications are computed again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from simulator.core.errors import SimulatorError
from simulator.runs import totals as tables
from simulator.runs.totals import Totals

UNFINISHED = ".unfinished"
"""Directory below that of the runs."""
_NOTE = "run.json"


class CheckpointStore:
    """The chunks of one run. spans: (first, count) of those that are whole, in order."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._files: dict[int, tuple[int, Path]] = {}
        self.damaged = 0
        for path in sorted(place.glob("*.parquet")):
            first, count, digest = path.stem.split("_")
            if _digest(path.read_bytes()) == digest:
                self._files[int(first)] = int(count), path
            else:
                path.unlink()
                self.damaged += 1

    @property
    def spans(self) -> list[tuple[int, int]]:
        return sorted((first, count) for first, (count, _) in self._files.items())

    @property
    def replications(self) -> int:
        """How many replications are kept."""
        return sum(count for _, count in self.spans)

    def add(self, first: int, count: int, totals: Totals) -> None:
        """Keep a chunk; raises `SimulatorError` where it cannot be written, and what was kept before stays."""
        building = self._place / f"{first}.part"
        try:
            tables.write(building, totals, first)
            with building.open("rb+") as file:
                os.fsync(file.fileno())
            path = self._place / f"{first:09d}_{count}_{_digest(building.read_bytes())}.parquet"
            building.rename(path)
        except OSError as error:
            building.unlink(missing_ok=True)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise SimulatorError(
                f"{self._place}: a chunk cannot be written ({error.strerror or error}); {self.replications:,} "
                f"replications are kept; {'make room' if full else 'remove the cause'} and run the same command again"
            ) from error
        self._files[first] = count, path

    def totals(self, first: int, count: int) -> Totals:
        """Totals of `count` replications from `first` on, which must all be kept; columns are read when asked for."""
        columns: _Columns | None = None
        for begin, size in self.spans:
            at, stop = max(begin, first), min(begin + size, first + count)
            if at >= stop:
                continue
            part = tables.read(self._files[begin][1])
            columns = columns or _Columns(self._place, part, count)
            columns.fill(part, slice(at - begin, stop - begin), at - first)
        assert columns is not None
        return columns.totals

    def clear(self) -> None:
        """Forget everything: the run is stored as a whole elsewhere."""
        shutil.rmtree(self._place, ignore_errors=True)


class _Columns:
    """Columns of totals in a file without a name, which is gone with the last who reads it."""

    def __init__(self, place: Path, like: Totals, count: int) -> None:
        self.file = tempfile.TemporaryFile(dir=place)  # noqa: SIM115
        weakref.finalize(self, self.file.close)
        self.count = count
        start = np.cumsum([0, *(len(own) for own in like.values())])
        self._places = {
            key: {name: int(at) + k for k, name in enumerate(own)}
            for at, (key, own) in zip(start, like.items(), strict=False)
        }
        self.file.truncate(8 * count * int(start[-1]))

    def fill(self, part: Totals, rows: slice, at: int) -> None:
        """Write the `rows` of a chunk at replication `at`."""
        for key, own in self._places.items():
            for name, place in own.items():
                self.file.seek(8 * (place * self.count + at))
                self.file.write(np.ascontiguousarray(part[key][name][rows]).tobytes())
        self.file.flush()

    def column(self, place: int) -> NDArray[np.int64]:
        """A copy of one column, (N,)."""
        return np.array(np.memmap(self.file, np.int64, "r", 8 * self.count * place, (self.count,)))

    @property
    def totals(self) -> Totals:
        """All columns by program, behavior level and name."""
        return {key: _Lazy(self, own) for key, own in self._places.items()}


class _Lazy(Mapping[str, NDArray[np.int64]]):
    """Columns by name, each read from the file when it is asked for."""

    def __init__(self, columns: _Columns, places: Mapping[str, int]) -> None:
        self._columns, self._places = columns, places

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        return self._columns.column(self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@contextmanager
def keeping(parent: str | os.PathLike[str], identity: str, command: Sequence[str] = ()) -> Iterator[CheckpointStore]:
    """The chunks of the run of this identity below `parent`; raises `SimulatorError` if it is under way already."""
    home = Path(parent) / UNFINISHED
    place = home / identity[:16]
    place.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        busy = "the same run is under way in another process; wait for it, or stop it"
        raise SimulatorError(f"{place}: {busy}") from None
    try:
        for path in place.glob("*.part"):
            path.unlink()
        (place / _NOTE).write_text(json.dumps({"command": list(command)}) + "\n", encoding="utf-8")
        yield CheckpointStore(place)
    finally:
        if not any(place.glob("*.parquet")):
            shutil.rmtree(place, ignore_errors=True)
        lock.release()
        if not place.exists():
            Path(lock.lock_file).unlink(missing_ok=True)
            with suppress(OSError):  # there are other runs
                home.rmdir()
                home.parent.rmdir()


def unfinished(parent: str | os.PathLike[str]) -> Iterator[tuple[Path, int, Any]]:
    """(directory, replications kept, command) of each run below `parent` that was stopped."""
    for note in sorted((Path(parent) / UNFINISHED).glob(f"*/{_NOTE}")):
        kept = sum(int(path.stem.split("_")[1]) for path in note.parent.glob("*.parquet"))
        yield note.parent, kept, json.loads(note.read_text(encoding="utf-8"))["command"]


def gaps(spans: Sequence[tuple[int, int]], first: int, stop: int, size: int) -> list[tuple[int, int]]:
    """What `spans` leave of the replications from `first` to before `stop`, in parts (first, count) of up to `size`."""
    parts, at = [], first
    for begin, count in [*spans, (stop, 0)]:
        end = min(begin, stop)
        parts += [(k, min(size, end - k)) for k in range(at, end, size)]
        at = max(at, begin + count)
    return parts


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
