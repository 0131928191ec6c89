"""The commands: what they print and where, what they write, and their exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import simulator.scenario.load as load_module
import simulator.studies.lint.lint as lint_module
import simulator.studies.verify as verify_module
from simulator.calibration import backtest as backtest_module, behavior_abc as behavior_module
from simulator.calibration.calibrate import calibrate
from simulator.calibration.side_files import CompanionFiles
from simulator.cli.main import main
from simulator.core.errors import SimulatorError
from simulator.runs.run_directory import verified
from simulator.runs.simulate import SimulationResult
from simulator.scenario.json_schema import schema_json
from simulator.studies.lint.rule import LintFinding
from tests import made_up
from tests.scenario.texts import SMALL, edited


def run(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="incentive-sim")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL + made_up.BUDGET)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `simulate` is asked for; it answers with made-up outcomes."""
    settings: dict[str, Any] = {}

    def fake(scenario: Any, *, progress: Any, **given: Any) -> SimulationResult:
        settings.update(given)
        progress(20, 40)
        progress(40, 40)
        return made_up.simulated(seed=given["seed"])

    monkeypatch.setattr("simulator.studies.settings.simulate", fake)
    return settings


def test_compare_prints_tables_and_writes_a_run(file: Path, asked: dict[str, Any], tmp_path: Path) -> None:
    result = run("compare", file, "--out", tmp_path / "runs", "--no-plots")
    assert result.exit_code == 0
    (place,) = (tmp_path / "runs").iterdir()
    assert f"Run directory: {place}" in result.stdout
    assert verified(place)
    assert json.loads((place / "summary.json").read_text())["sample"] == "40 replications, seed 1"
    for title in (
        "Programs where partners respond and game",
        "Program cost by component",
        "What rests on behavior",
        "Gaming",
        "Difference to the",
    ):
        assert title in result.stdout
    assert f"incentive-sim trace {file} --program growth --replication" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines() if "/" not in line) <= 110


def test_compare_says_what_it_took_by_default_and_how_far_it_is(
    file: Path, asked: dict[str, Any], tmp_path: Path
) -> None:
    result = run("compare", file, "--no-plots", "--out", tmp_path / "r")
    assert "replications 500 (default); seed 1 (default); engine vector; programs baseline, growth" in result.stderr
    assert "40 of 40 (100 %)" in result.stderr
    assert "100 %" not in result.stdout


def test_compare_passes_its_options_on(file: Path, asked: dict[str, Any], tmp_path: Path) -> None:
    result = run(
        "compare", file, "--replications", 20, "--seed", 0, "--programs", "growth, baseline",
        "--engine", "events", "--workers", 2, "--chunk", 5, "--out", tmp_path / "r", "--no-plots",
    )  # fmt: skip
    assert result.exit_code == 0
    assert asked.pop("kept") is not None
    assert asked == {
        "programs": ("growth", "baseline"), "replications": 20, "seed": 0, "engine": "events",
        "workers": 2, "chunk": 5, "design": None, "gaming_detail": False, "executor": None,
    }  # fmt: skip
    assert "replications 20; seed 0; engine events" in result.stderr


def test_json_on_standard_output_is_alone_there(file: Path, asked: dict[str, Any], tmp_path: Path) -> None:
    result = run("compare", file, "--out", tmp_path / "r", "--no-plots", "--json", "-")
    assert json.loads(result.stdout)["scenario"] == "small"
    assert "Programs where partners respond and game" in result.stderr


