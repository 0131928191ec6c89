"""The pages: links lead somewhere, the README's Python runs, the table of metrics is current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib import pyplot

from tests.docs.components_table import components_page
from tests.docs.lint_table import lint_page
from tests.docs.metrics_table import metrics_page
from tests.docs.presets_table import presets_page

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "scenarios" / "README.md",
    *sorted((ROOT / "scenarios" / "library").glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_inside_the_project_exist(page: Path) -> None:
    for target, _ in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_table_of_metrics_is_current() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == metrics_page()


def test_table_of_presets_is_current() -> None:
    assert (ROOT / "docs" / "presets.md").read_text(encoding="utf-8") == presets_page()


def test_table_of_lint_rules_is_current() -> None:
    assert (ROOT / "docs" / "lint.md").read_text(encoding="utf-8") == lint_page()


def test_reference_of_components_is_current() -> None:
    assert (ROOT / "docs" / "components.md").read_text(encoding="utf-8") == components_page()


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_python_in_a_page_runs(page: str, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for code in blocks if page == "README.md" else ["\n".join(blocks)]:
        few = re.sub(r"replications=\d+", "replications=8", code)
        exec(compile(few, page, "exec"), {"__name__": "__main__"})
    pyplot.close("all")
