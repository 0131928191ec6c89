"""Run directories: whole or absent, never overwriting, and telling what they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from simulator.runs import run_directory
from simulator.metrics.measure import measure
from simulator.studies.compare import Comparison
from tests import made_up

WHEN = datetime(2025, 1, 31, 12, 0, 5, tzinfo=UTC)


def text(content: str) -> run_directory.Writer:
    def write(path: Path) -> None:
        path.write_text(content)

    return write


def broken(path: Path) -> None:
    path.write_text("half")
    raise OSError("disk full")


def test_a_run_is_its_files_and_a_manifest_with_their_checksums(tmp_path: Path) -> None:
    run = run_directory.write_run(tmp_path / "deep" / "results", "r", {"a.txt": text("a"), "b/c.txt": text("c")}, {"x": 1})
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["x"] == 1
    # SHA-256 of "a", from sha256sum.
    assert manifest["files"]["a.txt"] == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert sorted(manifest["files"]) == ["a.txt", "b/c.txt"]
    assert run_directory.verified(run)
    (run / "a.txt").write_text("b")
    assert not run_directory.verified(run)


def test_nothing_stays_of_a_run_that_fails_half_way(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"):
        run_directory.write_run(tmp_path, "r", {"a.txt": text("a"), "b.txt": broken}, {})
    assert list(tmp_path.iterdir()) == []


def test_nothing_stays_if_the_move_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "not allowed")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError, match="not allowed"):
        run_directory.write_run(tmp_path, "r", {"a.txt": text("a")}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_not_there_before_it_is_whole(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def look(path: Path) -> None:
        seen.append([p.name for p in tmp_path.iterdir() if not p.name.startswith(".")])
        path.write_text("x")

    run_directory.write_run(tmp_path, "r", {"a.txt": text("a"), "b.txt": look}, {})
    assert seen == [[]]
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


def test_an_earlier_run_is_never_overwritten(tmp_path: Path) -> None:
    first = run_directory.write_run(tmp_path, "r", {"a.txt": text("first")}, {})
    (tmp_path / "r-2").mkdir()  # empty, so that the system would let it be replaced
    second = run_directory.write_run(tmp_path, "r", {"a.txt": text("second")}, {})
    assert ((first / "a.txt").read_text(), (second / "a.txt").read_text()) == ("first", "second")
    assert second.name == "r-3"
    assert list((tmp_path / "r-2").iterdir()) == []


def test_a_run_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        if target.name == "r" and not target.exists():
            target.mkdir()
            (target / "other.txt").write_text("other")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    run = run_directory.write_run(tmp_path, "r", {"a.txt": text("a")}, {})
    assert run.name == "r-2"
    assert [p.name for p in (tmp_path / "r").iterdir()] == ["other.txt"]


def test_the_name_says_what_ran_and_when() -> None:
    simulated = made_up.simulated(seed=7)
    name = run_directory.run_name(simulated, WHEN)
    assert name.startswith("small_seed7_20250131T120005Z_")
    assert name == run_directory.run_name(made_up.simulated(seed=7), WHEN)
    assert name[-8:] != run_directory.run_name(made_up.simulated(41, seed=7), WHEN)[-8:]


def test_manifest_says_what_is_needed_to_repeat_a_run() -> None:
    manifest = run_directory.manifest_of(made_up.simulated(seed=7), when=WHEN, command=["incentive-sim", "compare"])
    wanted = {
        "schema_version": 2, "seed": 7, "replications": 40, "engine": "vector",
        "programs": ["baseline", "growth"],
        "created": "2025-01-31T12:00:05+00:00", "command": ["incentive-sim", "compare"],
    }  # fmt: skip
    assert {key: manifest[key] for key in wanted} == wanted
    assert {"python", "platform", "machine", "scenario_sha256"} <= set(manifest)
    assert manifest["packages"]["numpy"]


def test_tables_hold_what_was_simulated(tmp_path: Path) -> None:
    simulated = made_up.simulated()
    for level in ("responsive", "strategic"):
        simulated.totals["growth", level]["cost.points"] = simulated.totals["growth", level]["cost"]
    study = Comparison(simulated, measure(simulated))
    run = study.save(tmp_path, plots=False)
    assert sorted(p.name for p in run.iterdir()) == [
        "comparison.json", "differences.parquet", "fitted.json", "ladder.parquet", "manifest.json", "metrics.parquet",
        "replications.parquet", "scenario.json", "summary.json",
    ]  # fmt: skip
    rows = pd.read_parquet(run / "replications.parquet", dtype_backend="pyarrow")
    assert len(rows) == 3 * 3 * 40
    own = rows[(rows["program"] == "growth") & (rows["level"] == "strategic")]
    assert list(own["cost"]) == list(simulated.totals["growth", "strategic"]["cost"])
    assert rows[rows["program"] == "baseline"]["cost.points"].isna().all()
    assert set(rows.dtypes[3:].astype(str)) == {"int64[pyarrow]"}
    assert json.loads((run / "comparison.json").read_text()) == json.loads(study.to_json())
    assert json.loads((run / "scenario.json").read_text()) == study.scenario.tree()
    pd.testing.assert_frame_equal(pd.read_parquet(run / "metrics.parquet"), study.metrics, check_dtype=False)
    assert run_directory.verified(run)
