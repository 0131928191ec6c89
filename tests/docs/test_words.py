"""What users read has no private language: words that were given up stay given up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GIVEN_UP = re.compile(
    r"\b(rungs?|relived?|honest twins?|n\.d\.|mends?|mended|mending|notches"
    r"|worst twentieth|lived (?:again|beside|by|under|on|once|at once)|lives (?:that|of|under))(?!\w)",
    re.IGNORECASE,
)
"""Private words, and what stands for them is in `docs/glossary.md`."""
READ = {
    "pages": [
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "scenarios").rglob("*.md"),
    ],
    "notebooks": list((ROOT / "notebooks").glob("*.ipynb")),
    "scenarios": list((ROOT / "scenarios").rglob("*.toml")),
    "package": [*(ROOT / "simulator").rglob("*.py"), *(ROOT / "simulator").rglob("*.html")],
}


def found(text: str) -> list[str]:
    return [f"{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if GIVEN_UP.search(line)]


@pytest.mark.parametrize("what", READ)
def test_no_private_words(what: str) -> None:
    """Docstrings and messages of the package count too: the reference shows them."""
    left = {str(path.relative_to(ROOT)): lines for path in READ[what] if (lines := found(path.read_text("utf-8")))}
    assert left == {}


def test_a_planted_word_is_found() -> None:
    assert found("Programs, strategic rung (mean)") == ["1: Programs, strategic rung (mean)"]
    assert found("The rules are recommended, and amended once.") == []
