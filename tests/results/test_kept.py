"""Runs that were stopped: nothing lost, nothing mixed, the same bits."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simulator.runs import totals as tables
from simulator.runs import workers
from simulator.cli.main import main
from simulator.core.errors import SimulatorError
from simulator.runs.checkpoints import CheckpointStore, gaps, keeping, unfinished
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from simulator.runs.workers import share
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, HEAD

IDENTITY = "0123456789abcdef" * 4
TEXT = (HEAD + BASELINE).replace("count = 6", "count = 2").replace("horizon_weeks = 39", "horizon_weeks = 13")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(TEXT)


def run(scenario: Scenario, count: int = 12, **how: Any) -> SimulationResult:
    with quick_reference():
        return simulate(scenario, programs=(), replications=count, seed=5, **how)


def equal(a: SimulationResult, b: SimulationResult) -> bool:
    return a.totals.keys() == b.totals.keys() and all(
        list(own) == list(b.totals[key]) and all(np.array_equal(own[name], b.totals[key][name]) for name in own)
        for key, own in a.totals.items()
    )


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12), st.integers(0, 20), st.integers(1, 7))
def test_gaps_and_what_is_kept_cover_every_replication_once(
    blocks: list[tuple[int, bool]], first: int, size: int
) -> None:
    spans, at = [], 0
    for count, there in blocks:
        spans += [(at, count)] if there else []
        at += count
    stop = first + 25
    found = gaps(spans, first, stop, size)
    assert all(1 <= count <= size for _, count in found)
    covered = [r for begin, count in (*spans, *found) for r in range(begin, begin + count) if first <= r < stop]
    assert sorted(covered) == list(range(first, stop))


def test_a_run_goes_on_from_what_is_kept_with_other_chunks(scenario: Scenario, tmp_path: Path) -> None:
    whole = run(scenario)
    with keeping(tmp_path, IDENTITY) as kept:
        run(scenario, 5, kept=kept, chunk=2)
    with keeping(tmp_path, IDENTITY) as kept:
        assert kept.spans == [(0, 2), (2, 2), (4, 1)]
        told: list[tuple[int, int]] = []
        later = run(scenario, kept=kept, chunk=3, progress=lambda done, total: told.append((done, total)))
        assert told == [(5, 12), (8, 12), (11, 12), (12, 12)]
        assert equal(later, whole)
        kept.clear()
        assert equal(later, whole)  # columns can be read after their run is stored elsewhere
    assert not tmp_path.exists()


def test_a_damaged_chunk_is_computed_again(scenario: Scenario, tmp_path: Path) -> None:
    with keeping(tmp_path, IDENTITY) as kept:
        whole = run(scenario, kept=kept, chunk=4)
        kept_of = {path.name: path for path in tmp_path.rglob("*.parquet")}
        middle = kept_of[sorted(kept_of)[1]]
        content = bytearray(middle.read_bytes())
        content[len(content) // 2] ^= 1
        middle.write_bytes(content)
        (tmp_path / ".unfinished" / IDENTITY[:16] / "8.part").write_bytes(b"half")
    with keeping(tmp_path, IDENTITY) as kept:
        assert (kept.damaged, kept.spans) == (1, [(0, 4), (8, 4)])
        assert equal(run(scenario, kept=kept, chunk=4), whole)
        assert not list(tmp_path.rglob("*.part"))


def test_a_full_disk_is_said_and_what_was_kept_stays(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, calls = tables.write, []

    def full(path: Path, *rest: Any) -> None:
        calls.append(path)
        right(path, *rest)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables, "write", full)
    with pytest.raises(SimulatorError, match="No space left on device.*8 replications are kept; make room"):
        with keeping(tmp_path, IDENTITY) as kept:
            run(scenario, kept=kept, chunk=4)
    assert [(count, command) for _, count, command in unfinished(tmp_path)] == [(8, [])]
    with keeping(tmp_path, IDENTITY) as kept:
        assert kept.spans == [(0, 4), (4, 4)]


def test_a_run_that_is_under_way_keeps_a_second_one_out(tmp_path: Path) -> None:
    with keeping(tmp_path, IDENTITY), pytest.raises(SimulatorError, match="under way in another process"):
        with keeping(tmp_path, IDENTITY):
            pass
    with keeping(tmp_path, IDENTITY), keeping(tmp_path, IDENTITY[::-1]):
        pass
    assert not tmp_path.exists()


def test_any_executor_gives_the_same(scenario: Scenario) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert equal(run(scenario, executor=pool, chunk=5), run(scenario))


def killed_once(mark: Path, first: int, count: int) -> Any:
    """A chunk during whose first computation its worker is killed; mark: a file that says it was."""
    if first == 2 and not mark.exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return {("baseline", "static"): {"cost": np.arange(first, first + count)}}


def killed_always(_first: int, _count: int) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: dict[int, Any] = {}
    work = partial(killed_once, tmp_path / "mark")
    share(work, [(0, 2), (2, 2), (4, 1)], lambda first, _, part: done.__setitem__(first, part), workers=2)
    assert sorted(done) == [0, 2, 4]
    monkeypatch.setattr(workers, "_TRIES", 1)
    with pytest.raises(SimulatorError, match="die again and again"):
        share(killed_always, [(0, 2)], lambda *_: None, workers=1)


def test_a_killed_worker_leaves_nothing_behind(tmp_path: Path) -> None:
    """Without waiting for a garbage collection, or a long run under kills would grow."""
    work = partial(killed_once, tmp_path / "mark")
    held = weakref.ref(work)
    gc.collect()
    gc.disable()
    try:
        share(work, [(0, 2), (2, 2)], lambda *_: None, workers=1)
        del work
        assert held() is None
    finally:
        gc.enable()
    assert (tmp_path / "mark").exists()


def test_results_are_let_go_as_they_come() -> None:
    """A driver that held every chunk until the end would take memory that grows with replications."""

    class Now(Executor):
        futures: list[Future[Any]] = []

        def submit(self, work: Any, /, *args: Any, **named: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(work(*args, **named))
            return future

    alive: list[int] = []
    seen: list[Any] = []

    class Part(dict[Any, Any]):
        def __del__(self) -> None:
            alive.append(1)

    share(lambda first, count: Part(), [(k, 1) for k in range(10)], lambda *_: seen.append(len(alive)), 1, Now())
    assert seen[-1] >= 8


def test_sigkill_at_any_time_and_again_gives_the_same_bits(tmp_path: Path) -> None:
    file, out = tmp_path / "small.toml", tmp_path / "results"
    file.write_text(TEXT)
    command = [
        sys.executable, "-m", "simulator", "compare", str(file), "--replications", "24", "--chunk", "3", "--no-plots",
        "--quiet", "--out",
    ]  # fmt: skip
    kills = 0
    for delay in (0.0, 0.2):  # after the first chunk of this start was kept
        process = subprocess.Popen([*command, str(out)], stdout=subprocess.DEVNULL)
        before = len(list(out.rglob("*.parquet")))
        while process.poll() is None and len(list(out.rglob("*_*.parquet"))) <= before:
            time.sleep(0.01)
        time.sleep(delay)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills == 2
    assert not list(out.glob("small*"))
    (stopped,) = unfinished(out)
    assert 0 < stopped[1] < 24
    for place in (out, tmp_path / "undisturbed"):
        assert CliRunner().invoke(main, [*command[3:], str(place)]).exit_code == 0
    one, other = (next(home.glob("small*")) for home in (out, tmp_path / "undisturbed"))
    files = [json.loads((run / "manifest.json").read_text())["files"] for run in (one, other)]
    assert files[0] == files[1]
    assert not (out / ".unfinished").exists()
