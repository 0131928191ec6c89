"""The tutorial's four commands, as they stand in the page, lead to a report."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.cli.main import main
from tests.engines.quick import quick_reference

ROOT = Path(__file__).parents[2]


def commands() -> list[str]:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    return re.findall(r"^    (\S.*)$", text, flags=re.MULTILINE)


def test_the_first_is_that_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"    {commands()[0]} && " in readme
    assert len(commands()) == 4


def test_the_others_lead_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    whole = (ROOT / "scenarios" / "b2b_manufacturer.toml").read_text(encoding="utf-8")
    for old, new in (
        ("count = 42", "count = 6"),
        ("horizon_weeks = 52", "horizon_weeks = 26"),
        ("_weeks = 91", "_weeks = 26"),
    ):
        assert old in whole
        whole = whole.replace(old, new)
    (tmp_path / "scenarios" / "b2b_manufacturer.toml").write_text(whole, encoding="utf-8")
    for command in commands()[1:]:
        program, *arguments = shlex.split(command)
        assert program == ".venv/bin/incentive-sim"
        fewer = ["50" if a == "300" else "1" if a == "2" else a for a in arguments]
        # Few partners and few replications: whether it runs is asked here, not what it finds.
        with quick_reference():
            done = CliRunner().invoke(main, fewer)
        assert done.exit_code == 0, done.output
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "b2b manufacturer: which incentive program" in report
    assert re.search(r"(Choose|Keep) ", report)