def test_json_goes_to_a_file(file: Path, asked: dict[str, Any], tmp_path: Path) -> None:
    run("compare", file, "--out", tmp_path / "r", "--no-plots", "--json", tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["replications"] == 40


def test_quiet_prints_the_run_directory_only(file: Path, asked: dict[str, Any], tmp_path: Path) -> None:
    result = run("compare", file, "--out", tmp_path / "r", "--no-plots", "--quiet")
    (place,) = (tmp_path / "r").iterdir()
    assert (result.stdout, result.stderr) == (f"{place}\n", "")


def test_bad_input_lists_every_problem_without_a_traceback(file: Path, tmp_path: Path) -> None:
    file.write_text(edited("count = 6", "count = 0").replace("horizon_weeks", "horizon_week"))
    result = run("compare", file, "--out", tmp_path / "r")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert "did you mean 'horizon_weeks'?" in result.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "FILE", "--programs", "grwoth"], "did you mean 'growth'?"),
        (["compare", "FILE", "--replications", "1"], "must be at least 2"),
        (["compare", "FILE", "--replications", "many"], "'many' is not a valid integer"),
        (["compare", "FILE", "--engine", "vectr"], "did you mean 'vector'?"),
        (["verify", "FILE", "--programs", "grwoth"], "did you mean 'growth'?"),
        (["verify", "FILE", "--replications", "0"], "0 is not in the range x>=1"),
        (["trace", "FILE", "--program", "growth", "--replication", "-1"], "must be 0 or more"),
        (["compare", "missing.toml"], "missing.toml: file: does not exist"),
        (["validate", "missing.toml"], "missing.toml: file: does not exist"),
        (["calibrate", "missing.csv", "--profile", "friofrio", "--out", "x.toml"], "missing.csv"),
        (["compair", "FILE"], "No such command 'compair'"),
    ],
)
def test_usage_and_input_errors_end_with_2(file: Path, arguments: list[str], words: str) -> None:
    result = run(*[str(file) if a == "FILE" else a for a in arguments])
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SimulatorError("the worker died"), 3, "error: the worker died"),
        (OSError(28, "No space left on device"), 3, "No space left on device"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was written"),
    ],
)
def test_failures_have_their_codes(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def fail(*_: Any, **__: Any) -> SimulationResult:
        raise error

    monkeypatch.setattr("simulator.studies.settings.simulate", fail)
    result = run("compare", file, "--out", tmp_path / "r")
    assert result.exit_code == code
    assert words in result.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(("agrees", "code"), [(True, 0), (False, 1)])
def test_verify_ends_with_1_where_the_engines_disagree(
    file: Path, monkeypatch: pytest.MonkeyPatch, agrees: bool, code: int
) -> None:
    class Verification:
        def __init__(self) -> None:
            self.agrees = agrees

        def __str__(self) -> str:
            return "largest difference 0"

    asked: dict[str, Any] = {}
    monkeypatch.setattr(verify_module, "verify", lambda _, **given: asked.update(given) or Verification())
    result = run("verify", file, "--replications", 3, "--programs", "growth")
    assert (result.exit_code, result.stdout) == (code, "largest difference 0\n")
    assert asked.pop("progress") is not None
    assert asked == {"programs": ("growth",), "replications": 3, "seed": 1}


def test_calibrate_prints_its_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Calibration:
        def summary(self) -> str:
            return "fitted"

    module = sys.modules[calibrate.__module__]
    monkeypatch.setattr(module, "calibrate", lambda *a, **k: asked.extend([a, k]) or Calibration())
    result = run("calibrate", "e.csv", "--profile", "friofrio", "--out", "s.toml", "--overwrite", "--roster", "r.csv")
    assert result.stdout == "fitted\n"
    given = {"overwrite": True, "companions": CompanionFiles(roster=Path("r.csv")), "report_path": Path("s.html")}
    assert asked == [(Path("e.csv"), "friofrio", Path("s.toml")), given]


def test_backtest_passes_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Backtest:
        def summary(self) -> str:
            return "held"

    monkeypatch.setattr(backtest_module, "backtest", lambda *a, **k: asked.extend([a, k]) or Backtest())
    result = run("backtest", "e.csv", "--profile", "friofrio", "--from", "2017-01-01", "--starts", 3, "--draws", 50)
    assert result.stdout == "held\n"
    options = {"start": "2017-01-01", "quarters": 4, "starts": 3, "draws": 50, "seed": 1}
    options |= {"companions": CompanionFiles(), "scenario": None, "programs": None}
    assert asked == [(Path("e.csv"), "friofrio"), options]


def test_behavior_writes_what_was_learned(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Behavior:
        learned = ()

        def summary(self) -> str:
            return "learned"

        def uncertainty(self) -> str:
            return ""

    monkeypatch.setattr(behavior_module, "behavior", lambda *_, **given: asked.update(given) or Behavior())
    out = tmp_path / "learned.toml"
    options = ["--replications", 200, "--weeks", 60, "--history", "h.csv", "--out", out]
    result = run("behavior", file, "e.csv", *options)
    assert result.stdout == "learned\n"
    assert asked == {"replications": 200, "seed": 1, "weeks": 60, "companions": CompanionFiles(history=Path("h.csv"))}
    assert out.read_text().rstrip() == file.read_text().rstrip()
    assert "is there already" in run("behavior", file, "e.csv", "--out", out).stderr


def test_validate_says_what_is_in_a_scenario(file: Path) -> None:
    result = run("validate", file, "--no-lint")
    assert result.exit_code == 0
    assert result.stdout == (
        f"{file}: ok\n"
        "small: 26 weeks after 52 of burn-in, 9 partners in 2 segments, 2 markets, 1 uncertain number\n"
        "budget 200,000 USD per year\n"
        "  baseline  Status quo: core (revenue_share), demos (activity_credit), "
        "tiers registered < silver < gold\n"
        "  growth    Growth points: core (revenue_share), points (growth), tiers registered < silver < gold\n"
    )


def test_validate_lists_findings_which_are_advice_unless_strict(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = LintFinding(
        "notch", "growth", "programs.growth.components.core", "", 1.0, 2.0, "USD", 30.0, "a step", "a slope"
    )
    found = lint_module.Lint(("baseline", "growth"), (step,), "USD")
    monkeypatch.setattr(lint_module, "lint", lambda *_, **__: found)
    result = run("validate", file)
    assert result.exit_code == 0
    title = "cliff: pay jumps up at a threshold [30 USD a year]"
    text = f"baseline: no finding\ngrowth: 1 finding\n  {title} programs.growth.components.core\n"
    assert text + "    a step\n    fix: a slope\n" in result.stdout
    strict = run("validate", file, "--strict", "--json", "-")
    assert strict.exit_code == 1
    assert json.loads(strict.stdout)["programs"]["growth"][0]["fix"] == "a slope"
    monkeypatch.setattr(lint_module, "lint", lambda *_, **__: lint_module.Lint(("baseline",), (), "USD"))
    assert run("validate", file, "--strict").exit_code == 0


def test_schema_is_printed_or_written(tmp_path: Path) -> None:
    assert run("schema").stdout == schema_json()
    run("schema", "--out", tmp_path / "s.json")
    assert (tmp_path / "s.json").read_text() == schema_json()


def test_without_arguments_help_names_commands_and_exit_codes() -> None:
    shown = run("--help").stdout
    for word in (
        "compare",
        "verify",
        "trace",
        "calibrate",
        "validate",
        "schema",
        "Exit codes",
        "130 interrupted",
    ):
        assert word in shown


def test_a_real_run_from_end_to_end(tmp_path: Path) -> None:
    """Certain numbers only, so that the reference population lives few lives; the same at every run."""
    file = tmp_path / "s.toml"
    start, rest = SMALL.split('[uncertainty."behavior.elasticity"]')
    file.write_text(start + rest[rest.index("[programs.baseline]") :])
    assert load_module.load(file).uncertainty == {}
    options = ("compare", file, "--replications", 4, "--seed", 7, "--no-plots", "--json")
    first = run(*options, tmp_path / "1.json", "--out", tmp_path / "r")
    run(*options, tmp_path / "2.json", "--out", tmp_path / "r", "--chunk", 3, "--again")
    assert first.exit_code == 0
    assert (tmp_path / "1.json").read_text() == (tmp_path / "2.json").read_text()
    assert len(list((tmp_path / "r").iterdir())) == 2
