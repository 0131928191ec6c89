"""Fills in what the simulation shows on the pages of `scenarios/library`: `python -m tests.library.pages [NAME ...]`.

What is published and what is assumed is written by hand; the part between the marks is written here, and names the
scenario it was made from, so that a test can tell whether it is current.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from simulator.scenario.load import load
from simulator.studies.compare import compare

LIBRARY = Path(__file__).parents[2] / "scenarios" / "library"
SCENARIOS = sorted(LIBRARY.glob("*.toml"))
BEGIN, END = "<!-- simulated: begin -->", "<!-- simulated: end -->"


def page_of(scenario: Path) -> Path:
    """The page beside a scenario."""
    return scenario.with_suffix(".md")


def stamp(path: Path) -> str:
    """What the simulated part was made from."""
    run, text = load(path).run, path.read_bytes()
    made_from = hashlib.sha256(text).hexdigest()[:12]
    return f"Scenario file {made_from}, {run.replications} replications, seed {run.seed}."


def simulated(path: Path) -> str:
    """The simulated part: the headline in words and the table of the strategic rung."""
    scenario = load(path)
    study = compare(scenario)
    words = "\n".join(f"- {sentence}" for sentence in study.headline())
    metrics, costs, differences = (table.text() for table in study.tables()[:3])
    table = "\n\n".join((metrics, costs, differences))
    return f"{words}\n\n```text\n{table}\n```\n\n{stamp(path)}"


def filled(text: str, part: str) -> str:
    """A page with its simulated part replaced; raises `ValueError` where the marks are missing."""
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:before]}\n\n{part}\n\n{text[after:]}"


def main() -> None:
    asked = set(sys.argv[1:])
    for path in SCENARIOS:
        if not asked or path.stem in asked:
            page = page_of(path)
            page.write_text(filled(page.read_text(encoding="utf-8"), simulated(path)), encoding="utf-8")


if __name__ == "__main__":
    main()
