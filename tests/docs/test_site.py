"""The site of the pages builds without a warning, asks the network for nothing, and leaves no page out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from mkdocs.config import load_config

import simulator as sim
from tests.docs.pictures import draw

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(r"""<(?:script|img|link)[^>]*?(?:src|href)=["']?(https?:)?//""")


def test_the_site_builds_and_is_whole_without_a_network(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = os.environ | {"EXECUTE_NOTEBOOKS": "false"}  # they are run by tests of their own
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    pages = {p.stem for p in (tmp_path / "site").glob("*.html")}
    assert {p.stem for p in (ROOT / "docs").glob("*.md")} <= pages
    reference = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    assert all(f'id="simulator.{name}"' in reference for name in sim.__all__ if name[0].islower())
    assert {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")} <= {
        p.stem for p in (tmp_path / "site" / "notebooks").glob("*.html")
    }
    for page in (tmp_path / "site").rglob("*.html"):
        assert not _LOADED.search(page.read_text(encoding="utf-8")), page.name


def test_every_page_is_in_the_menu() -> None:
    menu = load_config(str(ROOT / "mkdocs.yml")).nav
    named = set(re.findall(r"[a-z_]+\.md", str(menu)))
    assert named == {p.name for p in (ROOT / "docs").glob("*.md")}


def test_pictures_are_drawn_by_one_command(tmp_path: Path, quick: None) -> None:
    draw(tmp_path, replications=4)
    drawn = {p.name for p in tmp_path.glob("*.png")}
    assert drawn <= {p.name for p in (ROOT / "docs" / "images").glob("*.png")}
    assert "forecast_liability.png" in drawn
