"""The estimate of what a run costs: its arithmetic by hand, and its place on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simulator.cli import main
from simulator.run import CHUNK, chunk_size
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.studies import cost_of_run as module
from simulator.studies.cost_of_run import CostOfRun, _Slice, cost_of_run
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, HEAD

TEXT = (HEAD + BASELINE).replace("count = 6", "count = 2").replace("horizon_weeks = 39", "horizon_weeks = 13")


def test_time_memory_and_disk_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # A chunk of 1 takes 1.2 s, of 9 takes 2.0 s: .1 s a replication and 1.1 s a chunk. 520 replications in 3 chunks of
    # 174 at most: 3.3 + 52 = 55.3 s. Memory: 20 MB and 36 MB are 18 + 2 n: 366 MB above what every process takes.
    made = {1: _Slice(1.2, 20e6, 5e3), 9: _Slice(2.0, 36e6, 13e3)}
    monkeypatch.setattr(module, "_measured", lambda _, count: made[count])
    with quick_reference():
        got = cost_of_run(parse(TEXT), replications=520)
    assert got.chunk == 174
    assert got.seconds == pytest.approx(55.3)
    assert got.memory - module._SHARED == pytest.approx(366e6)
    assert got.disk == pytest.approx(520e3)


def test_a_long_replication_is_not_lived_nine_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_measured", lambda _, count: {1: _Slice(30.0, 1e9, 1e4)}[count])
    with quick_reference():
        got = cost_of_run(parse(TEXT), replications=10, chunk=5)
    assert (got.seconds, got.disk) == (300.0, 1e5)


def test_words_and_hours() -> None:
    lines = CostOfRun(10_000, 2, 8, 600.0, 72_000.0, 1.5e9, 4e8).lines()
    assert lines[0] == (
        "10,000 replications would take about 10 h 10 min with 2 workers: 10 min 00 s to fit the reference population, "
        "then 7,200 ms of one core each (20.17 core-hours)"
    )
    assert lines[1] == "Memory about 1,500 MB per worker, in chunks of 8; 400.0 MB on disk while it runs"


def test_chunks_are_smaller_where_replications_are_larger_and_even_among_workers() -> None:
    small = parse(HEAD + BASELINE)
    large = with_values(small, {"partners.reseller.count": 5000, "time.horizon_weeks": 156})
    assert chunk_size(small, 10 * CHUNK) == CHUNK
    assert chunk_size(large, 100) == 1
    assert chunk_size(small, 3 * CHUNK, workers=2) == 3 * CHUNK // 4  # two for each, not two for one of them
    assert chunk_size(small, 10, workers=4, chunk=8) == 3


def test_the_command_line_says_it_and_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(TEXT)

    def run(*more: str) -> Any:
        with quick_reference():
            return CliRunner().invoke(main, ["compare", str(file), "--out", str(tmp_path / "r"), "--dry-run", *more])

    done = run("--replications", "1000")
    assert done.exit_code == 0, done.output
    assert "1,000 replications would take about" in done.stdout
    assert not (tmp_path / "r").exists()
    refused = run("--precision", "1%")
    assert refused.exit_code == 2
    assert "does not go with precision" in refused.stderr
