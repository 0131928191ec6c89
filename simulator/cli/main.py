"""The command line. Exit codes: 0 done; 1 the engines disagree (`verify`) or lint has findings
(`validate --strict`); 2 wrong usage or input; 3 the run failed; 130 interrupted.

Results go to standard output; progress, notes and problems to standard error. Everything numeric is imported
when a command runs, so help is immediate.
"""

from __future__ import annotations

from typing import Any

import click

from simulator.cli.calibration import backtest, behavior, calibrate, export
from simulator.cli.compare import CompareCommand
from simulator.cli.engines import verify
from simulator.cli.explore import explore
from simulator.cli.options import BAD_INPUT, FAILED, INTERRUPTED, say
from simulator.cli.runs import diff, report, runs, show
from simulator.cli.scenarios import schema, validate
from simulator.cli.study_command import StudyCommand
from simulator.core.errors import InputError, SimulatorError
from simulator.studies.registry import declared


class _Reporting(click.Group):
    """Turns errors raised on purpose into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            for problem in error.problems:
                say(str(problem))
            ctx.exit(BAD_INPUT)
        except (SimulatorError, OSError) as error:
            say(f"error: {error}")
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            say("interrupted; nothing was written")
            ctx.exit(INTERRUPTED)


def _version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if not asked:
        return
    from importlib import metadata

    try:
        click.echo(f"incentive-sim {metadata.version('incentive-sim')}")
    except metadata.PackageNotFoundError:
        click.echo("incentive-sim, not installed: run from its source")
    ctx.exit()


@click.group(
    cls=_Reporting,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 engines disagree (verify), or findings (validate --strict); 2 wrong usage or input; "
    "3 the run failed; 130 interrupted.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit"
)
def main() -> None:
    """Simulate how partners respond to incentive programs, and what each costs, lifts and invites."""


for _command in (
    runs,
    show,
    diff,
    report,
    verify,
    calibrate,
    export,
    backtest,
    behavior,
    validate,
    schema,
    explore,
):
    main.add_command(_command)
for _name, (_, _summary) in declared().items():
    main.add_command((CompareCommand if _name == "compare" else StudyCommand)(_name, _summary))
