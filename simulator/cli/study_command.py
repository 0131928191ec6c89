"""The command of a declared study: its options follow from the parameters of the function that runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

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
_NOT_ASKED = ("scenario", "progress", "executor", "design")
"""Parameters that a command line does not give."""
_KINDS = {int: int, float: float, str: str}


class StudyCommand(click.Command):
    """A command that imports its study when it is run or helps.

    It loads SCENARIO, runs the study with a progress display, stores the result and prints it.
    """

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name, short_help=summary, help=summary)
        self._study: DeclaredStudy | None = None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its options, those of the study first."""
        if self._study is None:
            self._study = registered(str(self.name))
            self.params = list(_parameters(self._study))
            self.epilog = examples(*self._study.examples)
        return super().get_params(ctx)

    def invoke(self, ctx: click.Context) -> None:
        """Run the study with what the command line gave."""
        assert self._study is not None
        _run(self._study, **ctx.params)


def _run(
    study: DeclaredStudy, scenario: str, *, out: str | None, json_file: str | None, quiet: bool, no_plots: bool = False,
    **given: Any,
) -> None:  # fmt: skip
    from simulator.scenario.load import load

    loaded = load(scenario)
    arguments = given if study.arguments is None else study.arguments(given)
    with progress(quiet) as shown:
        if "progress" in signature(study.run).parameters:
            arguments["progress"] = shown
        found = study.run(loaded, **arguments)
    place = None
    if _is_stored(study):
        place = found.save(out, command=sys.argv, plots=not no_plots)
    elif out is not None:
        place = found.report(out)
    finish(found.text(), found, json_file=json_file, quiet=quiet, place=place, label=_place_label(study))
    if found.exit_code:
        click.get_current_context().exit(found.exit_code)


def _is_stored(study: DeclaredStudy) -> bool:
    """Whether its result is written as a run directory; of others a page can be asked for."""
    return hasattr(get_type_hints(study.run)["return"], "save")


def _place_label(study: DeclaredStudy) -> str:
    return "Run directory" if _is_stored(study) else "Report"


def _parameters(study: DeclaredStudy) -> Iterator[click.Parameter]:
    hints = get_type_hints(study.run, include_extras=True)
    options = [click.argument("scenario", metavar="SCENARIO")]
    for name, parameter in signature(study.run).parameters.items():
        if name not in _NOT_ASKED:
            options.append(_option(name, parameter.default, hints[name]))
    options += [_declared(name, default, type(default), option) for name, (default, option) in study.extra.items()]
    if _is_stored(study):
        options += [out_option, json_option, plots_option, quiet_option]
    else:
        page = click.option("--out", metavar="FILE.html", help="Write the report, one page of HTML")
        options += [page, json_option, quiet_option]

    def holder() -> None:
        """Holds the options that click hangs on a function."""

    for option in reversed(options):
        option(holder)
    yield from reversed(getattr(holder, "__click_params__"))  # noqa: B009


def _option(name: str, default: Any, hint: Any) -> Callable[..., Any]:
    if name in _SHARED:
        return _SHARED[name]
    declared = [part for part in get_args(hint) if isinstance(part, Option)]
    option = declared[0] if declared else _KNOWN.get(name)
    if option is None:
        raise TypeError(f"the parameter {name} of a study says nothing of its option")
    plain = get_args(hint)[0] if declared else hint
    return _declared(name, default, plain, option)


def _declared(name: str, default: Any, hint: Any, option: Option) -> Callable[..., Any]:
    kind, required = _kind(hint), default is Parameter.empty
    if kind is bool:
        return click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=option.help)
    help_text = option.help
    if name == "replications" and default is None and "[default" not in help_text:
        help_text += "  [default: the scenario's]"
    return click.option(
        f"--{name.replace('_', '-')}", name, type=_KINDS.get(kind, str), required=required,
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
