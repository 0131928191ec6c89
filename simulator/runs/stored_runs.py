"""Stored runs: found, checked, and read back as what was simulated.

A run's identity is the SHA-256 of all that decides its figures: the resolved scenario, programs, seed, replications or
precision, engine, design, and the code. Equal identity means equal figures, so such a run need not be computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.core.errors import SimulatorError, fault
from simulator.runs import totals
from simulator.runs.designs import Design, Independent, Sobol
from simulator.runs.run_directory import MANIFEST, SCHEMA_VERSION, verified
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario

LATEST = "latest"
"""Name of the newest comparison."""
OLDEST = 1
"""Oldest layout that can be read."""


@dataclass(frozen=True)
class StoredRun:
    """A run directory that is whole. place: where; manifest: what was run with what."""

    place: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the directory."""
        return self.place.name

    def json(self, file: str) -> Any:
        """The content of a JSON file of the run."""
        return json.loads((self.place / file).read_text(encoding="utf-8"))

    @property
    def is_comparison(self) -> bool:
        """Whether it was written by `compare`; other studies keep tables of their own."""
        return (self.place / "comparison.json").is_file()

    def scenario(self) -> Scenario:
        """What was simulated; raises `SimulatorError` where the schema has changed since."""
        tree = self.json("scenario.json")
        try:
            return Scenario.model_validate(tree)
        except ValidationError as error:
            raise SimulatorError(
                f"{self.place}: its scenario is of another version of the schema and cannot be read; the figures are "
                "in comparison.json"
            ) from error

    def simulated(self) -> SimulationResult:
        """The outcomes of every replication; raises `SimulatorError` where the run is no comparison."""
        if not self.is_comparison:
            raise SimulatorError(f"{self.place}: is no run of compare; `incentive-sim show` prints its tables")
        m = self.manifest
        return SimulationResult(
            self.scenario(), tuple(m["programs"]), m["seed"], m["replications"], m["engine"],
            totals.read(self.place / "replications.parquet"), self.json("fitted.json"),
            _design(self.place, m.get("design", {"kind": "Sobol"})),
        )  # fmt: skip


def identity(
    scenario: Scenario,
    *,
    programs: tuple[str, ...],
    seed: int,
    engine: str,
    size: Mapping[str, Any],
    design: Any,
    gaming_detail: bool = False,
) -> str | None:
    """Hash of all that decides the figures of a run; None for a design that is not described in full.

    size: replications, or the precision asked for; design: see `described`.
    """
    if design is None:
        return None
    # In the order of the file: the dimension of an uncertain number is its place.
    asked = (scenario.tree(), list(programs), seed, engine, dict(size), design, gaming_detail, code_hash())
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def described(design: Design) -> dict[str, Any] | None:
    """A design in words that it can be made again from; None where there are none."""
    if isinstance(design, Sobol):
        return {"kind": "Sobol", "scrambles": design.scrambles}
    return {"kind": "Independent"} if isinstance(design, Independent) else None


@cache
def code_hash() -> str:
    """SHA-256 of the package's sources."""
    home, total = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(home.rglob("*.py")):
        total.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def find(run: str | os.PathLike[str], parent: str | os.PathLike[str] = "results") -> StoredRun:
    """The run at a path, or of that name below `parent`; `latest` is the newest comparison there.

    Raises `InputError` where there is none, and `SimulatorError` where it is damaged or of a newer layout.
    """
    if str(run) == LATEST:
        return _checked(_latest(parent))
    given, below = Path(run), Path(parent) / run
    place = given if (given / MANIFEST).is_file() else below
    if not (place / MANIFEST).is_file():
        raise fault(str(run), "run", None, "is no run directory", f"`incentive-sim runs --out {parent}` lists them")
    return _checked(StoredRun(place, _manifest(place)))


def _latest(parent: str | os.PathLike[str]) -> StoredRun:
    found = [run for _, run in stored(parent) if isinstance(run, StoredRun) and run.is_comparison]
    if not found:
        raise fault(str(parent), "run", LATEST, "there is no comparison yet", "run incentive-sim compare first")
    return found[-1]


def stored(parent: str | os.PathLike[str] = "results") -> Iterator[tuple[Path, StoredRun | SimulatorError]]:
    """All runs below `parent`, the oldest first; an error instead of each that cannot be read."""
    home = Path(parent)
    places = [p for p in home.iterdir() if (p / MANIFEST).is_file()] if home.is_dir() else []
    found: list[tuple[str, Path, StoredRun | SimulatorError]] = []
    for place in places:
        try:
            run = StoredRun(place, _manifest(place))
            found.append((str(run.manifest.get("created", "")), place, run))
        except SimulatorError as error:
            found.append(("", place, error))
    for _, place, got in sorted(found, key=lambda row: (row[0], row[1].name)):
        yield place, got


def same(wanted: str | None, parent: str | os.PathLike[str]) -> StoredRun | None:
    """The latest undamaged run of the identity `wanted`."""
    if wanted is None:
        return None
    runs = [run for _, run in stored(parent) if isinstance(run, StoredRun) and run.manifest.get("identity") == wanted]
    return next((run for run in reversed(runs) if verified(run.place)), None)


def _manifest(place: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        version = int(manifest["schema_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise SimulatorError(f"{place}: its manifest is damaged, so nothing of it can be trusted") from error
    if not OLDEST <= version <= SCHEMA_VERSION:
        raise SimulatorError(
            f"{place}: has layout {version}, and this version reads {OLDEST} to {SCHEMA_VERSION}; "
            "use the version that its manifest names"
        )
    return dict(manifest)


def _checked(run: StoredRun) -> StoredRun:
    if not verified(run.place):
        raise SimulatorError(f"{run.place}: files differ from their checksums in {MANIFEST}; the run is damaged")
    return run


def _design(place: Path, words: Mapping[str, Any] | None) -> Design:
    if words is None:
        raise SimulatorError(f"{place}: its design of points was given by hand and is not stored")
    return Independent() if words["kind"] == "Independent" else Sobol(words.get("scrambles", 1))
