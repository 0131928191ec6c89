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

_PAGE = re.compile(r'^@page\("(\w+)"\)', re.MULTILINE)
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
_PAGES: dict[str, Callable[[Any], str]] = {}
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


def page(result: str) -> Callable[[Callable[[Any], str]], Callable[[Any], str]]:
    """Register the decorated function as what writes the HTML page of a study whose result is of the class `result`.

    So a page may be made of several studies, which know nothing of it.
    """

    def register(write: Callable[[Any], str]) -> Callable[[Any], str]:
        _PAGES[result] = write
        return write

    return register


def page_of(result: str) -> Callable[[Any], str] | None:
    """What writes the page of a class of results; None where it has none of its own."""
    if result not in _PAGES:
        for module, text in _sources():
            if result in _PAGE.findall(text):
                import_module(module)
    return _PAGES.get(result)


@cache
def declared() -> dict[str, tuple[str, str]]:
    """Module and summary of every declared study by its name, read from the sources."""
    return {name: (module, summary) for module, text in _sources() for name, summary in _DECLARED.findall(text)}


def registered(name: str) -> DeclaredStudy:
    """The study of a name, its module imported."""
    if name not in _REGISTERED:
        import_module(declared()[name][0])
    return _REGISTERED[name]


@cache
def _sources() -> list[tuple[str, str]]:
    """Name and text of every module of the room."""
    home = Path(__file__).parent
    return [
        (".".join(("simulator.studies", *path.relative_to(home).with_suffix("").parts)), path.read_text("utf-8"))
        for path in sorted(home.rglob("*.py"))
    ]
