"""From a scenario to an export and back by the commands alone, and what they say when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli.main import main
from simulator.scenario.load import load
from tests.calibration.faults import export_with_faults
from tests.calibration.test_simulated import TEXT


def run(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="incentive-sim")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A HubSpot export of a tiny scenario with faults, and how many rows have each."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "tiny.toml").write_text(TEXT)
    scenario = load(folder / "tiny.toml")
    return folder, export_with_faults(scenario, folder / "out", crm="hubspot", seed=scenario.run.seed)


def test_an_export_says_what_it_wrote(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TEXT)
    command = ("export", tmp_path / "tiny.toml", "--out", tmp_path / "out", "--crm", "hubspot")
    result = run(*command, "--json", "-")
    assert result.exit_code == 0
    written = json.loads(result.stdout)
    assert {Path(p).name for p in written["rows"]} == {p.name for p in (tmp_path / "out").iterdir()}
    assert written["profile"] == "hubspot"
    assert f"roster.csv: {written['rows'][str(tmp_path / 'out' / 'roster.csv')]} rows" in result.stderr
    assert run(*command).exit_code == 2


def test_what_was_exported_is_calibrated_without_a_profile(demo: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    out, put = demo[0] / "out", demo[1]
    files = [x for name in ("roster", "payouts", "history", "rates") for x in (f"--{name}", out / f"{name}.csv")]
    fitted = tmp_path / "fitted.toml"
    result = run("calibrate", out / "opportunities.csv", *files, "--out", fitted, "--json", tmp_path / "c.json")
    assert result.exit_code == 0, result.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"c.json", "fitted.html", "fitted.quality.md", "fitted.toml"}
    scenario = load(fitted)
    assert scenario.currency == "USD"
    assert scenario.partners["partners"].count == 5
    # The plan pays 4 % and three times that above quota; what it came to is known from the payouts.
    assert 0.04 < scenario.programs["baseline"].components["share"].rate < 0.12
    assert "markets.market.win_probability" in scenario.uncertainty
    found = {r["reason"]: r["count"] for r in json.loads((tmp_path / "c.json").read_text())["remarks"]}
    assert found["exact duplicate of an earlier row"] == put["copied rows"]
    assert found["owner missing"] == put["owner missing"]
    assert found["account missing"] == put["account missing"]
    assert found["amount converted from EUR"] == put["another currency"]
    assert sum(n for r, n in found.items() if r.startswith("created in the future")) == put["dates in the future"]


def test_faults_of_input_end_with_2_and_say_what_to_do(demo: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    out = demo[0] / "out"
    result = run("calibrate", out / "opportunities.csv", "--out", tmp_path / "f.toml")
    assert result.exit_code == 2
    assert "amounts without a rate to USD: 'EUR'" in result.stderr
    assert "give a table of rates" in result.stderr
    assert run("calibrate", out / "roster.csv", "--out", tmp_path / "f.toml").exit_code == 2
    assert run("export", demo[0] / "tiny.toml", "--out", tmp_path, "--crm", "sugar").exit_code == 2
    assert not list(tmp_path.iterdir())
