"""A fault found in a scenario, before it is known where in a file it stands; and the words used for it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Steps = tuple[str | int, ...]
"""A path as its steps: keys of tables and positions in lists."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 60


@dataclass(frozen=True)
class Fault:
    """A fault at `steps`. value: what was found, None for nothing; rule: what must hold; hint: a way out."""

    steps: Steps
    value: object
    rule: str
    hint: str = ""


def dotted(steps: Steps) -> str:
    """`("a", "b", 0, "c")` as `a.b[0].c`; a key that TOML would want in quotes is quoted."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _PLAIN.fullmatch(step) else json.dumps(step)
            text += f".{key}" if text else key
    return text


def shown(value: Any) -> str:
    """A value as it reads in a message; empty for nothing and for tables, shortened where long."""
    if value is None or isinstance(value, dict):
        return ""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def plain(value: float) -> str:
    """A bound or a sum without trailing zeros or noise of the last bits."""
    return f"{value:.12g}"


def nearest(word: object, options: Iterable[str]) -> str | None:
    """The option that `word` most likely misspells, None where none is close."""
    matches = difflib.get_close_matches(str(word), list(options), n=1, cutoff=0.65)
    return matches[0] if matches else None


def suggestion(word: object, options: Iterable[str]) -> str:
    """`did you mean 'x'?`, empty where no option is close to `word`."""
    match = nearest(word, options)
    return f"did you mean '{match}'?" if match is not None else ""


def choice(options: Iterable[str]) -> str:
    """`'a', 'b' or 'c'`."""
    quoted = [f"'{option}'" for option in options]
    return "".join(quoted) if len(quoted) < 2 else ", ".join(quoted[:-1]) + f" or {quoted[-1]}"
