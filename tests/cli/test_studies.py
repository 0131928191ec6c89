"""The commands of studies from end to end, on a world of a few partners and weeks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli.main import main
from tests.engines.small import HEAD

TINY = (
    HEAD.replace("count = 6", "count = 3").replace(
        "horizon_weeks = 39\nburn_in_weeks = 26", "horizon_weeks = 13\nburn_in_weeks = 13"
    )
    + """
[uncertainty."behavior.elasticity"]
distribution = "uniform"
low = 0.2
high = 0.8
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
[programs.more.components.core]
kind = "revenue_share"
rate = 0.08
"""
)
LEVERS = """
[levers."programs.more.components.core.rate"]
low = 0.02
high = 0.10
"""


@pytest.fixture
def file(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("simulator.runs.simulate._DESIGN_POINTS", 4)
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="incentive-sim")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("sensitivity", ("--method", "tornado", "--replications", 6)),
        ("value-of-information", ("--replications", 50)),
        ("select", ("--replications", 8)),
        ("winners", ("--replications", 8)),
        ("forecast", ("--replications", 3)),
    ],
)
def test_a_study_is_told_saved_and_shown_again(
    file: Path, tmp_path: Path, command: str, options: tuple[object, ...]
) -> None:
    result = run(command, file, *options, "--out", tmp_path / "runs", "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "figures.json").read_text())
    (place,) = (tmp_path / "runs").iterdir()
    assert f"Run directory: {place}" in result.output
    again = run("show", place)
    assert again.exit_code == 0
    assert "more" in again.output
    said = json.loads((place / "summary.json").read_text())["headline"]
    text = " ".join(again.output.split())  # as it is wrapped on the screen
    assert all(line in text for line in said)
    refused = run("diff", place, place)
    assert refused.exit_code == 3
    assert "is no run of compare" in refused.stderr


def test_levers_are_tuned_from_the_command_line(file: Path, tmp_path: Path) -> None:
    (tmp_path / "levers.toml").write_text(LEVERS)
    options = ("--replications", 6, "--evaluations", 10, "--out", tmp_path / "runs")
    result = run("optimize", file, "--levers", tmp_path / "levers.toml", *options)
    assert result.exit_code == 0, result.output
    assert "core.rate = " in result.output
    assert "fresh worlds" in result.output


def test_bad_levers_are_refused_with_place_and_rule(file: Path, tmp_path: Path) -> None:
    (tmp_path / "levers.toml").write_text(LEVERS.replace("core.rate", "core.rat").replace("0.10", "-1.0"))
    result = run("optimize", file, "--levers", tmp_path / "levers.toml", "--out", tmp_path / "runs")
    assert result.exit_code == 2
    assert "core.rat" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "runs").exists()
