"""Progress: the library calls `progress(done, total)`; who watches decides how that looks.

Nothing is ever written to standard output, which belongs to results.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TextIO

Clock = Callable[[], float]
_BAR = 30
_REDRAW_SECONDS = 0.1
_LOG_SECONDS = 30.0
_LOG_PARTS = 10
_PATIENCE = 1.0
_watching: ContextVar[bool] = ContextVar("watching", default=False)


class Progress(Protocol):
    """Called with how much of the work is done; `close` is called once, also after an error."""

    def __call__(self, done: int, total: int) -> None: ...

    def close(self) -> None: ...


class Silent:
    """Shows nothing."""

    def __call__(self, done: int, total: int) -> None:
        """Ignore what is done."""

    def close(self) -> None:
        """Nothing to tidy up."""


class _Pace:
    """Since when work goes on: since the first report, or since the last one that held nothing new.

    So what comes before the work, and what an earlier run left done, count for nothing in the time left.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._start, self._last = clock, clock(), -1
        self.begun = (0, 0.0)

    def note(self, done: int) -> float:
        """Take note of a report; seconds since the display was made."""
        now = self._clock() - self._start
        if self._last < 0 or done <= self._last:
            self.begun = (done, now)
        self._last = done
        return now

    def left(self, done: int, total: int, now: float) -> float | None:
        """Seconds left, None where nothing was done yet."""
        return _left(done, total, now, self.begun)


class TtyLine:
    """One line on a terminal, redrawn in place, that is gone when the work is done."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream, self._pace = stream, _Pace(clock)
        self._drawn, self._width = -_REDRAW_SECONDS, 0

    def __call__(self, done: int, total: int) -> None:
        now = self._pace.note(done)
        if now - self._drawn < _REDRAW_SECONDS and done < total:
            return
        self._drawn = now
        filled = _BAR * done // total if total else 0
        line = f"{'#' * filled}{'.' * (_BAR - filled)} {describe(done, total, now, self._pace.begun)}"
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)

    def close(self) -> None:
        """Wipe the line."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()


class LogLines:
    """A line each 10 % or 30 seconds, for logs and pipes; the first as soon as something is done, of work that goes on
    for longer."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream, self._pace = stream, _Pace(clock)
        self._said, self._part, self._first = 0.0, 0, True

    def __call__(self, done: int, total: int) -> None:
        now = self._pace.note(done)
        part = _LOG_PARTS * done // total if total else 0
        left = self._pace.left(done, total, now)
        if left is None:  # the work begins
            self._part, self._first = part, True
        first = self._first and left is not None and left > _LOG_SECONDS
        self._first = left is None
        if part == self._part and now - self._said < _LOG_SECONDS and not first:
            return
        self._part, self._said = part, now
        self._stream.write(describe(done, total, now, self._pace.begun) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing to tidy up."""


class NotebookBar:
    """A progress element in a notebook, plain text at the end, so that a reopened one shows no half bar.

    patience: seconds of work before it is shown.
    """

    def __init__(self, clock: Clock = time.monotonic, patience: float = 0.0) -> None:
        from IPython.display import HTML, display

        self._html: Callable[[str], Any] = HTML
        self._display: Callable[..., Any] = display
        self._pace, self._drawn = _Pace(clock), -_REDRAW_SECONDS
        self._last, self._patience = "", patience
        self._handle: Any = None

    def __call__(self, done: int, total: int) -> None:
        now = self._pace.note(done)
        if now - self._drawn < _REDRAW_SECONDS and done < total:
            return
        self._drawn, self._last = now, describe(done, total, now, self._pace.begun)
        if self._handle is not None or (now >= self._patience and done < total):
            self._show(f'<progress value="{done}" max="{max(total, 1)}"></progress> {self._last}')

    def close(self) -> None:
        """Leave the last state as text."""
        if self._handle is not None:
            self._show(self._last)

    def _show(self, text: str) -> None:
        if self._handle is None:
            self._handle = self._display(self._html(text), display_id=True)
        else:
            self._handle.update(self._html(text))


@contextmanager
def watched(given: Callable[[int, int], None] | None) -> Iterator[Callable[[int, int], None] | None]:
    """What to tell of work: what is given, or else a bar if this is a notebook and the work is no part of another."""
    if given is not None or _watching.get() or not _in_notebook():
        bar = None
    else:
        bar = NotebookBar(patience=_PATIENCE)
    before = _watching.set(True)
    try:
        yield bar or given
    finally:
        _watching.reset(before)
        if bar is not None:
            bar.close()


def choose(*, quiet: bool = False, stream: TextIO | None = None) -> Progress:
    """What shows progress best: a bar in a notebook, a line in place on a terminal, log lines elsewhere.

    stream: where to write instead of standard error.
    """
    if quiet:
        return Silent()
    if stream is None and _in_notebook():
        return NotebookBar()
    out = sys.stderr if stream is None else stream
    return TtyLine(out) if out.isatty() else LogLines(out)


def _in_notebook() -> bool:
    """Whether code runs in a notebook's kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")


def describe(done: int, total: int, seconds: float, begun: tuple[int, float] = (0, 0.0)) -> str:
    """`120 of 600 (20 %), 1 min 20 s left`. seconds: taken so far; begun: how much was done when the work began, and
    after how many seconds that was."""
    share = f" ({100 * done // total} %)" if total else ""
    if done >= total:
        return f"{done:,} of {total:,}{share} in {span(seconds)}"
    left = _left(done, total, seconds, begun)
    return f"{done:,} of {total:,}{share}" + ("" if left is None else f", {span(left)} left")


def _left(done: int, total: int, seconds: float, begun: tuple[int, float]) -> float | None:
    """Seconds that the rest takes at the pace since `begun`; None where nothing was done since."""
    fresh, took = done - begun[0], seconds - begun[1]
    return took * (total - done) / fresh if fresh > 0 and took > 0 else None


def span(seconds: float) -> str:
    """A time span in words: `45 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
