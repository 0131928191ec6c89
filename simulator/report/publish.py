"""Reports as files: HTML, PDF, Markdown and an Excel workbook, each written whole or not at all, never over another."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from simulator.core.errors import SimulatorError, fault
from simulator.runs.stored_runs import StoredRun
from simulator.studies import leadership as words
from simulator.studies.leadership import Leadership

FORMATS = ("html", "pdf", "markdown", "excel")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def publish(found: Leadership, run: StoredRun, files: dict[str, Path]) -> None:
    """Write the report as each of `files`, by format.

    Raises `InputError` where a file is there already or its directory is not, before anything is written, and
    `SimulatorError` where a PDF is asked for and there is no browser to print it.
    """
    for path in files.values():
        if path.exists():
            raise fault("options", "out", str(path), "exists already and is not overwritten", "name another file")
        if not path.parent.is_dir():
            raise fault("options", "out", str(path), "its directory does not exist", "make it first")
    makers: dict[str, Callable[[Path], None]] = {
        "html": lambda path: _text(path, words.html(found, run)),
        "pdf": lambda path: print_pdf(words.html(found, run), path),
        "markdown": lambda path: _text(path, words.markdown(found, run)),
        "excel": lambda path: _workbook(found, path),
    }
    for kind, path in files.items():
        whole(path, makers[kind])


def whole(path: Path, make: Callable[[Path], None]) -> None:
    """Let `make` write a file beside `path` and move it there once it is complete."""
    with tempfile.TemporaryDirectory(prefix=".report", dir=path.parent) as place:
        building = Path(place) / path.name
        make(building)
        os.replace(building, path)


def print_pdf(html: str, path: Path) -> None:
    """Print a page as PDF, tagged and with an outline, by a browser that is installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise SimulatorError(
            "a PDF needs the extra `pdf`: pip install 'incentive-sim[pdf]'; HTML prints as well"
        ) from error
    found = next((place for name in _BROWSERS if (place := shutil.which(name))), None)
    if found is None:
        raise SimulatorError("a PDF needs Chromium or Chrome on the PATH; the HTML report prints from any browser")

    def printed() -> None:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
            sheet = browser.new_page(java_script_enabled=False)
            sheet.set_content(html)
            sheet.pdf(path=str(path), prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
            browser.close()

    # In a thread of its own: a notebook runs an event loop, in which Playwright's plain calls are refused.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(printed).result()


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _workbook(found: Leadership, path: Path) -> None:
    """All tables, a sheet each, at full precision."""
    study = found.study
    sheets = {
        "recommendation": pd.DataFrame({"recommendation": words.recommendation(found)}),
        "differences": study.differences(),
        "metrics": study.metrics,
        "ladder": study.ladder(),
        "lint": found.lint.table(),
    }
    if found.influences is not None:
        sheets["assumptions"] = found.influences.table()
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for name, table in sheets.items():
            _harmless(table).to_excel(book, sheet_name=name, index=False, freeze_panes=(1, 1))


def _harmless(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before texts that a spreadsheet would take for formulas."""

    def text(x: object) -> object:
        return "'" + x if isinstance(x, str) and x[:1] in ("=", "+", "-", "@") else x

    named = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{name: table[name].map(text) for name in named})
