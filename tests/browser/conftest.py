"""A real browser for the tests of pages. Without one they are skipped, and say why."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""Where current screenshots are wanted, such as docs/images; nowhere if it is not set."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed; CHROMIUM may name one")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that reaches this machine alone; a script that fails fails the test."""
    found = browser.new_page(viewport={"width": 1360, "height": 860})
    failures: list[str] = []

    def gate(route: Route) -> None:
        local = urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost", None)
        route.continue_() if local else route.abort()

    found.route("**/*", gate)
    found.on("pageerror", lambda error: failures.append(str(error)))
    yield found
    found.close()
    assert not failures


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Starts `python -m MODULE ... --port=PORT` in a new home of its own, waits for its port, and ends it."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "HOME", "IPYTHONDIR")
        home = {name: str(tmp_path / "homes" / name.lower()) for name in names}
        environment = {**os.environ, **home, "PYTHONPATH": str(ROOT), "JUPYTER_TOKEN": "secret"}
        command = [sys.executable, "-m", *arguments, f"--port={port}"]
        with (tmp_path / "server.log").open("wb") as log:
            started.append(
                subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True)
            )
        end = time.monotonic() + 60
        while time.monotonic() < end and started[-1].poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return port
            time.sleep(0.2)
        raise AssertionError((tmp_path / "server.log").read_text())

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


def keep(page: Page, name: str) -> None:
    """Keep a screenshot where they are wanted."""
    if SCREENSHOTS is not None:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")
