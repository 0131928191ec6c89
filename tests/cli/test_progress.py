"""Progress: what is written, how often, and where."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from simulator.core.progress import LogLines, NotebookBar, Silent, TtyLine, choose, describe, span
from simulator.studies.base import timed


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.4, "4 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_time_left_is_what_the_rest_takes_at_this_pace() -> None:
    assert describe(150, 600, 20.0) == "150 of 600 (25 %), 1 min 00 s left"
    assert describe(600, 600, 80.0) == "600 of 600 (100 %) in 1 min 20 s"
    assert describe(0, 600, 0.0) == "0 of 600 (0 %)"
    # 60 s went by before anything was lived, and 100 were there from an earlier run: 50 took 20 s, 450 take 180 s.
    assert describe(150, 600, 80.0, (100, 60.0)) == "150 of 600 (25 %), 3 min 00 s left"


def test_log_has_a_line_each_tenth_or_half_minute() -> None:
    stream, clock = io.StringIO(), Clock()
    log = LogLines(stream, clock)
    clock.now = 5.0  # what comes before the work is not part of its pace
    for done in range(101):
        clock.now = 5.0 + done
        log(done, 100)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "1 of 100 (1 %), 1 min 39 s left"  # the first thing done tells how long it will be
    assert len(lines) == 1 + 10
    stream.truncate(0)
    for done in range(11):  # less than half a minute is left from the start
        log(done, 10)
        clock.now += 1.0
    assert len(stream.getvalue().splitlines()) == 10
    stream.truncate(0)
    log = LogLines(stream, clock)
    for _ in range(100):
        clock.now += 1.0
        log(1, 1000)
    assert len(stream.getvalue().splitlines()) == 3


def test_line_is_redrawn_in_place_and_wiped() -> None:
    stream, clock = io.StringIO(), Clock()
    line = TtyLine(stream, clock)
    for done in range(1, 1001):
        clock.now = done * 0.001
        line(done, 1000)
    line.close()
    shown = stream.getvalue()
    assert "\n" not in shown
    assert shown.count("\r") <= 13
    assert shown.endswith("\r")
    assert shown.split("\r")[-2].strip() == ""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook shows of progress."""
    said: list[str] = []

    class Shell:
        kernel = object()

    class Handle:
        def update(self, html: Any) -> None:
            said.append(html.data)

    def display(html: Any, **_: Any) -> Handle:
        said.append(html.data)
        return Handle()

    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.setattr("IPython.display.display", display)
    return said


def test_in_a_notebook_there_is_a_bar(shown: list[str]) -> None:
    bar = choose()
    assert isinstance(bar, NotebookBar)
    bar(3, 10)
    bar.close()
    assert '<progress value="3" max="10">' in shown[0]
    assert shown[-1].startswith("3 of 10 (30 %)")


def test_a_study_shows_its_progress_in_a_notebook_unless_told_otherwise(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @timed
    def inner(*, progress: Any = None) -> Any:
        for done in range(3):
            progress(done, 2)
        return SimpleNamespace()

    @timed
    def outer(*, progress: Any = None) -> Any:
        progress(1, 4)
        with pytest.raises(TypeError):  # it is told nothing: the outer one tells of all
            inner()
        return SimpleNamespace()

    inner()
    assert shown == []  # it was short
    monkeypatch.setattr("simulator.core.progress._PATIENCE", 0.0)
    inner()
    assert shown[-1].startswith("2 of 2 (100 %)")
    told: list[int] = []
    shown.clear()
    inner(progress=lambda done, _: told.append(done))
    assert (told, shown) == ([0, 1, 2], [])
    outer()
    assert [text for text in shown if "of 4" in text] == shown != []


def test_the_stream_decides_the_form() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(choose(stream=Terminal()), TtyLine)
    assert isinstance(choose(stream=io.StringIO()), LogLines)
    assert isinstance(choose(quiet=True), Silent)
