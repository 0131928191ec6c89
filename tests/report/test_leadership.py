"""The leadership report: it says what the figures say, escapes what it is given, and needs nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from click.testing import CliRunner

from simulator.cli.main import main
from simulator.core.errors import InputError
from simulator.metrics.measure import measure
from simulator.report import tables
from simulator.runs.simulate import RESPONSE_LEVELS, SimulationResult
from simulator.runs.stored_runs import StoredRun, find
from simulator.scenario.load import parse
from simulator.studies import leadership as words
from simulator.studies.compare import Comparison
from simulator.studies.leadership import Leadership, leadership, publish as written
from tests import made_up
from tests.scenario.texts import SMALL

ATTACK = "<script>alert('x')</script> & =cmd"
SECOND = '\n[programs.third]\nextends = "growth"\nadmin_cost_per_year = 1.0\n'
COUNT = 64


def simulated(margins: Sequence[float], *, noise: float = 0.02, text: str = SMALL) -> SimulationResult:
    """Programs of which each makes so many times the baseline's margin, in the same worlds, with a little noise."""
    programs = ("baseline", "growth", "third")[: len(margins)]
    base = made_up.lively(COUNT, 1)
    luck = np.random.default_rng(2)
    totals = {}
    for level in RESPONSE_LEVELS:
        totals["none", level] = made_up.totals(COUNT, partners=9)
        for program, times in zip(programs, margins, strict=True):
            own = base if program == "baseline" else {
                **base, "margin": np.rint(base["margin"] * times * (1 + noise * luck.standard_normal(COUNT))),
                "pipeline": np.rint(base["pipeline"] * times),
            }  # fmt: skip
            totals[program, level] = {name: np.asarray(value, dtype=np.int64) for name, value in own.items()}
    return SimulationResult(parse(text + (SECOND if len(margins) > 2 else "")), programs, 1, COUNT, "vector", totals)


def read(margins: Sequence[float], **how: float) -> Leadership:
    made = simulated(margins, **how)  # type: ignore[arg-type]
    return leadership(Comparison(made, measure(made)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    made = simulated((1.0, 1.3, 1.1))
    hostile = made.scenario.model_copy(update={"name": ATTACK})
    made = replace(made, scenario=hostile)
    return find(Comparison(made, measure(made)).save(tmp_path_factory.mktemp("runs"), plots=False))


@pytest.fixture(scope="module")
def found(run: StoredRun) -> Leadership:
    from simulator.studies.stored import comparison_of

    return leadership(comparison_of(run))


@pytest.mark.parametrize(
    ("margins", "verdict", "named", "first"),
    [
        ((1.0, 1.3, 1.1), "choose", ("growth",), "Choose growth: its net value is"),
        ((1.0, 1.3, 1.3), "one of", {"growth", "third"}, "these runs do not tell them apart"),
        ((1.0, 0.7, 0.8), "keep", ("baseline",), "Keep the baseline: every candidate's net value is distinguishably"),
        ((1.0, 1.0, 1.0), "no difference", ("baseline",), "Keep the baseline for now"),
        ((1.0,), "nothing to choose", ("baseline",), "there is nothing to choose"),
    ],
)
def test_the_recommendation_is_what_the_intervals_allow(
    margins: Sequence[float], verdict: str, named: object, first: str
) -> None:
    got = read(margins)
    assert got.verdict == verdict
    assert set(got.named) == set(named)  # type: ignore[call-overload]
    assert first in words.recommendation(got)[0]
    if verdict != "choose":
        assert "Choose growth: " not in words.recommendation(got)[0]


def test_partners_per_arm_by_hand() -> None:
    # 1.96 + .8416 = 2.8016, squared 7.8489, twice 15.698. Pipeline of all 9 partners varies by sd; the effect is .1
    # of its mean: n = 15.698 * 9 * (sd / (.1 mean))^2, rounded up.
    got = read((1.0, 1.1))
    pipeline = made_up.lively(COUNT, 1)["pipeline"].astype(float)
    by_hand = 15.6978 * 9 * (pipeline.std(ddof=1) / (0.1 * pipeline.mean())) ** 2
    reading = next(r for r in got.readings if r.outcome == "pipeline created")
    assert reading.per_arm == pytest.approx(by_hand, abs=1.5)
    assert next(r for r in got.readings if r.outcome == "qualified opportunities").per_arm is None


def test_names_are_text_and_nothing_is_asked_from_outside(found: Leadership, run: StoredRun) -> None:
    page = words.html(found, run)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)=["'](?!#)|@import|url\((?!#)""", page)
    assert page == words.html(found, run)


class Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.headless = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.ids += [given["id"] or ""] if "id" in given else []
        self.refers += re.findall(r"#([\w-]+)", " ".join(v or "" for k, v in attrs if k in ("xlink:href", "href")))
        self.refers += (given.get("aria-labelledby") or "").split()
        self.headless += tag == "th" and "scope" not in given


def test_the_page_is_in_order(found: Leadership, run: StoredRun) -> None:
    outline = Outline()
    outline.feed(words.html(found, run))
    assert outline.levels[0] == 1
    assert all(b - a <= 1 for a, b in zip(outline.levels, outline.levels[1:], strict=False))
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.refers) <= set(outline.ids)
    assert outline.headless == 0


