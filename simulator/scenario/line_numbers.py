"""On which line of a TOML text every key stands.

No TOML reader tells where a valid value came from, so after an error the text is gone through once more. The
scanner relies on the text being valid TOML, as it has been parsed before.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress

from simulator.scenario.validation.finding import Steps

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'", re.DOTALL)
_BARE = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[Steps, int]:
    """1-based line of every table, key and list element of a valid TOML text, by its path."""
    return _Scanner(text).lines


def line_of(lines: Mapping[Steps, int], steps: Steps) -> int | None:
    """The line of the nearest thing on the way to `steps` that the text holds."""
    for length in range(len(steps), 0, -1):
        if steps[:length] in lines:
            return lines[steps[:length]]
    return None


class _Scanner:
    """Goes through a text once and notes where things stand."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Steps, int] = {}
        self._text = text
        self._at = 0
        self._starts = [m.end() for m in re.finditer("\n", text)]
        self._last: dict[Steps, int] = {}
        # A text that this scanner cannot follow costs line numbers, not the message itself.
        with suppress(IndexError, ValueError):
            self._document()

    def _document(self) -> None:
        table: Steps = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text.startswith("[", self._at):
                table = self._header(1)
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self, brackets: int) -> Steps:
        line = self._line()
        self._at += brackets
        keys = self._keys()
        self._at += brackets
        path = self._within(keys[:-1])
        if brackets == 1:
            path = self._within(keys)
        else:
            path = (*path, keys[-1])
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
        self._note(path, line)
        return path

    def _within(self, keys: list[str]) -> Steps:
        """The path of a header's keys: below an array of tables they mean its last element."""
        path: Steps = ()
        for key in keys:
            path = (*path, key)
            if path in self._last:
                path = (*path, self._last[path])
        return path

    def _pair(self, table: Steps) -> None:
        line = self._line()
        path = (*table, *self._keys())
        self._note(path, line)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Steps) -> None:
        first = self._text[self._at]
        if first == "[":
            self._items(path, "]")
        elif first == "{":
            self._items(path, "}")
        elif first in "\"'":
            self._skip(_TEXT)
        else:
            self._skip(_BARE)

    def _items(self, path: Steps, end: str) -> None:
        """The elements of a list or the pairs of an inline table."""
        self._at += 1
        position = 0
        self._skip(_BLANK)
        while self._text[self._at] != end:
            if end == "}":
                self._pair(path)
            else:
                self._note((*path, position), self._line())
                self._value((*path, position))
            position += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            match = _KEY.match(self._text, self._at)
            if match is None:
                raise ValueError("a key was expected")
            keys.append(_unquoted(match.group()))
            self._at = match.end()
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _line(self) -> int:
        return bisect_right(self._starts, self._at) + 1

    def _note(self, path: Steps, line: int) -> None:
        for length in range(1, len(path)):
            self.lines.setdefault(path[:length], line)
        # A table's own header is its place even where a part of it was written before.
        self.lines[path] = line


def _unquoted(key: str) -> str:
    return str(tomllib.loads(f"key = {key}")["key"]) if key[0] in "\"'" else key
