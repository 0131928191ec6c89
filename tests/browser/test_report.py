"""The leadership report and that of a calibration in a real browser: accessible, offline, and on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from simulator.calibration import calibrate
from simulator.report.publish import print_pdf
from simulator.studies import leadership as words
from simulator.studies.leadership import leadership
from simulator.studies.stored import comparison_of
from tests.browser.conftest import keep
from tests.calibration.exports import Truth, synthetic, written
from tests.pilots.test_pilot import verdict
from tests.report.test_leadership import run as stored

run = stored


@pytest.fixture
def text(run: stored) -> str:  # type: ignore[valid-type]
    return words.html(leadership(comparison_of(run)), run)


def test_the_report_is_accessible_and_asks_for_nothing(page: Page, text: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(text, encoding="utf-8")
    is_sound(page, file)
    keep(page, "report")


def test_the_report_of_a_calibration_is_too(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "calibration.html"
    calibrate(*written(synthetic(Truth(partners=12), seed=8), tmp_path), report_path=file)
    is_sound(page, file)
    keep(page, "calibration")


def test_the_brief_of_a_pilot_is_too_and_prints_on_a_page(page: Page, tmp_path: Path) -> None:
    file, printed = tmp_path / "brief.html", tmp_path / "brief.pdf"
    verdict(1.6, cost=160.0).report(file)
    is_sound(page, file)
    keep(page, "brief")
    print_pdf(file.read_text(encoding="utf-8"), printed)
    content = printed.read_bytes()
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page/") == 1


def is_sound(page: Page, file: Path) -> None:
    """Whether a page is accessible, asks for nothing and fits the window."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical", "moderate")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.usefixtures("browser")
def test_the_report_prints(text: str, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    print_pdf(text, file)
    content = file.read_bytes()
    assert content.startswith(b"%PDF")
    assert 3 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page/") <= 9
    assert b"/StructTreeRoot" in content
