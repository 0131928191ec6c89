"""Partner against direct deals of a plain table: counts by hand, Woolf's interval by hand, and the Salvirt data."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from simulator.calibrate.recognise import source_of
from simulator.calibrate.sides import Sides, read_contrast
from simulator.cli import main
from simulator.errors import InputError
from tests.calibrate.exports import DATA, needs_data

SALVIRT = DATA / "salvirt_b2b" / "B2B_dataset.csv"


def table(folder: Path) -> Path:
    """Partner 12 won, 8 lost; direct 10 won, 20 lost; 7 open, 2 of those and 3 others of unknown side; 2 of the
    partner's wins are copies."""
    rows = [("Yes", "Won")] * 12 + [("Yes", "Lost")] * 8 + [("No", "Won")] * 10 + [("No", "Lost")] * 20
    rows += [("Yes", "Open")] * 5 + [("?", "Won")] * 3 + [("?", "Open")] * 2
    found = pd.DataFrame(rows, columns=["Partnership", "Status"]).assign(deal=range(len(rows)))
    found.loc[1:2, "deal"] = 0
    found.to_csv(folder / "deals.csv", index=False)
    return folder / "deals.csv"


def read(path: Path, side: str = "Partnership") -> Sides:
    return read_contrast(path, outcome="Status", won=["Won"], lost=["Lost"], side=side, partner=["Yes"], direct=["No"])


def test_ratio_interval_and_what_was_left_out(tmp_path: Path) -> None:
    """12 x 20 / (8 x 10) = 3; without the two copies 10 x 20 / (8 x 10) = 2.5."""
    found = read(table(tmp_path))
    assert found.contrast.ratio.value == pytest.approx(3.0)
    half = 1.96 * math.sqrt(1 / 12 + 1 / 8 + 1 / 10 + 1 / 20)
    assert found.contrast.ratio.interval() == pytest.approx((3 * math.exp(-half), 3 * math.exp(half)), rel=1e-4)
    assert found.contrast.distinct is not None
    assert found.contrast.distinct.value == pytest.approx(2.5)
    assert (found.rows, found.contrast.duplicates, list(found.left_out.values())) == (60, 2, [7, 3])


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    path = table(tmp_path)
    with pytest.raises(InputError, match=r"columns = 'Partner': is not there \(did you mean 'Partnership'\?\)"):
        read(path, side="Partner")
    path.write_text("Partnership,Status\nYes,Won\nNo,Won\nNo,Lost\n")
    with pytest.raises(InputError, match="both sides must have won and lost deals"):
        read(path)


def test_the_command(tmp_path: Path) -> None:
    options = ["--won", "Status=Won", "--lost", "Status=Lost", "--partner", "Partnership=Yes"]
    asked = ["contrast", str(table(tmp_path)), *options, "--direct"]
    result = CliRunner().invoke(main, [*asked, "Partnership=No", "--json", "-"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["contrast"]["ratio"]["value"] == pytest.approx(3.0)
    assert "an association, no effect of having a partner" in " ".join(result.stderr.split())
    for wrong in ("Partnership", "Status=No"):
        assert CliRunner().invoke(main, [*asked, wrong]).exit_code == 2


@needs_data
def test_salvirt() -> None:
    """The data's README: 2.26 [1.23, 4.16], an association. Copies counted here with plain pandas."""
    found = read(SALVIRT).contrast
    assert found.ratio.value == pytest.approx(2.26, abs=0.005)
    assert found.ratio.interval() == pytest.approx((1.23, 4.16), abs=0.005)
    raw = pd.read_csv(SALVIRT, dtype=str, keep_default_na=False)
    cells = raw.drop_duplicates().groupby(["Partnership", "Status"]).size()
    adjusted = cells["Yes", "Won"] * cells["No", "Lost"] / (cells["Yes", "Lost"] * cells["No", "Won"])
    assert found.duplicates == raw.duplicated().sum()
    assert found.distinct is not None
    assert found.distinct.value == pytest.approx(adjusted)
    # Without dates and amounts there is nothing to calibrate; the message says which columns are there.
    with pytest.raises(InputError, match=r"are not the default columns of .*columns: Product, Seller, .*Status\)"):
        source_of(SALVIRT, None)
