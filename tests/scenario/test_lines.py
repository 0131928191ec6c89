"""Lines of keys, against texts counted by hand and against every key of a parsed scenario."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.scenario.line_numbers import key_lines, line_of
from tests.scenario.texts import SMALL

TEXT = '''\
# a comment with [brackets] and key = 1
title = "x # no comment"

[a]
b.c = 1
"quoted.key" = { d = 1, e.f = [1, 2] }
long = """
[not.a.table]
g = 1
"""
list = [
    1,  # ]
    { h = "]", i = 2 },

    [3,
     4],
]

[[a.rows]]
j = 1979-05-27T07:32:00Z
[a.rows.k]
l = 'lit # eral'
[[a.rows]]
j = 2
[[a.rows.deep]]
m = true
[z.y]
"x\\u0041" = ''
'''

EXPECTED = {
    ("title",): 2,
    ("a",): 4,
    ("a", "b"): 5,
    ("a", "b", "c"): 5,
    ("a", "quoted.key"): 6,
    ("a", "quoted.key", "d"): 6,
    ("a", "quoted.key", "e"): 6,
    ("a", "quoted.key", "e", "f"): 6,
    ("a", "quoted.key", "e", "f", 0): 6,
    ("a", "quoted.key", "e", "f", 1): 6,
    ("a", "long"): 7,
    ("a", "list"): 11,
    ("a", "list", 0): 12,
    ("a", "list", 1): 13,
    ("a", "list", 1, "h"): 13,
    ("a", "list", 1, "i"): 13,
    ("a", "list", 2): 15,
    ("a", "list", 2, 0): 15,
    ("a", "list", 2, 1): 16,
    ("a", "rows"): 19,
    ("a", "rows", 0): 19,
    ("a", "rows", 0, "j"): 20,
    ("a", "rows", 0, "k"): 21,
    ("a", "rows", 0, "k", "l"): 22,
    ("a", "rows", 1): 23,
    ("a", "rows", 1, "j"): 24,
    ("a", "rows", 1, "deep"): 25,
    ("a", "rows", 1, "deep", 0): 25,
    ("a", "rows", 1, "deep", 0, "m"): 26,
    ("z",): 27,
    ("z", "y"): 27,
    ("z", "y", "xA"): 28,
}


def _paths(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield (*path, key)
        yield from _paths(node[key], (*path, key))


def test_every_key_of_a_text_counted_by_hand() -> None:
    assert key_lines(TEXT) == EXPECTED


@pytest.mark.parametrize("text", [TEXT, SMALL, SMALL.replace("\n", "\r\n")], ids=["hand", "small", "windows"])
def test_exactly_what_the_parser_finds_has_a_line(text: str) -> None:
    assert set(key_lines(text)) == set(_paths(tomllib.loads(text)))


def test_every_key_of_a_scenario_is_written_on_its_line() -> None:
    rows = SMALL.splitlines()
    checked = 0
    for path, line in key_lines(SMALL).items():
        if isinstance(path[-1], str):
            assert path[-1] in rows[line - 1], path
            checked += 1
    assert checked > 60


def test_a_table_is_on_the_line_of_its_own_header() -> None:
    assert key_lines("[a.b]\nc = 1\n[a]\nd = 1\n")["a",] == 3


def test_what_is_absent_is_looked_for_at_its_table() -> None:
    lines = key_lines(TEXT)
    assert line_of(lines, ("a", "rows", 0, "k", "missing", 3)) == 21
    assert line_of(lines, ("nowhere", "a")) is None


def test_a_text_that_is_no_toml_gives_what_could_be_followed() -> None:
    assert key_lines("a = 1\n= 2") == {("a",): 1}
