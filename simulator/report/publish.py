"""Reports as files: HTML, PDF, Markdown and an Excel workbook, each written whole or not at all, never over another."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulator.core.errors import SimulatorError, fault

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def publish_files(makers: Mapping[str, Callable[[Path], None]], files: Mapping[str, Path]) -> None:
    """Write a report as each of `files`, by format, with the maker of that format.

    Raises `InputError` where a file is there already or its directory is not, before anything is written.
    """
    for path in files.values():
        if path.exists():
            raise fault("options", "out", str(path), "exists already and is not overwritten", "name another file")
        if not path.parent.is_dir():
            raise fault("options", "out", str(path), "its directory does not exist", "make it first")
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


def write_text(path: Path, text: str) -> None:
    """Write a page or Markdown."""
    path.write_text(text, encoding="utf-8")