def test_markdown_and_workbook_hold_the_same(found: Leadership, run: StoredRun, tmp_path: Path) -> None:
    files = {"markdown": tmp_path / "r.md", "excel": tmp_path / "r.xlsx"}
    written(found, run, files)
    text = files["markdown"].read_text(encoding="utf-8")
    assert "<script" not in text.replace("\\<", "")
    assert "**Choose growth: its net value is" in text
    book = openpyxl.load_workbook(files["excel"])
    assert book.sheetnames == ["recommendation", "differences", "metrics", "ladder", "lint", "assumptions"]
    head, *rows = book["differences"].iter_rows(values_only=True)
    cost = next(dict(zip(head, row, strict=True)) for row in rows if row[:3] == ("growth", "strategic", "gross_margin"))
    assert cost["mean"] == pytest.approx(found.study.difference("growth", "gross_margin").mean)  # type: ignore[union-attr]


def test_a_spreadsheet_finds_no_formula() -> None:
    import pandas as pd

    table = pd.DataFrame({"a": ["=1+1", "plain", "-x"], "b": [-1.0, 2.0, 3.0]})
    assert tables.harmless(table)["a"].tolist() == ["'=1+1", "plain", "'-x"]
    assert tables.harmless(table)["b"].tolist() == [-1.0, 2.0, 3.0]


def test_nothing_is_overwritten_and_nothing_half_written(
    found: Leadership, run: StoredRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there.html"
    there.write_text("mine")
    with pytest.raises(InputError, match="exists already and is not overwritten"):
        written(found, run, {"markdown": tmp_path / "new.md", "html": there})
    assert [p.name for p in tmp_path.iterdir()] == ["there.html"]
    with pytest.raises(InputError, match="its directory does not exist"):
        written(found, run, {"html": tmp_path / "nowhere" / "r.html"})

    def full(path: Path, text: str) -> None:
        path.write_text(text[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(words, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        written(found, run, {"html": tmp_path / "new.html"})
    assert [p.name for p in tmp_path.iterdir()] == ["there.html"]


def test_from_the_command_line(run: StoredRun, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["report", str(run.place), "--out", str(out)])
    assert (done.exit_code, done.stdout) == (0, f"{out}\n")
    assert "Choose growth" in out.read_text(encoding="utf-8")
    again = CliRunner().invoke(main, ["report", str(run.place), "--out", str(out)])
    assert again.exit_code == 2
    assert "not overwritten" in again.stderr
