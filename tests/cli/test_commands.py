"""What every command has: examples that are right, JSON, quiet; and completion in shells."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from simulator.cli.main import main
from tests.cli.test_studies import TINY
from tests.engines.quick import quick_reference

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(main.commands)
SILENT = {"explore", "report", "schema"}
"""Serves a page; writes the files that are asked for; prints JSON as it is."""


def shown(command: click.Command) -> str:
    return CliRunner().invoke(main, [command.name or "", "--help"], prog_name="incentive-sim").output


def examples(command: click.Command) -> list[list[str]]:
    lines = [line.strip() for line in shown(command).splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("incentive-sim ")]


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_of_help_are_right(name: str) -> None:
    command = main.commands[name]
    found = examples(command)
    assert found
    for first, *rest in found:
        assert first == name
        command.make_context(name, list(rest))  # refuses what is no option or misses an argument
        for path in (p for p in rest if p.startswith("scenarios/")):
            assert (ROOT / path).exists()


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in SILENT])
def test_every_command_has_json_and_quiet(name: str) -> None:
    command = main.commands[name]
    options = {option for parameter in command.get_params(click.Context(command)) for option in parameter.opts}
    assert {"--json", "--quiet"} <= options


def test_json_and_quiet_give_json_alone(tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    out = f"--out={tmp_path / 'runs'}"
    asked = [
        ["validate", str(file)],
        ["verify", str(file), "--replications=1"],
        ["trace", str(file), "--program=more", "--replication=0"],
        ["uncertainty", str(file), "--vectors=3", "--worlds=3", out],
        ["winners", str(file), "--replications=4", "--no-plots", out],
        ["runs", out],
    ]
    with quick_reference(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.runs.simulate._DESIGN_POINTS", 4)
        for arguments in asked:
            result = CliRunner().invoke(main, [*arguments, "--json", "-", "--quiet"], prog_name="incentive-sim")
            assert result.exit_code == 0, result.output
            json.loads(result.stdout)
    names = [run["run"] for run in json.loads(result.stdout)]
    assert len(names) == 2
    for name in names:
        again = CliRunner().invoke(main, ["show", name, out, "--json", "-", "--quiet"], prog_name="incentive-sim")
        assert json.loads(again.stdout)["scenario"] == "small"


def test_shells_complete_commands() -> None:
    asked = {"_INCENTIVE_SIM_COMPLETE": "bash_complete", "COMP_WORDS": "incentive-sim com", "COMP_CWORD": "1"}
    code = "from simulator.cli.main import main; main(prog_name='incentive-sim')"
    run = subprocess.run([sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True)
    assert run.stdout.split() == ["plain,compare"]


def test_exit_codes_of_the_page_are_those_of_help() -> None:
    help_text = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    page = (ROOT / "docs" / "command_line.md").read_text()
    for code in ("0", "1", "2", "3", "130"):
        assert f"| {code} |" in page
        assert f"{code} " in help_text[help_text.index("Exit codes") :]
    for name in COMMANDS:
        assert f"`{name}`" in page
