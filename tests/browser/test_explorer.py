"""The explorer in a real JupyterLab and on its page: a slider moved by mouse, and the figures that follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import ROOT, SCREENSHOTS, keep
from tests.explorer.worlds import RATE, SMALL_WORLD

_SHOWN = ".incentive-explorer"
_REFINED = f"{_SHOWN}[data-refined=true]"
_START = Callable[..., int]


def drag_first_slider(page: Page, by: int) -> None:
    """Press the first slider's handle and move the mouse to the right."""
    box = page.locator(".noUi-handle").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=3)
    page.mouse.up()


def rate(page: Page) -> float:
    values = page.locator(_SHOWN).get_attribute("data-values")
    return float(next(iter(json.loads(values or "{}").values())))


def sentence(page: Page) -> str:
    return page.locator(f"{_SHOWN} strong").inner_text()


def moves_with_the_mouse(page: Page, name: str) -> None:
    page.wait_for_selector(_REFINED, timeout=90_000)
    before = rate(page), sentence(page), page.locator(_SHOWN).get_attribute("data-values")
    drag_first_slider(page, 60)
    page.wait_for_function(
        f"document.querySelector('{_SHOWN}').dataset.values !== {json.dumps(before[2])}", timeout=30_000
    )
    page.wait_for_selector(_REFINED, timeout=60_000)
    assert rate(page) > before[0]
    assert sentence(page) != before[1]
    assert page.locator(f"{_SHOWN} svg").count() == 1
    keep(page, name)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a scenario in it."""
    found = tmp_path / "work"
    found.mkdir()
    (found / "small.toml").write_text(SMALL_WORLD)
    return found


def test_page_for_people_without_notebooks(page: Page, server: _START, place: Path) -> None:
    file = place / "small.toml" if SCREENSHOTS is None else ROOT / "scenarios" / "quickstart.toml"
    few = [f"--lever={RATE}", "--replications=8"] if SCREENSHOTS is None else []
    port = server("simulator", "explore", str(file), *few, "--no-browser")
    page.goto(f"http://127.0.0.1:{port}/?token=secret")
    moves_with_the_mouse(page, "explorer")


def test_jupyterlab(page: Page, server: _START, place: Path) -> None:
    source = (
        f'import simulator as sim\n\nscenario = sim.load("small.toml")\nsim.explore(scenario, {[RATE]}, replications=8)'
    )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata=kernel)
    nbformat.write(book, place / "explorer.ipynb")
    port = server(
        "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root", f"--ServerApp.root_dir={place}",
        f"--LabApp.user_settings_dir={_without_news(place)}",
    )  # fmt: skip
    page.goto(f"http://127.0.0.1:{port}/doc/tree/explorer.ipynb?token=secret")
    page.get_by_text("(ipykernel) | Idle").wait_for(timeout=90_000)  # a cell run before its kernel is there is lost
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    moves_with_the_mouse(page, "explorer_jupyterlab")


def _without_news(place: Path) -> Path:
    """Settings in which nobody is asked whether to fetch news."""
    settings = place.with_name("settings")
    file = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text('{"fetchNews": "false"}')
    return settings


def test_images_of_the_docs_are_there() -> None:
    for name in ("explorer", "explorer_jupyterlab"):
        assert (ROOT / "docs" / "images" / f"{name}.png").stat().st_size > 20_000
