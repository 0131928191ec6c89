"""The notebooks run from top to bottom with few replications, and are stored without outputs."""

from __future__ import annotations

import warnings
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SAID = {
    "01_compare_tier_structures": "commission.rate: from 0.04 to 0.03",
    "02_why_it_costs_what_it_costs": "The ten costliest decisions",
    "03_sensitivity_report": "sensitivity.html: ",
    "04_pilot_planning": "pilot_brief.html: ",
    "05_calibrate_from_crm": "# Data quality",
}
"""What each prints, if it went well."""
QUICK = """
from tests.engines.quick import quick_reference
quick = quick_reference()
quick.__enter__()
"""
"""Cell before all others: few partners of reference, as what a notebook finds is not asked here."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_stored_without_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def _smaller(path: Path, place: Path) -> Path:
    """A folder beside which the scenario is of fewer partners and weeks, unless there would be too little to fit."""
    text = (ROOT / "scenarios" / "quickstart.toml").read_text(encoding="utf-8")
    if not path.stem.startswith("05"):
        burn_in = 52 if path.stem.startswith("04") else 26  # a pilot looks at a quarter before launch
        partners = 12 if path.stem.startswith("04") else 6
        text = text.replace("count = 20", f"count = {partners}").replace("horizon_weeks = 52", "horizon_weeks = 26")
        text = text.replace("burn_in_weeks = 91", f"burn_in_weeks = {burn_in}")
        assert f"horizon_weeks = 26\nburn_in_weeks = {burn_in}" in text
        assert f"count = {partners}" in text
    for folder in ("notebooks", "scenarios"):
        (place / folder).mkdir()
    (place / "scenarios" / "quickstart.toml").write_text(text, encoding="utf-8")
    return place / "notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")  # of the notebook machinery; the kernel is a process of its own
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel draws inline, as in JupyterLab
    monkeypatch.setenv("NOTEBOOK_REPLICATIONS", "50")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nbclient import NotebookClient

        book = nbformat.read(path, as_version=4)
        book.cells.insert(0, nbformat.v4.new_code_cell(QUICK))
        NotebookClient(
            book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(_smaller(path, tmp_path))}}
        ).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr"]
    drawing = [c for c in book.cells[1:] if c.cell_type == "code" and ".plot(" in c.source]
    assert drawing
    assert [c.source for c in drawing if not any("image/png" in o.get("data", {}) for o in c.outputs)] == []
    printed = "".join(o.text for o in outputs if o.output_type == "stream")
    assert SAID[path.stem] in printed
    assert max(len(str(o.get("data", {}).get("text/plain", ""))) for o in outputs) < 10_000
