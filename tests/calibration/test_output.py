"""The written scenario and the report: complete, repeatable, safe against odd names, never half written."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from simulator.calibration import Calibration, calibrate, scenario_file
from tests.calibration.exports import PROFILE, Truth, synthetic, written

ROWS = synthetic(Truth(partners=30), seed=8)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    return calibrate(*written(ROWS, tmp_path_factory.mktemp("out")))


def test_every_estimate_stands_in_the_file_with_its_error(result: Calibration) -> None:
    text = result.scenario_path.read_text(encoding="utf-8")
    assert text.startswith("#:schema ./scenario.schema.json\n")
    assert len(result.estimates) == 11
    for path, estimate in result.estimates.items():
        key = path.rsplit(".", 1)[1]
        (line,) = [line for line in text.splitlines() if line.startswith(f"{key} = ")]
        assert f"n = {estimate.n}" in line
        assert ("+- " in line) == (estimate.se is not None)
        assert float(line.split()[2]) == pytest.approx(estimate.value, rel=5e-4)
        assert f"`{path}`" in result.quality
        assert path in result.summary()


def test_the_elasticity_is_the_graded_prior(result: Calibration) -> None:
    tree = tomllib.loads(result.scenario_path.read_text(encoding="utf-8"))
    spread = tree["uncertainty"]["behavior.elasticity"]
    assert (spread["distribution"], spread["low"], spread["mode"], spread["high"]) == (
        "triangular",
        0.0,
        0.5,
        1.2,
    )


def test_vendor_stream_is_the_stated_share(result: Calibration) -> None:
    """A quarter of all opportunities: a third of what partners bring."""
    partners = result.scenario.partners["partners"]
    vendor = result.scenario.territories["all"].vendor_opportunities_per_year
    assert vendor == pytest.approx(partners.count * partners.opportunities_per_year / 3, rel=1e-3)


def test_a_vendor_stream_that_no_territory_can_have_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario_file, "MOST_VENDOR", 10.0)
    cut = calibrate(*written(ROWS, tmp_path))
    assert cut.scenario.territories["all"].vendor_opportunities_per_year == 10.0
    assert "cut to what one territory can have, from" in cut.defaults["territories.all.vendor_opportunities_per_year"]


def test_same_input_same_files(result: Calibration, tmp_path: Path) -> None:
    again = calibrate(*written(ROWS, tmp_path))
    assert again.scenario_path.read_bytes() == result.scenario_path.read_bytes()
    assert again.quality_path.read_bytes() == result.quality_path.read_bytes()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["export.csv", "fitted.quality.md", "fitted.toml", "profile.toml"]


def test_names_cannot_break_out_of_comments_strings_or_tables(tmp_path: Path) -> None:
    profile = PROFILE.replace('name = "synthetic"', 'name = "x\\u007f\\u0001\\n[run]\\nseed = 7 \\" | `a`"')
    profile = profile.replace('stage = "stage"\n', 'stage = "stage"\nsegment = "line"\n')
    lines = ["other", "Ä/ö |", "123 \n[run]"]
    rows = ROWS.assign(line=[lines[k % 3] for k in range(len(ROWS))])
    result = calibrate(*written(rows, tmp_path, profile=profile))
    assert result.scenario.run.seed == 1
    assert set(result.scenario.markets) == {"other_1", "segment", "segment_123_run"}
    assert result.scenario.name == 'x [run] seed = 7 " | `a` (fitted)'
    assert "\\| \\`a\\`" in result.quality


def test_a_crash_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export, profile, out = written(ROWS, tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        calibrate(export, profile, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.csv", "profile.toml"]
