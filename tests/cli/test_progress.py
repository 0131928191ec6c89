"""Progress: what is written, how often, and where."""

from __future__ import annotations

import io
from typing import Any, ClassVar

import pytest

from simulator.progress import LogLines, NotebookBar, Silent, TtyLine, choose, describe, span


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


def test_log_has_a_line_each_tenth_or_half_minute() -> None:
    stream, clock = io.StringIO(), Clock()
    log = LogLines(stream, clock)
    for done in range(1, 101):
        clock.now = done * 1.0
        log(done, 100)
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


def test_in_a_notebook_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shell:
        kernel = object()

    class Shown:
        said: ClassVar[list[str]] = []

        def update(self, html: Any) -> None:
            self.said.append(html.data)

    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: Shown())
    bar = choose()
    assert isinstance(bar, NotebookBar)
    bar(3, 10)
    bar.close()
    assert '<progress value="3" max="10">' in Shown.said[0]
    assert Shown.said[-1].startswith("3 of 10 (30 %)")


def test_the_stream_decides_the_form() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(choose(stream=Terminal()), TtyLine)
    assert isinstance(choose(stream=io.StringIO()), LogLines)
    assert isinstance(choose(quiet=True), Silent)
