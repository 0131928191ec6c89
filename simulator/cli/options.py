"""What commands share: options, examples, messages, progress, and how results leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from simulator.core.progress import Progress
    from simulator.scenario.schema import Scenario

DISAGREE = FOUND = 1
BAD_INPUT, FAILED, INTERRUPTED = 2, 3, 130
STDOUT = "-"


def parts(text: str) -> tuple[str, ...]:
    """`a, b` as names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def names(_ctx: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Callback of an option that takes `a,b`."""
    return None if text is None else parts(text)


_Command = Callable[..., Any]

programs_option = click.option(
    "--programs", metavar="A,B", callback=names, help="Programs to look at  [default: all of the scenario]"
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), metavar="S", help="Seed of all randomness  [default: the scenario's]"
)
json_option = click.option(
    "--json", "json_file", metavar="FILE", help="Also write all figures as JSON; - for standard output"
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress and no text; only what was asked for")
out_option = click.option(
    "--out", default="results", show_default=True, metavar="DIR", help="Where the run directory is created"
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="K", help="Processes to use"
)
plots_option = click.option("--no-plots", is_flag=True, help="Leave the figures out of the run directory")


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  incentive-sim {line}" for line in lines)


class HasJson(Protocol):
    """What has figures as JSON."""

    def to_json(self) -> str: ...


def finish(
    text: str, study: HasJson, *, json_file: str | None, quiet: bool, place: object = None,
    label: str = "Run directory",
) -> None:  # fmt: skip
    """Print a result and write its JSON. place: what was written, if anything; label: what that is.

    With JSON on standard output everything else goes to standard error, so that it can be piped.
    """
    to_stderr = json_file == STDOUT
    if not quiet:
        click.echo(text + ("" if place is None else "\n"), err=to_stderr)
    if json_file == STDOUT:
        click.echo(study.to_json())
    elif json_file is not None:
        Path(json_file).write_text(study.to_json() + "\n", encoding="utf-8")
    if place is not None:
        click.echo(place if quiet else f"{label}: {place}", err=to_stderr)


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """A progress display, closed at the end."""
    from simulator.core.progress import choose

    shown = choose(quiet=quiet)
    try:
        yield shown
    finally:
        shown.close()


def seed_of(scenario: Scenario, asked: int | None) -> int:
    return scenario.run.seed if asked is None else asked


def say(text: str) -> None:
    click.echo(text, err=True)
