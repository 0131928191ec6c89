"""How soon the explorer answers a slider that is moved by mouse, measured in the browser.

    python benchmarks/explorer.py [SCENARIO] [--partners N] [--moves N] [--replications N]

Serves `incentive-sim explore`, moves the first slider in headless Chromium, and takes the time from the mouse's event
to the frame in which a picture of the new setting is on the screen: the first picture, the first one in which partners
respond, and the refined one. CHROMIUM names the browser. The machine's load is printed beside the times.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

import simulator as sim

ROOT = Path(__file__).parents[1]
_SEEN = """() => {
    window.seen = [];
    addEventListener('mousemove', () => { window.moved = performance.now(); }, true);
    const note = () => {
        const shown = document.querySelector('.incentive-explorer');
        if (!shown || shown.noted) return;
        shown.noted = true;
        const what = {...shown.dataset};
        requestAnimationFrame(() => setTimeout(() => window.seen.push({...what, at: performance.now()})));
    };
    new MutationObserver(note).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


@contextmanager
def served(scenario: Path, replications: int) -> Iterator[str]:
    """The address of the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "simulator", "explore", str(scenario), "--no-browser", f"--port={port}"]
    environment = {**os.environ, "JUPYTER_TOKEN": "secret", "PYTHONPATH": str(ROOT)}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        [*command, f"--replications={replications}"], env=environment, stdout=quiet, stderr=quiet
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/?token=secret"
    finally:
        process.terminate()
        process.wait(20)


def resized(scenario: Path, partners: int) -> tuple[str, int]:
    """The scenario's text with about so many partners, spread over its segments as they were, and how many."""
    share = partners / sum(p.count for p in sim.load(scenario).partners.values())
    text = re.sub(r"^count = (\d+)", lambda m: f"count = {round(int(m[1]) * share)}", scenario.read_text(), flags=re.M)
    return text, sum(p.count for p in sim.parse(text).partners.values())


def move(page: Page, to: float) -> dict[str, float]:
    """Move the first slider to a share of its track in one go; milliseconds to the pictures."""
    before = page.locator(".incentive-explorer").get_attribute("data-values")
    handle, track = (page.locator(name).first.bounding_box() for name in (".noUi-handle", ".noUi-base"))
    assert handle is not None
    assert track is not None
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.seen = []")
    page.mouse.move(track["x"] + to * track["width"], y)
    page.mouse.up()
    done = "before => window.seen.some(p => p.refined === 'true' && p.values !== before)"
    page.wait_for_function(done, arg=before, timeout=120_000)
    seen: list[dict[str, Any]] = page.evaluate("window.seen.map(p => ({...p, ms: p.at - window.moved}))")
    seen = [p for p in seen if p["values"] != before]
    return {
        "first": seen[0]["ms"],
        "responding": next(p["ms"] for p in seen if p.get("level", "strategic") == "strategic"),
        "refined": seen[-1]["ms"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", default=str(ROOT / "scenarios" / "b2b_manufacturer.toml"))
    parser.add_argument("--partners", type=int, default=100, help="spread over the segments as in the scenario")
    parser.add_argument("--moves", type=int, default=12)
    parser.add_argument("--replications", type=int, default=64)
    asked = parser.parse_args()
    text, partners = resized(Path(asked.scenario), asked.partners)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        file = Path(place) / "scenario.toml"
        file.write_text(text, encoding="utf-8")
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        page = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_page()
        with served(file, asked.replications) as address:
            page.goto(address)
            page.wait_for_selector(".incentive-explorer[data-refined=true]", timeout=600_000)
            page.evaluate(_SEEN)
            found = [move(page, (k + 0.5) / asked.moves) for k in range(asked.moves)]
    print(f"{Path(asked.scenario).stem}, {partners} partners, {asked.replications} replications refined")
    print(f"{asked.moves} moves, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; milliseconds")
    for name in found[0]:
        times = sorted(of[name] for of in found)
        middle, tenth = statistics.median(times), statistics.quantiles(times, n=10)[-1]
        print(f"{name:>12}  median {middle:6.0f}  90th percentile {tenth:6.0f}  least {times[0]:6.0f}")


if __name__ == "__main__":
    main()
