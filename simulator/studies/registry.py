"""Studies by their names, found without importing them, so that help is immediate.

A module of `studies` declares a study by decorating the function that runs it with `@study("name", "What it does.")`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from simulator.core.progress import watched

_DECLARED = re.compile(r'^@study\(\s*"([\w-]+)",\s*"([^"]*)"', re.MULTILINE)


@dataclass(frozen=True)
class Option:
    """What the command says of a parameter of a study: `Annotated[int, Option("Draws to take", "K")]`.

    help: what it sets; metavar: what stands for its value; parse: turns the text, or the texts of an option that may be
    `repeated`, into the value, and raises `ValueError` saying what is wrong.
    """

    help: str
    metavar: str = ""
    parse: Callable[[Any], Any] | None = None
    repeated: bool = False


@dataclass(frozen=True)
class DeclaredStudy:
    """A study as it was declared.

    run: what runs it; examples: command lines without the name of the command; extra: options of the command that are
    no parameters of `run`, by name with their default; arguments: turns what the command was given into arguments.
    """

    name: str
    summary: str
    run: Callable[..., Any]
    examples: Sequence[str]
    extra: Mapping[str, tuple[Any, Option]] = field(default_factory=dict)
    arguments: Callable[[dict[str, Any]], dict[str, Any]] | None = None


_REGISTERED: dict[str, DeclaredStudy] = {}
P = ParamSpec("P")
S = TypeVar("S")


def study(
    name: str,
    summary: str,
    *,
    examples: Sequence[str],
    extra: Mapping[str, tuple[Any, Option]] | None = None,
    arguments: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> Callable[[Callable[P, S]], Callable[P, S]]:
    """Register the decorated function as a study, and let its result know how long it took.

    name, summary: of the command, written out in the call; see `DeclaredStudy` for the rest.
    """

    def register(run: Callable[P, S]) -> Callable[P, S]:
        measured = timed(run)
        _REGISTERED[name] = DeclaredStudy(name, summary, measured, examples, extra or {}, arguments)
        return measured

    return register


def timed(run: Callable[P, S]) -> Callable[P, S]:
    """Let a study know how long it took; where nobody watches its progress, a notebook shows it."""
    reports = "progress" in signature(run).parameters

    @wraps(run)
    def measured(*args: P.args, **kwargs: P.kwargs) -> S:
        start = time.monotonic()
        given: Any = kwargs.get("progress")
        with watched(given) as progress:
            if reports and progress is not None:
                kwargs["progress"] = progress
            result = run(*args, **kwargs)
        object.__setattr__(result, "_seconds", time.monotonic() - start)
        return result

    return measured


@cache
def declared() -> dict[str, tuple[str, str]]:
    """Module and summary of every declared study by its name, read from the sources."""
    home = Path(__file__).parent
    found = {}
    for path in sorted(home.rglob("*.py")):
        module = ".".join(("simulator.studies", *path.relative_to(home).with_suffix("").parts))
        for name, summary in _DECLARED.findall(path.read_text("utf-8")):
            found[name] = (module, summary)
    return found


def registered(name: str) -> DeclaredStudy:
    """The study of a name, its module imported."""
    if name not in _REGISTERED:
        import_module(declared()[name][0])
    return _REGISTERED[name]
