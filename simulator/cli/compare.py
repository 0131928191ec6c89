"""`compare`: shows a stored run of the same inputs and code again, and goes on with one that was stopped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from simulator.cli.options import INTERRUPTED, progress, say
from simulator.cli.study_command import StudyCommand, declared_option
from simulator.studies.registry import Option

_AGAIN = declared_option("again", False, bool, Option("Compute also what a stored run has already"))


class CompareCommand(StudyCommand):
    """The command of comparisons, which are kept by their identity."""

    more_options = (_AGAIN,)

    def compute(
        self, scenario: Any, arguments: dict[str, Any], out: str, *, quiet: bool, plots: bool, again: bool = False
    ) -> tuple[Any, Path | None]:
        """The comparison and its run directory, stored before or made now."""
        from simulator.runs.stored_runs import same
        from simulator.studies.compare import identity_of
        from simulator.studies.settings import RunSettings
        from simulator.studies.stored import comparison_of

        deciding = {name: arguments[name] for name in ("precision", "most", "gaming_detail")}
        given = {name: value for name, value in arguments.items() if name not in deciding}
        settings = RunSettings.of(scenario, **given)
        if not quiet:
            click.echo(_announced(scenario, settings, arguments), err=True)
        identity = identity_of(scenario, settings, **deciding)
        found = None if again else same(identity, out)
        if found is None:
            return self._resumed(scenario, arguments, out, identity, quiet=quiet, plots=plots)
        if not quiet:
            say(f"The same was run before and is shown from {found.place}; --again computes it anew")
        return comparison_of(found), found.place

    def _resumed(
        self, scenario: Any, arguments: dict[str, Any], out: str, identity: str | None, *, quiet: bool, plots: bool
    ) -> tuple[Any, Path | None]:
        """Run and store, going on from the chunks that an earlier run of the same inputs and code left."""
        from simulator.runs.checkpoints import keeping

        assert identity is not None
        with keeping(out, identity, sys.argv) as kept:
            if kept.damaged:
                left = f"{kept.damaged} damaged files of the stopped run are left out"
                say(f"{left}; their replications are computed again")
            if kept.replications and not quiet:
                say(f"Going on from {kept.replications:,} replications of a run that was stopped")
            try:
                with progress(quiet) as shown:
                    study = self.study.run(scenario, progress=shown, kept=kept, **arguments)
                place = study.save(out, command=sys.argv, plots=plots)
            except KeyboardInterrupt:
                if not kept.replications:
                    raise
                say(f"interrupted; {kept.replications:,} replications are kept: the same command goes on from there")
                raise click.exceptions.Exit(INTERRUPTED) from None
            kept.clear()
        return study, place

    def text_of(self, study: Any, _scenario_file: str) -> str:
        """The tables, and commands that replay replications of this very file."""
        return str(study.text(scenario_file=_scenario_file))


def _announced(scenario: Any, settings: Any, arguments: dict[str, Any]) -> str:
    """What is about to run, and which of it nobody asked for."""
    precision = arguments["precision"]
    many = _setting("replications", arguments["replications"], settings.replications)
    parts = [
        many if precision is None else f"replications until {precision:.2%}",
        _setting("seed", arguments["seed"], settings.seed),
        f"engine {settings.engine}",
        f"programs {', '.join(settings.programs)}",
    ]
    return f"{scenario.name}: " + "; ".join(parts)


def _setting(name: str, asked: int | None, value: int) -> str:
    return f"{name} {value:,}" + (" (default)" if asked is None else "")
