"""Run directories: written whole or not at all, never over an earlier one.

A run is built in a temporary directory beside its final place, flushed to disk, and renamed. Its manifest
says what was run, with what, and the SHA-256 of every file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.runs import totals
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario

SCHEMA_VERSION = 2
"""Version of the layout of run directories; 2 added identity, design, code and precision to the manifest."""
MANIFEST = "manifest.json"
_PACKAGES = (
    "incentive-sim", "numpy", "scipy", "pandas", "pyarrow", "pydantic", "matplotlib", "simpy", "cloudpickle",
    "click",
)  # fmt: skip
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)

Writer = Callable[[Path], None]
"""Writes one file at the given path."""


def write_run(
    parent: str | os.PathLike[str], name: str, files: Mapping[str, Writer], manifest: Mapping[str, Any]
) -> Path:
    """Write a run directory below `parent` and return it.

    name: wanted name, numbered if taken; files: by path inside the directory; manifest: what to note besides
    the checksums. If anything fails, nothing stays behind.
    """
    home = Path(parent)
    home.mkdir(parents=True, exist_ok=True)
    with _temporary(home, name) as place:
        for path, write in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            write(place / path)
        text = json.dumps({**manifest, "files": _checksums(place)}, indent=2, allow_nan=False)
        (place / MANIFEST).write_text(text + "\n", encoding="utf-8")
        _flush(place)
        final = _move(place, home, name)
    _flush_directory(home)
    return final


def run_name(simulated: SimulationResult, when: datetime) -> str:
    """`quickstart_seed7_20250131T120000Z_1a2b3c4d`; the hash is of what was asked for."""
    asked = (
        scenario_hash(simulated.scenario),
        simulated.seed,
        simulated.replications,
        simulated.engine,
        simulated.programs,
    )
    short = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", simulated.scenario.name.lower()).strip("-") or "run"
    return f"{slug[:40]}_seed{simulated.seed}_{when:%Y%m%dT%H%M%SZ}_{short}"


def manifest_of(simulated: SimulationResult, *, when: datetime, command: Sequence[str] = ()) -> dict[str, Any]:
    """What a study was run with: everything needed to repeat it."""
    names = ("programs", "seed", "replications", "engine")
    return manifest(simulated.scenario, when, command, **{name: getattr(simulated, name) for name in names})


def manifest(scenario: Scenario, when: datetime, command: Sequence[str], **asked: Any) -> dict[str, Any]:
    """What was run with what. asked: whatever else decides the figures."""
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": scenario.name,
        "scenario_sha256": scenario_hash(scenario),
        **{name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()},
        "command": list(command),
        "created": when.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "byteorder": sys.byteorder,
        "packages": versions(),
    }


def scenario_hash(scenario: Scenario) -> str:
    """SHA-256 of the resolved scenario."""
    return hashlib.sha256(json.dumps(scenario.tree(), sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str | None]:
    """Versions of the packages that results rest on; None where a package is not installed as one."""
    found: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def json_file(content: Any) -> Writer:
    """Writer of a JSON file."""
    return lambda path: _write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def table_file(table: pd.DataFrame) -> Writer:
    """Writer of a table as Parquet."""
    return lambda path: pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)


def replications_file(simulated: SimulationResult) -> Writer:
    """Writer of the totals of all replications."""
    return lambda path: totals.write(path, simulated.totals)


def verified(run: str | os.PathLike[str]) -> bool:
    """Whether all files of a run directory are there and as they were written."""
    place = Path(run)
    recorded = json.loads((place / MANIFEST).read_text(encoding="utf-8"))["files"]
    return bool(recorded == _checksums(place))


@contextmanager
def _temporary(home: Path, name: str) -> Iterator[Path]:
    """A directory beside the final one, gone at the end unless it was moved."""
    place = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=home))
    try:
        # mkdtemp keeps others out; a run is as readable as any directory made here.
        place.chmod(0o777 & ~_umask())
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _move(place: Path, home: Path, name: str) -> Path:
    """Rename to the first free name; a directory with content is never replaced by the system."""
    for attempt in range(1, 1000):
        final = home / (name if attempt == 1 else f"{name}-{attempt}")
        if os.path.lexists(final):
            continue
        try:
            place.rename(final)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            continue
        return final
    raise FileExistsError(errno.EEXIST, "too many runs of this name", str(home / name))


def _checksums(place: Path) -> dict[str, str]:
    files = sorted(p for p in place.rglob("*") if p.is_file() and p.name != MANIFEST)
    return {p.relative_to(place).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _flush(place: Path) -> None:
    """Bring all files and directories to disk before the rename makes them a run."""
    for path in sorted(place.rglob("*"), reverse=True):
        if path.is_dir():
            _flush_directory(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    _flush_directory(place)


def _flush_directory(place: Path) -> None:
    if os.name != "posix":  # elsewhere a directory cannot be opened
        return
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
