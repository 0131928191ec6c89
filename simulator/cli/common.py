"""What commands share: options, messages, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from simulator.progress import Progress
    from simulator.scenario.schema import Scenario

DISAGREE = FOUND = 1
BAD_INPUT, FAILED, INTERRUPTED = 2, 3, 130
STDOUT = "-"


def _programs(_ctx: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """`a,b` as names."""
    if text is None:
        return None
    return tuple(name.strip() for name in text.split(",") if name.strip())


_Command = Callable[..., Any]


def programs_option(command: _Command) -> _Command:
    return click.option(
        "--programs",
        metavar="A,B",
        callback=_programs,
        help="Programs to look at  [default: all of the scenario]",
    )(command)


def seed_option(command: _Command) -> _Command:
    seed = click.IntRange(min=0)
    return click.option("--seed", type=seed, metavar="S", help="Seed of all randomness  [default: the scenario's]")(
        command
    )


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """A progress display, closed at the end."""
    from simulator.progress import choose

    shown = choose(quiet=quiet)
    try:
        yield shown
    finally:
        shown.close()


def seed_of(scenario: Scenario, asked: int | None) -> int:
    return scenario.run.seed if asked is None else asked


def say(text: str) -> None:
    click.echo(text, err=True)
