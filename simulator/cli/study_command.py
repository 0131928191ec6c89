"""The command of a declared study: its options follow from the parameters of the function that runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

import click

from simulator.cli.options import (
    examples,
    finish,
    json_option,
    names,
    out_option,
    plots_option,
    programs_option,
    progress,
    quiet_option,
    seed_option,
    workers_option,
)
from simulator.studies.registry import DeclaredStudy, Option, registered

_REPLICATIONS = Option("Replications", "N")
_SHARED: dict[str, Callable[..., Any]] = {
    "programs": programs_option,
    "seed": seed_option,
    "workers": workers_option,
}
_KNOWN = {
    "replications": _REPLICATIONS,
    "engine": Option("Engine to run on", "vector|events"),
    "chunk": Option("Replications computed together  [default: chosen]", "N"),
}
"""Options that mean the same in every study; their values are checked by the study."""
_NOT_ASKED = ("scenario", "progress", "executor", "design", "kept")
"""Parameters that a command line does not give."""
_KINDS = {int: int, float: float, str: str}


class StudyCommand(click.Command):
    """A command that imports its study when it is run or helps.

    It loads SCENARIO, runs the study with a progress display, stores the result and prints it.
    """

    more_options: ClassVar[Sequence[Callable[..., Any]]] = ()
    """Options beside those of the study."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name, short_help=summary, help=summary)
        self._loaded = False

    @property
    def study(self) -> DeclaredStudy:
        """What it runs."""
        return registered(str(self.name))

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its options, those of the study first."""
        if not self._loaded:
            self._loaded = True
            self.params = _parameters(self.study, self.more_options)
            self.epilog = examples(*self.study.examples)
        return super().get_params(ctx)

    def invoke(self, ctx: click.Context) -> None:
        """Run the study with what the command line gave, store it and print it."""
        from simulator.scenario.load import load

        given = dict(ctx.params)
        file, json_file, quiet = given.pop("scenario"), given.pop("json_file"), given.pop("quiet")
        own = {name: given.pop(name) for name in _names(self.more_options)}
        out, plots = given.pop("out"), not given.pop("no_plots", False)
        loaded = load(file)
        arguments = given if self.study.arguments is None else self.study.arguments(given)
        found, place = self.compute(loaded, arguments, out, quiet=quiet, plots=plots, **own)
        label = "Run directory" if _is_stored(self.study) else "Report"
        finish(self.text_of(found, file), found, json_file=json_file, quiet=quiet, place=place, label=label)
        if found.exit_code:
            ctx.exit(found.exit_code)

    def compute(
        self, scenario: Any, arguments: dict[str, Any], out: str, *, quiet: bool, plots: bool
    ) -> tuple[Any, Path | None]:
        """The study and what was written of it: its run directory, or its page if that was asked for."""
        with progress(quiet) as shown:
            if "progress" in signature(self.study.run).parameters:
                arguments["progress"] = shown
            found = self.study.run(scenario, **arguments)
        if _is_stored(self.study):
            return found, found.save(out, command=sys.argv, plots=plots)
        return found, None if out is None else found.report(out)

    def text_of(self, study: Any, _scenario_file: str) -> str:
        """What it prints of a study of a scenario file."""
        return str(study.text())


def _is_stored(study: DeclaredStudy) -> bool:
    """Whether its result is written as a run directory; of others a page can be asked for."""
    return hasattr(get_type_hints(study.run)["return"], "save")


def _parameters(study: DeclaredStudy, more: Sequence[Callable[..., Any]]) -> list[click.Parameter]:
    hints = get_type_hints(study.run, include_extras=True)
    options = [click.argument("scenario", metavar="SCENARIO")]
    for name, parameter in signature(study.run).parameters.items():
        if name not in _NOT_ASKED:
            options.append(_option(name, parameter.default, hints[name]))
    options += [declared_option(name, default, type(default), o) for name, (default, o) in study.extra.items()]
    if _is_stored(study):
        options += [*more, out_option, json_option, plots_option, quiet_option]
    else:
        page = click.option("--out", metavar="FILE.html", help="Write the report, one page of HTML")
        options += [*more, page, json_option, quiet_option]
    return _made(options)


def _made(options: Sequence[Callable[..., Any]]) -> list[click.Parameter]:
    """The parameters that click hangs on a function, in the order in which help lists them."""

    def holder() -> None:
        """Holds the options."""

    for option in reversed(options):
        option(holder)
    return list(reversed(getattr(holder, "__click_params__", [])))


def _names(options: Sequence[Callable[..., Any]]) -> list[str]:
    return [str(parameter.name) for parameter in _made(options)]


def _option(name: str, default: Any, hint: Any) -> Callable[..., Any]:
    if name in _SHARED:
        return _SHARED[name]
    declared = [part for part in get_args(hint) if isinstance(part, Option)]
    option = declared[0] if declared else _KNOWN.get(name)
    if option is None:
        raise TypeError(f"the parameter {name} of a study says nothing of its option")
    plain = get_args(hint)[0] if declared else hint
    return declared_option(name, default, plain, option)


def declared_option(name: str, default: Any, hint: Any, option: Option) -> Callable[..., Any]:
    """The option of a parameter of a study. hint: its type, without the `Option`."""
    kind, required = _kind(hint), default is Parameter.empty
    if kind is bool:
        return click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=option.help)
    help_text = option.help
    if name == "replications" and default is None and "[default" not in help_text:
        help_text += "  [default: the scenario's]"
    return click.option(
        f"--{name.replace('_', '-')}", name, type=str if option.parse else _KINDS.get(kind, str), required=required,
        default=None if required or option.repeated else default, show_default=default is not None and not required,
        multiple=option.repeated, callback=_parser(option, kind), metavar=option.metavar or None, help=help_text,
    )  # fmt: skip


def _kind(hint: Any) -> Any:
    """The type of an option: of a union its first that is not None."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not NoneType)
    return get_origin(hint) or hint


def _parser(option: Option, kind: Any) -> Callable[..., Any] | None:
    parse = option.parse
    if parse is None:
        return names if kind not in _KINDS else None

    def parsed(_ctx: click.Context, _option: click.Parameter, value: Any) -> Any:
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return parsed
